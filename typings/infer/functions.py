"""The types of pullbacks, gradients, losses and optimizers."""

from collections.abc import Callable
from typing import assert_type

import numpy as np

from funcnn import (
    Array, Dense, Embedding, Gradients, Key, Layer, Loss, Objective, Params, Pullback, Relu, Shape, Spec, Tokens, Tree,
    Updates, adam, apply_updates, differentiable, grad, joint, layer, ravel, rebuild, serial, sgd, softmax_cross_entropy,
    squared_error, summary, trace, tree_map, value_and_grad, vjp,
)  # fmt: skip
from funcnn.authoring import Later, leaves
from funcnn.inspection import Summary
from funcnn.optimizers import AdamState
from funcnn.types import Numbers

features = serial(Dense(4), Relu, Dense(3))
words = serial(Embedding(9, 4), Dense(3))
_, params = features.init(Key(0), (2, 5))
x: Array = np.zeros((2, 5), np.float32)
tokens, labels = np.zeros((2, 5), np.int64), np.zeros(2, np.int64)

# vjp has jax's contract
y, pullback = vjp(features.apply, params, x)
assert_type(y, Array)
assert_type(pullback, Callable[[Array], tuple[Gradients, Array]])
dparams, dx = pullback(y)
assert_type(dparams, Gradients)
assert_type(dx, Array)


@differentiable
def half_square(v: Array) -> tuple[float, Callable[[float], tuple[Array]]]:
    """A function that carries its pullback."""
    return float(v @ v) / 2, lambda d: (d * v,)


assert_type(half_square(np.zeros(3)), float)
assert_type(vjp(half_square, np.zeros(3)), tuple[float, Callable[[float], tuple[Array]]])

# losses and objectives
assert_type(squared_error(y, y), float)
assert_type(squared_error(y, y, reduce="sum"), float)
assert_type(squared_error(y, y, reduce="none"), Array)
assert_type(vjp(squared_error, y, y), tuple[float, Callable[[float], tuple[Array, Array]]])
assert_type(vjp(squared_error, y, y, reduce="none"), tuple[Array, Callable[[Array], tuple[Array, Array]]])
assert_type(squared_error, Loss[Array, Numbers])
assert_type(softmax_cross_entropy, Loss[Array, Tokens | Array])
assert_type(softmax_cross_entropy.bind(label_smoothing=0.1), Loss[Array, Tokens | Array])
assert_type(joint(squared_error, softmax_cross_entropy), Loss[tuple[Array, Array], tuple[Numbers, Tokens | Array]])
objective = value_and_grad(softmax_cross_entropy, features.apply)
assert_type(objective, Objective[Array, Array, Tokens | Array])
assert_type(objective(params, x, labels), tuple[float, Gradients])
assert_type(objective.with_prediction(params, x, labels), tuple[float, Gradients, Array])
assert_type(value_and_grad(squared_error, words.apply), Objective[Tokens, Array, Numbers])
assert_type(grad(softmax_cross_entropy, features.apply)(params, x, labels), Gradients)

# optimizers are pairs too
optimizer = adam(1e-3)
state = optimizer.init(params)
updates, state = optimizer.update(dparams, state, params)
assert_type(updates, Updates)
assert_type(apply_updates(params, updates), Params)
params, state = optimizer.step(dparams, state, params)
assert_type(state, AdamState)
init, update = sgd(0.1)
assert_type(update(dparams, init(params), params)[0], Updates)

# working with networks keeps their types
assert_type(rebuild(words, lambda path, part: part), Layer[Tokens, Array])
assert_type(trace(features)(params, x)[0], Array)
assert_type(summary(words, (2, 5)), Summary)
assert_type(tree_map(np.add, params, params), Params)
assert_type(ravel(params)[0], Array)
assert_type(ravel(params)[1](ravel(params)[0]), Params)


# a layer of one's own
@layer
def Scale(units: int) -> Layer[Array, Array]:
    """Features times params."""

    def out_shape(shape: Shape) -> Shape:
        return shape

    def spec(shape: Shape) -> Spec:
        return {"s": (lambda key, sizes, dtype: np.ones(sizes, dtype), (units,))}

    def rule(params: Tree, x: Array) -> tuple[Array, Pullback]:
        (s,) = leaves(params, "s")
        assert_type(s, Array)

        def back(dy: Array) -> tuple[Tree, Later[Array]]:
            return {"s": (dy * x).sum(0)}, Later(lambda: dy * s)

        return x * s, back

    made = Layer.of(out_shape, spec, rule)
    assert_type(made, Layer[Array, Array])
    return made


assert_type(Scale(3), Layer[Array, Array])
