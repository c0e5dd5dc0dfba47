"""Steps that are not made: `skip_nonfinite`, for training that meets a few values that are not finite."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Any, Final, Generic, NamedTuple, TypeVar

import numpy as np

from funcnn.arguments import is_integer, is_number
from funcnn.errors import NonFiniteError, brief
from funcnn.kernels.sums import all_finite
from funcnn.kernels.tables import in_use
from funcnn.optimizers.definition import Optimizer, Step, Update, advancing, optimizer, passing
from funcnn.optimizers.finiteness import diverged, first_bad, infinite_memory
from funcnn.optimizers.flat import checked_state, flat, pieces_like
from funcnn.optimizers.selecting import refuse_other
from funcnn.params import ArrayTree, Gradients, GradientsLike, Params, ParamsLike, Updates, as_params
from funcnn.params.leafwise import tree_map
from funcnn.types import is_tuple

S = TypeVar("S")
_CALL: Final = "update(grads, state, params)"


class SkipState(NamedTuple, Generic[S]):
    """How many of the last steps were skipped, one after the other; how many of all; and the state of the optimizer."""

    in_a_row: int
    skipped: int
    inner: S


@optimizer
def skip_nonfinite(inner: Optimizer[S], limit: int = 5) -> Optimizer[SkipState[S]]:
    """An optimizer that makes no step where that would leave something not finite: params and state stay as they were.

    A step is skipped where the value of the objective, if it is told, a gradient, an update or the next state is NaN or
    infinite. The state counts: `SkipState.in_a_row`, `SkipState.skipped`. `fit` leaves it to an optimizer with this in
    it to say what is not finite; the loss of a step that was skipped is in its metrics. What stands in front of it in a
    chain, or beside it in a group, steps as ever: put it outermost, `skip_nonfinite(chain(...))`.

    Errors
        TypeError        `inner` is no optimizer
        ValueError       `limit` is no integer of at least 0
        NonFiniteError   more than `limit` steps in a row would be skipped; from `update`
    Source: optax's `apply_if_finite`, which would make that step.

    >>> from funcnn.optimizers import skip_nonfinite
    >>> optimizer, params = skip_nonfinite(sgd(0.5), limit=2), Params({"w": np.ones(1)})
    >>> params, state = optimizer.step({"w": np.array([np.nan])}, optimizer.init(params), params)
    >>> params.at("w"), state
    (array([1.]), SkipState(in_a_row=1, skipped=1, inner=SgdState(step=0)))
    """
    refuse_other("skip_nonfinite", inner)
    if not is_integer(limit) or limit < 0:
        raise ValueError(f"skip_nonfinite: limit must be an integer of at least 0, got {limit!r}")
    most = int(limit)

    def init(params: ParamsLike) -> SkipState[S]:
        return SkipState(0, 0, inner.init(params))

    def tried(
        step: Step[S, Any],
        grads: GradientsLike,
        state: SkipState[S],
        params: ParamsLike,
        value: float | None,
        told: bool,
    ) -> tuple[Any, SkipState[S]]:
        """What the step gives, or None, and the next state. `told` says that the step knows whether all is finite."""
        checked_state("skip_nonfinite", state, SkipState)
        p, layout = flat(params)
        g = pieces_like(layout, grads, p, "grads")
        if not (value is None or is_number(value)):
            raise TypeError(f"skip_nonfinite: value must be a number, got {brief(value)}; write value=float(loss)")
        good = (value is None or isfinite(value)) and all(all_finite(in_use(piece)) for piece in g)
        wrong = "" if good else diverged(value, Gradients(grads))
        if not wrong:
            with np.errstate(all="ignore"):  # what overflows is found below
                moved, memory, finite = step(grads, state.inner, params, value)
            wrong = "" if told and finite else _left(moved, memory)
            if not wrong:
                return moved, SkipState(0, state.skipped, memory)
        if state.in_a_row >= most:
            raise NonFiniteError(f"{wrong}; skip_nonfinite has skipped {state.in_a_row} steps in a row, limit={most}")
        return None, SkipState(state.in_a_row + 1, state.skipped + 1, state.inner)

    # Where a step is skipped, what is not finite is not seen any more: it may be in the state of a part in front.
    passed, advanced = passing(inner), advancing(inner)

    def updates(
        grads: GradientsLike, state: SkipState[S], params: ParamsLike, value: float | None
    ) -> tuple[Updates, SkipState[S], bool]:
        moved, state = tried(passed, grads, state, params, value, False)
        still = moved is None
        return Updates(tree_map(np.zeros_like, as_params(params, _CALL)) if still else moved), state, not still

    def applied(
        grads: GradientsLike, state: SkipState[S], params: ParamsLike, value: float | None
    ) -> tuple[Params, SkipState[S], bool]:
        moved, state = tried(advanced, grads, state, params, value, True)
        return (as_params(params, _CALL), state, False) if moved is None else (moved, state, True)

    return Optimizer(init, Update(updates, applied, plain=False))


def _left(moved: Any, memory: object) -> str:
    """What a step leaves that is not finite: "the step leaves v of dense_0/w not finite", or nothing."""
    bad = first_bad(moved if isinstance(moved, ArrayTree) else Updates(moved)) or infinite_memory(memory)
    return f"the step leaves {bad} not finite" if bad else ""


def skips(state: object) -> bool:
    """Is there a `skip_nonfinite` in the optimizer of this state?"""
    return any(True for _ in _skip_states(state))


def _skip_states(state: object) -> Iterator[SkipState[Any]]:
    if isinstance(state, SkipState):
        yield state
    elif is_tuple(state):
        for part in state:
            yield from _skip_states(part)
