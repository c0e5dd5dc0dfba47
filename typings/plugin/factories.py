"""Networks that functions return, followed with the arguments of the call."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar, cast

from funcnn import (
    Array, Conv, Dense, Dropout, Flatten, Identity, Key, Layer, LayerNorm, MaxPool, Relu, Tanh, layer, parallel,
    residual, serial,
)  # fmt: skip

key = Key(0)
A = TypeVar("A")


def head(width: int, classes: int = 10) -> Layer[Array, Array]:
    hidden = 2 * width
    return serial(Dense(hidden), Relu, residual(Dense(width)), Dense(classes))  # E[funcnn-shape]: got (?, 8) and (?, 16)


head(8).init(key, (-1, 3))


def block(width: int, *, norm: bool = True) -> Layer[Array, Array]:
    """A block that keeps its width."""
    layers: list[Layer[Array, Array]] = [Dense(2 * width), Relu]
    if norm:
        layers.append(LayerNorm())
    layers.append(Dense(width))
    return residual(serial(*layers))


serial(Dense(4), block(4), block(4, norm=False)).init(key, (-1, 3))
serial(Dense(4), block(4), block(5, norm=False)).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 5) and (?, 4)


@layer
def Block(width: int, times: int = 1) -> Layer[Array, Array]:
    """Blocks in a row."""
    return serial(*[residual(serial(Dense(width), Tanh)) for _ in range(times)])


serial(Dense(16), Block(16), Block(16, 3)).init(key, (-1, 3))
serial(Dense(16), Block(16), Block(8, 3)).init(key, (-1, 3))  # E[funcnn-shape]: residual_0


def convs(*channels: int, size: int = 3) -> Layer[Array, Array]:
    layers: list[Layer[Array, Array]] = []
    for c in channels:
        layers += [Conv(c, (size, size)), Relu]
    return serial(*layers)


serial(convs(4, 8), Flatten, Dense(10)).init(key, (-1, 8, 8, 1))
serial(convs(4, 8, size=5), Flatten, Dense(10)).init(key, (-1, 9, 9, 1))
serial(convs(4, 8), Flatten, Conv(1, (1, 1))).init(key, (-1, 8, 8, 1))  # E[funcnn-shape]: Conv takes


def make(kind: Literal["mlp", "cnn"], width: int) -> Layer[Array, Array]:
    match kind:
        case "mlp":
            return serial(Flatten, Dense(width), Relu, Dense(10))
        case "cnn":
            return serial(Conv(width, (3, 3)), Relu, Flatten, Conv(1, (1, 1)))  # E[funcnn-shape]: Conv takes


make("mlp", 32).init(key, (-1, 28, 28, 1))
make("cnn", 32).init(key, (-1, 28, 28, 1))


def repeated(f: Layer[A, A], n: int) -> Layer[A, A]:
    return serial(*[f] * n)


serial(Dense(32), repeated(residual(Dense(32)), 4)).init(key, (-1, 3))
serial(
    Dense(32),
    repeated(residual(Dense(31)), 4),  # E[funcnn-shape]: got (?, 31) and (?, 32)
).init(key, (-1, 3))

Conv5 = functools.partial(Conv, filter_shape=(5, 5))
serial(Conv5(4), Conv5(4), Flatten).init(key, (-1, 9, 9, 1))
serial(Conv5(4), Conv5(4), Flatten).init(key, (-1, 8, 8, 1))  # E[funcnn-shape]: Conv

linear: Callable[[int], Layer[Array, Array]] = lambda n: serial(Dense(n), residual(Dense(n + 1)))  # E[funcnn-shape]: got
linear(3).init(key, (-1, 2))

net = cast("Layer[Array, Any]", serial(Dense(4), residual(Dense(3))))  # E[funcnn-shape]: got (?, 3) and (?, 4)
net.init(key, (-1, 3))


# functions of functions
def tower(widths: Sequence[int], activation: Layer[Array, Array] = Relu) -> Layer[Array, Array]:
    def one(n: int) -> Layer[Array, Array]:
        return serial(Dense(n), activation)

    return serial(*map(one, widths))


serial(tower((8, 4)), residual(tower([4, 4]))).init(key, (-1, 3))
serial(tower((8, 4)), residual(tower([4, 5]))).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 5) and (?, 4)


def countdown(n: int) -> Layer[Array, Array]:
    return serial(Dense(n), countdown(n - 1)) if n > 1 else Dense(1)


serial(countdown(4), residual(Dense(1))).init(key, (-1, 3))
serial(countdown(4), residual(Dense(2))).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 2) and (?, 1)


# what cannot be told is silent
def unknown(width: int, deep: bool, layers: list[Layer[Array, Array]], flag: object) -> None:
    serial(Dense(width), residual(Dense(width))).init(key, (-1, 3))
    serial(*layers, residual(Dense(3))).init(key, (-1, 3))
    for f in layers:
        serial(f, residual(Dense(3))).init(key, (-1, 3))
    net = Dense(3) if deep else Dense(4)
    serial(net, residual(Dense(3)) if deep else residual(Dense(4))).init(key, (-1, 3))
    size = 3
    while flag:
        size += 1
    serial(Dense(size), residual(Dense(4))).init(key, (-1, 3))


def changes(layers: list[Layer[Array, Array]]) -> None:
    layers.append(Dense(7))


mine: list[Layer[Array, Array]] = [Dense(3)]
changes(mine)
serial(*mine, residual(Dense(7))).init(key, (-1, 3))
serial(*mine, residual(Dense(3))).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 3) and (?, 7)
other = mine
other.append(Dense(2))
serial(*mine, residual(Dense(2))).init(key, (-1, 3))


def cached(n: int) -> Layer[Array, Array]:
    global size
    size = n
    return Dense(n)


size = 3
cached(4)
serial(Dense(size), residual(Dense(4))).init(key, (-1, 3))


def yields(n: int) -> list[Layer[Array, Array]]:
    def items() -> Any:
        for i in range(n):
            yield Dense(i + 1)

    return list(items())


serial(*yields(3), residual(Dense(3))).init(key, (-1, 3))
serial(*yields(3), residual(Dense(9))).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 9) and (?, 3)
parallel(*[serial(Dense(4), Relu) for _ in range(2)]).init(key, ((-1, 3), (-1, 3)))
serial(*(Dense(n) for n in (3, 4)), residual(Dense(3))).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 3) and (?, 4)
serial(Identity, *[Dropout(0.5)] * 2, MaxPool((2, 2))).init(key, (-1, 3))  # E[funcnn-shape]: MaxPool
