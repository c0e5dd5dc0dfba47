"""What a rank does together with the others: three calls, whatever carries them."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from funcnn.errors import RanksError, brief
from funcnn.types import Array

A = TypeVar("A")
R = TypeVar("R")
P = ParamSpec("P")


class Communicator(Protocol):
    """A rank among those of a job; `world()` gives it. Every rank must make the same calls in the same order.

    rank   the number of this one, from 0
    size   how many there are
    """

    @property
    def rank(self) -> int: ...
    @property
    def size(self) -> int: ...
    def add(self, vector: Array) -> None:
        """The sum over all ranks of a contiguous array, in its place."""
        ...

    def gather(self, value: A) -> list[A]:
        """The values of all ranks, in their order, on every rank. They are pickled."""
        ...

    def share(self, value: A) -> A:
        """The value of rank 0, on every rank. It is pickled."""
        ...


class Alone:
    """One rank without others."""

    rank: int = 0
    size: int = 1

    def add(self, vector: Array) -> None:
        """There is nothing to add."""

    def gather(self, value: A) -> list[A]:
        """The value itself."""
        return [value]

    def share(self, value: A) -> A:
        """The value itself."""
        return value


def checked(comm: Communicator, where: str) -> Communicator:
    """Refuse what is no communicator of ours.

    Errors
        TypeError   with what to take instead
    """
    given: object = comm
    if not all(hasattr(given, name) for name in ("rank", "size", "add", "gather", "share")):
        raise TypeError(
            f"{where} takes what world() gives, got {brief(given)}; a communicator of mpi4py becomes one by world(comm)"
        )
    return comm


def on_first(comm: Communicator, f: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """`f(*args, **kwargs)` on rank 0 alone; what it gives, or the error it raises, on every rank. The others wait.

    Files are written and read so: `on_first(comm, save_checkpoint, folder, state)`. What comes back is pickled; params,
    states and checkpoints may be.

    Errors
        as for `f`, on every rank, so that a program may go on after a full disk as one rank does
        RanksError   the error cannot be pickled; rank 0 says it in full

    >>> from funcnn.distributed import world, on_first
    >>> on_first(world(), max, 1, 2)    # doctest: +SKIP
    2
    """
    checked(comm, "on_first")
    if comm.size == 1:
        return f(*args, **kwargs)
    if comm.rank:
        return cast(R, _opened(comm.share(b"")))
    try:
        value = f(*args, **kwargs)
        sent = pickle.dumps((value, None))
    except Exception as error:
        comm.share(_packed(error, 0))
        raise
    comm.share(sent)
    return value


def gathered(comm: Communicator, f: Callable[[], R]) -> list[R]:
    """What f gives on every rank, on every rank; where it raises on one, all raise.

    Errors
        as for `f`, on every rank: those that had nothing wrong, or nothing to do, must not go on alone
        RanksError   the error cannot be pickled
    """
    try:
        value = f()
    except Exception as error:
        if comm.size > 1:
            comm.gather((None, _packed(error, comm.rank)))
        raise
    told = comm.gather((value, b""))  # of a rank that raised there is no value
    for rank, (_, sent) in enumerate(told):
        if sent:
            _opened(sent, f"on rank {rank}")
    return [other for other, _ in told]


def _packed(error: Exception, rank: int) -> bytes:
    try:
        found = pickle.dumps((None, error))
        pickle.loads(found)  # some can be written, and not read
        return found
    except Exception:
        return pickle.dumps((None, RanksError(f"rank {rank} has raised {type(error).__name__}: {brief(str(error))}")))


def _opened(sent: bytes, where: str = "on rank 0, which the other ranks were waiting for") -> Any:
    value, error = pickle.loads(sent)
    if error is not None:
        error.add_note(where)
        raise error
    return value
