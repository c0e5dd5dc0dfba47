"""Initial values of params: `(key, shape, dtype) -> array`, pure functions of the key.

| name | variance of the values |
|---|---|
| `glorot_uniform`, `glorot_normal` | 2 / (fan_in + fan_out) |
| `he_uniform`, `he_normal` | 2 / fan_in |
| `lecun_uniform`, `lecun_normal` | 1 / fan_in |

All six are cases of `variance_scaling`. The fans of a shape `(*receptive, n, m)` are `n` and `m` times the size of the
receptive field. A vector of `n` has both fans `n`, a scalar 1.

Values are drawn in float32 for float32 params and in float64 for wider ones, which are two different streams.

`zeros`, `ones`, `constant`, `normal` and `uniform` stay in this module, because NumPy and the schedules have such names
too; the others are names of the package. A network that was made with any of them prints as source that evaluates after
`from funcnn import *` and `from funcnn.initializers import *`.
"""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from funcnn import draws
from funcnn.errors import ShapeError
from funcnn.keys import Key
from funcnn.records import recorded
from funcnn.shapes import display, finite_positive
from funcnn.types import Array, Initializer

__all__ = [
    "constant", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal", "lecun_uniform",
    "normal", "ones", "orthogonal", "truncated_normal", "uniform", "variance_scaling", "zeros",
]  # fmt: skip

DType: TypeAlias = "np.dtype[Any]"
Mode: TypeAlias = Literal["fan_in", "fan_out", "fan_avg"]
Distribution: TypeAlias = Literal["uniform", "normal", "truncated_normal"]

_CUT_STDDEV = 0.87962566103423978  # standard deviation of a standard normal variable that stays within (-2, 2)


# constants ------------------------------------------------------------------------------------------------------------
def zeros(key: Key, shape: tuple[int, ...], dtype: DType) -> Array:
    """Zeros.

    >>> zeros(Key(0), (2,), np.dtype(np.float32))
    array([0., 0.], dtype=float32)
    """
    del key
    return np.zeros(shape, dtype)


def ones(key: Key, shape: tuple[int, ...], dtype: DType) -> Array:
    """Ones."""
    del key
    return np.ones(shape, dtype)


@recorded
def constant(value: float) -> Initializer:
    """The same value everywhere.

    Errors
        ValueError   `value` is not finite

    >>> constant(0.5)(Key(0), (2,), np.dtype(np.float32))
    array([0.5, 0.5], dtype=float32)
    """
    if not math.isfinite(value):
        raise ValueError(f"constant: value must be a finite number, got {value!r}")

    def init(key: Key, shape: tuple[int, ...], dtype: DType) -> Array:
        del key
        return np.full(shape, value, dtype)

    return init


# distributions of a given width ---------------------------------------------------------------------------------------
@recorded
def normal(stddev: float = 1e-2) -> Initializer:
    """Normal values with mean zero and this standard deviation.

    Errors
        ValueError   `stddev` is not positive and finite

    >>> Dense(2, W_init=normal(0.1))
    Dense(2, W_init=normal(0.1))
    """
    finite_positive("normal", stddev=stddev)
    return lambda key, shape, dtype: draws.scaled(draws.normal(key, shape, dtype), stddev, dtype)


@recorded
def truncated_normal(stddev: float = 1e-2) -> Initializer:
    """Normal values with mean zero, those beyond two standard deviations drawn again.

    `stddev` is the standard deviation before the cut, as in `jax.nn.initializers`; afterwards it is 0.8796 times that.

    Errors
        ValueError   `stddev` is not positive and finite
    """
    finite_positive("truncated_normal", stddev=stddev)
    return lambda key, shape, dtype: draws.scaled(draws.truncated_normal(key, shape, dtype), stddev, dtype)


@recorded
def uniform(scale: float = 1e-2) -> Initializer:
    """Values spread evenly over [-scale, scale].

    Errors
        ValueError   `scale` is not positive and finite
    """
    finite_positive("uniform", scale=scale)
    return lambda key, shape, dtype: draws.scaled(draws.uniform(key, shape, dtype), scale, dtype)


@recorded
def orthogonal(scale: float = 1.0) -> Initializer:
    """`scale` times a matrix with orthonormal columns, or rows where there are fewer rows than columns.

    All axes but the last are rows. The matrix is uniform over all such matrices: the orthogonal factor of a normal one,
    with the signs that make its triangular factor's diagonal positive.

    Errors
        ValueError   `scale` is not positive and finite
        ShapeError   the shape has fewer than two axes

    Source: Saxe, McClelland & Ganguli, Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks (ICLR 2014); Mezzadri, How to generate random matrices from the classical compact groups (2007), section 5.

    >>> w = orthogonal()(Key(0), (5, 3), np.dtype(np.float64))
    >>> bool(np.allclose(w.T @ w, np.eye(3)))
    True
    """
    finite_positive("orthogonal", scale=scale)

    def init(key: Key, shape: tuple[int, ...], dtype: DType) -> Array:
        if len(shape) < 2:
            raise ShapeError(f"orthogonal takes a shape of at least 2 axes, got {display(shape)}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(draws.normal(key, (max(rows, columns), min(rows, columns)), dtype))
        q = np.where(np.diagonal(r) < 0, -q, q)
        return draws.scaled((q if rows >= columns else q.T).reshape(shape), scale, dtype)

    return init


# widths that follow the shape -----------------------------------------------------------------------------------------
@recorded
def variance_scaling(scale: float, mode: Mode, distribution: Distribution) -> Initializer:
    """Mean zero, variance `scale / n` with n = fan_in, fan_out, or their mean.

    "uniform" has the limit `sqrt(3 scale / n)`; "truncated_normal" is cut at two standard deviations and has the variance
    after the cut.

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


def glorot_uniform(key: Key, shape: tuple[int, ...], dtype: DType) -> Array:
    """`variance_scaling(1.0, "fan_avg", "uniform")`, for saturating activations.

    Source: Glorot & Bengio (2010), equation 16.
    """
    return _scaled(key, shape, dtype, 1.0, "fan_avg", "uniform")


def glorot_normal(key: Key, shape: tuple[int, ...], dtype: DType) -> Array:
    """`variance_scaling(1.0, "fan_avg", "normal")`.

    Source: Glorot & Bengio (2010), equation 12.
    """
    return _scaled(key, shape, dtype, 1.0, "fan_avg", "normal")


def he_uniform(key: Key, shape: tuple[int, ...], dtype: DType) -> Array:
    """`variance_scaling(2.0, "fan_in", "uniform")`, for rectified activations.

    Source: He, Zhang, Ren & Sun, Delving Deep into Rectifiers (ICCV 2015), equation 10.
    """
    return _scaled(key, shape, dtype, 2.0, "fan_in", "uniform")


def he_normal(key: Key, shape: tuple[int, ...], dtype: DType) -> Array:
    """`variance_scaling(2.0, "fan_in", "normal")`.

    Source: He, Zhang, Ren & Sun (2015), equation 10.
    """
    return _scaled(key, shape, dtype, 2.0, "fan_in", "normal")


def lecun_uniform(key: Key, shape: tuple[int, ...], dtype: DType) -> Array:
    """`variance_scaling(1.0, "fan_in", "uniform")`.

    Source: LeCun, Bottou, Orr & Mueller, Efficient BackProp (1998), section 4.6.
    """
    return _scaled(key, shape, dtype, 1.0, "fan_in", "uniform")


def lecun_normal(key: Key, shape: tuple[int, ...], dtype: DType) -> Array:
    """`variance_scaling(1.0, "fan_in", "normal")`.

    Source: LeCun, Bottou, Orr & Mueller (1998), section 4.6.
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
