"""Axes of flattened maps in arrays: from channels first to channels last, and back."""

from __future__ import annotations

from collections.abc import Sequence

from funcnn.weights.parts import Numbers, Sizes


def ours_first(a: Numbers, order: Sequence[tuple[int, Sizes]]) -> Numbers:
    """A leaf with the axes of flattened maps, of these shapes (*sizes, channels), from their order into ours."""
    for axis, (*sizes, channels) in order:
        front, back = a.shape[:axis], a.shape[axis + 1 :]
        a = _moved(a.reshape(*front, channels, *sizes, *back), axis, axis + len(sizes)).reshape(*front, -1, *back)
    return a


def theirs_first(a: Numbers, order: Sequence[tuple[int, Sizes]]) -> Numbers:
    """The inverse."""
    for axis, sizes in order:
        front, back = a.shape[:axis], a.shape[axis + 1 :]
        a = _moved(a.reshape(*front, *sizes, *back), axis + len(sizes) - 1, axis).reshape(*front, -1, *back)
    return a


def _moved(a: Numbers, source: int, target: int) -> Numbers:
    order = [i for i in range(a.ndim) if i != source]
    order.insert(target, source)
    return a.transpose(order)
