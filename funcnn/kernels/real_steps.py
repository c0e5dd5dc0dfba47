"""Where the real steps of sequences are: a mask without a word about it in any loop.

What is not real changes nothing, so that a recurrence runs over the real steps alone, moved to the front in their
order, as far as the longest sequence goes. What it makes of the steps behind the end of another is left out.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from funcnn.types import Mask


class Order(NamedTuple):
    """Where the real steps of a mask are.

    lengths   (batch,), how many each sequence has
    mask      (batch, time)
    real      (batch, time): their places, in front; None where they are in front already
    """

    lengths: npt.NDArray[np.intp]
    mask: Mask
    real: npt.NDArray[np.intp] | None


def ordered(mask: Mask) -> Order:
    """Where the real steps are."""
    lengths: npt.NDArray[np.intp] = mask.sum(axis=1)
    as_it_is = not (mask[:, 1:] > mask[:, :-1]).any()
    return Order(lengths, mask, None if as_it_is else np.argsort(~mask, axis=1, kind="stable"))


def in_front(x: Any, order: Order) -> Any:
    """The real steps in front, as many as the longest sequence has."""
    steps = int(order.lengths.max(initial=0))
    return x[:, :steps] if order.real is None else steps_at(x, order.real[:, :steps])


def steps_at(x: Any, places: npt.NDArray[np.intp]) -> Any:
    """Of every sequence of `x` (batch, time, ...) the steps at its places, (batch, steps).

    Whole steps are copied: 11 us for 16 x 40 x 32, where `np.take_along_axis`, number by number, takes 90.
    """
    return x[np.arange(len(places))[:, None], places]


def in_place(y: Any, order: Order | None, time: int) -> Any:
    """Those steps in their places among all of them, and 0 where nothing is real; `y` may be written into."""
    if order is None:
        return y
    for row, length in zip(y, order.lengths, strict=True):
        row[length:] = 0
    whole = np.zeros_like(y, shape=(len(y), time, *y.shape[2:]))
    if order.real is None:
        whole[:, : y.shape[1]] = y
    else:
        whole[np.arange(len(y))[:, None], order.real[:, : y.shape[1]]] = y
    return whole
