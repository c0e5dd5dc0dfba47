"""Cotangents for later, and cotangents of what has no derivative."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import DTypeError, ShapeError
from funcnn.authoring import Later, force
from funcnn.cotangents import cotangent_like, like_input, read_only, zeros_like
from tests.refusals import refusal

Y = np.zeros((2, 3), np.float32)


def test_a_later_is_computed_when_forced() -> None:
    """And not before."""
    calls: list[int] = []

    def compute() -> int:
        calls.append(1)
        return 3

    later = Later(compute)
    assert calls == []
    assert (force(later), calls) == (3, [1])


def test_zeros_like_tokens_are_real_numbers() -> None:
    """Whatever has no derivative has a cotangent of zeros, like the features of a tuple."""
    a, b = zeros_like((np.arange(3), np.ones(2)), np.float32)
    assert (a.dtype, a.tolist(), b.dtype) == (np.float32, [0, 0, 0], np.float64)


@pytest.mark.parametrize(
    ("dy", "kind", "said"),
    [
        (
            np.zeros((2, 3)) * 1j,
            DTypeError,
            "the cotangent has dtype complex128, features are real numbers; take its .real and .imag apart",
        ),
        (
            np.ma.masked_array(Y),
            DTypeError,
            "the cotangent is a masked array; say what stands for the missing values with .filled(value)",
        ),
        (None, DTypeError, "the cotangent is of type NoneType; give an array of real numbers"),
        (1.0, ShapeError, "the cotangent must have the shape of the value, (2, 3), got ()"),
    ],
)  # fmt: skip
def test_other_cotangents_are_refused(dy: Any, kind: type[Exception], said: str) -> None:
    """What came, what was expected, what to do."""
    assert refusal(lambda: cotangent_like(Y, dy), kind) == said


def test_the_cotangent_of_a_tuple_is_a_tuple() -> None:
    """Of as many."""
    a, b = cotangent_like((Y, Y), (Y, Y + 1))
    assert np.array_equal(a, Y) and np.array_equal(b, Y + 1)
    for wrong in (Y, (Y,), [Y, Y]):
        said = refusal(lambda: cotangent_like((Y, Y), wrong), ShapeError)  # noqa: B023  (called at once)
        assert said == f"the value is a tuple of 2, its cotangent must be one too, got {type(wrong).__name__}"


def test_the_cotangent_of_tokens_is_real() -> None:
    """However it comes."""
    assert cotangent_like(np.arange(3), [0, 1, 2]).dtype == np.float32


def test_complex_values_have_complex_cotangents() -> None:
    """Rules are checked under complex numbers."""
    assert cotangent_like(Y.astype(complex), Y).dtype == np.complex128


def test_cotangents_are_borrowed_read_only() -> None:
    """A rule that writes into one fails; the caller's array stays writable."""
    dy = np.ones_like(Y)
    lent = cotangent_like(Y, dy)
    assert np.shares_memory(lent, dy) and (lent.flags.writeable, dy.flags.writeable) == (False, True)


def test_the_cotangent_of_a_tuple_of_inputs_is_like_it() -> None:
    """Tokens may have any real cotangent of their shape."""
    da, db = like_input((Y, np.zeros(3, np.float32)), (Y, np.arange(3)))
    assert (da.flags.writeable, db.dtype) == (False, np.float32)


def test_read_only_views_leave_their_arrays_alone() -> None:
    """In nested tuples too."""
    a, b = np.ones(2), np.ones(3)
    view, (inner,) = read_only((a, (b,)))
    assert [array.flags.writeable for array in (view, inner, a, b)] == [False, False, True, True]
