"""Plain functions, forward and backward, are held to the laws in one call."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import numpy as np
import pytest

from funcnn.testing import LawBroken, holds, laws, pair, parametrize_with_laws
from funcnn.testing.trials.of_layers import trials
from tests.testing.plain_functions import (
    RIGHT, WRONG, Plain, affine, affine_backward, affine_bias_mean, dense, dense_backward, halves, leaky,
    leaky_backward, tanh, tanh_backward,
)  # fmt: skip

pytestmark = pytest.mark.usefixtures("same_cases")


def made(plain: Plain) -> Any:
    """The pair."""
    return pair(plain.forward, plain.backward, **plain.options)


@pytest.mark.parametrize("name", RIGHT)
def test_right_functions_are_acquitted(name: str) -> None:
    """By every law that is asked of functions."""
    holds(made(RIGHT[name]), RIGHT[name].shape, examples=20, **RIGHT[name].claims)


@pytest.mark.parametrize("name", WRONG)
def test_wrong_functions_are_convicted(name: str) -> None:
    """At default effort, by a message about the argument, as the function calls it."""
    plain, message = WRONG[name]
    told: list[str] = []
    for trial in trials(made(plain), plain.shape, **plain.claims).values():
        try:
            trial.run(20, shrink=False)
        except LawBroken as broken:
            told.append(str(broken))
            if re.search(rf"found: .*{message}", told[-1]):
                return
    raise AssertionError(f"nothing says {message}: {told}")


def test_reports_name_the_functions_and_their_lines() -> None:
    """By their names, and where each stands; the program that makes the case again imports them."""
    with pytest.raises(LawBroken) as raised:
        holds(pair(affine, affine_bias_mean), (("B", "D"), ("D", 3), (3,)), only=["true_pullback"])
    text, forward, backward = str(raised.value), affine.__code__, affine_bias_mean.__code__
    assert re.search(rf"where: +affine \(\S*plain_functions.py:{forward.co_firstlineno}\), affine_bias_mean "
                     rf"\(\S*plain_functions.py:{backward.co_firstlineno}\)", text)  # fmt: skip
    assert "gradient of b: the pullback says" in text
    program = text.partition("  again:\n")[2]
    assert "from tests.testing.plain_functions import affine, affine_bias_mean" in program
    with pytest.raises(LawBroken, match="gradient of b"):
        exec(program, {})


def test_a_pair_prints_and_compares_as_its_call() -> None:
    """It is a layer like others."""
    assert repr(pair(affine, affine_backward)) == "pair(affine, affine_backward)"
    assert pair(affine, affine_backward) == pair(affine, affine_backward) != pair(affine, affine_bias_mean)


def test_options_are_bound_and_print_as_they_are_written() -> None:
    """What is no array, such as the settings of a convolution, is bound; the program binds it again."""
    bound = partial(leaky, slope=0.3)
    assert repr(pair(bound, leaky_backward)) == "pair(partial(leaky, slope=0.3), leaky_backward)"
    with pytest.raises(LawBroken) as raised:
        holds(pair(bound, leaky_backward), ("B", "D"), only=["true_pullback"])
    program = str(raised.value).partition("  again:\n")[2]
    assert "from functools import partial" in program and "leaky (" in str(raised.value)
    with pytest.raises(LawBroken, match="gradient of x"):
        exec(program, {})


def test_rows_that_share_their_weights_are_rows() -> None:
    """What all rows share is known by its template: of the others one example at a time is tried."""
    report = holds(pair(affine, affine_backward), (("B", "D"), ("D", 3), (3,)), report=True, examples=4)
    assert "independent_rows" in [line.law for line in report.lines]
    plainly = holds(pair(affine, affine_backward), ((5, 4), (4, 3), (3,)), report=True, examples=4)
    assert plainly.held and "independent_rows" not in [line.law for line in plainly.lines]
    said = holds(
        pair(affine, affine_backward), ((5, 4), (4, 3), (3,)), report=True, batch_axis=(0, None, None),
        only=["independent_rows"], examples=10,
    )  # fmt: skip
    assert said.lines[0].tally.holds == 10 + 4  # rare ones beside


def centred(x: Any, b: Any) -> Any:
    """Rows that see each other, though their derivative is right."""
    return x - x.mean(0) + b


def centred_backward(dy: Any, x: Any, b: Any) -> Any:
    """The derivative of `centred`."""
    return dy - dy.mean(0), dy.sum(0)


def test_functions_that_mix_rows_are_told_so() -> None:
    """As layers are."""
    with pytest.raises(LawBroken, match="say mixes_batch=True"):
        holds(pair(centred, centred_backward), (("B", "D"), ("D",)), only=["independent_rows"])
    holds(pair(centred, centred_backward), (("B", "D"), ("D",)), mixes_batch=True)


def test_a_pair_is_run_by_pytest_too() -> None:
    """`laws` and `parametrize_with_laws` take it."""
    suite = laws(pair(tanh, tanh_backward), ("B", "D"))
    vars(suite)["test_true_pullback"](suite)
    assert "test_is_data" not in vars(suite)
    assert len(parametrize_with_laws([pair(tanh, tanh_backward)], ("B", "D")).args[1]) > 10


WRONG_TAKES: Any = {"labels": "tokens"}
NO_FUNCTION: Any = 3


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: pair(tanh, NO_FUNCTION), "takes two functions, forward and backward, got 3 as backward"),
        (lambda: pair(tanh, lambda *args: args), "is to take its arguments one by one"),
        (lambda: pair(tanh, tanh_backward, params={"w": (3,)}), r"is to take \(params, x\), it takes \(x\)"),
        (lambda: pair(tanh, tanh_backward, takes=WRONG_TAKES), "takes names 'labels'; tanh takes x"),
    ],
)
def test_arguments_are_checked(wrong: Any, message: str) -> None:
    """With the way out."""
    with pytest.raises(TypeError, match=message):
        wrong()


@pytest.mark.parametrize(
    ("forward", "backward", "shape", "message"),
    [
        (affine, affine_backward, ("B", "D"), r"affine takes x, w, b, got 1 array; give a template for each"),
        (halves, lambda dy, x: dy, ("B", "D"), r"halves\(x\) returns 2 things, and <lambda>\(dy, x\) has 1 arguments"),
        (lambda x: None, lambda dy, x: dy, ("B", "D"), "<lambda> gives None, an array of numbers is wanted"),
        (lambda x: x.foo, lambda dy, x: dy, ("B", "D"), "<lambda> raises AttributeError for arrays of shape"),
        (tanh, lambda dy, y: None, ("B", "D"), "<lambda> gives None as the gradient of x, an array of shape"),
    ],
)
def test_functions_that_do_not_fit_together_are_told_so(forward: Any, backward: Any, shape: Any, message: str) -> None:
    """And what is wanted."""
    with pytest.raises(LawBroken, match=message):
        holds(pair(forward, backward), shape, only=["pure"])


def test_params_may_start_from_arrays() -> None:
    """Where any numbers will not do."""
    start = {"w": np.full((4, 3), 2.0), "b": np.zeros(3)}
    params = pair(dense, dense_backward, params=start).init(0, (2, 4))[1]
    assert params.at("w").tolist() == start["w"].tolist() and params.at("w").dtype == np.float32


def test_a_cache_that_is_an_array_may_be_said_to_be_one() -> None:
    """Where names do not tell."""

    def forward(x: Any) -> Any:
        return np.sin(x), np.cos(x)

    def backward(dy: Any, da: Any) -> Any:
        return dy * da

    holds(pair(forward, backward, cache=True), ("B", "D"))
    with pytest.raises(LawBroken):
        holds(pair(forward, backward), ("B", "D"))


def test_the_shape_of_the_value_is_learnt() -> None:
    """By running forward, on numbers that it takes; unknown sizes are refused."""
    assert pair(affine, affine_backward).out_shape(((5, 4), (4, 3), (3,))) == (5, 3)
    assert pair(np.linalg.cholesky, lambda dy, x: dy).out_shape((3, 3)) == (3, 3)
    assert pair(halves, lambda da, db, x: da).out_shape((2,)) == ((2,), (2,))
    with pytest.raises(ValueError, match="give sizes, not -1"):
        pair(tanh, tanh_backward).out_shape((-1, 3))
