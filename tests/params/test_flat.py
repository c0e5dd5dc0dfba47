"""Params as one dict of arrays by path, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import Dense, DTypeError, Gradients, Params, ParamsError, Relu, from_flat, serial, to_flat

PARAMS = serial(Dense(3), Relu, Dense(2)).init(0, (-1, 4))[1]


def test_there_and_back() -> None:
    """The same params; the paths are those of `paths`, in the order of the tree."""
    flat = to_flat(PARAMS)
    assert list(flat) == ["dense_0/w", "dense_0/b", "dense_1/w", "dense_1/b"]
    assert sorted(flat) == list(PARAMS.paths())
    assert from_flat(flat) == PARAMS
    assert list(from_flat(dict(sorted(flat.items())))) == ["dense_0", "dense_1"]
    assert to_flat({}) == {} and from_flat({}) == Params({})


def test_nothing_is_copied_out_and_everything_in() -> None:
    """What goes out is read-only; what comes in is the caller's still."""
    assert to_flat(PARAMS)["dense_0/w"] is PARAMS.at("dense_0/w")
    mine = np.ones(2)
    (out,) = to_flat({"w": mine}).values()
    assert not out.flags.writeable and mine.flags.writeable and np.shares_memory(out, mine)
    params = from_flat({"w": mine})
    mine[:] = 3
    assert params.at("w").tolist() == [1, 1]


def test_kinds() -> None:
    """Of gradients and updates come arrays, too."""
    assert list(to_flat(Gradients(PARAMS))) == list(to_flat(PARAMS))


def test_names_of_other_libraries() -> None:
    """Are turned by a dict comprehension; what is no slash is a letter of a name."""
    theirs = {"layers.0.weight": np.ones((2, 3)), "layers.0.bias": np.ones(2)}
    assert from_flat({name.replace(".", "/"): a for name, a in theirs.items()}).at("layers/0/bias").shape == (2,)
    assert from_flat(theirs).paths() == ("layers.0.bias", "layers.0.weight")


@pytest.mark.parametrize(
    ("flat", "said"),
    [
        ({"a": 1, "a/b": 2}, "'a' is a leaf, and 'a/b' is within it"),
        ({"a/b": 1, "a": 2}, "'a' is a leaf, and there are others within it"),
        ({"a/b/c": 1, "a/b": 2}, "'a/b' is a leaf, and there are others within it"),
        ({"a/b": 1, "a/b/c/d": 2}, "'a/b' is a leaf, and 'a/b/c/d' is within it"),
        ({"a": {"b": 1}, "a/b": 2}, "'a' is a leaf, and 'a/b' is within it"),
        ({"": 1}, "got ''"),
        ({"a//b": 1}, "got '' in a"),
        ({"/a": 1}, "got '' in params"),
        ({"a/": 1}, "got '' in a"),
        ({3: 1}, "a path is a string, 'dense_0/w', got 3"),
        ({"/".join("a" * 501): 1}, "at most 500 levels"),
        ({"a/" * 100_000 + "b": 1}, "at most 500 levels"),
        ([1], "takes arrays by path, {'dense_0/w': ...}, got list"),
        ({"w": 1}, "must be an array"),
    ],
)
def test_what_makes_no_tree(flat: Any, said: str) -> None:
    """Is refused with the path."""
    if isinstance(flat, dict):
        flat = {path: np.ones(1) if leaf != 1 or said != "must be an array" else 1 for path, leaf in flat.items()}
    with pytest.raises(ParamsError) as caught:
        from_flat(flat)
    assert said in str(caught.value)


def test_levels() -> None:
    """As many as params have."""
    assert from_flat({"/".join("a" * 500): np.ones(1)}).paths() == ("/".join("a" * 500),)


def test_other_dtypes() -> None:
    """As for params."""
    with pytest.raises(DTypeError, match="a/w is of dtype int64"):
        from_flat({"a/w": np.ones(1, int)})


def test_empty_subtrees() -> None:
    """No path tells of one."""
    with pytest.raises(ParamsError, match="to_flat: a, b/c has no leaves"):
        to_flat({"a": {}, "b": {"c": {}, "d": np.ones(1)}})
