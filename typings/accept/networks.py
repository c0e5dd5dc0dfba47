"""Programs that are right, and that every type checker has to let through."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from funcnn import (
    Array, Dense, Dropout, Embedding, FanInConcat, FanInSum, FanOut, Flatten, Identity, Key, Layer, Relu, Tanh, Tokens,
    first, keep, parallel, residual, select, serial,
)  # fmt: skip

X = TypeVar("X")
key = Key(0)

# long networks, lists of layers, networks that grow
serial(*[Dense(3) for _ in range(20)]).init(key, (2, 3))
serial(
    Dense(3), Relu, Dense(3), Relu, Dense(3), Relu, Dense(3), Relu, Dense(3), Relu, Dense(3), Relu, Dense(3), Relu,
    Dense(3), FanOut(2), parallel(Relu, Tanh), FanInSum,
).init(key, (2, 3))  # fmt: skip
listed = [Dense(3), Dense(4)]
from_list: Layer[Array, Array] = serial(*listed)
init_of_list, apply_of_list = serial(*listed)
apply_of_list(init_of_list(key, (2, 3))[1], np.zeros((2, 3)))
net = Dense(3)
for width in (4, 5):
    net = serial(net, Relu, Dense(width))
net.init(key, (2, 3))
deep: Layer[Array, Array] = serial()
for width in (4, 5):
    deep = deep >> Dense(width) >> Relu
deep.init(key, (2, 3))


def perceptron(widths: Sequence[int], activation: Layer[Array, Array] = Relu) -> Layer[Array, Array]:
    """A network of a size that is not known before it runs."""
    parts = [serial(Dense(width), activation) for width in widths[:-1]]
    return serial(*parts, Dense(widths[-1]))


perceptron((4, 4, 2), Tanh).init(key, (2, 3))


def twice(f: Layer[X, X]) -> Layer[X, X]:
    """A combinator over any layer."""
    return serial(f, f)


twice(Dense(3)).init(key, (2, 3))
twice(twice(serial(Dense(3), Relu))).init(key, (2, 3))


def classifier(encoder: Layer[X, Array], classes: int) -> Layer[X, Array]:
    """Whatever the encoder takes."""
    return serial(encoder, Dense(classes))


classifier(Embedding(9, 3), 4).init(key, (2, 5))
classifier(serial(Flatten, Dense(3)), 4).init(key, (2, 5, 2))

# a layer that takes more fits where less comes; one that gives more, where less is wanted
anything: Layer[object, Array] = Layer.lift(lambda shape: (1,), lambda x: (np.zeros(1), lambda dy: 0.0))
arrays_only: Layer[Array, Array] = anything
any_output: Layer[Array, object] = Dense(3)

# blocks
serial(
    Dense(4),
    residual(serial(Dense(8), Relu, Dense(4))),
    residual(Dense(6), Dense(6)),
    FanOut(3),
    parallel(Dense(2), serial(FanOut(2), FanInConcat()), Identity),
    FanInConcat(),
).init(key, (2, 3))
serial(parallel(Embedding(9, 3), Dense(3)), FanInSum).init(key, ((2, 5), (2, 5, 7)))
serial(FanOut(2), first(Dense(3)), keep(serial(select(0), Dense(4))), select(1, 0), FanInConcat()).init(key, (2, 3))
pairs: Layer[tuple[Array, Tokens], tuple[Array, Tokens]] = keep(serial(parallel(Dense(3), Embedding(9, 3)), FanInSum))
pairs.init(key, ((2, 5, 4), (2, 5)))

# everything that people pass
_, params = serial(Dense(3), Dropout(0.5), Dense(2)).init(0, (-1, 3), dtype=np.float64)
serial(Dense(3), Relu).init(np.random.default_rng(0), (2, 3))
apply: Callable[..., Array] = serial(Dense(3), Dropout(0.5), Dense(2)).apply
apply(params, np.zeros((2, 3)), rng=7)
plain = {"dense_0": {"w": np.zeros((3, 2)), "b": np.zeros(2)}}
serial(Dense(2)).apply(plain, np.zeros((4, 3)))
