"""Flatten and Identity."""

from __future__ import annotations

import numpy as np
import pytest

from funcnn import Array, Flatten, Identity, ShapeError, vjp


def test_flatten_keeps_the_first_axis() -> None:
    """Rows are read with the last axis fastest."""
    x = np.arange(12.0).reshape(2, 3, 2)
    assert Flatten.apply({}, x).tolist() == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]


@pytest.mark.parametrize(
    ("shape", "out"),
    [((-1, 28, 28, 1), (-1, 784)), ((5, 3), (5, 3)), ((5,), (5, 1)), ((0, 3, 2), (0, 6)), ((2, -1, 3), (2, -1))],
)
def test_flatten_shapes(shape: tuple[int, ...], out: tuple[int, ...]) -> None:
    """The other axes are multiplied; what is not known stays unknown."""
    assert Flatten.out_shape(shape) == out


def test_flatten_pullback_gives_the_shape_back() -> None:
    """The cotangent of an entry is the entry of the cotangent."""
    _, pullback = vjp(Flatten.apply, {}, np.ones((1, 2, 2)))
    assert pullback(np.array([[1.0, 2.0, 3.0, 4.0]]))[1].tolist() == [[[1.0, 2.0], [3.0, 4.0]]]


def test_flatten_refuses_what_has_no_batch() -> None:
    """A number or a tuple is no batch."""
    with pytest.raises(ShapeError, match=r"Flatten takes an array of at least 1 axis, got \(\)"):
        Flatten.out_shape(())
    with pytest.raises(ShapeError, match="Flatten takes .* got a tuple of 2"):
        Flatten.out_shape(((-1, 3), (-1, 4)))


def test_identity_copies_nothing() -> None:
    """It gives the very array, read-only from outside."""
    x = np.ones((2, 3))
    y = Identity.apply({}, x)
    assert np.shares_memory(x, y) and not y.flags.writeable


def test_identity_pulls_back_the_cotangent() -> None:
    """`dx = dy`."""
    _, pullback = vjp(Identity.apply, {}, np.ones((1, 2)))
    assert pullback(np.array([[3.0, 4.0]]))[1].tolist() == [[3.0, 4.0]]


def test_integers_reach_what_lies_behind() -> None:
    """Neither has a use for its input, so that tokens stay integers on their way to what has."""
    tokens = np.array([[[1], [2]]])
    kept: Array = Flatten.apply({}, tokens)
    assert kept.dtype == tokens.dtype
