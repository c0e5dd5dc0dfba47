"""Trees as one vector."""

from __future__ import annotations

import numpy as np
import pytest

from funcnn import DTypeError, Params, ParamsError, Tree, ravel
from funcnn.params import packed, plain_tree
from funcnn.params.layouts import Layout
from funcnn.params.packing import gather, layout_of, pack

TREE: Tree = {
    "b": {"w": np.arange(6.0).reshape(2, 3), "b": np.array([6.0, 7.0, 8.0])},
    "a": {"w": np.full((1, 2, 2), 9.0)},
    "scale": np.array(10.0),
}


def test_leaves_lie_in_the_order_of_paths() -> None:
    """Sorted name by name."""
    params = Params(TREE)
    vector, _ = ravel(params)
    assert params.paths() == ("a/w", "b/b", "b/w", "scale")
    assert vector.tolist() == [value for path in params.paths() for value in params.at(path).ravel().tolist()]


def test_the_order_of_the_names_does_not_count() -> None:
    """Two dicts that are equal give one vector."""
    other = {name: TREE[name] for name in sorted(TREE)}
    assert np.array_equal(ravel(TREE)[0], ravel(other)[0])


def test_unravel_undoes_ravel() -> None:
    """Names, shapes, dtypes and values come back, names in the tree's own order."""
    params = Params(TREE)
    vector, unravel = ravel(params)
    again = unravel(vector)
    assert again == params
    assert list(again) == ["b", "a", "scale"]


def test_what_unravel_gives_is_packed() -> None:
    """Its leaves are views of one vector, and ravelling it again copies nothing."""
    vector, unravel = ravel(TREE)
    one = unravel(vector)
    again, _ = ravel(one)
    assert np.shares_memory(one.at("b/w"), again) and np.shares_memory(one.at("a/w"), again)
    assert ravel(one)[0] is again


def test_unravel_copies_its_vector() -> None:
    """What the user holds stays writable, and writing to it changes no params."""
    vector, unravel = ravel(TREE)
    mine = vector + 1
    params = unravel(mine)
    mine[:] = 0
    assert params.at("scale") == 11


def test_the_vector_is_read_only() -> None:
    """It may be the params themselves."""
    vector, _ = ravel(TREE)
    with pytest.raises(ValueError, match="read-only"):
        vector[0] = 1


def test_the_dtype_is_that_of_the_leaves() -> None:
    """float32 stays float32; another vector gives a tree of its own dtype."""
    vector, unravel = ravel({"w": np.ones(2, np.float32)})
    assert vector.dtype == np.float32
    assert unravel(np.zeros(2)).at("w").dtype == np.float64


def test_a_byte_swapped_vector_is_taken_natively() -> None:
    """Leaves are always in native byte order."""
    vector, unravel = ravel({"w": np.ones(2)})
    params = unravel((vector * 3).astype(">f8"))
    assert params.at("w").dtype.isnative and params.at("w").tolist() == [3.0, 3.0]


def test_leaves_of_any_layout_are_laid_out_in_c_order() -> None:
    """Fortran order, strides and swapped bytes give the same vector."""
    w = np.arange(6.0).reshape(2, 3)
    for same in (np.asfortranarray(w), np.repeat(w, 2, axis=1)[:, ::2], w.astype(">f8"), w[::-1].copy()[::-1]):
        assert ravel({"w": same})[0].tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("tree", [{}, {"a": {}}])
def test_an_empty_tree_is_an_empty_vector(tree: Tree) -> None:
    """And comes back."""
    vector, unravel = ravel(tree)
    assert vector.shape == (0,) and unravel(vector) == Params(tree)


@pytest.mark.parametrize(
    ("vector", "got"),
    [
        (np.zeros(3), r"float64 of shape \(3,\)"),
        (np.zeros((2, 1)), r"float64 of shape \(2, 1\)"),
        (np.zeros(2, int), r"int64 of shape \(2,\)"),
        (np.zeros(2, complex), r"complex128 of shape \(2,\)"),
        (np.ma.masked_array(np.zeros(2)), "a masked array"),
    ],
)
def test_unravel_refuses_other_vectors(vector: np.ndarray, got: str) -> None:
    """The message says what came and what was expected."""
    _, unravel = ravel({"w": np.zeros(2)})
    with pytest.raises(ParamsError, match=rf"unravel takes a float vector of 2, got {got}"):
        unravel(vector)


def test_several_dtypes_are_refused() -> None:
    """The first two that differ are named, with the fix."""
    with pytest.raises(DTypeError) as caught:
        ravel({"w": np.ones(1, np.float32), "b": np.ones(1)})
    assert str(caught.value) == (
        "params must have one dtype, w has float32 and b has float64; convert with astype(params, np.float32)"
    )


def test_packing_what_is_packed_gives_it_back() -> None:
    """No copy."""
    params = pack(Params(TREE))
    assert pack(params) is params and packed(Params(TREE)) is None


def test_gather_finds_another_order_of_names() -> None:
    """A layout takes any tree of its structure."""
    layout = Layout(plain_tree(TREE))
    assert gather(layout, {name: TREE[name] for name in sorted(TREE)}).tolist() == ravel(TREE)[0].tolist()


def test_gather_is_free_for_equal_layouts() -> None:
    """The vector of a tree that is packed the same way is taken as it is."""
    one, other = pack(Params(TREE)), pack(Params(TREE))
    found = packed(other)
    assert found is not None
    assert gather(layout_of(one), other) is found[0]


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"b": np.ones(2)}, "missing w, unexpected b"),
        ({"w": np.ones(3)}, r"w \(3,\) for \(2,\)"),
        ({"w": {"w": np.ones(2)}}, "missing w, unexpected w/w"),
    ],
)
def test_gather_refuses_other_trees(tree: Tree, said: str) -> None:
    """Every path that differs is named."""
    with pytest.raises(ParamsError, match=said):
        gather(Layout(plain_tree({"w": np.ones(2)})), tree)


def test_places_say_where_leaves_lie() -> None:
    """Path, start, end, shape, in the order of the vector."""
    assert list(Layout(plain_tree(TREE)).places()) == [
        ("a/w", 0, 4, (1, 2, 2)),
        ("b/b", 4, 7, (3,)),
        ("b/w", 7, 13, (2, 3)),
        ("scale", 13, 14, ()),
    ]
