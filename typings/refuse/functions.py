"""Losses, optimizers and rules that do not fit."""

from collections.abc import Callable

import numpy as np

from funcnn import (
    Array, Dense, Embedding, FanOut, Key, Layer, Params, Pullback, Shape, Spec, Tree, adam, apply_updates,
    differentiable, grad, joint, serial, sgd, softmax_cross_entropy, squared_error, value_and_grad, vjp,
)  # fmt: skip

net = serial(Dense(3))  # E[funcnn-shape]: squared_error takes a target of the shape of the prediction, (2, 3), got (2,)
_, params = net.init(Key(0), (2, 3))
x, labels = np.zeros((2, 3)), np.zeros(2, np.int64)

vjp(net, params, x)  # E[call-overload]
vjp(net.apply, params)  # E[call-overload]
y, pullback = vjp(net.apply, params, x)
pullback("dy")  # E[arg-type]
squared_error(x, labels)  # E[funcnn-shape]: squared_error takes a target of the shape of the prediction
squared_error.bind(reduce="average")  # E[arg-type]
value_and_grad(squared_error, net)  # E[arg-type]
two = serial(Dense(3), FanOut(2)).apply
value_and_grad(squared_error, two)  # E[funcnn-wiring]: takes Array, but the network gives tuple[Array, Array]
value_and_grad(squared_error, net.apply)(params, x, labels)
value_and_grad(softmax_cross_entropy, serial(Embedding(9, 3)).apply)(params, x, labels)  # E[arg-type]
grad(squared_error, net.apply)(params, x)  # E[call-arg]
joint(squared_error)  # E[call-overload]
adam("fast")  # E[arg-type]
adam(0.1).update(params, sgd(0.1).init(params), params)  # E[arg-type]
apply_updates(params)  # E[call-arg]
adam(0.1).step(params, params, params)  # E[arg-type]


@differentiable  # E[arg-type]
def no_pullback(v: Array) -> Array:
    """A rule returns its value and its pullback."""
    return v


def out_shape(shape: Shape) -> Shape:
    """The same."""
    return shape


def spec(shape: Shape) -> Spec:
    """No params."""
    return {}


def rule(params: Tree, x: Array) -> tuple[Array, Callable[[Array], Array]]:
    """Its pullback forgets the params."""
    return x, lambda dy: dy


def good(params: Tree, x: Array) -> tuple[Array, Pullback]:
    """Its pullback does not."""
    return x, lambda dy: ({}, dy)


Layer.of(out_shape, spec, good)
Layer.of(out_shape, spec, rule)  # E[arg-type]
Layer.of(spec, out_shape, good)  # E[arg-type]
changed: Params = params | 3  # E[operator]
