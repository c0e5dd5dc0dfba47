"""Programs that do with networks what programs do. Every line without a mark must be silent, and the marked ones fail."""

import functools
import random
from dataclasses import dataclass
from typing import Final, TypeVar

from funcnn import Array, Conv, Dense, Flatten, Key, Layer, Relu, serial

key = Key(0)
BAD: Final = (2, 3)  # of two axes; Conv takes four
T = TypeVar("T")


def same(x: T) -> T:
    """A generic identity."""
    return x


act = Relu
serial(Conv(1, (2, 2)), act).init(key, BAD)  # E[funcnn-shape]: got (2, 3)
serial(act, Conv(1, (2, 2))).init(key, BAD)  # E[funcnn-shape]: got (2, 3)
same(Conv(1, (2, 2))).init(key, BAD)  # E[funcnn-shape]: got (2, 3)


def parameter(net: Layer[Array, Array]) -> None:
    """What comes in is unknown; what stands before it is not."""
    net.init(key, BAD)
    serial(net, Conv(1, (2, 2))).init(key, BAD)
    serial(Conv(1, (2, 2)), net).init(key, BAD)  # E[funcnn-shape]: got (2, 3)
    inner = serial(net, Conv(1, (2, 2)))
    inner.init(key, BAD)


def loop(n: int) -> None:
    """Variables that are bound again in a loop."""
    net = Dense(8)
    net = serial(net, Dense(9))
    net.init(key, BAD)
    for _ in range(n):
        net = serial(net, Relu, Dense(8))
    net.init(key, BAD)
    net2 = Conv(1, (1, 1))
    for _ in range(n):
        net2 = serial(Flatten, net2)
    net2.init(key, BAD)
    net3 = Dense(8)
    for k in range(3):
        if k == 1:
            net3 = Flatten
        elif k == 2:
            net3 = serial(net3, Conv(1, (1, 1)))  # E[funcnn-shape]: got (2, 3)
    net3.init(key, BAD)
    while random.random() < 0.5:
        net3 = Conv(1, (2, 2))
    net3.init(key, BAD)
    for width in (1, 2):
        each = serial(Dense(width), Conv(1, (2, 2)))  # E[funcnn-shape]: width, channels), got (2, 
        each.init(key, BAD)


def branch(c: bool) -> None:
    """One of two networks."""
    net = Conv(1, (2, 2)) if c else Dense(3)
    net.init(key, BAD)  # E[funcnn-shape]: got (2, 3)
    (Conv(1, (2, 2)) if c else Dense(3)).init(key, BAD)  # E[funcnn-shape]: got (2, 3)
    if c:
        net4 = Conv(1, (2, 2))
    else:
        net4 = Dense(3)
    net4.init(key, BAD)  # E[funcnn-shape]: got (2, 3)
    x = (c and Dense(3)) or Conv(1, (2, 2))
    x.init(key, BAD)
    net5 = Conv(1, (2, 2))
    try:
        net5 = Dense(3)
    except ValueError:
        pass
    net5.init(key, BAD)
    if c:
        once = Conv(1, (2, 2))
        once.init(key, BAD)  # E[funcnn-shape]: got (2, 3)


layers = [Conv(1, (2, 2)), Dense(3)]
layers[1].init(key, BAD)
layers2 = [Dense(3), Conv(1, (2, 2))]
layers2[0].init(key, BAD)
for one_of in layers2:
    one_of.init(key, BAD)  # E[funcnn-shape]: got (2, 3)
serial(*layers).init(key, (1, 5, 5, 1))
serial(*[Dense(3) for _ in range(3)]).init(key, BAD)
one = [Conv(1, (2, 2))]
one[0].init(key, BAD)  # E[funcnn-shape]: got (2, 3)
one.append(Dense(3))
one[1].init(key, BAD)
table = {"a": Conv(1, (2, 2)), "b": Dense(3)}
table["b"].init(key, BAD)
pair = (Conv(1, (2, 2)), Dense(3))
pair[1].init(key, BAD)
pair[0].init(key, BAD)  # E[funcnn-shape]: got (2, 3)
serial(*pair).init(key, (1, 5))  # E[funcnn-shape]: got (1, 5)
reduced = functools.reduce(lambda a, b: serial(a, b), [Dense(3), Conv(1, (2, 2))])
reduced.init(key, BAD)  # E[funcnn-shape]: got (2, 3)
mapped = list(map(Dense, (3, 4)))
mapped[0].init(key, BAD)
made = functools.partial(Conv, 1, (2, 2))()
made.init(key, BAD)  # E[funcnn-shape]: got (2, 3)

rebound = Conv(1, (2, 2))
if random.random() < 0.5:
    rebound = Dense(3)


def reads_global() -> None:
    """The global may be the other one."""
    rebound.init(key, BAD)


@dataclass
class Model:
    """A default is not the value."""

    net: Layer[Array, Array] = Conv(1, (2, 2))


Model(Dense(3)).net.init(key, BAD)


class Plain:
    """Attributes are bound anywhere."""

    body = Conv(1, (2, 2))

    def __init__(self, n: int) -> None:
        self.net = serial(Dense(n), Conv(1, (2, 2)))  # E[funcnn-shape]: got (2, n)
        self.swap = Conv(1, (2, 2))
        local = Conv(1, (2, 2))
        local.init(key, BAD)  # E[funcnn-shape]: got (2, 3)

    def go(self) -> None:
        self.net.init(key, BAD)
        self.swap = Dense(3)
        self.swap.init(key, BAD)

    def later(self) -> None:
        self.swap.init(key, BAD)


class Sub(Plain):
    """And overridden."""

    body = Dense(3)


def uses(p: Plain) -> None:
    """Of a class that may be another."""
    p.body.init(key, BAD)
    Plain.body.init(key, BAD)  # E[funcnn-shape]: got (2, 3)


def of_arrays(images: Array) -> None:
    """The shape of an array is known when it is there."""
    serial(Flatten, Conv(1, (2, 2))).init(key, images.shape)
    rows, *sizes = images.shape
    serial(Flatten, Conv(1, (2, 2))).init(key, (rows, *sizes))


n_hidden = int("64")
serial(Dense(n_hidden), Relu).init(key, BAD)
serial(Dense(n_hidden), Conv(1, (2, 2))).init(key, BAD)  # E[funcnn-shape]: got (2, ?)
serial(Conv(n_hidden, (3, 3)), Flatten, Dense(10)).init(key, (-1, 2, 2, 1))  # E[funcnn-shape]: is larger than the image
h = n_hidden
serial(Conv(1, (3, 3)), Flatten).init(key, (-1, h, h, 1))
batch = 32
serial(Flatten, Conv(1, (2, 2))).init(key, (batch, 28, 28))  # E[funcnn-shape]: got (32, 784)
shape = (4, 28, 28)
serial(Flatten, Conv(1, (2, 2))).init(key, shape)  # E[funcnn-shape]: got (4, 784)
declared: Layer[Array, Array] = Conv(1, (2, 2))
declared.init(key, BAD)  # E[funcnn-shape]: got (2, 3)


def annotated(n: int) -> None:
    """Annotations do not hide what is assigned."""
    net: Layer[Array, Array] = serial(
        Dense(n),
        Conv(1, (2, 2)),  # E[funcnn-shape]: got (2, ?)  # E[funcnn-shape]: got (2, 3, ?)
    )
    net.init(key, BAD)
    init, apply = net
    init(key, (2, 3, 4))


twice: Layer[Array, Array] = Conv(1, (2, 2))
twice.init(key, BAD)  # E[funcnn-shape]: got (2, 3)
twice = Dense(3)
final: Final = Conv(1, (2, 2))
final.init(key, BAD)  # E[funcnn-shape]: got (2, 3)
è = Conv(1, (2, 2))
è.init(key, BAD)
é, après = 1, Conv(1, (2, 2)).init(key, BAD)  # E[funcnn-shape]: got (2, 3)
