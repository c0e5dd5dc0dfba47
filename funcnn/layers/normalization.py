"""Normalization over the batch: features with mean 0 and variance 1. That of each example is in `example_norms`."""

from __future__ import annotations

from math import prod
from typing import NamedTuple, TypeAlias, Union

import numpy as np

from funcnn.arguments import finite_positive, is_integer
from funcnn.calculus import Later, Pullback
from funcnn.errors import ShapeError
from funcnn.initializers import ones, zeros
from funcnn.kernels import batch_norm as kernel
from funcnn.keys import Initializer, Key
from funcnn.networks import Layer, layer
from funcnn.networks.definitions import Spec
from funcnn.networks.statistics import Statistics
from funcnn.params.trees import leaves
from funcnn.shapes import axes
from funcnn.types import Array, Shape, Tree

Axis: TypeAlias = Union[int, "tuple[int, ...]", None]


@layer
def BatchNorm(
    *,
    axis: Axis = None,
    eps: float = 1e-5,
    center: bool = True,
    scale: bool = True,
    beta_init: Initializer = zeros,
    gamma_init: Initializer = ones,
) -> Layer[Array, Array]:
    """Every feature with mean 0 and variance 1 over the batch; then scaled and moved.

    `y = scale h + offset`, `h = (x - mean) / sqrt(var + eps)`. In a training pass, mean and (biased) variance are
    those of the batch; in inference they are the params "mean" and "var", which `calibrate` sets, and which are 0 and 1
    before. `axis` says what is averaged over: all axes but the last where not given. With `scale=False` there is no
    leaf "scale", with `center=False` no "offset"; `gamma_init` and `beta_init` draw them. The names are stax's, but
    for `eps`, which is called as it is in the optimizers.

    Shapes
        x, y    (batch, ..., n)
        params  {"scale": (n,), "offset": (n,), "mean": (n,), "var": (n,)}; with `axis`, the sizes of the other axes
    Errors
        ValueError   `eps` is not positive, `axis` no integer and no tuple of them
        ShapeError   x has fewer than two axes, or not those that `axis` names, or not the size n
    Pullback, averaged axes flattened to N rows; s = 1 / sqrt(var + eps), dh = dy scale
        dscale = 1^T (dy h)      doffset = 1^T dy
        training    dx = s (dh - 1^T dh / N - h 1^T(dh h) / N)    dmean = 0            dvar = 0
        inference   dx = s dh                                     dmean = -s 1^T dh    dvar = -s^2 1^T(dh h) / 2
    Source: Ioffe & Szegedy, Batch Normalization (2015), algorithm 1 and section 3.

    >>> net = BatchNorm()
    >>> _, params = net.init(Key(0), (-1, 1))
    >>> x = np.array([[1.0], [3.0]])
    >>> net.apply(params, x, rng=0).round(3).T, net.apply(params, x).round(3).T
    (array([[-1.,  1.]], dtype=float32), array([[1., 3.]], dtype=float32))
    """
    finite_positive("BatchNorm", eps=eps)
    if not (axis is None or all(map(is_integer, axis if isinstance(axis, tuple) else (axis,)))):
        raise ValueError(f"BatchNorm: axis must be an integer, a tuple of integers, or None, got {axis!r}")

    def out_shape(shape: Shape) -> Shape:
        split_axes(axis, len(axes("BatchNorm", shape, at_least=2, empty=-1)))
        return shape

    def spec(shape: Shape) -> Spec:
        dims = axes("BatchNorm", shape, at_least=2, empty=-1)
        sizes = tuple(dims[i] for i in split_axes(axis, len(dims))[1])
        return {**affine(sizes, scale, center, gamma_init, beta_init), "mean": (zeros, sizes), "var": (ones, sizes)}

    def rule(params: Tree, x: Array, rng: Key | None) -> tuple[Array, Pullback]:
        rows = as_rows(x, axis)
        flat = {name: leaf.reshape(-1) for name, leaf in zip(params, leaves(params, *params), strict=True)}
        mean, var = (flat["mean"], flat["var"]) if rng is None else kernel.moments(rows)
        s: Array = 1 / np.sqrt(var + eps)
        a: Array = s * flat["scale"] if scale else s
        away = kernel.far(rows, mean, s)
        y = kernel.normalized(rows, mean, a, flat.get("offset"), away)

        def pullback(dy: Array) -> tuple[Tree, Later[Array]]:
            dys = as_rows(dy, axis)
            doffset, dscale = kernel.column_cotangents(rows, dys, mean, away)
            dscale *= s

            def input_cotangent() -> Array:
                if rng is None:
                    return from_rows(dys * a, x.shape, axis)
                n = max(len(rows), 1)
                dx = kernel.input_cotangent(rows, dys, mean, a, s * dscale / n, doffset / n, away)
                return from_rows(dx, x.shape, axis)

            if rng is None:
                dmean, dvar = -a * doffset, -0.5 * s * a * dscale
            else:
                dmean, dvar = np.zeros_like(flat["mean"]), np.zeros_like(flat["var"])
            grads = {"scale": dscale, "offset": doffset, "mean": dmean, "var": dvar}
            sizes = leaves(params, "mean")[0].shape
            return {name: grads[name].reshape(sizes) for name in params}, Later(input_cotangent)

        return from_rows(y, x.shape, axis), pullback

    return Layer.of(out_shape, spec, rule, statistics=averaged(axis))


def affine(
    sizes: tuple[int, ...], scale: bool, center: bool, gamma_init: Initializer, beta_init: Initializer = zeros
) -> Spec:
    """The params of `y = scale h + offset`, those that are wanted."""
    gamma: Spec = {"scale": (gamma_init, sizes)} if scale else {}
    beta: Spec = {"offset": (beta_init, sizes)} if center else {}
    return {**gamma, **beta}


class Pool(NamedTuple):
    """Mean and variance of a number of rows, in float64."""

    rows: int
    mean: Array
    var: Array


def averaged(axis: Axis = None, leaves: tuple[str, str] = ("mean", "var")) -> Statistics:
    """Mean and biased variance over all axes but the last, or over `axis`; pooled in float64 by the number of rows."""

    def of(x: Array) -> Pool:
        rows = as_rows(x, axis)
        mean, var = kernel.moments(rows)
        return Pool(len(rows), mean.astype(np.float64), var.astype(np.float64))

    def merged(a: Pool, b: Pool) -> Pool:
        share, d = b.rows / max(a.rows + b.rows, 1), b.mean - a.mean
        return Pool(a.rows + b.rows, a.mean + share * d, a.var + share * (b.var - a.var) + share * (1 - share) * d * d)

    def values(pool: Pool) -> tuple[Array, Array]:
        return pool.mean, pool.var

    return Statistics(leaves, of, merged, values, first=(0.0, 1.0))


def split_axes(axis: Axis, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The axes that are averaged over, and the others.

    Errors
        ShapeError   there is no such axis
    """
    if axis is None:
        return tuple(range(rank - 1)), (rank - 1,)
    wanted = axis if isinstance(axis, tuple) else (axis,)
    if wrong := [i for i in wanted if not -rank <= i < rank]:
        raise ShapeError(f"BatchNorm averages over axis {wrong[0]}, got an array of {rank} axes; change `axis`")
    averaged = tuple(sorted({i % rank for i in wanted}))
    return averaged, tuple(i for i in range(rank) if i not in averaged)


def as_rows(x: Array, axis: Axis) -> Array:
    """The averaged axes flattened to rows, the others to columns."""
    if axis is None:
        return x.reshape(prod(x.shape[:-1]), x.shape[-1])
    averaged, kept = split_axes(axis, x.ndim)
    return x.transpose(*averaged, *kept).reshape(prod(x.shape[i] for i in averaged), prod(x.shape[i] for i in kept))


def from_rows(rows: Array, shape: tuple[int, ...], axis: Axis) -> Array:
    """What `as_rows` did, undone."""
    if axis is None:
        return rows.reshape(shape)
    averaged, kept = split_axes(axis, len(shape))
    order = (*averaged, *kept)
    return rows.reshape([shape[i] for i in order]).transpose([order.index(i) for i in range(len(shape))])
