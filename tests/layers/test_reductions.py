"""Means and maxima over an axis: of what is real, 0 where nothing is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.differences import drawn_like
from funcnn import Layer, MaxOver, MeanOver, ShapeError, vjp

X = np.random.default_rng(0).normal(size=(3, 4, 2))
MASK = np.array([[1, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0]]) != 0
MAKERS: dict[str, tuple[Any, Any]] = {"mean": (MeanOver, np.mean), "max": (MaxOver, np.max)}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("axis", [1, 2, -1, -2])
def test_without_a_mask(name: str, axis: int) -> None:
    """NumPy's."""
    make, reference = MAKERS[name]
    assert np.allclose(make(axis).apply({}, X), reference(X, axis=axis), rtol=1e-15)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("padding", [0.0, 1e9, np.nan])
def test_with_a_mask(name: str, padding: float) -> None:
    """Row by row, over the real steps alone, whatever stands elsewhere; nothing real gives 0, and gets 0 back."""
    make, reference = MAKERS[name]
    net = make(1, masked=True)
    y, pull = vjp(net.apply, {}, (np.where(MASK[..., None], X, padding), MASK))
    for row in range(2):
        assert np.allclose(y[row], reference(X[row, MASK[row]], axis=0), rtol=1e-14)
    assert not y[2].any()
    _, (dx, _) = pull(drawn_like(y, np.random.default_rng(1)))
    assert not dx[~MASK].any()
    assert dx[1, 2].all()


def test_a_mask_of_several_axes() -> None:
    """It goes up to the axis that goes away."""
    x = np.random.default_rng(2).normal(size=(2, 3, 4, 5))
    mask = np.random.default_rng(3).random((2, 3, 4)) < 0.5
    y = MeanOver(2, masked=True).apply({}, (x, mask))
    assert np.allclose(y, np.einsum("btk,btkd->btd", mask, x) / np.maximum(mask.sum(-1), 1)[..., None], rtol=1e-13)


def test_ties_go_to_the_first() -> None:
    """One of the largest gets the cotangent."""
    _, pull = vjp(MaxOver(1).apply, {}, np.ones((1, 3, 1)))
    assert np.array_equal(pull(np.array([[2.0]]))[1][0, :, 0], [2.0, 0.0, 0.0])


@pytest.mark.parametrize(
    ("net", "shape", "message"),
    [
        (MeanOver(3), (2, 3, 4), "MeanOver goes over axis 3, got (2, 3, 4)"),
        (MaxOver(-3), (2, 3, 4), "MaxOver goes over axis -3, got (2, 3, 4)"),
        (MeanOver(1, masked=True), (2, 3, 4), "MeanOver takes the tuple (x, mask), got one array"),
        (MeanOver(1, masked=True), ((2, 3, 4), (2, 4)), "its mask has a truth value for every place up to axis 1: expected (2, 3), got (2, 4)"),
        (MaxOver(1), ((2, 3, 4), (2, 3)), "got a tuple of 2, ((2, 3, 4), (2, 3)); masked=True adds a mask"),
    ],
    ids=repr,
)  # fmt: skip
def test_wrong_shapes_say_so(net: Layer[Any, Any], shape: Any, message: str) -> None:
    """What came, and what was expected."""
    with pytest.raises(ShapeError) as caught:
        net.out_shape(shape)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MeanOver(0), "axis 0 is the batch"),
        (lambda: MaxOver(1.5), "axis must be an integer, got 1.5"),  # type: ignore[call-overload]
        (lambda: MaxOver(-1, masked=True), "axis must be an integer of at least 1, for a mask goes up to it, got -1"),
    ],
)
def test_wrong_axes_are_refused(make: Any, message: str) -> None:
    """At construction."""
    with pytest.raises(ValueError) as caught:
        make()
    assert message in str(caught.value)
