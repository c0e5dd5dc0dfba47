"""Floating-point flags as evidence: those of ufuncs are, the "invalid" of matrix products is not.

OpenBLAS works on more than there is of short rows, and what lies beyond them sets the flag now and then, in some runs
again and again, though no result is wrong. NumPy's issue 24067 tells of such a case.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeVar

import numpy as np

R = TypeVar("R")

_OF_PRODUCTS: Final = re.compile("invalid value encountered in (dot|matmul|vecdot|matvec|vecmat)")


def heeded(f: Callable[[], R]) -> R:
    """`f()`, under the settings for floating-point errors that there are, but for products.

    Errors
        as `f`; FloatingPointError and RuntimeWarning if they come a second time, too
    """
    try:
        return f()
    except (FloatingPointError, RuntimeWarning) as error:
        if not _OF_PRODUCTS.match(str(error)):
            return f()
        with np.errstate(invalid="ignore"):
            return f()


def strictly(f: Callable[[], R]) -> R:
    """`f()`, where divisions by zero, overflows and invalid operations are errors, but for products.

    Errors
        as `f`, and FloatingPointError
    """
    with np.errstate(divide="raise", over="raise", invalid="raise", under="ignore"):
        return heeded(f)
