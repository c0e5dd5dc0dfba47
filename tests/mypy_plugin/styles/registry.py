"""Builders that register themselves under a name."""

from collections.abc import Callable

from funcnn import Array, Dense, Key, Layer, LayerNorm, Relu, residual, serial

Builder = Callable[[int], Layer[Array, Array]]
REGISTRY: dict[str, Builder] = {}


def register(name: str) -> Callable[[Builder], Builder]:
    def wrap(f: Builder) -> Builder:
        REGISTRY[name] = f
        return f

    return wrap


@register("plain")
def plain(width: int) -> Layer[Array, Array]:
    return serial(Dense(width), Relu)


@register("normed")
def normed(width: int) -> Layer[Array, Array]:
    return serial(Dense(width), LayerNorm(), Relu)


# wrong: net = serial(REGISTRY["plain"](32), residual(REGISTRY["normed"](33)))
net = serial(REGISTRY["plain"](32), residual(REGISTRY["normed"](32)))  # guilty
net.init(Key(0), (-1, 5))
