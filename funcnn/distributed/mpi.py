"""Ranks as processes of MPI. No call waits for ever: while a rank waits, it looks whether the others are still there."""

from __future__ import annotations

import os
import pickle
import time
from typing import Any, Final, TypeVar, cast

import numpy as np

from funcnn.arguments import is_number
from funcnn.distributed import guards, runtimes
from funcnn.distributed.communicators import Communicator
from funcnn.errors import RanksError, brief
from funcnn.types import Array

A = TypeVar("A")

_LOOK: Final = 0.5  # seconds of waiting, after which a rank looks whether others have ended
_GRACE: Final = 1.0  # seconds of waiting for the others at the end, after which a rank tells them that it is there
_GONE: Final = 77  # the tag of that message


def world(comm: Any = None, *, patience: float = 600.0) -> Communicator:
    """This rank, and what it does together with the others: those of `mpiexec -n N python train.py`, or it alone.

    `comm` is a communicator of mpi4py, `MPI.COMM_WORLD` where none is given. In a job of several ranks an error that
    nobody catches is printed with its traceback and its rank, and ends the job. A rank that ends its program while
    others wait for it, and one that does not come within `patience` seconds, end it too, with the place where the
    others wait: evaluating on one rank may take longer, then give more.

    Errors
        MissingExtraError   mpi4py is not installed, or no MPI runtime
        TypeError           `comm` is none
        ValueError          `patience` is not positive
    Source: Message Passing Interface Forum, MPI 4.1 (2023), sections 6.12 and 9.7.

    >>> from funcnn.distributed import world
    >>> comm = world()                  # doctest: +SKIP
    >>> comm.rank, comm.size            # doctest: +SKIP
    (0, 1)
    """
    if not is_number(patience) or not patience > 0:
        raise ValueError(f"world: patience must be a number of seconds above 0, got {brief(patience)}")
    mpi = runtimes.mpi()
    given = mpi.COMM_WORLD if comm is None else comm
    if not isinstance(given, mpi.Intracomm):
        raise TypeError(f"world takes a communicator of mpi4py, MPI.COMM_WORLD, got {brief(comm)}")
    return _Ranks(mpi, given, float(patience))


class _Ranks:
    """The ranks of a communicator."""

    def __init__(self, mpi: Any, comm: Any, patience: float) -> None:
        self.rank: int = comm.Get_rank()
        self.size: int = comm.Get_size()
        self._mpi, self._patience = mpi, patience
        self._comm, self._beside = (comm.Dup(), comm.Dup()) if self.size > 1 else (comm, comm)
        self._gone: set[int] = set()
        if self.size > 1:
            guards.install(self._abort, self._leave, f"rank {self.rank} of {self.size} on {mpi.Get_processor_name()}")

    def __repr__(self) -> str:
        return f"<rank {self.rank} of {self.size}>"

    # the three calls --------------------------------------------------------------------------------------------------
    def add(self, vector: Array) -> None:
        """The sum over all ranks, in its place."""
        if self.size > 1:
            self._wait(self._comm.Iallreduce(self._mpi.IN_PLACE, vector), "to add up")

    def gather(self, value: A) -> list[A]:
        """The values of all ranks."""
        if self.size == 1:
            return [value]
        sent = np.frombuffer(pickle.dumps(value), np.uint8)
        counts = np.zeros(self.size, np.int64)
        self._wait(self._comm.Iallgather(np.array([sent.size], np.int64), counts), "to gather")
        found = np.empty(int(counts.sum()), np.uint8)
        self._wait(self._comm.Iallgatherv(sent, [found, (counts, None), self._mpi.BYTE]), "to gather")
        ends = np.cumsum(counts).tolist()
        return [pickle.loads(found[end - n : end].data) for n, end in zip(counts.tolist(), ends, strict=True)]

    def share(self, value: A) -> A:
        """The value of rank 0."""
        if self.size == 1:
            return value
        sent = np.frombuffer(pickle.dumps(value) if self.rank == 0 else b"", np.uint8)
        count = np.array([sent.size], np.int64)
        self._wait(self._comm.Ibcast(count, 0), "for rank 0")
        room = np.array(sent) if self.rank == 0 else np.empty(int(count[0]), np.uint8)
        self._wait(self._comm.Ibcast(room, 0), "for rank 0")
        return value if self.rank == 0 else cast(A, pickle.loads(room.data))

    # waiting, and being waited for ------------------------------------------------------------------------------------
    def _wait(self, request: Any, what: str) -> None:
        """Wait for the others.

        Errors
            RanksError   one of them has ended, or they do not come
        """
        for _ in range(200):
            if request.Test():
                return
        begin = time.monotonic()
        while not request.Test():
            waited = time.monotonic() - begin
            time.sleep(0.0 if waited < 0.01 else 1e-4 if waited < _LOOK else 1e-2)
            if waited > _LOOK and (gone := self._ended()):
                raise RanksError(
                    f"rank {self.rank} waits {what}, and rank {', '.join(map(str, gone))} has ended its program; all "
                    "ranks must make the same steps and calls: a loop may end on all of them or on none"
                )
            if waited > self._patience:
                raise RanksError(
                    f"rank {self.rank} has waited for {waited:.0f} seconds {what}, and not all of the others came; one "
                    "of them hangs, or does something that the others do not; what takes longer needs more: "
                    "world(patience=...)"
                )

    def _ended(self) -> list[int]:
        """The ranks that have told that they are at the end of their program."""
        status = self._mpi.Status()
        while self._beside.Iprobe(self._mpi.ANY_SOURCE, _GONE, status):
            source = status.Get_source()
            self._beside.Recv(np.empty(1, np.uint8), source, _GONE)
            self._gone.add(source)
        return sorted(self._gone)

    def _leave(self) -> None:
        """At the end of the program: wait for the others, and tell those who still wait for this rank."""
        if self._mpi.Is_finalized():
            return
        request, begin, told = self._beside.Ibarrier(), time.monotonic(), list[Any]()
        while not request.Test():
            waited = time.monotonic() - begin
            time.sleep(1e-4 if waited < 0.1 else 1e-2)
            if waited > _GRACE and not told:
                word = np.zeros(1, np.uint8)
                told = [self._beside.Isend(word, i, _GONE) for i in range(self.size) if i != self.rank]
            for sent in told:
                sent.Test()

    def _abort(self) -> None:
        self._comm.Abort(1)
        os._exit(1)
