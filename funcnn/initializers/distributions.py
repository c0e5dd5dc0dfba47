"""Initial values whose width is given."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np

from funcnn.arguments import finite_positive, is_number
from funcnn.errors import ShapeError
from funcnn.initializers import draws
from funcnn.keys import Initializer, Key
from funcnn.recorded_functions import recorded
from funcnn.shapes import display
from funcnn.types import Array

DType: TypeAlias = "np.dtype[np.floating[Any]]"


def zeros(key: Key, shape: tuple[int, ...], dtype: DType) -> Array:
    """Zeros.

    >>> zeros(Key(0), (2,), np.dtype(np.float32))
    array([0., 0.], dtype=float32)
    """
    del key
    return np.zeros(shape, dtype)


def ones(key: Key, shape: tuple[int, ...], dtype: DType) -> Array:
    """Ones.

    >>> BatchNorm(gamma_init=ones)
    BatchNorm(gamma_init=ones)
    """
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
    if not (is_number(value) and math.isfinite(value)):
        raise ValueError(f"constant: value must be a finite number, got {value!r}")

    def init(key: Key, shape: tuple[int, ...], dtype: DType) -> Array:
        del key
        return np.full(shape, value, dtype)

    return init


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

    >>> w = truncated_normal(0.5)(Key(0), (1000,), np.dtype(np.float32))
    >>> bool(0.9 < np.abs(w).max() <= 1)
    True
    """
    finite_positive("truncated_normal", stddev=stddev)
    return lambda key, shape, dtype: draws.scaled(draws.truncated_normal(key, shape, dtype), stddev, dtype)


@recorded
def uniform(scale: float = 1e-2) -> Initializer:
    """Values spread evenly over [-scale, scale].

    Errors
        ValueError   `scale` is not positive and finite

    >>> w = uniform(0.5)(Key(0), (1000,), np.dtype(np.float32))
    >>> bool(0.49 < np.abs(w).max() <= 0.5)
    True
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


@recorded
def identity(scale: float = 1.0) -> Initializer:
    """`scale` times the identity: ones on the diagonal of the last two axes, in the middle of the axes before them.

    A Dense that starts so hands on as many features as there are; a Conv of an odd window, padded "SAME", its channels.

    Errors
        ValueError   `scale` is not positive and finite
        ShapeError   the shape has fewer than two axes
    Source: Le, Jaitly & Hinton, A Simple Way to Initialize Recurrent Networks of Rectified Linear Units (2015),
    section 3.

    >>> identity()(Key(0), (2, 3), np.dtype(np.float32))
    array([[1., 0., 0.],
           [0., 1., 0.]], dtype=float32)
    """
    finite_positive("identity", scale=scale)

    def init(key: Key, shape: tuple[int, ...], dtype: DType) -> Array:
        del key
        if len(shape) < 2:
            raise ShapeError(f"identity initializes arrays of at least two axes, got {display(shape)}")
        values: Array = np.zeros(shape, dtype)
        values[tuple(n // 2 for n in shape[:-2])] = scale * np.eye(*shape[-2:], dtype=dtype)
        return values

    return init
