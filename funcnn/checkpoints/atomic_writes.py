"""Files that are replaced whole or not at all, whatever fails on the way."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import IO

_OPEN = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Generator[IO[bytes]]:
    """A new file to write and read, which takes the place of `path` once the block ends without an error.

    Until then whoever opens `path` finds the old file. Afterwards the new one is on the disk, and so is its name. The
    new file has the old one's permissions; where there was none, those that the umask leaves. A symbolic link is
    followed. Several processes may do this to one path: the last one wins, and no reader ever sees a mixture.

    Errors
        OSError   as the operating system raised it; the old file is there, and no temporary one
    """
    target = os.path.realpath(path)
    mode = _mode_of(target)
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f".{name[:40]}.{os.urandom(8).hex()}.tmp")
    descriptor = os.open(temporary, _OPEN, 0o666)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            if mode is not None:
                os.chmod(temporary, mode)
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(folder)


def _mode_of(target: str) -> int | None:
    """The permissions of the file that will be replaced, if there is one."""
    try:
        found = os.stat(target)
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):  # replacing a device, /dev/null say, would take it away from everybody
        code = errno.EISDIR if stat.S_ISDIR(found.st_mode) else errno.EINVAL
        raise OSError(code, "only a regular file can be replaced", target)
    return stat.S_IMODE(found.st_mode)


def _sync_folder(folder: str) -> None:
    """Put the new name on the disk too: without it a power failure may bring the old file back."""
    if os.name == "nt":  # folders cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
