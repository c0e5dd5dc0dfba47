"""What is not finite after a step, and where that comes from."""

from __future__ import annotations

from math import isfinite

from funcnn.errors import NonFiniteError
from funcnn.kernels.sums import all_finite
from funcnn.kernels.tables import in_use
from funcnn.optimizers.finiteness import diverged, first_bad, infinite_memory
from funcnn.params import Gradients, Params
from funcnn.params.packing import gather, layout_of, pieces


def refuse_infinite_gradients(value: float, gradients: Gradients, params: Params) -> None:
    """Refuse a loss and gradients that are not finite.

    Errors
        NonFiniteError   with the first leaf
    """
    if not (isfinite(value) and all(all_finite(in_use(piece)) for piece in pieces(layout_of(params), gradients))):
        raise NonFiniteError(diverged(value, gradients))


def refuse_infinite(params: Params, memory: object, value: float, gradients: Gradients, skipping: bool) -> None:
    """Refuse params of a step that are not finite, and a state of the optimizer, and tell where that comes from.

    Errors
        NonFiniteError   with the first leaf
    """
    if not skipping:
        refuse_infinite_gradients(value, gradients, params)
    found = diverged(value, gradients)  # by an optimizer that should have skipped the step
    if not all_finite(gather(layout_of(params), params)):
        why = f"{found}, and" if found else "the gradient is finite, but"
        raise NonFiniteError(f"{why} the update leaves {first_bad(params)} not finite")
    if hidden := infinite_memory(memory):
        why = f"{found}, and" if found else "the gradient is finite, but so large that"
        raise NonFiniteError(f"{why} the update leaves {hidden} not finite")
