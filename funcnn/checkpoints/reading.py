"""Opening files that may be anything."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import IO, TypeVar

from funcnn.checkpoints.places import about
from funcnn.checkpoints.sealed import MALFORMED
from funcnn.errors import CheckpointError

R = TypeVar("R")


def contents_of(path: str, read: Callable[[IO[bytes]], R]) -> R:
    """What `read` makes of a file.

    Errors
        OSError           as the operating system raised it, about this path
        CheckpointError   it is no regular file, or `read` says that it is none of ours
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # before opening: a named pipe would make us wait for a writer
            raise ValueError("it is not a regular file")
        with open(path, "rb") as file:
            return read(file)
    except OSError as error:
        about(error, path)
        raise
    except MALFORMED as error:
        raise CheckpointError(f"{path} cannot be read as a checkpoint: {error or type(error).__name__}") from None
