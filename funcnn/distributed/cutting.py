"""What each rank has of every batch: a function of the key, the number of the batch, and the rank."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any, TypeVar, cast

from funcnn.arguments import counted
from funcnn.distributed.agreement import agreed, sampled
from funcnn.distributed.communicators import Communicator, checked
from funcnn.errors import NonFiniteError, RanksError, ShapeError, brief
from funcnn.keys import Key, Rng, as_key
from funcnn.nested import arrays
from funcnn.training.batching import batch_count, order
from funcnn.training.rows import count_rows, nested_rows, refuse_empty, refuse_nonfinite, taken
from funcnn.training.shards import Cut, Shard
from funcnn.training.sources import epochs_of, rows_in
from funcnn.types import is_array, is_mapping, is_tuple

B = TypeVar("B")


def shard(
    data: B,
    comm: Communicator,
    *,
    batch_size: int = 32,
    rng: Rng = 0,
    augment: Callable[[B, Key], B] | None = None,
    shuffle: bool = True,
    drop_last: bool = False,
) -> Callable[[int], Iterable[Shard[B]]]:
    """Arrays cut for the ranks of a job: data of `fit`, for an objective of `funcnn.distributed.objective`.

    `data` are arrays of the same rows on every rank, memory maps too, in tuples and dicts: `(x, target)`, or
    `(x, target, weights)`. A batch has `batch_size` rows of all ranks together, in the order of `batches` with this
    key: that of `fit` with the same `rng`. Rank r of N has those from `n r // N` up to `n (r + 1) // N` of the n rows
    of a batch, and takes no others. All ranks have the same number of batches, of which the last may have fewer rows
    than there are ranks; then some have none.

    `augment(batch, key)` gives the rows that a step is made with; the key is another one for every step and rank. It is
    given here and not to `fit`, which would give it shards.

    Errors, from the call itself, on every rank
        ValueError       `batch_size` is less than one; `drop_last` would drop everything
        TypeError        data are no arrays; `rng` is no key and no seed
        ShapeError       arrays have different numbers of rows, or none
        DTypeError       an array is complex, text, masked, sparse or ragged
        NonFiniteError   an array has values that are NaN or infinite
        RanksError       the ranks have different data, or cut them otherwise

    >>> from funcnn.distributed import Alone, shard
    >>> cut = shard((np.arange(10.0), np.arange(10)), Alone(), batch_size=4, shuffle=False)
    >>> [piece.batch[1].tolist() for piece in cut(0)]
    [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    """
    checked(comm, "shard")
    size = counted("shard", batch_size=batch_size)
    key = as_key(rng)
    if not (is_tuple(data) or is_array(data) or is_mapping(data)):
        raise TypeError(f"shard cuts arrays, (x, target), got {brief(data)}; batches of one's own go through in_step")
    found = nested_rows(data, "data")
    rows = count_rows(data=found)
    refuse_empty(rows, "shard")
    count = batch_count(rows, size, drop_last)
    described = {f"array {i} of the data": _described(a) for i, a in enumerate(arrays(found))}
    settings = {"batch_size": size, "rng": bytes(key).hex(), "shuffle": bool(shuffle), "drop_last": bool(drop_last)}
    agreed(comm, "shard", {"rows": rows, **described, **settings})
    agreed(comm, "shard", {"values in the data": sampled(found)})
    _refuse_nonfinite(found, rows, comm)
    draws = key.fold("augment")

    def cut(epoch: int) -> Cut[Shard[B]]:
        index = order(key, epoch, rows) if shuffle and rows > size else None

        def take(i: int) -> Shard[B]:
            first, n = i * size, min(size, rows - i * size)
            mine = slice(first + n * comm.rank // comm.size, first + n * (comm.rank + 1) // comm.size)
            batch = taken(found, mine if index is None else index[mine])
            if augment is not None and mine.stop > mine.start:
                drawn = draws.fold(epoch * count + i)
                batch = augment(batch, drawn.fold(comm.rank) if comm.size > 1 else drawn)
            return Shard(batch, mine.stop - mine.start, n, epoch, i)

        return Cut(count, take)

    return cut


def _described(array: Any) -> str:
    return "nothing" if array is None else f"{array.dtype} {array.shape}"


def _refuse_nonfinite(found: Any, rows: int, comm: Communicator) -> None:
    """Refuse data that are not finite; every rank looks at its part of them."""
    mine = slice(rows * comm.rank // comm.size, rows * (comm.rank + 1) // comm.size)
    said = ""
    try:
        _look(found, mine, "data")
    except NonFiniteError as error:
        said = f"of rows {mine.start} to {mine.stop}, {error.message}"
    if told := "; ".join(filter(None, comm.gather(said))):
        raise NonFiniteError(f"shard: {told}")


def _items(batch: object) -> int:
    """How many items a batch has, of which the third are weights."""
    return len(cast("tuple[object, ...]", batch)) if isinstance(batch, (tuple, list)) else 0


def _look(found: Any, mine: slice, name: str) -> None:
    if is_tuple(found) or is_mapping(found):
        for key, value in found.items() if is_mapping(found) else enumerate(found):
            _look(value, mine, f"{name}[{key!r}]")
    elif found is not None:
        refuse_nonfinite(taken(found, mine), name)


def in_step(
    data: Callable[[int], Iterable[B]] | Iterable[B], comm: Communicator
) -> Callable[[int], Generator[Shard[B]]]:
    """Batches that every rank makes or reads for itself, in step with the others: data of `fit`.

    `data` are those of this rank: a function of the epoch, or an iterable that can be gone through again; `comm.rank`
    says which files are its own. One batch of each rank together make a step. An epoch ends when all ranks are through
    with theirs; those that are through earlier have no rows until then. Rows count alike, wherever they are. For every
    step the ranks tell each other how many rows they have.

    Errors, from a step, on every rank
        ShapeError   no rank has a batch
        RanksError   the ranks are in different epochs

    >>> from funcnn.distributed import Alone, in_step
    >>> cut = in_step([(np.ones((4, 2)), np.ones(4)), (np.ones((3, 2)), np.ones(3))], Alone())
    >>> [(piece.rows, piece.total) for piece in cut(0)]
    [(4, 4), (3, 3)]
    """
    checked(comm, "in_step")
    epochs, once = epochs_of("in_step", data)
    if once:
        raise TypeError("in_step goes through its data every epoch; give a function of the epoch: def data(epoch): ...")

    def together(epoch: int) -> Generator[Shard[B]]:
        source = iter(epochs(epoch))
        number, nothing = 0, object()
        while True:
            batch: Any = next(source, nothing)
            rows = 0 if batch is nothing else rows_in(batch)
            if rows == 0 and batch is not nothing:
                raise ShapeError(f"empty batch: batch {number} of epoch {epoch} has no rows on rank {comm.rank}")
            items = _items(batch)
            told = comm.gather((epoch, rows, items))
            if len({other for other, *_ in told}) > 1:
                raise RanksError(f"in_step: the ranks are in epochs {', '.join(str(other) for other, *_ in told)}")
            total = sum(n for _, n, _ in told)
            if not total:
                return
            kinds = {items for _, n, items in told if n}
            if len(kinds) > 1:
                raise RanksError(
                    f"in_step: batch {number} of epoch {epoch} has {' or '.join(map(str, sorted(kinds)))} items, by "
                    "rank; give weights on all ranks or on none"
                )
            items = max(kinds)
            own: Any = (None,) * items if batch is nothing else batch
            yield Shard(own, rows, total, epoch, number)
            number += 1

    return together

