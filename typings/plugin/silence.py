"""More of the same: every line must be silent."""

import contextlib
import random
from collections.abc import Callable
from typing import Generic, TypeVar

from plugin import models

from funcnn import Array, Conv, Dense, Dropout, FanInSum, FanOut, Flatten, Key, Layer, Relu, residual, serial

key = Key(0)
BAD = (2, 3)
T = TypeVar("T")


def pick(*xs: T) -> T:
    """Any of them."""
    return random.choice(xs)


a = Conv(1, (2, 2))
b = Dense(3)
pick(a, b).init(key, BAD)
[a, b][1].init(key, BAD)
for each in (b, a):
    each.init(key, BAD)  # E[funcnn-shape]: got (2, 3)
(a if random.random() < 0.5 else b).init(key, BAD)  # E[funcnn-shape]: got (2, 3)
(b or a).init(key, BAD)
{"x": b, "y": a}["x"].init(key, BAD)
c = a
c = b
c.init(key, BAD)


def default(net: Layer[Array, Array] = a) -> None:
    """A default is not the value."""
    net.init(key, BAD)


def rebinds() -> None:
    """A global."""
    global d
    d = Dense(3)


d = Conv(1, (2, 2))
d.init(key, BAD)


def outer() -> None:
    """A variable of the function around."""
    n = Conv(1, (2, 2))

    def inner() -> None:
        nonlocal n
        n = Dense(3)

    inner()
    n.init(key, BAD)


with contextlib.nullcontext(b) as entered:
    entered.init(key, BAD)
if (walrus := a) is not None:
    walrus.init(key, BAD)  # E[funcnn-shape]: got (2, 3)
if random.random() < 0.5 and (twice := Conv(1, (2, 2))):
    twice = Dense(3)
    twice.init(key, BAD)
match random.choice([a, b]):
    case Layer() as m:
        m.init(key, BAD)
match (a, b):
    case (first, second):
        second.init(key, BAD)
f: Callable[[], Layer[Array, Array]] = lambda: random.choice([a, b])  # noqa: E731
f().init(key, BAD)
nets = [serial(Dense(k), Relu) for k in range(1, 3)] + [a]
nets[0].init(key, BAD)
x, y = b, a
x.init(key, BAD)
p = q = Conv(1, (2, 2))
p.init(key, BAD)  # E[funcnn-shape]: got (2, 3)
del q
gone = Conv(1, (2, 2))
del gone
[gone] = [Dense(3)]
gone.init(key, BAD)


def optional(net: Layer[Array, Array] | None = None) -> None:
    """A parameter that is bound again."""
    net = net or a
    net.init(key, BAD)


class K:
    """A class attribute."""

    net = a

    def m(self) -> None:
        """May be another on the instance."""
        self.net.init(key, BAD)


for k in range(2):
    s = serial(Dense(k + 1), Conv(1, (2, 2)) if k else Relu)  # E[funcnn-shape]: got (2, 2)
    s.init(key, BAD)


class Box(Generic[T]):
    """Holds anything, and has methods by our names."""

    def __init__(self, item: T) -> None:
        self.item = item

    def named(self, other: T) -> T:
        """Not ours."""
        self.item, other = other, self.item
        return other

    def out_shape(self, shape: T) -> T:
        """Not ours."""
        return self.item

    def __rshift__(self, other: T) -> T:
        return self.item


box: Box[Layer[Array, Array]] = Box(a)
box.named(b).init(key, BAD)  # E[funcnn-shape]: got (2, 3)
(box >> b).init(key, BAD)
box.item.init(key, BAD)
a.init(key, Box((4, 8, 8, 1)).out_shape((2, 8, 8, 1)))

models.spare = Conv(3, (2, 2))
models.spare.init(key, BAD)

held = [Conv(1, (2, 2))]
held[0] = Dense(3)
for local in held:
    init, apply = local
    init(key, BAD)
inits = [Conv(1, (2, 2)).init]
inits.append(b.init)
inits[1](key, BAD)
spare = Conv(1, (2, 2))
init_of = spare.init if random.random() < 0.5 else b.init
init_of(key, BAD)  # E[funcnn-shape]: got (2, 3)


def shadow(spare: Layer[Array, Array]) -> None:
    """A parameter by a global's name."""
    init, _ = spare
    init(key, BAD)
    other = spare
    other.init(key, BAD)


def comprehension() -> None:
    """Names of comprehensions are others."""
    [spare.init(key, BAD) for spare in (Dense(3), Dense(4))]
    {k: net.init(key, BAD) for k, net in {"a": b}.items()}


def sizes(n: int, unknown: tuple[int, ...], some: tuple[int, int, *tuple[int, ...]]) -> None:
    """Sizes that nobody knows."""
    h = 28
    h = n
    serial(Conv(1, (5, 5)), Flatten).init(key, (-1, h, h, 1))
    serial(Conv(1, (n, 5)), Flatten).init(key, (-1, 4, 8, 1))
    a.init(key, unknown)
    a.init(key, some)
    a.init(key, (2, *unknown))
    a.init(key, (*unknown,))
    a.init(key, BAD + unknown)
    a.init(key, (*BAD, 8, 1))
    b.out_shape(*((2, 3),))
    b.init(*(key, (2, 3)))
    b.init(**{"rng": 0, "shape": (2, 3)})  # E[call-overload]
    serial(FanOut(n), FanInSum, residual(Dense(4))).init(key, (2, n))
    residual(Dense(n)).init(key, BAD)
    residual(Dense(n - n + 3)).init(key, BAD)
    for size in range(n):
        serial(Dense(size), residual(Dense(3))).init(key, BAD)


def floats(rate: float) -> None:
    """Numbers that no shape depends on."""
    serial(Dropout(rate), Dense(3)).init(key, BAD)


async def coroutine() -> None:
    """Names are bound here too."""
    async with contextlib.AsyncExitStack():
        late = Dense(3)
        for late in (a, b):
            late.init(key, BAD)  # E[funcnn-shape]: got (2, 3)


def tries() -> None:
    """Bound in one of several ways."""
    try:
        net = Conv(1, (2, 2))
    except ValueError:
        net = Dense(3)
    net.init(key, BAD)  # E[funcnn-shape]: got (2, 3)


from contextlib import nullcontext as spare_context  # noqa: E402

import_star = Conv(1, (2, 2))
with spare_context():
    from plugin.models import *  # noqa: E402, F403
late_bound = Conv(1, (2, 2))
import_star.init(key, BAD)  # E[funcnn-shape]: got (2, 3)
