"""The types of networks: what they take and what they give, with nothing lost on the way."""

from typing import Any, assert_type

import numpy as np

from funcnn import (
    Apply, Array, Bilinear, Dense, Embedding, FanInConcat, FanInSum, FanOut, Flatten, Identity, Init, Key, Layer,
    Params, Relu, Tokens, checkpoint, ensemble, first, freeze, inference, keep, leaky_relu, mlp, parallel, partition, repeat,
    residual, select, serial, shape_dependent, split, stop_gradient, thaw, tie,
)  # fmt: skip

assert_type(Dense(3), Layer[Array, Array])
assert_type(Embedding(9, 3), Layer[Tokens, Array])
assert_type(Relu, Layer[Array, Array])
assert_type(Dense(3).named("head"), Layer[Array, Array])
assert_type(Embedding(9, 3).named("table"), Layer[Tokens, Array])
assert_type(mlp((3, 2)), Layer[Array, Array])

# serial, at any length; from thirteen layers on what comes out is gradual without the plugin, exact with it
assert_type(serial(), Layer[Array, Array])
assert_type(serial(Embedding(9, 3)), Layer[Tokens, Array])
assert_type(serial(Embedding(9, 3), Dense(3)), Layer[Tokens, Array])
assert_type(serial(Dense(3), FanOut(2)), Layer[Array, tuple[Array, Array]])
assert_type(serial(Dense(3), FanOut(3), FanInSum), Layer[Array, Array])
assert_type(
    serial(Embedding(9, 3), Relu, Relu, Relu, Relu, Relu, Relu, Relu, Relu, Relu, Relu, FanOut(2)),
    Layer[Tokens, tuple[Array, Array]],
)
assert_type(serial(Embedding(9, 3), serial(Dense(2), Relu), serial(serial(Flatten))), Layer[Tokens, Array])
identity: Layer[Tokens, Tokens] = serial()

# >>
assert_type(Embedding(9, 3) >> Dense(3) >> Relu >> FanOut(2), Layer[Tokens, tuple[Array, Array]])
assert_type(Dense(3) >> FanOut(2) >> parallel(Relu, Dense(2)) >> FanInSum, Layer[Array, Array])

# parallel, fans and parts of tuples
assert_type(parallel(Relu), Layer[tuple[Array], tuple[Array]])
assert_type(parallel(Embedding(9, 3), Dense(2)), Layer[tuple[Tokens, Array], tuple[Array, Array]])
assert_type(parallel(FanOut(2), FanInSum), Layer[tuple[Array, tuple[Array, ...]], tuple[tuple[Array, Array], Array]])
assert_type(
    parallel(Embedding(9, 3), Relu, Relu, Relu, Relu, Embedding(9, 2)),
    Layer[tuple[Tokens, Array, Array, Array, Array, Tokens], tuple[Array, Array, Array, Array, Array, Array]],
)
assert_type(parallel(Relu, Relu, Relu, Relu, Relu, Relu, Relu), Layer[tuple[Array, ...], tuple[Array, ...]])
assert_type(FanOut(2), Layer[Array, tuple[Array, Array]])
assert_type(FanOut(5), Layer[Array, tuple[Array, ...]])
assert_type(FanInSum, Layer[tuple[Array, ...], Array])
assert_type(FanInConcat(), Layer[tuple[Array, ...], Array])
assert_type(residual(Dense(3)), Layer[Array, Array])
assert_type(residual(Embedding(9, 3), Embedding(9, 3)), Layer[Tokens, Array])
assert_type(serial(FanOut(2), parallel(residual(Dense(3)), Identity), FanInConcat(-1)), Layer[Array, Array])
two: Layer[tuple[Array, Tokens], Array] = serial(parallel(Dense(3), Embedding(9, 3)), FanInSum)
assert_type(keep(two), Layer[tuple[Array, Tokens], tuple[Array, Tokens]])
assert_type(first(Embedding(9, 3)), Layer[tuple[Tokens, *tuple[Any, ...]], tuple[Array, *tuple[Any, ...]]])
assert_type(serial(FanOut(2), keep(serial(select(0), Relu)), select(0)), Layer[Array, Array])
assert_type(select(0), Layer[tuple[Array, *tuple[Any, ...]], Array])
assert_type(select(1, 0), Layer[tuple[Array, Array, *tuple[Any, ...]], tuple[Array, Array]])
assert_type(select(3), Layer[tuple[Any, ...], Array])
assert_type(select(2, 1, 0), Layer[tuple[Any, ...], tuple[Any, Any, Any]])
assert_type(serial(FanOut(2), select(1, 0), parallel(Dense(2), Relu)), Layer[Array, tuple[Array, Array]])

# a layer is a pair, and unpacks with its exact types
net = serial(Embedding(9, 3), Relu, Dense(2))
init, apply = net
assert_type(init, Init[Array])
assert_type(apply, Apply[Tokens, Array])
assert_type(net.init, Init[Array])
assert_type(net.apply, Apply[Tokens, Array])
assert_type(Layer(init, apply), Layer[Tokens, Array])
_, params = init(Key(0), (2, 5))
assert_type(params, Params)
x = np.zeros((2, 5), np.int64)
assert_type(apply(params, x), Array)
assert_type(net.apply(params, x, rng=0), Array)
_, both = serial(Dense(3), FanOut(2)).init(Key(0), (2, 5))
assert_type(serial(Dense(3), FanOut(2)).apply(both, np.zeros((2, 5))), tuple[Array, Array])
assert_type(params.at("dense_0/w"), Array)
assert_type(params.sub("dense_0"), Params)
assert_type(params["dense_0"], Array | Params)

# parts of one's own: types pass through what changes a part
pair_of_words = parallel(Embedding(9, 3), Embedding(9, 3))
assert_type(checkpoint(Embedding(9, 3)), Layer[Tokens, Array])
assert_type(inference(stop_gradient(pair_of_words)), Layer[tuple[Tokens, Tokens], tuple[Array, Array]])
assert_type(tie(Embedding(9, 3), {"v": "w"}), Layer[Tokens, Array])
assert_type(ensemble(Embedding(9, 3), 4), Layer[Tokens, Array])
assert_type(repeat(Dense(3), 2, shared=True), Layer[Array, Array])
assert_type(freeze(Embedding(9, 3), {"w": np.ones((9, 3))}), Layer[Tokens, Array])
assert_type(thaw(Embedding(9, 3), {"w": np.ones((9, 3))}), tuple[Layer[Tokens, Array], Params])
assert_type(split(2), Layer[Array, tuple[Array, Array]])
assert_type(split((1, 2, 3)), Layer[Array, tuple[Array, Array, Array]])
assert_type(partition(Params({"w": np.ones(2)}), "w"), tuple[Params, Params])
assert_type(leaky_relu(0.2), Layer[Array, Array])
assert_type(Bilinear(3), Layer[tuple[Array, Array], Array])


def of_its_own_width(shape: tuple[int, ...]) -> Layer[Array, Array]:
    return Dense(shape[-1])


assert_type(shape_dependent(of_its_own_width), Layer[Array, Array])
