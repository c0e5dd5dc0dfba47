"""Exceptions that break laws: where they come from, and which of them have been told of before."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

import numpy as np

_HERE = Path(__file__).parents[1]  # the laws
_TESTING = str(_HERE) + os.sep
_LIBRARIES = tuple(str(Path(f).parent) + os.sep for f in (_HERE, os.__file__, np.__file__))


def frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The calls that led to an exception, without those of the laws."""
    return [frame for frame in traceback.extract_tb(error.__traceback__) if not of_the_laws(frame.filename)]


def place(error: BaseException) -> str:
    """Where an exception comes from, in one line: the last line outside of libraries, if there is one."""
    known = frames(error) or list(traceback.extract_tb(error.__traceback__))
    frame = ([frame for frame in known if _outside(frame)] or known)[-1]
    return f"{near(frame.filename)}:{frame.lineno} in {frame.name}"


def of_a_pair(error: BaseException) -> bool:
    """Is this said of what the functions of a pair gave, and not raised by them?"""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    return any(frame.filename.startswith(str(_HERE / "casebook")) for frame in last)


def _outside(frame: traceback.FrameSummary) -> bool:
    return outside(frame.filename)


def of_the_laws(filename: str) -> bool:
    """Is a file one of the laws and what belongs to them?"""
    return filename.startswith(_TESTING)


def outside(filename: str) -> bool:
    """Is a file none of this library's, of NumPy's or of Python's?"""
    return not filename.startswith(_LIBRARIES)


def near(filename: str) -> str:
    """A path as seen from here, where it is below."""
    here = os.getcwd() + os.sep
    return filename.removeprefix(here)


def story(error: BaseException) -> str:
    """The traceback of an exception, from where the layer is called, if that can be told from the library."""
    known = frames(error)
    start = next((i for i, frame in enumerate(known) if _outside(frame)), 0)
    shown = traceback.StackSummary.from_list(known[start:]).format()
    return "".join([*shown, *traceback.format_exception_only(error)]).rstrip()


class Told:
    """Which exceptions have been told of: the first law that meets one tells all, the others name that law.

    Each process tells for itself, so that nothing is lost whatever the order, and however many processes there are.
    """

    def __init__(self) -> None:
        self._first: dict[str, str] = {}

    def before(self, what: str, law: str) -> str:
        """The law that has told of this before, or "": then `law` is to tell."""
        first = self._first.setdefault(what, law)
        return "" if first == law else first

    def known(self, what: str, law: str) -> bool:
        """Has another law told of this?"""
        return self._first.get(what, law) != law
