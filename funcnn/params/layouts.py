"""Where the leaves of a tree lie in one vector."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod
from typing import Any, NamedTuple, TypeAlias, Union

import numpy as np

from funcnn.params import trees
from funcnn.types import Array

_Slots: TypeAlias = "dict[str, Union[tuple[int, int, tuple[int, ...]], _Slots]]"
_Cuts: TypeAlias = "tuple[_Cut, ...]"


class _Cut(NamedTuple):
    """A name in a tree, and what is below it, or where the leaf lies in the vector."""

    name: str
    below: _Cuts | None
    where: slice
    shape: tuple[int, ...]
    is_vector: bool


class Layout:
    """Where every leaf of a tree lies in one vector: sorted by path, name by name.

    `cuts` keeps the tree's own order of names, for the trees that come out; `sorted` and `order` have the vector's.
    """

    __slots__ = ("cuts", "order", "size", "sorted")
    cuts: _Cuts
    order: _Cuts
    sorted: _Slots
    size: int

    def __init__(self, tree: trees.Plain) -> None:
        self.size = 0
        self.sorted = self._place(tree)
        self.cuts, self.order = _cut(_ordered_like(tree, self.sorted)), _cut(self.sorted)

    def __reduce__(self) -> tuple[Any, ...]:
        like = self.views(np.broadcast_to(np.float32(0), (self.size,)))
        return _unpickled, ([(path, None if leaf is None else leaf.shape) for path, leaf in trees.listed(like)],)

    def _place(self, tree: trees.Plain) -> _Slots:
        slots: _Slots = {}
        for name in sorted(tree):
            value = tree[name]
            if isinstance(value, dict):
                slots[name] = self._place(value)
            else:
                start, self.size = self.size, self.size + prod(value.shape)
                slots[name] = start, self.size, value.shape
        return slots

    def views(self, flat: Array) -> trees.Plain:
        """The tree of views of `flat`."""
        return _views(self.cuts, flat)

    def tree(self, leaves: Iterable[Array]) -> trees.Plain:
        """The tree of leaves in the order of the vector, of any shape."""
        found = {(start, end): leaf for (_, start, end, _), leaf in zip(self.places(), leaves, strict=True)}
        return _tree(self.cuts, found)

    def places(self) -> Iterator[tuple[str, int, int, tuple[int, ...]]]:
        """The path of every leaf, where it starts and ends, and its shape: in the order of the vector."""
        return _places(self.sorted, ())

    def collect(self, tree: trees.Plain) -> list[Array] | None:
        """The leaves in the order of the vector, flat; None where the tree is another one."""
        leaves: list[Array] = []
        return leaves if _collect(self.sorted, tree, leaves) else None

    def collect_unseen(self, tree: object, dtype: np.dtype[Any]) -> list[Array] | None:
        """The same for a tree that nobody has looked at yet: dicts of plain arrays of this dtype."""
        leaves: list[Array] = []
        return leaves if _collect_plain(self.order, tree, dtype, leaves) else None

    def mismatch(self, tree: trees.Plain) -> str:
        """How the tree differs from one that lies this way."""
        like = self.views(np.broadcast_to(np.float32(0), (self.size,)))
        wrong = trees.differences(like, tree)
        if not wrong:
            want, got = dict(trees.flatten(like)), dict(trees.flatten(tree))
            wrong = [f"{'/'.join(p)} {got[p].shape} for {want[p].shape}" for p in want if want[p].shape != got[p].shape]
        return "trees of one structure are needed: " + ", ".join(wrong)


def _unpickled(rows: list[tuple[str, tuple[int, ...] | None]]) -> Layout:
    leaf = np.float32(0)
    return Layout(
        trees.unlisted([(path, None if shape is None else np.broadcast_to(leaf, shape)) for path, shape in rows])
    )


def _ordered_like(tree: trees.Plain, slots: _Slots) -> _Slots:
    out: _Slots = {}
    for name, value in tree.items():
        slot = slots[name]
        out[name] = _ordered_like(value, slot) if isinstance(value, dict) and isinstance(slot, dict) else slot
    return out


def _cut(slots: _Slots) -> _Cuts:
    """The slots, prepared for what is done at every step."""
    cuts: list[_Cut] = []
    for name, slot in slots.items():
        if isinstance(slot, dict):
            cuts.append(_Cut(name, _cut(slot), slice(0), (), False))
        else:
            start, end, shape = slot
            cuts.append(_Cut(name, None, slice(start, end), shape, len(shape) == 1))
    return tuple(cuts)


def _views(cuts: _Cuts, flat: Array) -> trees.Plain:
    out: trees.Plain = {}
    for name, below, where, shape, is_vector in cuts:
        if below is not None:
            out[name] = _views(below, flat)
        else:
            out[name] = flat[where] if is_vector else flat[where].reshape(shape)
    return out


def _tree(cuts: _Cuts, leaves: dict[tuple[int, int], Array]) -> trees.Plain:
    return {
        name: leaves[where.start, where.stop].reshape(shape) if below is None else _tree(below, leaves)
        for name, below, where, shape, _ in cuts
    }


def _places(slots: _Slots, at: trees.Path) -> Iterator[tuple[str, int, int, tuple[int, ...]]]:
    for name, slot in slots.items():
        if isinstance(slot, dict):
            yield from _places(slot, (*at, name))
        else:
            yield "/".join((*at, name)), *slot


def _collect(slots: _Slots, tree: trees.Plain, leaves: list[Array]) -> bool:
    """The leaves in the vector's order, flat; False where the tree does not fit."""
    if len(slots) != len(tree):
        return False
    for name, slot in slots.items():
        value = tree.get(name)
        if isinstance(value, np.ndarray):
            if isinstance(slot, dict) or slot[2] != value.shape:
                return False
            leaves.append(value.ravel())
        elif value is None or not isinstance(slot, dict) or not _collect(slot, value, leaves):
            return False
    return True


def _collect_plain(order: _Cuts, tree: Any, dtype: np.dtype[Any], leaves: list[Array]) -> bool:
    """The same for a tree that nobody has looked at yet: dicts of plain arrays of one dtype."""
    if tree.__class__ is not dict or len(order) != len(tree):
        return False
    for name, below, _, shape, _ in order:
        value = tree.get(name)
        if below is not None:
            if not _collect_plain(below, value, dtype, leaves):
                return False
        elif type(value) is not np.ndarray or value.shape != shape or value.dtype != dtype:
            return False
        else:
            leaves.append(value.ravel())
    return True
