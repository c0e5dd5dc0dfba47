"""Penalties: values by hand, gradients against differences, which leaves they are about."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.differences import drawn_like, inner, moved, slope
from tests.derivatives.small_objectives import NET, PARAMS, T, X

from funcnn import (
    Array,
    Dense,
    Params,
    ParamsError,
    Penalty,
    Tree,
    differentiable,
    l1,
    l2,
    serial,
    squared_error,
    value_and_grad,
    vjp,
)

TREE: dict[str, Any] = {
    "dense_0": {"w": np.array([[3.0, -4.0]]), "b": np.array([9.0, 9.0])},
    "head": {"w": np.array([[0.5], [-2.0]]), "b": np.array([9.0])},
}


@pytest.mark.parametrize(("make", "expected"), [(l1, 0.5 * 9.5), (l2, 0.5 * 29.25)])
def test_matrices_by_hand(make: Callable[[float], Penalty], expected: float) -> None:
    """Biases do not count."""
    assert make(0.5)(TREE) == expected


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("**/w", 29.25),
        ("head/w", 4.25),
        ("head/*", 85.25),
        ("**/b", 243.0),
        ("**", 272.25),
        (lambda path, leaf: path.startswith("dense"), 187.0),
        (lambda path, leaf: leaf.ndim == 1, 243.0),
    ],
)
def test_where(where: Any, expected: float) -> None:
    """A pattern of paths, or a predicate of path and array, takes the place of the rule about matrices."""
    assert l2(1.0, where=where)(TREE) == expected


def test_gradients_by_hand() -> None:
    """Twice the rate times the weights; the signs times the rate; zeros elsewhere."""
    (of_l2,) = vjp(l2(0.5), TREE)[1](2.0)
    (of_l1,) = vjp(l1(0.5), TREE)[1](2.0)
    assert Params(of_l2) == Params(
        {
            "dense_0": {"w": np.array([[6.0, -8.0]]), "b": np.zeros(2)},
            "head": {"w": np.array([[1.0], [-4.0]]), "b": np.zeros(1)},
        }
    )
    assert Params(of_l1) == Params(
        {
            "dense_0": {"w": np.array([[1.0, -1.0]]), "b": np.zeros(2)},
            "head": {"w": np.array([[1.0], [-1.0]]), "b": np.zeros(1)},
        }
    )


@pytest.mark.parametrize("penalty", [l1(0.3), l2(0.3), l1(0.3, where="head/*"), l2(0.3, where="**")], ids=repr)
def test_pullback_is_the_derivative(penalty: Penalty) -> None:
    """Along three directions, and by complex step."""
    numbers = np.random.default_rng(4)
    value, pullback = vjp(penalty, TREE)
    for _ in range(3):
        d = drawn_like(TREE, numbers)
        wanted, found = 2 * slope(lambda t: penalty(moved(TREE, t, d))), inner(pullback(2.0)[0], d)
        assert np.isclose(found, wanted, rtol=1e-9)
        step: Any = penalty(moved(TREE, 1e-30j, d))
        assert np.isclose(2 * step.imag / 1e-30, found, rtol=1e-13)


def test_l1_at_zero() -> None:
    """The sign of 0 is 0."""
    tree = {"w": np.array([[0.0, -1.0]])}
    (found,) = vjp(l1(1.0), tree)[1](1.0)
    assert Params(found).at("w").tolist() == [[0.0, -1.0]]


def test_params_of_a_network() -> None:
    """Params are trees; float32 stays, also where the cotangent is a NumPy number; the value is a Python float."""
    _, params = serial(Dense(3), Dense(2)).init(0, (-1, 4))
    for penalty in (l1(1e-2), l2(1e-2)):
        value, pullback = vjp(penalty, params)
        found = Params(pullback(np.float64(1.0))[0])
        assert (type(value), found.paths()) == (float, params.paths())
        assert {found.at(path).dtype for path in found.paths()} == {np.dtype(np.float32)}


def leaves(tree: Tree) -> list[Array]:
    """The arrays of a tree."""
    params = tree if isinstance(tree, Params) else Params(tree)
    return [params.at(path) for path in params.paths()]


def test_gradients_are_fresh() -> None:
    """No gradient shares memory with a leaf, and nothing is written to."""
    tree = {"a": {"w": np.ones((2, 2)), "b": np.ones(2)}}
    before = repr(tree)
    for penalty in (l1(1.0), l2(1.0)):
        found: Any = vjp(penalty, tree)[1](1.0)[0]
        assert not any(np.shares_memory(g, w) for g in found["a"].values() for w in tree["a"].values())
    assert repr(tree) == before


def test_other_layouts() -> None:
    """Fortran order and strides give the same."""
    w = np.arange(6.0).reshape(2, 3)
    for view in (np.asfortranarray(w), w[::-1].copy()[::-1]):
        assert l2(1.0)({"w": view}) == l2(1.0)({"w": w})


def test_a_pattern_that_matches_nothing() -> None:
    """The message lists the paths there are."""
    words = "where='conv/w' matches no path of the params: dense_0/w, dense_0/b, head/w, head/b"
    with pytest.raises(ParamsError, match=re.escape(words)):
        l2(1.0, where="conv/w")(TREE)


@pytest.mark.parametrize("rate", [-1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("make", [l1, l2])
def test_rates(make: Callable[[float], Penalty], rate: float) -> None:
    """The message has the name, the value and the range."""
    with pytest.raises(ValueError, match=f"{make.__name__}: rate must be a finite number of at least 0, got {rate}"):
        make(rate)


def test_a_rate_of_zero() -> None:
    """No penalty at all."""
    assert l2(0.0)(TREE) == 0.0


@pytest.mark.parametrize("source", ["l1(0.1)", "l2(0.0001, where='**/w')"])
def test_printed_and_pickled(source: str) -> None:
    """A penalty prints as source, and pickles."""
    penalty: Penalty = eval(source)
    again = pickle.loads(pickle.dumps(penalty))
    assert (repr(penalty), repr(again), again(TREE)) == (source, source, penalty(TREE))


# in objectives --------------------------------------------------------------------------------------------------------
def test_penalties_are_added() -> None:
    """Value and gradients are the sums."""
    plain, of_loss = value_and_grad(squared_error, NET.apply)(PARAMS, X, T)
    value, gradients = value_and_grad(squared_error, NET.apply, l2(0.1), l2(0.2))(PARAMS, X, T)
    assert value == pytest.approx(plain + l2(0.3)(PARAMS))
    for path in PARAMS.paths():
        w = PARAMS.at(path)
        assert np.allclose(gradients.at(path), of_loss.at(path) + (0.6 * w if w.ndim == 2 else 0.0), rtol=1e-14)


def test_a_penalty_of_ones_own() -> None:
    """Any differentiable function of params will do; what it returns is neither changed nor sealed."""
    kept = PARAMS.to_dict()

    @differentiable
    def plane(params: Tree) -> tuple[float, Any]:
        return 1.5, lambda d: (kept,)

    value, gradients = value_and_grad(squared_error, NET.apply, plane)(PARAMS, X, T)
    plain, of_loss = value_and_grad(squared_error, NET.apply)(PARAMS, X, T)
    assert value == plain + 1.5
    assert np.array_equal(gradients.at("dense_0/w"), of_loss.at("dense_0/w") + kept["dense_0"]["w"])
    assert Params(kept) == PARAMS and kept["dense_0"]["w"].flags.writeable


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"dense_0": {"w": np.zeros((3, 4))}}, "dense_0/b"),
        ({}, "missing"),
        (PARAMS.to_dict() | {"more": {"w": np.zeros(1)}}, "more/w"),
        (PARAMS.to_dict() | {"dense_1": {"w": np.zeros((4, 2)), "b": np.zeros(3)}}, "for b must be float64 of shape (2,)"),
        (PARAMS.to_dict() | {"dense_1": {"w": np.zeros((4, 2), "f"), "b": np.zeros(2)}}, "for w must be float64 of shape"),
    ],
)
def test_gradients_of_penalties_are_trees_like_the_params(tree: Any, words: str) -> None:
    """The message names the penalty, the path, and what is wrong."""

    @differentiable
    def broken(params: Tree) -> tuple[float, Any]:
        return 0.0, lambda d: (tree,)

    with pytest.raises(ParamsError, match="broken") as caught:
        value_and_grad(squared_error, NET.apply, broken)(PARAMS, X, T)
    assert words in str(caught.value)


def test_penalties_are_values() -> None:
    """The same call makes the same penalty, also with a NumPy scalar, and a list of them is found in a set."""
    assert l2(1e-4) == l2(np.float64(1e-4)) and hash(l2(1e-4)) == hash(l2(1e-4))
    assert l2(1e-4) != l1(1e-4) and l2(1e-4) != l2(1e-3) and l2(1e-4) != l2(1e-4, where="**/w")
    assert len({l2(0.5), l2(0.5), l1(0.5)}) == 2
    assert repr(l2(np.float32(0.5), where="**/w")) == "l2(0.5, where='**/w')"  # type: ignore[arg-type]
