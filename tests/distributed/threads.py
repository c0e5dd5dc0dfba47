"""Ranks that are threads of this process: everything but MPI itself."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from funcnn import Array

A = TypeVar("A")
R = TypeVar("R")

_SECONDS = 60.0


class Left(Exception):
    """Another rank has failed, and does not come."""


class _Meeting:
    """Where the ranks leave what they have, call by call."""

    def __init__(self, size: int) -> None:
        self.size, self.failed = size, False
        self.changed = threading.Condition()
        self.calls: dict[int, dict[int, bytes]] = {}

    def meet(self, rank: int, call: int, value: bytes) -> list[bytes]:
        """What all have left for this call. Who has it goes on, whatever the others do then."""
        with self.changed:
            left = self.calls.setdefault(call, {})
            left[rank] = value
            self.calls.pop(call - 2, None)
            self.changed.notify_all()
            self.changed.wait_for(lambda: len(left) == self.size or self.failed, _SECONDS)
            if len(left) < self.size:
                raise Left
            return [left[i] for i in range(self.size)]

    def fail(self) -> None:
        """Nobody need wait any more."""
        with self.changed:
            self.failed = True
            self.changed.notify_all()


class ThreadRank:
    """One of them; also a record of how long the vectors were that were summed."""

    def __init__(self, rank: int, size: int, meeting: _Meeting) -> None:
        self.rank, self.size, self.meeting, self.calls = rank, size, meeting, 0
        self.sums: list[int] = []

    def add(self, vector: Array) -> None:
        """Summed in the order of the ranks, by every one for itself."""
        self.sums.append(vector.size)
        both = [pickle.loads(part) for part in self._meet(pickle.dumps((vector.dtype, vector)))]
        assert len({(dtype, part.shape) for dtype, part in both}) == 1
        vector[...] = sum(part for _, part in both[1:]) + both[0][1] if self.size > 1 else vector

    def gather(self, value: A) -> list[A]:
        """As copies, as over a network."""
        return [pickle.loads(part) for part in self._meet(pickle.dumps(value))]

    def share(self, value: A) -> A:
        """That of rank 0."""
        return self.gather(value)[0]

    def _meet(self, value: bytes) -> list[bytes]:
        self.calls += 1
        return self.meeting.meet(self.rank, self.calls, value)


def on_ranks(size: int, program: Callable[[ThreadRank], R]) -> list[R]:
    """What the program gives on every rank; the error of the first rank that raises one of its own."""
    meeting = _Meeting(size)

    def run(rank: int) -> R:
        try:
            return program(ThreadRank(rank, size, meeting))
        except BaseException:
            meeting.fail()
            raise

    with ThreadPoolExecutor(size) as pool:
        jobs = [pool.submit(run, rank) for rank in range(size)]
    errors = [error for job in jobs if (error := job.exception())]
    own = [error for error in errors if not isinstance(error, Left)]
    if errors:
        raise (own or errors)[0]
    return [job.result() for job in jobs]
