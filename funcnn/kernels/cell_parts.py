"""What recurrent cells are described by, see `funcnn.kernels.cells`; and how loops go over what steps keep."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import cycle, islice, repeat
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from funcnn.kernels.cell_steps import OneStep
from funcnn.kernels.complex_numbers import tanh
from funcnn.types import Array

Product: TypeAlias = "Callable[[Array, Array], object]"
"""`(vectors, out)`: forward from (state, 1, input) to rows, backward from cotangents of rows to those of states."""


class Run(NamedTuple):
    """Blocks of the weights, `first` to `last`, that go into blocks of the rows from `to` on, times `factor`."""

    to: int
    first: int
    last: int
    factor: float


class Stretch(NamedTuple):
    """Steps that follow one another.

    now      (steps, n, batch): state, 1 and input of each, or what the product takes of them
    before   (steps, units, batch): the states before
    after    (steps, units, batch): those after, to be written
    kept     (1 + steps, blocks, units, batch): room for what a step leaves; two in turn where nothing is to be kept
    ahead    (steps, units, batch): the rows that no state goes into
    """

    now: Any
    before: Any
    after: Any
    kept: Any
    ahead: Any


class Gates(NamedTuple):
    """A cell.

    blocks    how many blocks of columns its weights have
    states    how many arrays its state has; the first of them is its output
    rows      how many blocks of rows there are; the last `ahead` of them no state goes into
    room      how many blocks a step keeps
    slopes    how many the pullback has
    times     what the first state is kept times
    of_input  which blocks of the input's weights go where
    of_state  which of the state's
    forward   (product, stretch)
    slope     (kept, before, after, slopes) of some steps: writes the slopes; kept and slopes are (blocks, steps, ...)
    back      (product, slopes, rows, come, d): the steps from the last to the first; writes the cotangents of the rows,
              and those of the states, which are in `d`, one after the other into their places; `come` is what comes to
              each state beside, (steps, units, batch) or None
    alone     how it goes a single step
    """

    blocks: int
    states: int
    rows: int
    ahead: int
    room: int
    slopes: int
    times: float
    of_input: tuple[Run, ...]
    of_state: tuple[Run, ...]
    forward: Callable[[Product, Stretch], None]
    slope: Callable[[Any, Any, Any, Any], None]
    back: Callable[[Product, Any, Any, list[Any], list[Array]], None]
    alone: OneStep


def tanh_for(like: Any) -> Any:
    """Of real numbers NumPy's own, without a look at each."""
    return tanh if like.dtype.kind == "c" else np.tanh


def lanes(kept: Any, steps: int) -> Iterator[Any]:
    """What a step keeps, one step after the other; where there is less room than steps, in turn."""
    return islice(cycle(list(kept)), steps)


def backwards(a: Any) -> Iterable[Any]:
    """Its steps from the last to the first; None again and again where there is nothing."""
    return repeat(None) if a is None else a[::-1]
