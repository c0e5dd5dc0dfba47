"""Batches that are spread over the ranks of a job: what one rank has of each, and how many rows all have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

B = TypeVar("B", covariant=True)


@dataclass(frozen=True, slots=True, repr=False)
class Shard(Generic[B]):
    """What one rank has of a batch.

    batch    its rows, in the form of the whole; of `rows` 0 anything
    rows     how many it has
    total    how many all ranks have
    epoch    the number of the epoch, from 0
    number   of the batch in the epoch, from 0
    """

    batch: B
    rows: int
    total: int
    epoch: int
    number: int

    def __repr__(self) -> str:
        return f"Shard({self.rows} of {self.total} rows of batch {self.number} of epoch {self.epoch})"


@dataclass(frozen=True, slots=True, repr=False)
class Cut(Generic[B]):
    """The batches of an epoch, cut out of something: of any of them nothing is done before it is wanted."""

    count: int
    take: Callable[[int], B]

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[B]:
        return self.since(0)

    def since(self, begin: int) -> Iterator[B]:
        """Those from this number on."""
        return map(self.take, range(begin, self.count))
