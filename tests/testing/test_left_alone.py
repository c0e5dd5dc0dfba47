"""What belongs to everybody: a layer that changes it is told, also if it has done so before, and all is as it was."""

from __future__ import annotations

import os
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


def set_a_variable() -> None:
    """For ever."""
    os.environ["FUNCNN_NOT_THERE"] = "1"


def remove_a_variable() -> None:
    """Where it is there."""
    os.environ.pop("HOME", None)


def go_elsewhere() -> None:
    """Into the folder above all."""
    os.chdir(os.sep)


MEDDLERS = (silence_warnings, silence_divisions, seed, set_a_variable, go_elsewhere)


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(os.getcwd())
    monkeypatch.setenv("FUNCNN_NOT_THERE", "0")
    monkeypatch.delenv("FUNCNN_NOT_THERE")


def _of_the_process() -> tuple[dict[str, str], str]:
    return dict(os.environ), os.getcwd()


@pytest.mark.parametrize("meddle", MEDDLERS)
def test_what_was_changed_before_is_found(meddle: Callable[[], None]) -> None:
    """The second change alters nothing, and is found as the first one is."""
    with np.errstate(), warnings.catch_warnings():
        meddle()
        settings, filters, process = np.geterr(), list(warnings.filters), _of_the_process()
        for _ in range(2):
            with pytest.raises(LawBroken), left_alone():
                meddle()
            assert (np.geterr(), list(warnings.filters)) == (settings, filters)
            assert _of_the_process() == process


@pytest.mark.parametrize("meddle", [*MEDDLERS, remove_a_variable])
def test_what_is_changed_is_found_and_put_back(meddle: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """At the first change, too."""
    monkeypatch.setenv("HOME", "here")
    process = _of_the_process()
    with np.errstate(), warnings.catch_warnings():
        with pytest.raises(LawBroken), left_alone():
            meddle()
        assert _of_the_process() == process


def test_what_is_put_back_is_left_alone() -> None:
    """Settings for a block of code are nobody else's business, and errors within are for another law."""
    with left_alone():
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.log(np.zeros(2))
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("FUNCNN_NOT_THERE", "1")
            patched.chdir(os.sep)
        np.log(np.zeros(2))
