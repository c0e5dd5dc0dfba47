"""The matrices of Winograd's convolutions F(4x4, r x r): products of polynomials from their values at points.

An output tile of 4 pixels a side comes from an input tile of `size = 4 + r - 1`. One axis at a time, the window and the
outputs are evaluated at `size - 1` points and at infinity (G and A), the input is interpolated (B).

Source: Winograd, Arithmetic Complexity of Computations (1980), chapter 5; Lavin & Gray, Fast Algorithms for
Convolutional Neural Networks (2016), sections 4.1 and 4.2.
"""

from __future__ import annotations

import functools
from typing import Final, NamedTuple

import numpy as np

from funcnn.types import Array

STEP: Final = 4
"""Pixels of an output tile, along each axis."""

POINTS: Final = {3: (0, 1, -1, 2, -2), 5: (0, 1, -1, 2, -2, 0.5, -0.5)}
"""The points for every size of window there is: small ones and their reciprocals, which amplify roundoff least."""


class Form(NamedTuple):
    """The matrices, in float32: `y = A^T [(G g G^T) * (B^T d B)] A`."""

    window: int
    size: int
    a: Array
    at: Array
    b: Array
    bt: Array
    gg: Array  # of both axes at once: rows are pairs of points, columns the pixels of a window


@functools.cache
def form(window: int) -> Form:
    """The matrices for windows of this size.

    >>> form(3).at
    array([[ 1.,  1.,  1.,  1.,  1.,  0.],
           [ 0.,  1., -1.,  2., -2.,  0.],
           [ 0.,  1.,  1.,  4.,  4.,  0.],
           [ 0.,  1., -1.,  8., -8.,  1.]], dtype=float32)
    """
    points = np.array(POINTS[window], np.float64)
    size = STEP + window - 1
    at = np.hstack([np.vander(points, STEP, increasing=True).T, np.eye(STEP)[:, -1:]])
    others = [np.delete(points, i) for i in range(size - 1)]
    scale = np.array([np.prod(p - rest) for p, rest in zip(points, others, strict=True)], np.float64)  # of Lagrange
    g = np.vstack([np.vander(points, window, increasing=True) / scale[:, None], np.eye(window)[-1:]])
    bt = np.zeros((size, size))
    for row, roots in zip(bt, [*others, points], strict=True):
        row[: len(roots) + 1] = np.poly(roots)[::-1]

    def single(matrix: Array) -> Array:
        return np.ascontiguousarray(matrix, np.float32)

    return Form(window, size, single(at.T), single(at), single(bt.T), single(bt), single(np.kron(g, g)))
