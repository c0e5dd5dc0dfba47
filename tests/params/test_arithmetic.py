"""Trees of arrays are not computed with as if they were one array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from funcnn import Gradients, Params, ParamsError, Updates, tree_map
from tests.refusals import refusal

TREE: Any = {"a": {"w": np.ones((2, 3))}, "b": np.zeros(3)}
P: Any = Params(TREE)
X: Any = np.ones((2, 3))

REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "p + p": (lambda: P + P, "tree_map(np.add, params, others)"),
    "p - 0.1": (lambda: P - 0.1, "tree_map(np.subtract, params, others)"),
    "0.1 * p": (lambda: 0.1 * P, "tree_map(np.multiply, params, others)"),
    "float32 * p": (lambda: np.float32(0.1) * P, "tree_map(np.multiply, params, others)"),
    "p / 2": (lambda: P / 2, "tree_map(np.divide, params, others)"),
    "p ** 2": (lambda: P**2, "tree_map(np.power, params, others)"),
    "x @ p": (lambda: X @ P, "np.matmul takes one"),
    "x + p": (lambda: X + P, "tree_map(np.add, params, others)"),
    "-p": (lambda: -P, "tree_map(np.negative, params)"),
    "abs(p)": (lambda: abs(P), "tree_map(np.absolute, params)"),
    "np.exp(p)": (lambda: np.exp(P), "tree_map(np.exp, params), or take one array with params.at(path)"),
    "np.mean(p)": (lambda: np.mean(P), "no array; take one of them, params.at(path), or ravel(params)"),
    "np.asarray(p)": (lambda: np.asarray(P), "ravel(params)"),
    "np.stack([p, p])": (lambda: np.stack([P, P]), "ravel(params)"),
    "sum([p, p])": (lambda: sum([P, P]), "tree_map(np.add, params, others)"),
    "gradients": (lambda: -0.1 * Gradients(TREE), "gradients are a tree of arrays"),  # type: ignore[operator]
    "updates": (lambda: np.sign(Updates(TREE)), "tree_map(np.sign, updates)"),  # type: ignore[call-overload]
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_said_what_to_write(name: str) -> None:
    """By every sign, and by NumPy's functions, which would compute with the names."""
    act, word = REFUSED[name]
    assert word in refusal(act, ParamsError)


def test_what_is_said_works() -> None:
    """Functions of arrays, leaf by leaf."""
    assert tree_map(np.add, P, P) == tree_map(np.multiply, P, Params({"a": {"w": 2 * X}, "b": np.ones(3)}))


def test_equality_answers() -> None:
    """A tree is never equal to an array, whoever is asked."""
    assert (P == X) is False and (P != X) is True and bool(X == P) is False and bool(X != P) is True
