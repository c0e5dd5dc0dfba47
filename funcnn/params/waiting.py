"""Trees whose vector is still to be made: by a step that waits until somebody looks, see `funcnn.kernels.pending`."""

# They are trees without the slot `_flat`, for which Python asks `__getattr__`: other trees pay nothing.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from funcnn.kernels.pending import Pending
from funcnn.params.layouts import Layout
from funcnn.params.mapping import ArrayTree, K

_get, _set = object.__getattribute__, object.__setattr__


def own_later(layout: Layout, pending: Pending, place: int, kind: type[K]) -> K:
    """The tree around the vector that the step will have made there."""
    self = kind.__new__(kind)
    _set(self, "_tree", None)
    _set(self, "_layout", layout)
    _set(self, "_later", (pending, place))
    return self


def step_of(tree: object) -> Pending | None:
    """The step that a tree comes from, made or not, if it was one that waits."""
    try:
        found: Pending = _get(tree, "_later")[0]
    except AttributeError:
        return None
    return found


def waits(tree: object) -> bool:
    """Is its vector still to be made?"""
    try:
        _get(tree, "_flat")
    except AttributeError:
        return step_of(tree) is not None
    return False


def looked_at(cls: type[ArrayTree]) -> None:
    """Let trees of a class make their vector when somebody asks for it."""
    refuse: Callable[[Any, str], Any] = getattr(cls, "__getattr__")  # noqa: B009

    def __getattr__(self: ArrayTree, name: str) -> Any:
        if name == "_flat" and (step := step_of(self)) is not None:
            place: int = _get(self, "_later")[1]
            with step.lock:
                made = step.vectors()
                found = made[place]
                if found is not None:  # else somebody was here in the meantime
                    _set(self, "_flat", found)
                    made[place] = None  # the tree alone holds it from now on
                del found
            flat: Any = _get(self, "_flat")
            return flat
        return refuse(self, name)

    cls.__getattr__ = __getattr__  # type: ignore[attr-defined]
