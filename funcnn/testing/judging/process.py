"""What the process has of the system is left alone: the variables of its environment, its folder, and files."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from threading import get_ident
from typing import Any, Final, NamedTuple

_TOLD: Final = {
    "os.putenv": "a variable of the environment is set; hand settings to the function that makes the part",
    "os.unsetenv": "a variable of the environment is removed; leave the environment as it is",
    "os.chdir": "the process is in another folder afterwards; write the paths of files in full",
    "open": "a file is written to; keep what is to be kept in params, states or what is handed out",
}


class _Event(NamedTuple):
    """A call that changes what the process has; to what it is, too."""

    name: str
    arguments: tuple[Any, ...]

    def moves(self, variables: dict[str, str], folder: str) -> bool:
        """Does it change what was so before?"""
        if self.name == "open":
            return False
        first, *rest = map(os.fsdecode, self.arguments)
        if self.name == "os.chdir":
            return os.path.realpath(first) != os.path.realpath(folder)
        return variables.get(first) != (rest[0] if rest else None)


_heard: list[_Event] | None = None
_thread = 0


def _on_audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _heard is None or event not in _TOLD or get_ident() != _thread:
        return
    if event != "open" or not _reads(*arguments):
        _heard.append(_Event(event, arguments))


def _reads(path: Any, mode: Any, flags: Any) -> bool:
    """Is a file opened to be read, or by Python itself, to keep what it has compiled?"""
    return not isinstance(mode, str) or not set(mode) & set("wax+") or "__pycache__" in str(path)


@cache
def _listen() -> None:
    """From the first time on, for such hooks stay. A variable that is set to what it is shows no other way."""
    sys.addaudithook(_on_audit)


@contextmanager
def process_left_alone() -> Generator[list[str], None, None]:
    """What is found, filled at the end: what has changed, or was set for good by an earlier call and is set again; and
    that a file was written to.

    What is changed for a while and put back is nobody's business. Afterwards all is as it was.
    """
    global _heard, _thread
    _listen()
    found: list[str] = []
    variables, folder, events = dict(os.environ), os.getcwd(), list[_Event]()
    _heard, _thread = events, get_ident()
    try:
        yield found
    finally:
        _heard = None
        if events:
            now = dict(os.environ), os.getcwd()
            if now != (variables, folder) or not any(event.moves(variables, folder) for event in events):
                found.append(_TOLD[events[-1].name])
            found += [_TOLD[event.name] for event in events if event.name == "open"]
            if now[0] != variables:
                os.environ.clear()
                os.environ.update(variables)
            os.chdir(folder)
