"""What is everybody's is left alone: the random state, NumPy's settings, filters of warnings, what the process has."""

from __future__ import annotations

import random
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from funcnn.testing.judging.process import process_left_alone
from funcnn.testing.judging.verdicts import broken


def random_states() -> tuple[Any, ...]:
    """The global random states of NumPy and of Python."""
    name, numbers, *rest = np.random.get_state()
    return name, np.asarray(numbers).tobytes(), rest, random.getstate()


_PRINTED: Final[Any] = {"precision": 11, "threshold": 1234, "edgeitems": 7, "linewidth": 123, "suppress": True}


class _Ours(UserWarning):
    """Nobody warns of it: its filter marks the first place."""


def _heard(kind: str, flag: int) -> None:
    """Nothing: floating-point errors are for the law about finite values."""


@contextmanager
def left_alone() -> Generator[None, None, None]:
    """Hold what runs within it to leaving alone what is everybody's; afterwards all is as it was.

    Errors
        LawBroken   the random state of NumPy or Python, NumPy's settings for floating-point errors or for printing, or
                    the filters of warnings have changed, or the variables of the environment, or the folder
    """
    ours, theirs = np.random.get_state(), random.getstate()
    try:
        np.random.seed(987_654_321)  # noqa: NPY002  (what it was may be what somebody seeds it with)
        random.seed(987_654_321)
        before = random_states()
        numbers, printed_so = np.errstate(all="call", call=_heard), np.printoptions(**_PRINTED)
        with process_left_alone() as found, numbers, warnings.catch_warnings(), printed_so:
            warnings.simplefilter("default", _Ours)  # nobody's settings: what a layer has changed at a pass before
            filters, printing = list(warnings.filters), np.get_printoptions()  # shows, too
            yield
            changed, filtered = set(np.geterr().values()) != {"call"}, list(warnings.filters) != filters
            printed = np.get_printoptions() != printing
        if random_states() != before:
            raise broken("the global random state of NumPy or Python is another one afterwards; draw from the key")
        if changed:
            raise broken("NumPy's settings for floating-point errors have changed; write with np.errstate(...)")
        if filtered:
            raise broken("the filters of warnings have changed; write with warnings.catch_warnings()")
        if printed:
            raise broken("NumPy's settings for printing have changed; write with np.printoptions(...)")
        if found:
            raise broken(found[0])
    finally:
        np.random.set_state(ours)
        random.setstate(theirs)
