"""Softmax and LogSoftmax: values by hand, stability, pullbacks."""

from __future__ import annotations

from math import exp, fsum, log

import numpy as np
import numpy.typing as npt
import pytest

from funcnn import Array, Layer, LogSoftmax, ShapeError, Softmax, vjp

BOTH = pytest.mark.parametrize("net", [Softmax, LogSoftmax], ids=repr)


def drawn(*shape: int) -> Array:
    return np.random.default_rng(7).normal(size=shape) * 3


def test_softmax_worked_by_hand() -> None:
    """Scores log 1, log 2, log 5 give 1/8, 2/8, 5/8."""
    assert Softmax.apply({}, np.log([[1.0, 2.0, 5.0]])) == pytest.approx(np.array([[0.125, 0.25, 0.625]]), rel=1e-15)


def test_log_softmax_worked_by_hand() -> None:
    """Two equal scores give log 1/2 each; a certain one gives 0 and the difference."""
    found = LogSoftmax.apply({}, np.array([[3.0, 3.0], [1000.0, 0.0]]))
    assert found == pytest.approx(np.array([[-log(2), -log(2)], [0.0, -1000.0]]), rel=1e-15)


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (2, 3, 4), (40, 10), (40, 33), (20, 3, 64), (2, 200), (6,)])
def test_values_are_those_of_the_formula(shape: tuple[int, ...]) -> None:
    """Row by row, `e^x_i / sum e^x_j`, worked out with Python's own sums; and its logarithm."""
    x = drawn(*shape)
    wanted = [[exp(v) / fsum(exp(u) for u in row) for v in row] for row in x.reshape(-1, shape[-1]).tolist()]
    assert Softmax.apply({}, x) == pytest.approx(np.array(wanted).reshape(shape), rel=1e-13)
    assert np.exp(LogSoftmax.apply({}, x)) == pytest.approx(np.array(wanted).reshape(shape), rel=1e-13)


def test_softmax_pullback_worked_by_hand() -> None:
    """For y = (1/4, 3/4) and dy = (1, 0): dx = y (dy - 1/4) = (3/16, -3/16)."""
    _, pullback = vjp(Softmax.apply, {}, np.log([[1.0, 3.0]]))
    assert pullback(np.array([[1.0, 0.0]]))[1] == pytest.approx(np.array([[0.1875, -0.1875]]), rel=1e-14)


def test_log_softmax_pullback_worked_by_hand() -> None:
    """For y = log (1/4, 3/4) and dy = (1, 0): dx = dy - (1/4, 3/4)."""
    _, pullback = vjp(LogSoftmax.apply, {}, np.log([[1.0, 3.0]]))
    assert pullback(np.array([[1.0, 0.0]]))[1] == pytest.approx(np.array([[0.75, -0.75]]), rel=1e-14)


@BOTH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extremes_are_finite(net: Layer[Array, Array], dtype: npt.DTypeLike) -> None:
    """Scores of +-1e4 give finite values and derivatives, in the dtype they came in."""
    x = np.array([[-1e4, 1e4, 0.0], [1e4, 1e4, 1e4], [-1e4, -1e4, -1e4]], dtype)
    y, pullback = vjp(net.apply, {}, x)
    dx = pullback(np.ones_like(y))[1]
    assert (y.dtype, dx.dtype) == (dtype, dtype)
    assert np.isfinite(y).all() and np.isfinite(dx).all()


@BOTH
def test_nan_spoils_its_own_row_only(net: Layer[Array, Array]) -> None:
    """NaN in, NaN out, for the row it is in."""
    x = drawn(20, 5)
    x[2, 3] = np.nan
    assert np.flatnonzero(np.isnan(net.apply({}, x)).all(1)).tolist() == [2]
    assert np.isnan(net.apply({}, x)).sum() == 5


@BOTH
def test_a_tuple_is_refused(net: Layer[Array, Array]) -> None:
    """They take one array; the message names the layer."""
    with pytest.raises(ShapeError, match=f"{net!r} takes an array .* got a tuple of 2"):
        net.out_shape(((-1, 3), (-1, 4)))
