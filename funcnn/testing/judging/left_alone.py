"""What belongs to everybody is left alone: the global random state, and how NumPy treats floating-point errors."""

from __future__ import annotations

import random
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import numpy as np

from funcnn.testing.judging.verdicts import broken


def random_states() -> tuple[Any, ...]:
    """The global random states of NumPy and of Python."""
    name, numbers, *rest = np.random.get_state()
    return name, np.asarray(numbers).tobytes(), rest, random.getstate()


@contextmanager
def left_alone() -> Generator[None, None, None]:
    """Hold what runs within it to leaving alone what is everybody's; afterwards all is as it was.

    Errors
        LawBroken   the random state of NumPy or Python, or NumPy's settings for floating-point errors, have changed
    """
    ours, theirs, settings = np.random.get_state(), random.getstate(), np.geterr()
    try:
        np.random.seed(987_654_321)  # noqa: NPY002  (what it was may be what somebody seeds it with)
        random.seed(987_654_321)
        before = random_states()
        yield
        if random_states() != before:
            raise broken("the global random state of NumPy or Python is another one afterwards; draw from the key")
        if np.geterr() != settings:
            raise broken("NumPy's settings for floating-point errors have changed; write with np.errstate(...)")
    finally:
        np.random.set_state(ours)
        random.setstate(theirs)
        np.seterr(**settings)
