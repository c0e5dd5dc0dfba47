"""How another library stores a layer: which of its arrays make which of our leaves, both ways."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Numbers: TypeAlias = "npt.NDArray[Any]"
Arrays: TypeAlias = "tuple[Numbers, ...]"
Turn: TypeAlias = Callable[[Arrays], Arrays]
Sizes: TypeAlias = "tuple[int, ...]"


class Part(NamedTuple):
    """Leaves of ours that some of their arrays make.

    ours, theirs   names within the layer
    into, back     theirs -> ours, ours -> theirs
    optional       where theirs are left out, ours are zeros
    """

    ours: tuple[str, ...]
    theirs: tuple[str, ...]
    into: Turn
    back: Turn
    optional: bool = False

    def theirs_for(self, shapes: Mapping[str, Sizes]) -> tuple[Sizes, ...]:
        """The shapes of their arrays where our leaves have these: those of zeros that take no memory, turned."""
        return tuple(a.shape for a in self.back(tuple(np.broadcast_to(np.int8(0), shapes[name]) for name in self.ours)))


class Form(NamedTuple):
    """One way to store a layer: its parts, and what stands beside them and has no counterpart of ours."""

    parts: tuple[Part, ...]
    beside: Mapping[str, Numbers] = {}  # what is written where nobody says better

    def names(self) -> tuple[str, ...]:
        """All names that there may be."""
        return (*(name for part in self.parts for name in part.theirs), *self.beside)


def same(ours: str, theirs: str) -> Part:
    """A leaf that is the same array."""
    return Part((ours,), (theirs,), _untouched, _untouched)


def axes(ours: str, theirs: str, order: Sizes) -> Part:
    """A leaf with its axes in another order: `theirs.transpose(order)` is ours."""
    back = tuple(order.index(i) for i in range(len(order)))

    def turn(order: Sizes) -> Turn:
        def turned(a: Arrays) -> Arrays:
            return (a[0].transpose(order),)

        return turned

    return Part((ours,), (theirs,), turn(order), turn(back))


def reshaped(ours: str, theirs: str, mine: Sizes, its: Sizes) -> Part:
    """A leaf in another shape, read in the same order."""

    def turn(sizes: Sizes) -> Turn:
        def turned(a: Arrays) -> Arrays:
            return (a[0].reshape(sizes),)

        return turned

    return Part((ours,), (theirs,), turn(mine), turn(its))


def joined(ours: tuple[str, ...], theirs: str, *, turned: bool) -> Part:
    """Leaves of equal size, which there are one array, one below the other; `turned`: each of them transposed."""

    def into(a: Arrays) -> Arrays:
        return tuple(block.T if turned else block for block in np.split(a[0], len(ours)))

    def back(a: Arrays) -> Arrays:
        return (np.concatenate([leaf.T if turned else leaf for leaf in a]),)

    return Part(ours, (theirs,), into, back)


def side_by_side(ours: str, theirs: tuple[str, ...], *, optional: bool = False) -> Part:
    """A leaf that is several of their arrays of one size, one behind the other."""

    def into(a: Arrays) -> Arrays:
        return (np.concatenate(a),)

    def back(a: Arrays) -> Arrays:
        return tuple(np.split(a[0], len(theirs)))

    return Part((ours,), theirs, into, back, optional)


def _untouched(a: Arrays) -> Arrays:
    return a


def plain(names: Iterable[str]) -> Form:
    """The form of a layer of people's own: the same names, and the same arrays."""
    return Form(tuple([same(name, name) for name in names]))


def of_leaves(form: Form, leaves: Container[str]) -> Form:
    """Without the parts of leaves that a layer has not: `bias=False`."""
    return form._replace(parts=tuple([part for part in form.parts if all(leaf in leaves for leaf in part.ours)]))
