"""Files that are replaced whole or not at all, whatever fails on the way."""

from __future__ import annotations

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import IO

from funcnn.checkpoints.leftovers import created, sweep
from funcnn.checkpoints.places import Place, about, place_of

NO_SYNC = frozenset(
    getattr(errno, name)
    for name in ("EINVAL", "EACCES", "EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EBADF", "EROFS", "EISDIR")
    if hasattr(errno, name)
)
"""What file systems and sandboxes say that let nobody sync a folder: there is nothing that anybody could do better."""


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Generator[IO[bytes]]:
    """A new file to write and read, which takes the place of `path` once the block ends without an error.

    Until then whoever opens `path` finds the old file. Afterwards the new one is on the disk, and so is its name. The
    new file has the old one's permissions; where there was none, those that the umask leaves. A symbolic link is
    followed, as `place_of` says. Several processes may do this to one path: the last one wins, and no reader ever sees
    a mixture. What killed writers have left of this name is removed.

    Errors
        OSError   of the type and number that the operating system gave, about `path`; the old file is there, and no
                  temporary one. If it was the folder that could not be synced, the message says that the new file is
                  there; file systems that sync no folders are no error.
    """
    path, temporary = os.fspath(path), None
    try:
        place = place_of(path)
        # private until it has the permissions that it shall have: who has opened it before could read on
        temporary, descriptor = created(place.folder, place.name, 0o666 if place.mode is None else 0o600)
        with _file(descriptor) as file:
            sweep(place.folder, place.name, os.fstat(descriptor).st_mtime)
            if place.mode is not None:
                os.chmod(temporary, place.mode)
            yield file
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, os.path.join(place.folder, place.name))
    except BaseException as error:
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary)
        if isinstance(error, OSError):
            about(error, path)
        raise
    _sync(place, path)


def _file(descriptor: int) -> IO[bytes]:
    try:
        return os.fdopen(descriptor, "w+b")
    except Exception:  # an interrupt comes when the file is made, and closes the descriptor with it
        os.close(descriptor)
        raise


def _sync(place: Place, path: str) -> None:
    """Put the new name on the disk too: without it a power failure may bring the old file back."""
    try:
        sync_folder(place.folder)
    except OSError as error:
        said = f"{error.strerror}: the new file is there, but after a power failure it may be the old one again"
        raise OSError(error.errno, said, path) from error


def sync_folder(folder: str) -> None:
    """Put the names in a folder on the disk, where there is a way to.

    Errors
        OSError   as the operating system raised it
    """
    if os.name == "nt":  # folders cannot be opened there
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in NO_SYNC:
            raise
