"""Temporary files beside the one that they will become, and what is left of those whose writers were killed."""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress

try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be removed
    fcntl = None  # type: ignore[assignment]

_OPEN = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_LOOK = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

STALE = 600.0
"""Seconds for which nobody has written to a leftover. A writer that lives holds a lock on its file; this is for file
systems where locks do not reach from one machine to another."""

_STALE_WITHOUT_LOCKS = 24 * 3600.0


def created(folder: str, name: str, mode: int) -> tuple[str, int]:
    """A new temporary file for a file of this name, locked while it is open: its path and its descriptor."""
    temporary = os.path.join(folder, f".{name[:40]}.{os.urandom(8).hex()}.tmp")
    descriptor = os.open(temporary, _OPEN, mode)
    if fcntl is not None:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return temporary, descriptor


def sweep(folder: str, name: str, now: float) -> None:
    """Remove what killed writers of this name have left: files of ours that nobody has locked, and nobody has written
    to for a while by the clock of the file system, which is given. Nothing that fails here is worth an error.
    """
    sweep_all(folder, re.escape(name[:40]), now)


def sweep_all(folder: str, names: str, now: float) -> None:
    """The same for every name that this regular expression matches."""
    pattern = re.compile(rf"\.{names}\.[0-9a-f]{{16}}\.tmp", re.DOTALL)
    with suppress(OSError):
        with os.scandir(folder) as entries:
            found = [entry.path for entry in entries if pattern.fullmatch(entry.name)]
        for path in found:
            with suppress(OSError):
                _remove_if_stale(path, now)


def _remove_if_stale(path: str, now: float) -> None:
    found = os.lstat(path)
    ours = os.name == "nt" or found.st_uid == os.geteuid()
    if not stat.S_ISREG(found.st_mode) or not ours or now - found.st_mtime < STALE:
        return
    if fcntl is None:
        os.unlink(path)
        return
    descriptor = os.open(path, _LOOK)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # its writer lives
        except OSError:
            if now - found.st_mtime < _STALE_WITHOUT_LOCKS:
                return
        os.unlink(path)
    finally:
        os.close(descriptor)
