"""Numbers that grow wider on their way through a network: found in one pass, the first time that it is used.

A layer of people's own that gets tokens cannot know the dtype of the network, and one that gives integers may feed them
to a layer that computes: either way float64 comes out of a float32 network. What the rules of such a layer return does
not show it, so that the network is looked at as a whole, if there is such a layer in it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funcnn.errors import ParamsError
from funcnn.networks.definitions import Definition
from funcnn.networks.rebuilding import Path, observed
from funcnn.params.trees import Plain
from funcnn.promises import WIDE, is_checked, leaves_in
from funcnn.types import Nested, Tree


def has_people(layer: Definition) -> bool:
    """Is there a layer in it whose rule is not the library's own? Its value says so: that of one that is watched, see
    `observed`, is the watcher's, so that nobody sees a pass that is only made to look for leaks.
    """
    left = [layer]
    while left:
        part = left.pop()
        if is_checked(part.value):
            return True
        left += part.children.values()
    return False


def refuse_leaks(layer: Definition, tree: Plain, x: Nested, dtype: np.dtype[Any]) -> None:
    """Refuse a network in which numbers become wider than its params, at the layer of people's own that they come from.

    Errors
        ParamsError   with the path of the layer
    """
    if not any(leaf.dtype.kind == "f" for leaf in leaves_in((tree, x))):
        return  # it computes in whatever it makes
    last: list[tuple[Path, Nested]] = []
    found: list[ParamsError] = []

    def wider(tree: Nested) -> list[np.dtype[Any]]:
        return [a.dtype for a in leaves_in(tree) if a.dtype.kind == "f" and a.dtype.itemsize > dtype.itemsize]

    def see(path: Path, child: Definition, params: Tree, x: Nested, y: Nested) -> None:
        if is_checked(child.rule) or is_checked(child.value):
            last[:] = [(path, y)]
        wide = wider(y)
        if wide and last and not found and not wider(x):  # derivatives give what they look at wider numbers on purpose
            place, value = last[0]
            given = ", ".join(sorted({str(a.dtype) for a in leaves_in(value)}))
            made = f"this layer returned {given}, which makes {wide[0]} of a network that computes in {dtype}"
            found.append(ParamsError(f"{made}; {WIDE}", path=place))

    try:
        watched = observed(layer, see, where="apply")
    except ValueError:  # too deep to be looked into
        return
    watched.value(tree, x, None) if layer.random else watched.value(tree, x)
    if found:
        raise found[0]
