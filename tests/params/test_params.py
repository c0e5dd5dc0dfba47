"""Params: a tree that never changes."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from funcnn import Array, Dense, DTypeError, ImmutableError, Params, ParamsError, Relu, Tree, ravel, serial
from funcnn.params import packed
from funcnn.params.packing import pack
from tests.refusals import refusal

W, B = np.arange(6.0).reshape(2, 3), np.array([6.0, 7.0, 8.0])
TREE: Tree = {"dense_0": {"w": W, "b": B}, "scale": np.array([1.0])}
PARAMS = Params(TREE)


class Tagged(np.ndarray[Any, Any]):
    """A subclass of NumPy's array."""


# reading --------------------------------------------------------------------------------------------------------------
def test_it_is_a_mapping() -> None:
    """Subtrees come out as Params, leaves as arrays."""
    assert isinstance(PARAMS, Mapping)
    assert (list(PARAMS), len(PARAMS), "scale" in PARAMS, "w" in PARAMS) == (["dense_0", "scale"], 2, True, False)
    assert isinstance(PARAMS["dense_0"], Params) and isinstance(PARAMS["scale"], np.ndarray)
    assert PARAMS.get("nothing") is None


def test_at_gives_leaves_and_sub_gives_subtrees() -> None:
    """By path."""
    assert PARAMS.at("dense_0/b") is PARAMS.sub("dense_0").at("b")
    assert PARAMS.sub("dense_0") == Params({"w": W, "b": B})


def test_paths_are_sorted() -> None:
    """Name by name, whatever the tree's order."""
    assert PARAMS.paths() == ("dense_0/b", "dense_0/w", "scale")


def test_wrong_paths_are_refused() -> None:
    """The message lists the paths there are, or names the method that was meant."""
    assert refusal(lambda: PARAMS.at("dense_0/u"), ParamsError) == (
        "there is no 'dense_0/u'; the paths are dense_0/b, dense_0/w, scale"
    )
    assert refusal(lambda: PARAMS.at("scale/w"), ParamsError).startswith("there is no 'scale/w'")
    assert refusal(lambda: PARAMS.at("dense_0"), ParamsError) == (
        "'dense_0' is a subtree, use .sub('dense_0'); its leaves are b, w"
    )
    assert refusal(lambda: PARAMS.sub("scale"), ParamsError) == "'scale' is a leaf, use .at('scale')"


# making ---------------------------------------------------------------------------------------------------------------
def test_what_a_user_puts_in_is_copied() -> None:
    """And stays writable."""
    mine = np.zeros(2)
    params = Params({"w": mine})
    mine[0] = 1
    assert params.at("w").tolist() == [0, 0]


@pytest.mark.parametrize(
    "same",
    [np.asfortranarray(W), np.repeat(W, 2, axis=1)[:, ::2], W[::-1].copy()[::-1], W.astype(">f8"), W.view(Tagged)],
)
def test_leaves_are_plain_native_and_contiguous(same: Array) -> None:
    """Whatever the layout of what came."""
    leaf = Params({"w": same}).at("w")
    assert type(leaf) is np.ndarray and leaf.flags.c_contiguous and leaf.dtype.isnative
    assert np.array_equal(leaf, W)


def test_any_mapping_is_a_tree() -> None:
    """Params in a dict too, and NumPy's scalars are leaves."""
    mixed: Tree = {"a": PARAMS, "b": MappingProxyType({"w": W}), "c": np.float32(3)}  # type: ignore[dict-item]
    assert Params(mixed).paths() == ("a/dense_0/b", "a/dense_0/w", "a/scale", "b/w", "c")


@pytest.mark.parametrize("key", ["", "a/b", 1, None])
def test_keys_are_names(key: Any) -> None:
    """The key is shown, and where it is."""
    said = refusal(lambda: Params({"dense_0": {key: W}}), ParamsError)
    assert said == f"names in params are non-empty strings without '/', got {key!r} in dense_0"


@pytest.mark.parametrize(
    ("tree", "kind", "said"),
    [
        (
            ((1, 2), TREE),
            ParamsError,
            "got the pair (shape, params) that init returns; unpack it: out_shape, params = net.init(...)",
        ),
        (
            W,
            ParamsError,
            "params must be a nested mapping of arrays, got ndarray; params come before the input, apply(params, x)",
        ),
        (None, ParamsError, "params must be a nested mapping of arrays, got NoneType"),
        ({"w": [1.0]}, ParamsError, "w must be an array or a mapping, got list; write np.array(value, np.float32)"),
        ({"w": 1.0}, ParamsError, "w must be an array or a mapping, got float; write np.array(value, np.float32)"),
        (
            {"a": {"w": W.astype(int)}},
            DTypeError,
            "a/w is of dtype int64, params are floating-point; write .astype(np.float32)",
        ),
        (
            {"w": W * 1j},
            DTypeError,
            "w is of dtype complex128, params are floating-point; take its .real and .imag apart",
        ),
        (
            {"w": np.ma.masked_array(B)},
            DTypeError,
            "w is a masked array; say what stands for the missing values with .filled(value)",
        ),
    ],
)  # fmt: skip
def test_other_things_are_no_params(tree: Any, kind: type[Exception], said: str) -> None:
    """The message says where, what came and what was expected."""
    assert refusal(lambda: Params(tree), kind) == said


def test_set_gives_other_params() -> None:
    """A copy at the path; everything else is shared, and nothing changes."""
    mine = B + 1
    other = PARAMS.set("dense_0/b", mine)
    mine[:] = 0
    assert other.at("dense_0/b").tolist() == [7, 8, 9] and PARAMS.at("dense_0/b").tolist() == [6, 7, 8]
    assert other.at("dense_0/w") is PARAMS.at("dense_0/w")
    assert list(other) == list(PARAMS)


def test_set_takes_any_layout() -> None:
    """Also swapped bytes."""
    assert PARAMS.set("dense_0/w", np.asfortranarray(W.astype(">f8"))) == PARAMS


def test_set_checks_path_shape_and_dtype() -> None:
    """The message says what came and what was expected."""
    assert refusal(lambda: PARAMS.set("w", W), ParamsError).startswith("there is no 'w'")
    assert refusal(lambda: PARAMS.set("dense_0/b", np.zeros((3, 1), np.float32)), ParamsError) == (
        "dense_0/b has shape (3,) and dtype float64, got (3, 1) and float32; convert with .reshape and .astype"
    )
    assert refusal(lambda: PARAMS.set("dense_0/b", np.ma.masked_array(B)), DTypeError).startswith(
        "dense_0/b is a masked"
    )


def test_or_merges() -> None:
    """Where both have a leaf, the right one's is taken; any mapping may stand on either side."""
    right: Tree = {"dense_0": {"b": B + 1}, "dense_1": {"w": W}}
    merged = PARAMS | right
    assert merged.paths() == ("dense_0/b", "dense_0/w", "dense_1/w", "scale")
    assert merged.at("dense_0/b").tolist() == [7, 8, 9]
    assert TREE | Params(right) == merged


def test_or_refuses_a_leaf_for_a_subtree() -> None:
    """The path is named."""
    said = refusal(lambda: PARAMS | {"dense_0": B}, ParamsError)
    assert said == "dense_0 is a leaf on one side of | and a subtree on the other"


def test_to_dict_gives_copies() -> None:
    """Writable, and the user's own."""
    mine = PARAMS.to_dict()
    mine["dense_0"]["w"][:] = 0
    mine["new"] = 1
    assert PARAMS == Params(TREE)


# never changing -------------------------------------------------------------------------------------------------------
def test_assignment_is_refused() -> None:
    """The message names `.set`."""
    params: Any = Params(TREE)
    assert ".set('scale', array)" in refusal(lambda: params.__setitem__("scale", B), ImmutableError)
    assert ".set('scale', array)" in refusal(lambda: params.__delitem__("scale"), ImmutableError)
    assert ".set('scale', array)" in refusal(lambda: setattr(params, "scale", B), ImmutableError)
    assert ".set('_tree', array)" in refusal(lambda: delattr(params, "_tree"), ImmutableError)
    assert params == PARAMS


@pytest.mark.parametrize("params", [PARAMS, pack(PARAMS), pickle.loads(pickle.dumps(PARAMS)), copy.deepcopy(PARAMS)])
def test_leaves_are_read_only(params: Params) -> None:
    """Also where they are views of one vector, and after pickling."""
    for path in params.paths():
        with pytest.raises(ValueError, match="read-only"):
            params.at(path)[0] = 1


# being a value --------------------------------------------------------------------------------------------------------
def test_equality_is_bitwise_and_answers_a_bool() -> None:
    """The order of names does not count; NaN equals itself, and 0.0 is not -0.0."""
    assert (PARAMS == Params({"scale": np.array([1.0]), "dense_0": {"b": B, "w": W}})) is True
    assert Params({"w": np.array([np.nan])}) == Params({"w": np.array([np.nan])})
    assert Params({"w": np.array([0.0])}) != Params({"w": np.array([-0.0])})


@pytest.mark.parametrize(
    "other", [{"w": W.reshape(3, 2)}, {"w": W.astype(np.float32)}, {"v": W}, {"w": {"w": W}}, {"w": W, "b": B}, {}]
)
def test_other_trees_are_not_equal(other: Tree) -> None:
    """Names, structure, shapes and dtypes count."""
    assert (Params({"w": W}) == Params(other)) is False


def test_it_equals_params_alone() -> None:
    """Not the dict it was made from: a dict has arrays, whose `==` answers an array."""
    assert (PARAMS == TREE) is False


def test_it_is_unhashable() -> None:
    """Nobody should look for a tree in a set."""
    assert "unhashable" in refusal(lambda: hash(PARAMS), TypeError)


def test_pickles_are_equal_and_stay_packed() -> None:
    """Packed params come back packed, others not."""
    one, other = pickle.loads(pickle.dumps(PARAMS)), pickle.loads(pickle.dumps(pack(PARAMS)))
    assert one == other == PARAMS
    assert (packed(one) is None, packed(other) is None) == (True, False)
    assert list(other) == list(PARAMS)


def test_a_copy_is_itself() -> None:
    """Nothing could tell them apart."""
    assert copy.copy(PARAMS) is copy.deepcopy(PARAMS) is PARAMS


def test_repr_shows_paths_and_counts_never_values() -> None:
    """One line for every leaf, in the tree's own order."""
    assert repr(PARAMS).splitlines() == [
        "Params(3 leaves, 10 values, float64, 80 bytes)",
        "  dense_0/w  (2, 3)  float64  6",
        "  dense_0/b  (3,)    float64  3",
        "  scale      (1,)    float64  1",
    ]
    assert repr(Params({})) == "Params(0 leaves, 0 values, nothing, 0 bytes)"


def test_html_is_escaped() -> None:
    """A name cannot smuggle tags into a notebook."""
    assert "<td>&lt;b&gt;</td>" in Params({"<b>": B})._repr_html_()


def test_init_gives_packed_params() -> None:
    """So that an optimizer finds one vector."""
    _, params = serial(Dense(3), Relu, Dense(1)).init(0, (1, 2))
    assert ravel(params)[0] is ravel(params)[0]
