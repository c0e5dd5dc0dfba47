"""What ends a job as a whole: an error that nobody catches on one rank, and a rank that leaves the others waiting."""

from __future__ import annotations

import atexit
import faulthandler
import os
import sys
import time
import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final

_FLUSH: Final = 0.2  # seconds in which the launcher passes on what was printed

_installed: dict[str, bool] = {}  # once a process, whatever the number of communicators


def install(abort: Callable[[], None], leave: Callable[[], None], name: str) -> None:
    """From now on an error that nobody catches calls `abort`, and the end of the program `leave`."""
    process = os.getpid()

    def at_exit() -> None:
        if os.getpid() == process:  # not a child that was forked
            leave()

    atexit.register(at_exit)
    if _installed:
        return
    _installed["excepthook"] = True
    shown = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        try:
            print(f"{name} ends the job:", file=sys.stderr)
            shown(kind, error, trace)
        except BaseException:
            traceback.print_exception(kind, error, trace)
        finally:
            if os.getpid() == process:
                for stream in (sys.stdout, sys.stderr):
                    try:
                        stream.flush()
                    except (AttributeError, OSError, ValueError):  # closed, or none
                        pass
                time.sleep(_FLUSH)
                abort()

    sys.excepthook = hook


@contextmanager
def waking(seconds: float) -> Generator[None]:
    """End the process, with a traceback, if what is inside takes longer: starting MPI waits for all ranks, and nothing
    of Python runs meanwhile."""
    watched = False
    try:
        faulthandler.dump_traceback_later(seconds, exit=True, file=sys.__stderr__ or sys.stderr)
        watched = True
    except (AttributeError, OSError, OverflowError, RuntimeError, ValueError):  # without a standard error there is none
        pass
    try:
        yield
    finally:
        if watched:
            faulthandler.cancel_dump_traceback_later()


def lives(process: int) -> bool:
    """Is there such a process on this machine, as far as this one can see? One that was killed is none, also while
    nobody has taken note of it.

    >>> import os
    >>> from funcnn.distributed.guards import lives
    >>> lives(os.getpid())
    True
    """
    if os.name != "posix":
        return False  # signal 0 is another one there
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        return state[:1] not in (["Z"], ["X"])
    except OSError:  # no such file, or no such system
        pass
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
