"""What scaling may change of a gradient: nothing, or what denormal numbers lose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from funcnn.testing import nested
from funcnn.testing.judging.tolerances import compare_exactly
from funcnn.testing.judging.verdicts import LawBroken

UNITS: Final = 64
"""In the last place, that scaling may move where some numbers are denormal on the way, as small weights of a softmax
are: what is lost of them decides how a sum that lies between two numbers is rounded.
"""


def times(factor: float, tree: Any) -> Any:
    """A tree by a number, in its dtypes."""
    return nested.mapped(lambda a: (factor * a).astype(a.dtype), tree)


def commutes(
    said: str, factor: float, got: Any, wanted: Any, again: Callable[[], object], *, units: float = 0.0
) -> None:
    """Refuse gradients of a scaled cotangent that are not the scaled gradients, to the last bit, or to so many units in
    the last place. Below the smallest usual number all lose bits, and so may others if `again`, the passes once more,
    comes by such numbers.

    Errors
        LawBroken   says which, and the first entry that differs
    """
    real = [a.dtype for _, a in nested.leaves(wanted) if nested.is_real(a)]
    least = 1024 * max(1.0, factor) * max([float(np.finfo(dtype).tiny) for dtype in real], default=0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        try:
            compare_exactly(got, wanted, said, least=least, units=units)
        except LawBroken:
            if not _underflows(again):
                raise
            compare_exactly(got, wanted, said, least=least, units=UNITS)


def _underflows(passes: Callable[[], object]) -> bool:
    try:
        with np.errstate(under="raise", over="ignore", invalid="ignore"):
            passes()
    except FloatingPointError:
        return True
    return False
