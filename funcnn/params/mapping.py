"""Params: an immutable nested mapping `str -> array or Params`."""

# The functions below the class read its private slots: they are the library's own, kept off what people meet.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from funcnn.errors import ImmutableError, ParamsError, brief
from funcnn.params import trees
from funcnn.params.layouts import Layout
from funcnn.types import Array, Tree

_set = object.__setattr__


class Params(Mapping[str, "Array | Params"]):
    """Parameters: a tree of read-only arrays that never changes.

    Made by `init`, by `set`, by `|`, or from any nested mapping, whose arrays are copied. Children come out as
    `Params`, leaves as read-only, C-contiguous arrays. `==` compares whole trees bit for bit and answers a bool.

    Errors
        ParamsError      a key that is no string, is empty or has a `/`; a leaf that is no array
        DTypeError       a leaf that is not floating-point
        ImmutableError   anything is assigned to or deleted

    >>> params = Params({"dense_0": {"w": np.ones((2, 3)), "b": np.zeros(3)}})
    >>> params.at("dense_0/w").shape, params.paths()
    ((2, 3), ('dense_0/b', 'dense_0/w'))
    >>> params
    Params(2 leaves, 9 values, float64, 72 bytes)
      dense_0/w  (2, 3)  float64  6
      dense_0/b  (3,)    float64  3
    """

    __slots__ = ("_tree", "_flat", "_layout")
    _tree: trees.Plain | None  # None until somebody asks, where the leaves are views of one vector
    _flat: Array | None  # that vector, and how the leaves lie in it
    _layout: Layout | None

    def __init__(self, tree: Tree) -> None:
        _set(self, "_tree", trees.copied(tree))
        _set(self, "_flat", None)
        _set(self, "_layout", None)

    # reading ----------------------------------------------------------------------------------------------------------
    def __getitem__(self, key: str) -> Array | Params:
        try:
            value = plain(self)[key]
        except KeyError:
            hint = f"; for a path use .at({key!r})" if "/" in str(key) else ""
            raise KeyError(f"there is no {key!r}, the names are {', '.join(self) or 'none'}{hint}") from None
        return wrap(value) if isinstance(value, dict) else value

    def __iter__(self) -> Iterator[str]:
        return iter(plain(self))

    def __len__(self) -> int:
        return len(plain(self))

    def __contains__(self, key: object) -> bool:
        return key in plain(self)

    def at(self, path: str) -> Array:
        """The leaf at `path`, `"dense_0/w"`.

        Errors
            ParamsError   there is no leaf; the message lists those there are
        """
        value = self._find(path)
        if isinstance(value, dict):
            leaves = ", ".join(wrap(value).paths())
            raise ParamsError(f"{path!r} is a subtree, use .sub({path!r}); its leaves are {leaves}")
        return value

    def sub(self, path: str) -> Params:
        """The subtree at `path`.

        Errors
            ParamsError   there is no subtree
        """
        value = self._find(path)
        if not isinstance(value, dict):
            raise ParamsError(f"{path!r} is a leaf, use .at({path!r})")
        return wrap(value)

    def _find(self, path: str) -> Array | trees.Plain:
        if not isinstance(path, str):
            raise ParamsError(f"a path is a string, 'dense_0/w', got {brief(path)}")
        value: Array | trees.Plain = plain(self)
        for name in path.split("/"):
            if not isinstance(value, dict) or name not in value:
                raise ParamsError(f"there is no {path!r}; the paths are {', '.join(self.paths()) or 'none'}")
            value = value[name]
        return value

    def paths(self) -> tuple[str, ...]:
        """The path of every leaf, sorted name by name: the order in which `ravel` lays them out."""
        return tuple("/".join(path) for path in sorted(path for path, _ in trees.flatten(plain(self))))

    # making others ----------------------------------------------------------------------------------------------------
    def set(self, path: str, array: Array) -> Params:
        """Params with another array at `path`, which is copied; everything else is shared.

        Errors
            ParamsError   there is no such leaf, or the array has another shape or dtype
        """
        old, keys = self.at(path), tuple(path.split("/"))
        try:
            new = trees.taken_leaf(np.asanyarray(array), keys)
        except ValueError:
            raise ParamsError(f"{path} has shape {old.shape}, got rows of different lengths: {brief(array)}") from None
        if old.shape != new.shape or old.dtype != new.dtype:
            turned = new.shape == old.shape[::-1] != old.shape
            raise ParamsError(
                f"{path} has shape {old.shape} and dtype {old.dtype}, got {new.shape} and {new.dtype}; "
                f"{'it is the transpose: .T' if turned else 'convert with .reshape and .astype'}"
            )
        return wrap(trees.replaced(plain(self), keys, trees.sealed_copy(new, keys)))

    def __or__(self, other: Tree) -> Params:
        """Both trees in one; where both have a leaf, the right one's is taken.

        Errors
            ParamsError   one has a leaf where the other has a subtree
        """
        if not isinstance(other, Mapping):
            return NotImplemented
        return wrap(trees.merged(plain(self), _owned(other)))

    def __ror__(self, other: Tree) -> Params:
        return wrap(trees.merged(_owned(other), plain(self))) if isinstance(other, Mapping) else NotImplemented

    def to_dict(self) -> dict[str, Any]:
        """A nested dict of copies, writable and yours."""
        return cast("dict[str, Any]", trees.mapped(np.array, plain(self)))

    # being a value ----------------------------------------------------------------------------------------------------
    def __eq__(self, other: object) -> bool:
        return trees.equal(plain(self), plain(other)) if isinstance(other, Params) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # equal trees may be large, and nobody should look for one in a set

    def __reduce__(self) -> tuple[Any, ...]:
        found = packed(self)
        return _restored, found or (self.to_dict(), None)

    def __copy__(self) -> Params:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Params:
        return self

    def __repr__(self) -> str:
        title, rows = trees.tabulated(plain(self))
        widths = [max((len(row[i]) for row in rows), default=0) for i in range(4)]
        lines = ("  " + "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)
        return "\n".join((title, *lines))

    def _repr_html_(self) -> str:
        import html  # only notebooks need it

        title, rows = trees.tabulated(plain(self))
        body = "".join("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>" for row in rows)
        return f"<table><caption>{html.escape(title)}</caption>{body}</table>"

    if not TYPE_CHECKING:  # type checkers refuse these for want of such methods; at run time messages say what to do

        def __setitem__(self, key, value):
            raise ImmutableError(f"params never change; make others with .set({key!r}, array)")

        def __delitem__(self, key):
            raise ImmutableError(f"params never change and nothing leaves them; .set({key!r}, array) gives other ones")

        def __setattr__(self, name, value):
            raise ImmutableError(f"params never change; make others with .set({name!r}, array)")

        def __delattr__(self, name):
            raise ImmutableError(f"params never change and nothing leaves them; .set({name!r}, array) gives other ones")


def wrap(tree: trees.Plain | None, flat: Array | None = None, layout: Layout | None = None) -> Params:
    """Params around a tree that the library owns and has sealed, or around one vector of all leaves."""
    self = Params.__new__(Params)
    _set(self, "_tree", tree)
    _set(self, "_flat", flat)
    _set(self, "_layout", layout)
    return self


def _restored(content: Any, layout: Layout | None) -> Params:
    """Unpickled params; what is unpickled may be a view of somebody's buffer."""
    if layout is None:
        return Params(content)
    flat: Any = np.array(content)
    flat.setflags(False)
    return wrap(None, flat, layout)


def _owned(tree: Tree) -> trees.Plain:
    return plain(tree if isinstance(tree, Params) else Params(tree))


def plain(params: Params) -> trees.Plain:
    """The dict behind the params, which nobody may write to."""
    tree = params._tree
    if tree is None:
        assert params._layout is not None and params._flat is not None
        tree = params._layout.views(params._flat)
        _set(params, "_tree", tree)
    return tree


def packed(params: Params) -> tuple[Array, Layout] | None:
    """The vector of packed params with its layout; None for others."""
    flat, layout = params._flat, params._layout
    return None if flat is None or layout is None else (flat, layout)


def plain_tree(tree: Tree, at: trees.Path = ()) -> trees.Plain:
    """The plain dict of whatever people pass as params; arrays are taken as they are, in native byte order.

    Errors
        ParamsError   it is no nested mapping of arrays, with what to do about a pair
        DTypeError    a masked array
    """
    if type(tree) is Params:
        return plain(tree)
    if not isinstance(tree, Mapping):
        raise ParamsError(trees.not_a_tree(tree, at))
    out: trees.Plain = {}
    for key, value in tree.items():
        below = (*at, trees.checked_name(key, at))
        out[key] = plain_tree(value, below) if isinstance(value, Mapping) else trees.taken_leaf(value, below)
    return out
