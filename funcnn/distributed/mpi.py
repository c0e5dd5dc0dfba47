"""Ranks as processes of MPI. No call waits for ever: while a rank waits, it looks where the others are."""

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

_TRIES: Final = 200  # without giving the processor away: most of the others come soon
_LOOK: Final = 0.5  # seconds of waiting, after which a rank looks whether others have ended
_GRACE: Final = 1.0  # seconds of waiting for the others at the end, after which a rank tells them that it is there
_TELL: Final = 2.0  # seconds of waiting, after which a rank tells another one what it waits for
_GONE, _WAITS = 77, 78  # the tags of these messages
_ADD, _GATHER, _SHARE = range(3)
_ALL: Final = (
    "all ranks must make the same steps and calls: evaluate, calibrate and on_first are called by all, and not behind "
    "`if comm.rank == 0`"
)
_WORDS: Final = ("to add up", "to gather", "for what rank 0 has")

_worlds: Final[dict[float, Communicator]] = {}  # by their patience


def world(comm: Any = None, *, patience: float = 600.0) -> Communicator:
    """This rank, and what it does together with the others: those of `mpiexec -n N python train.py`, or it alone.

    `comm` is a communicator of mpi4py, `MPI.COMM_WORLD` where none is given. In a job of several ranks an error that
    nobody catches is printed with its traceback and its rank, and ends the job. A rank that ends its program while
    others wait for it, and one that does not come within `patience` seconds, end it too, with the place where the
    others wait: what takes longer on one rank alone needs more. Until `world` is called, a rank knows nothing of the
    others: call it first of all.

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
    with guards.waking(float(patience)):  # until all are there
        mpi = runtimes.mpi()
        if comm is None and patience in _worlds:  # communicators of MPI are few, and a program may ask often
            return _worlds[patience]
        given = mpi.COMM_WORLD if comm is None else comm
        if not isinstance(given, mpi.Intracomm):
            raise TypeError(f"world takes a communicator of mpi4py, MPI.COMM_WORLD, got {brief(comm)}")
        found = _Ranks(mpi, given, float(patience))
        if comm is None:
            _worlds[patience] = found
        return found


class _Ranks:
    """The ranks of a communicator. Every kind of call has a communicator of its own, so that calls that do not belong
    together wait for each other, and are found, where they would otherwise take each other's bytes."""

    def __init__(self, mpi: Any, comm: Any, patience: float) -> None:
        self.rank: int = comm.Get_rank()
        self.size: int = comm.Get_size()
        self._mpi, self._patience = mpi, patience
        self._calls, self._gone, self._kept = 0, set[int](), list[Any]()
        self._near: dict[int, int] = {}  # the processes of other ranks on this machine
        if self.size == 1:
            return
        self._sums, self._all, self._first, self._beside = (comm.Dup() for _ in range(4))
        host: str = mpi.Get_processor_name()
        guards.install(self._abort, self._leave, f"rank {self.rank} of {self.size} on {host}")
        processes = {rank: pid for rank, (name, pid) in enumerate(self.gather((host, os.getpid()))) if name == host}
        self._near.update({rank: pid for rank, pid in processes.items() if guards.lives(pid)})

    def __repr__(self) -> str:
        return f"<rank {self.rank} of {self.size}>"

    # the three calls --------------------------------------------------------------------------------------------------
    def add(self, vector: Array) -> None:
        """The sum over all ranks, in its place."""
        if self.size > 1:
            self._calls += 1
            self._wait(self._sums.Iallreduce(self._mpi.IN_PLACE, vector), _ADD)

    def gather(self, value: A) -> list[A]:
        """The values of all ranks."""
        if self.size == 1:
            return [value]
        sent = np.frombuffer(pickle.dumps(value), np.uint8)
        self._calls += 1
        told = np.empty((self.size, 2), np.int64)
        self._wait(self._all.Iallgather(np.array([self._calls, sent.size], np.int64), told), _GATHER)
        counts = np.ascontiguousarray(told[:, 1])
        found = np.empty(int(counts.sum()), np.uint8)
        self._wait(self._all.Iallgatherv(sent, [found, (counts, None), self._mpi.BYTE]), _GATHER)
        self._refuse_others(told[:, 0].tolist())
        ends = np.cumsum(counts).tolist()
        return [pickle.loads(found[end - n : end].data) for n, end in zip(counts.tolist(), ends, strict=True)]

    def share(self, value: A) -> A:
        """The value of rank 0."""
        if self.size == 1:
            return value
        sent = np.frombuffer(pickle.dumps(value) if self.rank == 0 else b"", np.uint8)
        self._calls += 1
        head = np.array([self._calls, sent.size], np.int64)
        self._wait(self._first.Ibcast(head, 0), _SHARE)
        room = np.array(sent) if self.rank == 0 else np.empty(int(head[1]), np.uint8)
        self._wait(self._first.Ibcast(room, 0), _SHARE)
        self._refuse_others([int(head[0])])
        return value if self.rank == 0 else cast(A, pickle.loads(room.data))

    def _refuse_others(self, calls: list[int]) -> None:
        """Refuse ranks that have made another number of calls: what they say is of another time.

        Errors
            RanksError   with the first of them
        """
        for rank, number in enumerate(calls):
            if number != self._calls:
                raise RanksError(
                    f"rank {self.rank} is in its call number {self._calls}, and rank {rank} in its call number "
                    f"{number}; {_ALL}"
                )

    # waiting, and being waited for ------------------------------------------------------------------------------------
    def _wait(self, request: Any, what: int) -> None:
        """Wait for the others.

        Errors
            RanksError   one of them has ended, or makes another call, or they do not come
        """
        for _ in range(_TRIES):
            if request.Test():
                return
        begin, told = time.monotonic(), False
        try:
            while not request.Test():
                waited = time.monotonic() - begin
                time.sleep(0.0 if waited < 0.01 else 1e-4 if waited < _LOOK else 1e-2)
                if waited > _LOOK:
                    self._look(what, waited)
                if waited > _TELL and not told:  # one of the others, so that in a job of many there are few words
                    told, word = True, np.array([self._calls, what], np.int64)
                    self._keep(self._beside.Isend(word, (self.rank + 1) % self.size, _WAITS), word)
        except BaseException:
            self._keep(request, None)
            raise

    def _keep(self, request: Any, buffer: Any) -> None:
        """Hold what MPI may still read or write, and let go what it is done with."""
        self._kept = [pair for pair in self._kept if not pair[0].Test()]
        self._kept.append((request, buffer))

    def _look(self, what: int, waited: float) -> None:
        """See what others have told.

        Errors
            RanksError   one has ended, or waits in another call than this rank; or this one has waited too long
        """
        if gone := self._ended():
            raise RanksError(
                f"rank {self.rank} waits {_WORDS[what]}, and rank {', '.join(map(str, gone))} has ended its "
                f"program; {_ALL}, and a loop ends on all of them or on none"
            )
        for rank, pid in self._near.items():
            if not guards.lives(pid):
                raise RanksError(f"rank {self.rank} waits {_WORDS[what]}, and rank {rank}, process {pid}, is no more")
        status = self._mpi.Status()
        while self._beside.Iprobe(self._mpi.ANY_SOURCE, _WAITS, status):
            word = np.empty(2, np.int64)
            self._beside.Recv(word, status.Get_source(), _WAITS)
            calls, its = word.tolist()
            if calls == self._calls and its != what:  # of other numbers one may have gone on since
                raise RanksError(
                    f"rank {self.rank} waits {_WORDS[what]}, and rank {status.Get_source()} waits {_WORDS[its]}; {_ALL}"
                )
        if waited > self._patience:
            raise RanksError(
                f"rank {self.rank} has waited for {waited:.0f} seconds {_WORDS[what]}, and not all of the others came; "
                "one of them hangs, or does something that the others do not; what takes longer needs more: "
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
        self._sums.Abort(1)
        os._exit(1)
