"""What `where` says: to everyone who takes one alike, and never nothing."""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import funcnn
import funcnn.optimizers
from funcnn import (
    Dense, LayerNorm, Params, ParamsError, adam, adamw, count, elastic_net, freeze, l1, l2, partition, reinit, serial, value_and_grad,
)  # fmt: skip
from funcnn.optimizers import add_decayed_weights, lamb, lars, masked
from funcnn.params import selection
from funcnn.params.selection import selected
from funcnn.types import Array, Where
from tests.derivatives.small_objectives import NET, PARAMS, T, X

NET_OF_TREE = serial(Dense(3).named("head"), LayerNorm().named("norm"))
TREE = Params({"head": {"b": np.ones(3), "w": np.ones((2, 3))}, "norm": {"offset": np.ones(3), "scale": np.ones(3)}})
LEAVES: dict[str, Array] = {path: TREE.at(path) for path in TREE.paths()}

USERS: dict[str, Callable[[Where], object]] = {
    "adamw": lambda where: adamw(0.1, where=where).init(TREE),
    "add_decayed_weights": lambda where: add_decayed_weights(0.1, where=where).init(TREE),
    "count": lambda where: count(TREE, where),
    "elastic_net": lambda where: elastic_net(0.1, 0.1, where=where)(TREE),
    "freeze": lambda where: freeze(NET_OF_TREE, TREE, where),
    "lamb": lambda where: lamb(0.1, weight_decay=0.1, where=where).init(TREE),
    "lars": lambda where: lars(0.1, weight_decay=0.1, where=where).init(TREE),
    "masked": lambda where: masked(adam(0.1), where).init(TREE),
    "l1": lambda where: l1(0.1, where=where)(TREE),
    "l2": lambda where: l2(0.1, where=where)(TREE),
    "partition": lambda where: partition(TREE, where),
    "reinit": lambda where: reinit(NET_OF_TREE, TREE, where, 0, (-1, 2)),
}


def nobody(path: str, leaf: Array) -> bool:
    """No leaf at all."""
    return False


def test_everyone_who_takes_a_where_is_here() -> None:
    """Of the public functions, also those of the optimizers."""
    public = {name: getattr(house, name) for house in (funcnn, funcnn.optimizers) for name in dir(house)}
    plain = {name: f for name, f in public.items() if inspect.isfunction(f)}
    asked = {name: inspect.signature(f).parameters.get("where") for name, f in plain.items()}
    assert {name for name, p in asked.items() if p and "Where" in str(p.annotation)} == set(USERS)


@pytest.mark.parametrize("name", USERS)
@pytest.mark.parametrize(
    ("where", "shown", "what"),
    [
        ("**/kernel", "'**/kernel'", "matches no path"),
        (nobody, "nobody", "chooses no leaf"),
    ],
)  # fmt: skip
def test_what_chooses_nothing_is_refused(name: str, where: Any, shown: str, what: str) -> None:
    """A pattern and a function alike: whoever writes one means some leaf."""
    words = f"{name}: where={shown} {what} of the params: head/b, head/w, norm/offset, norm/scale"
    with pytest.raises(ParamsError, match=re.escape(words)):
        USERS[name](where)


@pytest.mark.parametrize("name", USERS)
def test_what_chooses_something_is_taken(name: str) -> None:
    """One leaf is enough; and None stands for the matrices, of which there may be none."""
    for where in ("*/scale", lambda path, leaf: path == "norm/scale", None):
        USERS[name](where)


def test_the_leaves_in_their_order() -> None:
    """By pattern, by path and array, and by the number of axes."""
    assert selected(LEAVES, "**", caller="f") == ["head/b", "head/w", "norm/offset", "norm/scale"]
    assert selected({"a": np.ones(1), "a/b": np.ones(1)}, "*", caller="f") == ["a"]
    assert selected(LEAVES, "**/?", caller="f") == ["head/b", "head/w"]
    assert selected(LEAVES, lambda path, leaf: leaf.ndim == 1, caller="f") == ["head/b", "norm/offset", "norm/scale"]
    assert selected(LEAVES, None, caller="f") == ["head/w"]
    assert selected({"b": np.ones(3)}, None, caller="f") == []


def test_a_penalty_of_an_objective_is_refused_at_the_first_step() -> None:
    """Not trained with for hours."""
    with pytest.raises(ParamsError, match="l2: where=nobody chooses no leaf"):
        value_and_grad(funcnn.squared_error, NET.apply, l2(0.1, where=nobody))(PARAMS, X, T)


@pytest.mark.parametrize("where", [list, np.add])
def test_a_class_or_a_ufunc_is_no_choice(where: Any) -> None:
    """It would be called with a path and an array, and say what it likes."""
    with pytest.raises(TypeError, match="partition: where must be a pattern of paths"):
        funcnn.partition({"w": np.ones((2, 2))}, where)


@pytest.mark.parametrize("answer", [np.array([True, False]), "yes", None, 1])
def test_a_function_says_yes_or_no(answer: Any) -> None:
    """An array of answers is none."""
    with pytest.raises(TypeError, match=r"partition: where must be a function \(path, array\) -> bool, for w it gave"):
        funcnn.partition({"w": np.ones((2, 2))}, lambda path, leaf: answer)


def test_patterns_are_matched_soon() -> None:
    """Whatever a pattern is and a path: either may come out of a file."""
    paths = ["/".join(["a"] * 400) + "/b", "a" * 3000, "a/" * 300 + "c" * 300]
    for piece in ("**/", "**/a/", "*a", "**a", "?*", "***"):
        pattern = piece * 30 + "x"
        start = time.perf_counter()
        assert not any(selection.matches(pattern, path) for path in paths)
        assert time.perf_counter() - start < 2
    assert selection.matches("**/" * 30 + "b", paths[0]) and selection.matches("*a" * 30, paths[1])


@given(st.text("a/*?", max_size=8), st.text("a/b", max_size=8))
def test_both_ways_of_matching_agree(pattern: str, path: str) -> None:
    """The regular expression, and the walk that bounds the time."""
    expression, tokens, _ = selection._compiled(pattern)
    assert selection._walked(tokens, path) == (expression.fullmatch(path) is not None)


def test_names_may_have_new_lines() -> None:
    """They are letters like others."""
    assert selection.matches("**", "a\n/b") and selection.matches("**/b", "a\n/b") and selection.matches("*/b", "a\n/b")
