"""The system calls of a save, counted, and made to fail one by one."""

from __future__ import annotations

import errno
import fcntl
import io
import os
from collections.abc import Callable
from typing import Any

import pytest


# the n-th system call fails ------------------------------------------------------------------------------------------
class File(io.FileIO):
    """A file whose writes are counted, cut short, and made to fail."""

    calls: Calls

    def write(self, data: Any) -> int:
        data = memoryview(data).cast("B")
        self.calls.made("write")
        return super().write(data[: max(1, min(len(data), self.calls.at_once))])


class Calls:
    """The system calls of a save, in order; one of them may fail."""

    NAMES = ("lstat", "stat", "readlink", "open", "fstat", "scandir", "chmod", "fsync", "replace", "close")

    def __init__(self, fails: int = 0, number: int = errno.EIO, at_once: int = 1 << 30) -> None:
        self.fails, self.number, self.at_once = fails, number, at_once
        self.names: list[str] = []

    def made(self, name: str) -> None:
        """Count a call, or let it fail."""
        self.names.append(name)
        if len(self.names) == self.fails:
            raise OSError(self.number, os.strerror(self.number))

    def patch(self, patch: pytest.MonkeyPatch) -> None:
        """Put this between the library and the operating system."""
        for name in self.NAMES:
            patch.setattr(os, name, self.counting(name, getattr(os, name)))
        patch.setattr(fcntl, "flock", self.counting("flock", fcntl.flock))
        patch.setattr(os, "fdopen", self.opened)

    def counting(self, name: str, f: Callable[..., Any]) -> Callable[..., Any]:
        """The function, counted. What is to be closed is closed, whatever is said of it."""

        def call(*args: Any, **options: Any) -> Any:
            if name == "close":
                f(*args)
            self.made(name)
            return None if name == "close" else f(*args, **options)

        return call

    def opened(self, descriptor: int, mode: str) -> Any:
        """A buffered file, as `os.fdopen` gives it."""
        file = File(descriptor, mode.replace("w", "r").replace("b", ""))
        file.calls = self
        return io.BufferedRandom(file, 512)


COUNTED_CALLS = """
import os, signal

kill, seen = 0, []

def made(name):
    seen.append(name)
    if len(seen) == kill:
        os.kill(os.getpid(), signal.SIGKILL)

def counting(name, f):
    def call(*args, **options):
        made("before " + name)
        out = f(*args, **options)
        made("after " + name)
        return out
    return call
"""
"""How a program begins that counts its system calls, and kills itself (-9) before or after the `kill`-th of them."""
