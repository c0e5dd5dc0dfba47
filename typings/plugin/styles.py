"""Networks out of folds, chains, generators, loops, enumerations, decorators and hierarchies of classes."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable, Iterator
from enum import Enum, IntEnum
from types import SimpleNamespace
from typing import Any

from funcnn import Array, Dense, Key, Layer, Relu, Tanh, residual, serial

key = Key(0)
Block = Layer[Array, Array]
Make = Callable[[int], Layer[Array, Array]]
first: Block = Dense(32)
small: list[Block] = [Dense(4), Relu]
pairs: list[tuple[Block, Block]] = [(Dense(n), Tanh) for n in (8, 4)]

folded = functools.reduce(lambda f, n: f >> Relu >> Dense(n), [32, 16], first)
serial(folded, residual(Dense(16))).init(key, (-1, 3))
serial(folded, residual(Dense(32))).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 32) and (?, 16)
shifted = functools.reduce(operator.rshift, [*small, residual(Dense(5))])  # E[funcnn-shape]: got (?, 5) and (?, 4)
shifted.init(key, (-1, 3))
serial(*itertools.chain(small, small), residual(Dense(4))).init(key, (-1, 3))
serial(*itertools.chain(small, small), residual(Dense(5))).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 5) and (?, 4)
serial(*itertools.chain.from_iterable(pairs), residual(Dense(4))).init(key, (-1, 3))
serial(*itertools.chain.from_iterable(pairs), residual(Dense(8))).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 8)


# generators and loops
def given(widths: list[int], wide: bool = False) -> Iterator[Block]:
    for w in widths:
        yield Dense(w)
        yield Relu
    if wide:
        yield from small


def endless() -> Iterator[Block]:
    while True:
        yield Dense(3)


serial(*given([8, 4]), residual(Dense(4))).init(key, (-1, 3))
serial(*given([8, 6], wide=True), residual(Dense(4))).init(key, (-1, 3))
serial(*given([8, 6]), residual(Dense(4))).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 4) and (?, 6)
serial(*itertools.islice(endless(), 2), residual(Dense(4))).init(key, (-1, 3))
rest = given([8, 6])
next(rest)
serial(*rest, residual(Dense(9))).init(key, (-1, 3))
held = {"width": 4}


def late() -> Iterator[Block]:
    yield Dense(held["width"])


kept = late()
held["width"] = 8  # before it is asked
serial(*kept, residual(Dense(8))).init(key, (-1, 3))

halved: list[Block] = []
width = 64
while width > 8:
    halved += [Dense(width), Relu]
    width //= 2
serial(*halved, residual(Dense(16))).init(key, (-1, 3))
serial(*halved, residual(Dense(8))).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 8) and (?, 16)
towers = {f"tower_{n}": serial(Dense(n), Relu) for n in (4, 8)}
serial(towers["tower_8"], residual(Dense(8))).init(key, (-1, 3))
serial(towers["tower_8"], residual(Dense(4))).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 4) and (?, 8)


# configurations
class Width(IntEnum):
    NARROW = 32
    WIDE = 64


class Kind(Enum):
    PLAIN = "plain"
    GOOD = "good"
    WRONG = "wrong"


def built(kind: Kind) -> Block:
    if kind is Kind.PLAIN:
        return Dense(Width.WIDE)
    match kind:
        case Kind.GOOD:
            return serial(Dense(4), residual(Dense(4)))
        case _:
            return serial(Dense(4), residual(Dense(3)))  # E[funcnn-shape]: got (?, 3) and (?, 4)


serial(built(Kind.PLAIN), residual(Dense(Width.WIDE))).init(key, (-1, 3))
serial(built(Kind.PLAIN), residual(Dense(Width.NARROW))).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 32) and (?, 64)
built(Kind("good")).init(key, (-1, 3))
built(Kind.WRONG).init(key, (-1, 3))
sizes = {Kind.PLAIN: 3, Kind.GOOD: 4}
serial(*[Dense(sizes[k]) for k in (Kind.PLAIN, Kind.GOOD)], residual(Dense(4))).init(key, (-1, 3))

cfg = SimpleNamespace(width=4, hidden=5)
serial(Dense(cfg.width), residual(Dense(cfg.hidden))).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 5) and (?, 4)
cfg.__dict__["width"] = 5
serial(Dense(cfg.width), residual(Dense(cfg.hidden))).init(key, (-1, 3))

# decorators
MODELS: dict[str, Make] = {}


def register(name: str) -> Callable[[Make], Make]:
    def add(make: Make) -> Make:
        MODELS[name] = make
        return make

    return add


def twice(make: Make) -> Make:
    @functools.wraps(make)
    def both(n: int) -> Block:
        return serial(make(n), make(2 * n))

    return both


@register("wrong")
def wrong(n: int) -> Block:
    return serial(Dense(n), residual(Dense(n + 1)))  # E[funcnn-shape]: got (?, 4) and (?, 3)


@twice
def plain(n: int) -> Block:
    return Dense(n)


MODELS["wrong"](3).init(key, (-1, 3))
serial(plain(4), residual(Dense(8))).init(key, (-1, 3))
serial(plain(4), residual(Dense(4))).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 4) and (?, 8)


# classes
class Base:
    def __init__(self, width: int, **options: Any) -> None:
        self.width, self.options = width, options
        self.net = self.build()

    def build(self) -> Block:
        return Dense(self.width)

    @classmethod
    def small(cls) -> Base:
        return cls(4)


class Wide(Base):
    def __init__(self, width: int, hidden: int = 5) -> None:
        self.hidden = hidden
        super().__init__(width + 1)

    def build(self) -> Block:
        return serial(super().build(), residual(Dense(self.hidden)))  # E[funcnn-shape]: got (?, 5) and (?, 8)


Base(4).net.init(key, (-1, 3))
Base.small().net.init(key, (-1, 3))
Wide.small().net.init(key, (-1, 3))
Wide(7).net.init(key, (-1, 3))
