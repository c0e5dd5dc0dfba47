"""Initial values whose width follows from the shape, so that what a layer gives has about the variance of its input."""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from funcnn.arguments import finite_positive
from funcnn.foreign.calls import understood
from funcnn.initializers import draws
from funcnn.keys import Initializer, Key
from funcnn.recorded_functions import recorded
from funcnn.types import Array

DType: TypeAlias = "np.dtype[np.floating[Any]]"
Mode: TypeAlias = Literal["fan_in", "fan_out", "fan_avg"]
Distribution: TypeAlias = Literal["uniform", "normal", "truncated_normal"]

_CUT_STDDEV = 0.87962566103423978  # standard deviation of a standard normal variable that stays within (-2, 2)


@recorded
def variance_scaling(scale: float, mode: Mode, distribution: Distribution) -> Initializer:
    """Mean zero, variance `scale / n` with n = fan_in, fan_out, or their mean.

    "uniform" has the limit `sqrt(3 scale / n)`; "truncated_normal" is cut at two standard deviations and has the
    variance after the cut.

    Errors
        ValueError   `scale` is not positive and finite; `mode` or `distribution` is not one of those
    Source: Glorot & Bengio, Understanding the difficulty of training deep feedforward neural networks (AISTATS 2010),
    section 4.2.1; the form is that of `jax.nn.initializers.variance_scaling`.

    >>> variance_scaling(2.0, "fan_in", "normal")
    variance_scaling(2.0, 'fan_in', 'normal')
    """
    finite_positive("variance_scaling", scale=scale)
    if mode not in get_args(Mode):
        raise ValueError(f"variance_scaling: mode must be one of {', '.join(get_args(Mode))}, got {mode!r}")
    if distribution not in get_args(Distribution):
        options = ", ".join(get_args(Distribution))
        raise ValueError(f"variance_scaling: distribution must be one of {options}, got {distribution!r}")

    def init(key: Key, shape: tuple[int, ...], dtype: DType) -> Array:
        return _scaled(key, shape, dtype, scale, mode, distribution)

    return init


@understood
def glorot_uniform(key: Key, shape: tuple[int, ...], dtype: DType) -> Array:
    """`variance_scaling(1.0, "fan_avg", "uniform")`, for saturating activations.

    Source: Glorot & Bengio (2010), equation 16.

    >>> Dense(8, W_init=glorot_uniform)
    Dense(8, W_init=glorot_uniform)
    """
    return _scaled(key, shape, dtype, 1.0, "fan_avg", "uniform")


@understood
def glorot_normal(key: Key, shape: tuple[int, ...], dtype: DType) -> Array:
    """`variance_scaling(1.0, "fan_avg", "normal")`.

    Source: Glorot & Bengio (2010), equation 12.

    >>> Conv(8, (3, 3), W_init=glorot_normal)
    Conv(8, (3, 3), W_init=glorot_normal)
    """
    return _scaled(key, shape, dtype, 1.0, "fan_avg", "normal")


@understood
def he_uniform(key: Key, shape: tuple[int, ...], dtype: DType) -> Array:
    """`variance_scaling(2.0, "fan_in", "uniform")`, for rectified activations.

    Source: He, Zhang, Ren & Sun, Delving Deep into Rectifiers (ICCV 2015), equation 10.

    >>> Dense(8, W_init=he_uniform)
    Dense(8, W_init=he_uniform)
    """
    return _scaled(key, shape, dtype, 2.0, "fan_in", "uniform")


@understood
def he_normal(key: Key, shape: tuple[int, ...], dtype: DType) -> Array:
    """`variance_scaling(2.0, "fan_in", "normal")`.

    Source: He, Zhang, Ren & Sun (2015), equation 10.

    >>> Conv(8, (3, 3), W_init=he_normal)
    Conv(8, (3, 3), W_init=he_normal)
    """
    return _scaled(key, shape, dtype, 2.0, "fan_in", "normal")


@understood
def lecun_uniform(key: Key, shape: tuple[int, ...], dtype: DType) -> Array:
    """`variance_scaling(1.0, "fan_in", "uniform")`.

    Source: LeCun, Bottou, Orr & Mueller, Efficient BackProp (1998), section 4.6.

    >>> Dense(8, W_init=lecun_uniform)
    Dense(8, W_init=lecun_uniform)
    """
    return _scaled(key, shape, dtype, 1.0, "fan_in", "uniform")


@understood
def lecun_normal(key: Key, shape: tuple[int, ...], dtype: DType) -> Array:
    """`variance_scaling(1.0, "fan_in", "normal")`.

    Source: LeCun, Bottou, Orr & Mueller (1998), section 4.6.

    >>> Conv(8, (3, 3), W_init=lecun_normal)
    Conv(8, (3, 3), W_init=lecun_normal)
    """
    return _scaled(key, shape, dtype, 1.0, "fan_in", "normal")


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """The number of inputs that reach one output, and of outputs that one input reaches.

    >>> fans((784, 10)), fans((3, 3, 16, 32)), fans((7,)), fans(())
    ((784, 10), (144, 288), (7, 7), (1, 1))
    """
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    receptive = math.prod(shape[:-2])
    return receptive * shape[-2], receptive * shape[-1]


def _scaled(key: Key, shape: tuple[int, ...], dtype: DType, scale: float, mode: str, distribution: str) -> Array:
    fan_in, fan_out = fans(shape)
    n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode]
    stddev = math.sqrt(scale / max(n, 1))  # of an array of size zero: any
    if distribution == "uniform":
        return draws.scaled(draws.uniform(key, shape, dtype), math.sqrt(3) * stddev, dtype)
    if distribution == "normal":
        return draws.scaled(draws.normal(key, shape, dtype), stddev, dtype)
    return draws.scaled(draws.truncated_normal(key, shape, dtype), stddev / _CUT_STDDEV, dtype)
