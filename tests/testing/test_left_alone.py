"""What belongs to everybody: a layer that changes it is told, also if it has done so before, and all is as it was."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest

from funcnn.testing import LawBroken
from funcnn.testing.judging.left_alone import left_alone


def silence_warnings() -> None:
    """For ever."""
    warnings.simplefilter("ignore")


def silence_divisions() -> None:
    """For ever."""
    np.seterr(divide="ignore")


def seed() -> None:
    """NumPy's global generator."""
    np.random.seed(1)  # noqa: NPY002


@pytest.mark.parametrize("meddle", [silence_warnings, silence_divisions, seed])
def test_what_was_changed_before_is_found(meddle: Callable[[], None]) -> None:
    """The second change alters nothing, and is found as the first one is."""
    with np.errstate(), warnings.catch_warnings():
        meddle()
        settings, filters = np.geterr(), list(warnings.filters)
        for _ in range(2):
            with pytest.raises(LawBroken), left_alone():
                meddle()
            assert (np.geterr(), list(warnings.filters)) == (settings, filters)


def test_what_is_put_back_is_left_alone() -> None:
    """Settings for a block of code are nobody else's business, and errors within are for another law."""
    with left_alone():
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.log(np.zeros(2))
        np.log(np.zeros(2))
