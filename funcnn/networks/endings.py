"""The layers that a network ends with, found without any input."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from funcnn.networks.definitions import Child, Definition
from funcnn.networks.rebuilding import Path, below
from funcnn.promises import is_checked
from funcnn.types import Shape, is_tuple


class Ending(NamedTuple):
    """A layer whose value is the network's, or an item of it, with its path; `item` is empty for the whole value."""

    item: tuple[int, ...]
    path: Path
    layer: Definition


def endings(net: Definition) -> list[Ending]:
    """The layers whose values are what the network gives, or items of it.

    A combinator hands on what a child gives where its shape is handed on; those of people are not looked into, for
    they may compute with it.

    >>> from funcnn.networks.endings import endings
    >>> net = serial(Dense(4), FanOut(2), parallel(Softmax, residual(Sigmoid)))
    >>> [(e.item, "/".join(e.path)) for e in endings(net.definition)]
    [((0,), 'parallel_0/softmax_0'), ((1,), 'parallel_0/residual_0')]
    """
    left, done = [Ending((), (), net)], list[Ending]()
    while left:
        end = left.pop()
        further = list(_further(end))
        left += reversed(further)
        if not further:
            done.append(end)
    return done


def _further(end: Ending) -> Iterator[Ending]:
    """The children whose values are that of a combinator; none of a leaf, nor where the combinator computes."""
    item, path, net = end
    if not net.children or is_checked(net.rule):
        return
    marks: dict[int, tuple[Child, Shape]] = {}

    def go(child: Child, shape: Shape) -> Shape:
        mark = (len(marks) + 2**20,)  # a shape that nobody else has, and that is like no other
        marks[id(mark)] = child, mark
        return mark

    for shape in ((1,), tuple([(1,)] * len(net.children))):
        with suppress(Exception):  # it takes another shape, or adds what its children give
            out = net.meets(shape, go)
            found = {(): out} if id(out) in marks else {(i,): part for i, part in enumerate(out) if is_tuple(part)}
            if found and all(id(part) in marks for part in found.values()):
                for at, part in found.items():
                    child = marks[id(part)][0]
                    yield Ending((*item, *at), below(net, path, child.name), child.definition)
                return
