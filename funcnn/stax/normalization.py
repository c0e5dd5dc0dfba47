"""Batch normalization as stax has it: by the batch, always."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcnn.calculus import Pullback
from funcnn.initializers import ones, zeros
from funcnn.keys import Initializer, Key
from funcnn.layers.normalization import BatchNorm as Calibrated
from funcnn.networks import Layer, layer
from funcnn.networks.definitions import Spec
from funcnn.stax import initializers
from funcnn.stax.initializers import Init, adapted
from funcnn.types import Array, Shape, Tree

_KEY = Key(0)


def BatchNorm(
    axis: int | Sequence[int] = (0, 1, 2),
    epsilon: float = 1e-5,
    center: bool = True,
    scale: bool = True,
    beta_init: Init = initializers.zeros,
    gamma_init: Init = initializers.ones,
) -> Layer[Array, Array]:
    """Mean 0 and variance 1 over these axes of the batch, in inference too; then scaled and moved.

    So the output for an example depends on the others. `funcnn.BatchNorm` keeps statistics instead, see `calibrate`.

    >>> net = BatchNorm(axis=0)
    >>> net.apply(net.init(Key(0), (-1, 1))[1], np.array([[1.0], [3.0]])).round(3).T
    array([[-1.,  1.]], dtype=float32)
    """
    over = axis if isinstance(axis, int) else tuple(axis)
    return ByBatchNorm(over, epsilon, center, scale, adapted(beta_init), adapted(gamma_init))


@layer
def ByBatchNorm(
    axis: int | tuple[int, ...] = (0, 1, 2),
    epsilon: float = 1e-5,
    center: bool = True,
    scale: bool = True,
    beta_init: Initializer = zeros,
    gamma_init: Initializer = ones,
) -> Layer[Array, Array]:
    """`y = scale h + offset`, `h = (x - mean) / sqrt(var + epsilon)`, mean and variance those of the batch.

    Shapes
        x, y    those that `axis` fits
        params  {"offset": sizes, "scale": sizes} of the other axes
    Errors
        ValueError   `epsilon` is not positive, `axis` no integer and no tuple of them
        ShapeError   x has not the axes that `axis` names
    Pullback
        that of `funcnn.BatchNorm` in a training pass
    Source: Ioffe & Szegedy, Batch Normalization (2015), algorithm 1; `jax.example_libraries.stax.BatchNorm`.

    >>> ByBatchNorm((0, 2, 3)).init(Key(0), (-1, 5, 8, 8))[1].at("scale").shape
    (5,)
    """
    inner = Calibrated(
        axis=axis, eps=epsilon, center=center, scale=scale, beta_init=beta_init, gamma_init=gamma_init
    ).definition

    def spec(shape: Shape) -> Spec:
        return {name: wanted for name, wanted in inner.spec(shape).items() if name not in ("mean", "var")}

    def rule(params: Tree, x: Array) -> tuple[Array, Pullback]:
        unused: Any = {name: np.ones(sizes, x.dtype) for name, (_, sizes) in _statistics(inner.spec(x.shape))}
        y, pull = inner.rule({**params, **unused}, x, _KEY)

        def pullback(dy: Array) -> tuple[Tree, Any]:
            dparams, dx = pull(dy)
            return {name: dparams[name] for name in params}, dx

        return y, pullback

    return Layer.of(inner.out_shape, spec, rule)


def _statistics(spec: Any) -> list[tuple[str, Any]]:
    return [(name, spec[name]) for name in ("mean", "var")]
