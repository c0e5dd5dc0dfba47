"""Upsample and Pad: values worked by hand, against NumPy and interpolation matrices, messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest

from funcnn import Array, Layer, Pad, Relu, ShapeError, Upsample, serial, vjp
from tests.refusals import refusal

RNG = np.random.default_rng(3)
MODES: tuple[Literal["constant", "reflect", "edge"], ...] = ("constant", "reflect", "edge")


def matrix(n: int, scale: int) -> Array:
    """What interpolation along an axis does, output by output: the weights of the two next centres, clipped."""
    m: Array = np.zeros((n * scale, n))
    for i in range(n * scale):
        place = min(max((i + 0.5) / scale - 0.5, 0), n - 1)
        low = min(int(place), n - 2) if n > 1 else 0
        m[i, low] += 1 - (place - low)
        if n > 1:
            m[i, low + 1] += place - low
    return m


def as_matrix(net: Layer[Array, Array], shape: tuple[int, ...]) -> tuple[Array, Array]:
    """A linear layer as a matrix, by its values on the unit arrays; and by its pullback."""
    n = int(np.prod(shape))
    eye = np.eye(n).reshape(n, *shape)
    zero = net.apply({}, np.zeros((1, *shape)))
    y, pullback = vjp(net.apply, {}, eye[:1])
    forward = (net.apply({}, eye) - zero).reshape(n, -1)
    back = np.stack([pullback(e.reshape(y.shape))[1].ravel() for e in np.eye(y.size)])
    return forward.T, back


# upsampling -----------------------------------------------------------------------------------------------------------
def test_nearest_repeats_rows_and_columns() -> None:
    """As `np.repeat` does, along each axis."""
    x = RNG.normal(size=(2, 3, 4, 2))
    np.testing.assert_array_equal(Upsample((2, 3)).apply({}, x), x.repeat(2, 1).repeat(3, 2))
    np.testing.assert_array_equal(Upsample(2).apply({}, x), x.repeat(2, 1).repeat(2, 2))


def test_bilinear_worked_by_hand() -> None:
    """Between 0 and 8, four outputs each: 1, 3, 5, 7 between the centres, and as it ends beyond."""
    y = Upsample((4,), "bilinear").apply({}, np.array([[[0.0], [8.0]]]))
    assert y.ravel().tolist() == [0, 0, 1, 3, 5, 7, 8, 8]


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_bilinear_is_a_matrix_along_every_axis(n: int, scale: int) -> None:
    """Of weights that add up to one."""
    x = RNG.normal(size=(2, n, 3, 2))
    wanted = np.einsum("in,jm,bnmc->bijc", matrix(n, scale), matrix(3, 2), x)
    np.testing.assert_allclose(Upsample((scale, 2), "bilinear").apply({}, x), wanted, rtol=0, atol=1e-14)
    np.testing.assert_allclose(matrix(n, scale).sum(1), 1, rtol=1e-15)


@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (Upsample((2, 3)), (2, 2, 1)),
        (Upsample(3), (2, 2)),
        (Upsample((3, 2), "bilinear"), (2, 3, 1)),
        (Upsample(2, "bilinear"), (1, 2, 3, 1)),
        *((Pad(((2, 1), (0, 1)), mode), (3, 2, 2)) for mode in MODES),
        *((Pad(((0, 0), (3, 0)), mode), (2, 4)) for mode in MODES),
    ],
)
def test_the_pullback_is_the_transpose(net: Layer[Array, Array], shape: tuple[int, ...]) -> None:
    """Entry by entry."""
    forward, back = as_matrix(net, shape)
    np.testing.assert_allclose(back, forward, rtol=0, atol=1e-15)


def test_infinity_stays_where_it_is() -> None:
    """In the middle of a pixel its neighbours have no weight, and infinity times zero is not asked for."""
    y = Upsample((3,), "bilinear").apply({}, np.array([[[1.0], [np.inf]]]))
    assert y.ravel().tolist()[:2] == [1, 1] and np.isinf(y.ravel()[2:]).all()


# padding --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("widths", [((1, 2),), ((0, 0), (2, 1)), ((1, 1), (0, 2), (3, 0))])
def test_padding_is_numpys(mode: Literal["constant", "reflect", "edge"], widths: tuple[tuple[int, int], ...]) -> None:
    """Of the axes after the batch, in order; the rest stay."""
    x = RNG.normal(size=(2, 4, 3, 4))
    pairs = ((0, 0), *widths, *((0, 0),) * (3 - len(widths)))
    np.testing.assert_array_equal(Pad(widths, mode).apply({}, x), np.pad(x, pairs, mode))


def test_a_constant_may_be_chosen() -> None:
    """And has no gradient."""
    y, pullback = vjp(Pad(((1, 0),), value=-2.5).apply, {}, np.array([[1.0, 2.0]]))
    assert y.tolist() == [[-2.5, 1, 2]]
    assert pullback(np.array([[5.0, 6.0, 7.0]]))[1].tolist() == [[6, 7]]


def test_reflected_pixels_send_their_cotangents_back() -> None:
    """The outermost pixel is not repeated: 3 2 | 1 2 3."""
    y, pullback = vjp(Pad(((2, 0),), "reflect").apply, {}, np.array([[1.0, 2.0, 3.0]]))
    assert y.tolist() == [[3, 2, 1, 2, 3]]
    assert pullback(np.array([[10.0, 20.0, 1.0, 2.0, 3.0]]))[1].tolist() == [[1, 22, 13]]


# messages -------------------------------------------------------------------------------------------------------------
METHOD: Any = "cubic"
FLAT: Any = (1, 1)


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: Upsample(0), "Upsample: scale must be"),
        (lambda: Upsample((2, 0)), "two integers of at least 1"),
        (lambda: Upsample(2, METHOD), "method must be 'nearest' or 'bilinear', got 'cubic'"),
        (lambda: Pad(FLAT), "Pad: widths must be pairs (before, behind)"),
        (lambda: Pad(()), "widths must be pairs"),
        (lambda: Pad(((-1, 0),)), "at least 0, got ((-1, 0),)"),
        (lambda: Pad(((1, 0),), METHOD), "mode must be 'constant', 'reflect' or 'edge', got 'cubic'"),
    ],
)
def test_impossible_arguments_are_refused(make: Callable[[], object], part: str) -> None:
    """At construction."""
    assert part in refusal(make, ValueError)


@pytest.mark.parametrize(
    ("net", "shape", "parts"),
    [
        (Upsample((2, 2)), (-1, 4, 3), ("upsample_0", "(batch, height, width, channels)", "(?, 4, 3)")),
        (Upsample(2), (-1, 4), ("upsample_0", "at least 3 axes")),
        (Pad(((1, 1), (1, 1))), (-1, 4), ("pad_0", "at least 3 axes")),
        (Pad(((4, 0),), "reflect"), (-1, 4, 2), ("pad_0", "reflects at most 3 pixels of an axis of 4", "(4, 0)")),
    ],
)
def test_shapes_that_do_not_fit_are_refused_at_the_layer(
    net: Layer[Array, Array], shape: tuple[int, ...], parts: tuple[str, ...]
) -> None:
    """With path, what came, and what is taken."""
    said = refusal(lambda: serial(Relu, net).out_shape(shape), ShapeError)
    assert all(part in said for part in parts), said


def test_unknown_sizes_stay_unknown() -> None:
    """Reflection asks for nothing it does not know."""
    assert Pad(((4, 0),), "reflect").out_shape((-1, -1, 2)) == (-1, -1, 2)
    assert Upsample(2).out_shape((-1, -1, 5, 2)) == (-1, -1, 10, 2)
