"""Conditions that a class decides: known for classes of the program, unless their metaclass has its own mind."""

from dataclasses import dataclass

from funcnn import Array, Dense, Layer, residual, serial


class Anything(type):
    """Who is an instance, it says itself."""

    def __instancecheck__(cls, other: object) -> bool:
        return False


class Wide(metaclass=Anything):
    """Nobody is one."""


@dataclass
class Small:
    """One of two."""

    width: int


@dataclass
class Large:
    """The other."""

    width: int


def matched(config: object) -> Layer[Array, Array]:
    """The first arm is never taken, and nothing static can know that."""
    match config:
        case Wide():
            return Dense(32)
        case _:
            return Dense(64)


def asked(config: object) -> Layer[Array, Array]:
    """The same as a condition."""
    if config is not None and isinstance(config, Wide):
        return Dense(32)
    return Dense(64)


def bound(config: object) -> Layer[Array, Array]:
    """And without a return."""
    width = 64
    match config:
        case Wide():
            width = 32
        case _:
            width = 64
    return Dense(width)


for make in (matched, asked, bound):
    serial(make(Small(3)), residual(Dense(64))).init(0, (-1, 3))
serial(asked(Wide()), residual(Dense(64))).init(0, (-1, 3))


def told(config: Small | Large | int | str) -> Layer[Array, Array]:
    """Classes whose instances are known; numbers and words."""
    if isinstance(config, Small):
        return Dense(8)
    if isinstance(config, (int, str)):
        return Dense(16)
    return Dense(config.width)


serial(told(Small(3)), residual(Dense(8))).init(0, (-1, 3))
serial(told(Large(3)), residual(Dense(3))).init(0, (-1, 3))
serial(told(5), residual(Dense(16))).init(0, (-1, 3))
serial(told("five"), residual(Dense(16))).init(0, (-1, 3))
serial(told(Small(3)), residual(Dense(3))).init(0, (-1, 3))  # E[funcnn-shape]: got (?, 3) and (?, 8)
serial(told(Large(3)), residual(Dense(8))).init(0, (-1, 3))  # E[funcnn-shape]: got (?, 8) and (?, 3)
serial(told(5), residual(Dense(8))).init(0, (-1, 3))  # E[funcnn-shape]: got (?, 8) and (?, 16)


def behind(config: object, deep: bool) -> Layer[Array, Array]:
    """What stands behind a return that nothing static can know of is read."""
    widths = [3]
    if deep:
        if isinstance(config, Wide):
            return Dense(8)
        widths.append(4)
    else:
        if isinstance(config, Wide):
            return Dense(9)
        widths.append(5)
    serial(Dense(widths[0]), residual(Dense(8))).init(0, (-1, 3))  # E[funcnn-shape]: got (?, 8) and (?, 3)
    return Dense(widths[1])
