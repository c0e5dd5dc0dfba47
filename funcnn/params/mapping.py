"""What params, gradients and updates have in common: an immutable nested mapping of arrays."""

# The functions below the class read its private slots: they are the library's own, kept off what people meet.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

import numpy as np

from funcnn.errors import ImmutableError, ParamsError, brief
from funcnn.params import trees
from funcnn.params.fitting import fitting
from funcnn.params.layouts import Layout
from funcnn.params.names import Name, instead_of, shown
from funcnn.params.printing import as_html, as_text
from funcnn.types import Array, Tree
from funcnn.values import frozen

_set = object.__setattr__


@frozen("{kind} never change; make others with .set({name!r}, array)", ImmutableError, items=True)
class ArrayTree(Mapping[str, "Array | ArrayTree"]):
    """A tree of read-only arrays that never changes; see `Params`. What is made of a tree is of its kind."""

    __slots__ = ("_tree", "_flat", "_layout", "_later")  # of the last see `funcnn.params.waiting`
    _tree: trees.Plain | None  # None until somebody asks, where the leaves are views of one vector
    _flat: Array | None  # that vector, and how the leaves lie in it
    _layout: Layout | None

    def __init__(self, tree: Tree) -> None:
        ours = tree if isinstance(tree, ArrayTree) else None  # whatever its kind, it never changes: it is not copied
        _set(self, "_tree", trees.copied(tree) if ours is None else ours._tree)
        _set(self, "_flat", None if ours is None else ours._flat)
        _set(self, "_layout", None if ours is None else ours._layout)

    # reading ----------------------------------------------------------------------------------------------------------
    def __getitem__(self, key: str) -> Array | Self:
        try:
            value = plain(self)[key]
        except KeyError:
            hint = f"; for a path use .at({key!r})" if "/" in str(key) else ""
            raise KeyError(f"there is no {key!r}, the names are {shown(self)}{hint}") from None
        return made(type(self), value) if isinstance(value, dict) else value

    def __iter__(self) -> Iterator[str]:
        return map(Name, plain(self))

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
            leaves = shown(made(type(self), value).paths())
            raise ParamsError(f"{path!r} is a subtree, use .sub({path!r}); its leaves are {leaves}")
        return value

    def sub(self, path: str) -> Self:
        """The subtree at `path`.

        Errors
            ParamsError   there is no subtree
        """
        value = self._find(path)
        if not isinstance(value, dict):
            raise ParamsError(f"{path!r} is a leaf, use .at({path!r})")
        return made(type(self), value)

    def _find(self, path: str) -> Array | trees.Plain:
        if not isinstance(path, str):
            raise ParamsError(f"a path is a string, 'dense_0/w', got {brief(path)}")
        value: Array | trees.Plain = plain(self)
        for name in path.split("/"):
            if not isinstance(value, dict) or name not in value:
                raise ParamsError(f"there is no {path!r}; the paths are {shown(self.paths())}")
            value = value[name]
        return value

    def paths(self) -> tuple[str, ...]:
        """The path of every leaf, sorted name by name: the order in which `ravel` lays them out."""
        return tuple("/".join(path) for path in sorted(path for path, _ in trees.flatten(plain(self))))

    # making others ----------------------------------------------------------------------------------------------------
    def set(self, path: str, array: Array) -> Self:
        """The same tree with another array at `path`, which is copied; everything else is shared.

        Errors
            ParamsError   there is no such leaf, or the array has another shape or dtype
        """
        new = fitting(array, self._find(path), path, type(self).__name__)
        return made(type(self), trees.replaced(plain(self), tuple(path.split("/")), new))

    def __or__(self, other: Tree) -> Self:
        """Both trees in one; where both have a leaf, the right one's is taken.

        Errors
            ParamsError   one has a leaf where the other has a subtree
        """
        if not isinstance(other, Mapping):
            return NotImplemented
        return made(type(self), trees.merged(plain(self), _owned(other)))

    def __ror__(self, other: Tree) -> Self:
        if not isinstance(other, Mapping):
            return NotImplemented
        return made(type(self), trees.merged(_owned(other), plain(self)))

    def to_dict(self) -> dict[str, Any]:
        """A nested dict of copies, writable and yours. Its items are what you index them as; `at` gives an array."""
        return cast("dict[str, Any]", trees.mapped(np.array, plain(self)))

    # being a value ----------------------------------------------------------------------------------------------------
    def __eq__(self, other: object) -> bool:
        return trees.equal(plain(self), plain(other)) if isinstance(other, type(self)) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # equal trees may be large, and nobody should look for one in a set

    def __reduce__(self) -> tuple[Any, ...]:
        flat, layout = self._flat, self._layout
        return _restored, (type(self), trees.listed(plain(self)) if layout is None else flat, layout)

    def __repr__(self) -> str:
        return as_text(type(self).__name__, plain(self))

    def _repr_html_(self) -> str:
        return as_html(type(self).__name__, plain(self))

    if not TYPE_CHECKING:  # type checkers refuse attributes that are not there; at run time messages say what to do

        def __getattr__(self, name):
            raise AttributeError(instead_of(type(self).__name__, name, name in self), name=name, obj=self)


K = TypeVar("K", bound=ArrayTree)


def made(kind: type[K], tree: trees.Plain | None, flat: Array | None = None, layout: Layout | None = None) -> K:
    """A tree of this kind around a dict that the library owns and has sealed, or around one vector of all leaves."""
    self = kind.__new__(kind)
    _set(self, "_tree", tree)
    _set(self, "_flat", flat)
    _set(self, "_layout", layout)
    return self


def _restored(kind: type[K], content: Any, layout: Layout | None) -> K:
    """An unpickled tree; what is unpickled may be a view of somebody's buffer."""
    if layout is None:
        return kind(trees.unlisted(content))
    flat: Any = np.array(content)
    flat.setflags(False)
    return made(kind, None, flat, layout)


def _owned(tree: Tree) -> trees.Plain:
    return plain(tree) if isinstance(tree, ArrayTree) else trees.copied(tree)


def plain(tree: ArrayTree) -> trees.Plain:
    """The dict behind a tree, which nobody may write to."""
    found = tree._tree
    if found is None:
        assert tree._layout is not None and tree._flat is not None
        found = tree._layout.views(tree._flat)
        _set(tree, "_tree", found)
    return found
