"""Layers and losses of somebody's own, derived by Autograd."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp

from funcnn import Array, Layer, Shape, ShapeError, Spec, Tokens, Tree, layer
from funcnn.authoring import axes, branches, display, leaves, same
from funcnn.bridges.autograd import derive, derive_loss
from funcnn.initializers import glorot_normal, zeros


def tanh_of_dense(params: Tree, x: Array) -> Array:
    """Typed, as people may write it."""
    w, b = leaves(params, "w", "b")
    return anp.tanh(x @ w + b)


def widened(shape: Shape, units: int) -> Shape:
    """The shape rule of Dense."""
    return (*shape[:-1], units)


def spec_of_dense(shape: Shape, units: int) -> Spec:
    """The spec of Dense."""
    return {"w": (glorot_normal, (int(shape[-1]), units)), "b": (zeros, (units,))}  # type: ignore[arg-type]


@layer
def Derived(units: int) -> Layer[Array, Array]:
    """A layer of somebody's own, in a line."""
    return Layer.of(lambda s: widened(s, units), lambda s: spec_of_dense(s, units), derive(tanh_of_dense))


@layer
def Averaged() -> Layer[tuple[Array, Tokens], tuple[Array, tuple[Array, Tokens]]]:
    """Tuples in and out, one of them nested, tokens that pass through."""

    def out_shape(shape: Shape) -> Shape:
        a, b = (axes("Averaged", s, exactly=2) for s in branches("Averaged", shape, 2))
        if not (same(a[0], b[0]) and same(a[1], b[1])):
            raise ShapeError(f"Averaged takes tokens like the features, got {display(shape)}")
        return a, (a, b)

    def value(params: Tree, x: tuple[Array, Tokens]) -> tuple[Array, tuple[Array, Tokens]]:
        features, ids = x
        (w,) = leaves(params, "w")
        return features * w[ids], (anp.sin(features), ids)

    return Layer.of(
        out_shape, lambda s: {"w": (glorot_normal, (5,))}, derive(value),
        takes=lambda out: {0: "features", 1: "tokens"},
    )  # fmt: skip


@derive_loss
def pseudo_huber(prediction: Array, target: Array, *, width: float = 1.0) -> Array:
    """`w^2 (sqrt(1 + (e / w)^2) - 1)`."""
    return width**2 * (anp.sqrt(1 + ((prediction - target) / width) ** 2) - 1)


@derive_loss
def worst(prediction: Array, target: Array) -> object:
    """One number for all: nothing to weigh."""
    return anp.sum((prediction - target) ** 2) ** 0.5


def plain_layer(f: Any, out_shape: Any = lambda s: s, spec: Any = lambda s: {}) -> Layer[Any, Any]:
    """A layer of a function that is not typed."""
    return Layer.of(out_shape, spec, derive(f))
