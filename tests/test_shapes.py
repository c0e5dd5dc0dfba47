"""Shapes, and dimensions that are not known."""

from __future__ import annotations

import copy
import math
import operator
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from funcnn import ShapeError, UndecidedError
from funcnn.arguments import finite_positive, positive, probability
from funcnn.shapes import UNKNOWN, Unknown, axes, branches, display, external, known, normalize, same, shape_of
from tests.refusals import refusal

D = Unknown()


# unknown dimensions ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "result",
    [D + 1, 1 + D, D - 1, 1 - D, D * 2, 2 * D, D // 2, 7 // D, D % 2, 7 % D, D**2, 2**D, -D, +D, abs(D), D + D,
     sum((2, D)), math.prod((2, D)), np.int64(3) * D, D * np.int64(3)],
)  # fmt: skip
def test_arithmetic_stays_unknown(result: int) -> None:
    """Whatever the other operand."""
    assert not known(result)


@pytest.mark.parametrize(
    "decide",
    [
        lambda: D == 3, lambda: D != 3, lambda: D == D, lambda: D < 3, lambda: 3 <= D, lambda: max(D, 3),
        lambda: bool(D), lambda: D in (1, 2), lambda: int(D), lambda: float(D), lambda: round(D), lambda: D / 2,
        lambda: divmod(D, 2), lambda: D & 1, lambda: D << 1, lambda: math.isqrt(D), lambda: math.gcd(D, 2),
    ],
)  # fmt: skip
def test_every_decision_is_refused(decide: Callable[[], object]) -> None:
    """The message says what to ask."""
    assert refusal(decide, UndecidedError) == (
        "a shape rule asked for the value of an unknown dimension; ask `known(d)` first"
    )


@pytest.mark.parametrize(
    "use",
    [
        lambda: range(D),
        lambda: [0] * D,
        lambda: [1, 2][D],
        lambda: [1, 2][:D],
        lambda: operator.index(D),
        lambda: np.zeros(D),
    ],
)
def test_code_written_in_c_gets_no_value_either(use: Callable[[], object]) -> None:
    """An `int` would be taken by its value, -1, without being asked."""
    refusal(use, TypeError)


def test_it_prints_as_a_question_mark() -> None:
    """Also formatted."""
    assert (str(D), repr((D, 2)), f"{D:>3}") == ("?", "(?, 2)", "?")


def test_copies_stay_unknown() -> None:
    """And pickles."""
    assert not any(known(d) for d in (copy.copy(D), copy.deepcopy(D), pickle.loads(pickle.dumps(D))))


def test_known_and_same_decide_nothing() -> None:
    """Dimensions agree as far as they are known."""
    assert (known(1, 2), known(1, D), known()) == (True, False, True)
    assert (same(2, D, 2), same(D, D), same(2, D, 3), same()) == (True, True, False, True)


# in and out -----------------------------------------------------------------------------------------------------------
def test_minus_one_becomes_unknown_and_back() -> None:
    """In nested shapes too; lists and NumPy's integers are welcome."""
    inside: Any = normalize([-1, (np.int64(2), -1), [0, 3]])
    assert display(inside) == "(?, (2, ?), (0, 3))"
    assert type(inside[1][0]) is int
    assert external(inside) == (-1, (2, -1), (0, 3))


def test_what_is_unknown_stays_so() -> None:
    """A shape that was normalised is one already."""
    assert normalize((UNKNOWN, 2))[0] is UNKNOWN


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ((3, -2), "dimension 1 of the shape (3, -2) is -2; sizes are integers, -1 for one that is not known yet"),
        ((3, 2.0), "dimension 1 of the shape (3, 2.0) is 2.0; sizes are integers, -1 for one that is not known yet"),
        ((True, 3), "dimension 0 of the shape (True, 3) is True; sizes are integers, -1 for one that is not known yet"),
        ((None, 3), "dimension 0 of the shape (None, 3) is None; sizes are integers, -1 for one that is not known yet"),
        (784, "a shape is a tuple of sizes, got int 784; write (784,)"),
    ],
)
def test_other_sizes_are_refused(shape: Any, said: str) -> None:
    """The dimension and its index are named."""
    assert refusal(lambda: normalize(shape), ShapeError) == said


def test_the_leading_axis_may_be_empty() -> None:
    """A batch of nothing."""
    assert normalize((0, 3)) == (0, 3)


def test_the_shape_of_a_tuple_is_a_tuple_of_shapes() -> None:
    """Nested as it is."""
    assert shape_of((np.zeros((2, 3)), (np.zeros(4), np.zeros(())))) == ((2, 3), ((4,), ()))


# helpers of shape rules -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("shape", "options", "said"),
    [
        ((28, 28, 1), {"exactly": 4, "like": "(batch, height, width, channels)"},
         "Conv takes (batch, height, width, channels), got (28, 28, 1); a single example needs a batch axis, x[None]; "
         "where the last one is missing, x[..., None]"),
        ((3,), {"exactly": 3}, "Conv takes an array of 3 axes, got (3,)"),
        ((), {"at_least": 1}, "Conv takes an array of at least 1 axis, got ()"),
        (
            ((2, 3), (2, D)),
            {"at_least": 1},
            "Conv takes an array of at least 1 axis, got a tuple of 2: ((2, 3), (2, ?))",
        ),
    ],
)  # fmt: skip
def test_axes_says_what_the_layer_takes(shape: Any, options: Any, said: str) -> None:
    """And what it got."""
    assert refusal(lambda: axes("Conv", shape, **options), ShapeError) == said


@pytest.mark.parametrize(
    ("shape", "n", "said"),
    [
        ((2, 3), None, "add takes a tuple of arrays, got one array of shape (2, 3)"),
        ((2, 3), 2, "add takes a tuple of 2, got one array of shape (2, 3)"),
        (((2,), (3,), (4,)), 2, "add takes a tuple of 2, got 3: ((2,), (3,), (4,))"),
    ],
)
def test_branches_says_how_many_the_layer_takes(shape: Any, n: int | None, said: str) -> None:
    """And what it got."""
    assert refusal(lambda: branches("add", shape, n), ShapeError) == said


def test_branches_gives_the_shapes_of_a_tuple() -> None:
    """As they are."""
    assert branches("add", ((2, 3), (4,))) == ((2, 3), (4,))


@pytest.mark.parametrize("size", [0, -1, 2.0, True, "2"])
def test_positive_refuses(size: Any) -> None:
    """The name, what was expected and what came."""
    assert refusal(lambda: positive("Dense", units=size), ValueError) == (
        f"Dense: units must be an integer of at least 1, got {size!r}"
    )


@pytest.mark.parametrize("value", [1, 1.0, -0.1, math.nan])
def test_probability_refuses(value: float) -> None:
    """The name, the range and what came."""
    said = refusal(lambda: probability("Dropout", drop=value), ValueError)
    assert said == f"Dropout: drop must be in [0, 1), got {value!r}"


@pytest.mark.parametrize("value", [0, -1.0, math.inf, math.nan])
def test_finite_positive_refuses(value: float) -> None:
    """The name, what was expected and what came."""
    assert refusal(lambda: finite_positive("sgd", rate=value), ValueError) == (
        f"sgd: rate must be a positive finite number, got {value!r}"
    )


def test_good_arguments_pass() -> None:
    """NumPy's integers and sizes that are not known among them."""
    one: Any = np.int64(1)
    positive("Dense", units=one, other=UNKNOWN)
    probability("Dropout", drop=0.0)
    finite_positive("sgd", rate=1e-30)
