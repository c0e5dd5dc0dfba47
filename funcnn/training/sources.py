"""Where batches come from: rows of arrays, or whatever is iterated over, epoch by epoch, from any place on."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sized
from itertools import islice
from typing import Any, Final, NamedTuple, TypeAlias, TypeGuard, TypeVar, cast

from funcnn.array_kinds import as_array
from funcnn.errors import ShapeError, brief
from funcnn.keys import Key
from funcnn.training.batching import batch, batch_count, order
from funcnn.training.rows import taken
from funcnn.training.shards import Cut, Shard
from funcnn.training.steps import TrainState
from funcnn.types import is_array, is_mapping, is_tuple

B = TypeVar("B")

Epochs: TypeAlias = "Callable[[int], Iterable[B]]"
"""The batches of an epoch, by its number from 0."""

_END: Final = object()


class Turn(NamedTuple):
    """A batch, where it stands in training, how many rows it has, and whether the epoch ends with it."""

    epoch: int
    number: int
    batch: Any
    rows: int
    last: bool


def of_arrays(
    arrays: Any, rows: int, size: int, state: TrainState[Any], *, epochs: int, shuffle: bool, drop_last: bool
) -> Iterator[Turn]:
    """The batches of so many rows that are left of these epochs; the place is that of the step.

    Errors, from the call itself
        ValueError   `drop_last` would drop everything
    """
    per_epoch = batch_count(rows, size, drop_last)
    return _of_arrays(arrays, rows, size, per_epoch, state.step, epochs, state.key if shuffle else None)


def _of_arrays(
    arrays: Any, rows: int, size: int, per_epoch: int, begin: int, epochs: int, key: Key | None
) -> Iterator[Turn]:
    whole = taken(arrays, slice(0, rows)) if rows <= size else None
    index, drawn_for = None, -1
    for step in range(begin, epochs * per_epoch):
        epoch, i = divmod(step, per_epoch)
        if key is not None and whole is None and epoch != drawn_for:
            index, drawn_for = order(key, epoch, rows), epoch
        found = batch(arrays, i, size, index) if whole is None else whole
        yield Turn(epoch, i, found, min(size, rows - i * size), i + 1 == per_epoch)
        del found  # what is not needed any more is memory for what comes next


def epochs_of(function: str, data: Any) -> tuple[Epochs[Any], bool]:
    """Data that are no arrays as the batches of every epoch, and whether there is one pass only.

    Errors
        TypeError    they are not iterable; or a function does not take the number of an epoch
        ShapeError   they are a list of none
    """
    if callable(data):
        _takes_an_epoch(function, data)
        return cast("Epochs[Any]", data), False
    if data.__class__ is list and not data:
        raise ShapeError(f"{function}: empty batch: the data is a list without batches")
    if isinstance(data, str) or not _is_iterable(data):
        raise TypeError(f"{function}: the data is arrays in a tuple, or batches of them, got {brief(data)}")

    def always(epoch: int) -> Iterable[Any]:
        return data

    return always, isinstance(data, Iterator)


def _is_iterable(value: object) -> TypeGuard[Iterable[Any]]:
    return isinstance(value, Iterable)


def _takes_an_epoch(function: str, data: Callable[..., Any]) -> None:
    try:
        inspect.signature(data).bind(0)
    except TypeError:
        name = getattr(data, "__name__", type(data).__name__)
        raise TypeError(
            f"{function}: a function as data takes the number of the epoch and gives its batches; "
            f"{name} does not take one argument: def {name.strip('<>')}(epoch): ..."
        ) from None
    except ValueError:  # of some built-in functions nothing is known
        return


def refuse_again(epochs: int, state: TrainState[Any]) -> None:
    """Refuse to go twice through what can be gone through once.

    Errors
        ValueError   with what to give instead
    """
    function = "give a function of the epoch that makes the batches: def data(epoch): ..."
    if epochs > 1:
        raise ValueError(f"fit: this data can be gone through only once, and epochs is {epochs}; {function}")
    if (state.epoch, state.batch) != (0, 0):
        raise ValueError(
            f"fit: this data can be gone through only once, and the state stands at batch {state.batch} of epoch "
            f"{state.epoch}; {function}, or begin with state._replace(epoch=0, batch=0)"
        )


def of_epochs(data: Epochs[Any], state: TrainState[Any], epochs: int) -> Iterator[Turn]:
    """The batches that are left of these epochs, from the place of the state on, one ahead where they have no length.

    Errors, from a step
        TypeError    an epoch is not iterable
        ShapeError   an epoch has no batches, or fewer than were taken of it
        ValueError   an epoch has another number of batches than its length says
    """
    epoch, begin = state.epoch, state.batch
    while epoch < epochs:
        yield from _of_epoch(batches_of(data, epoch), epoch, begin)
        epoch, begin = epoch + 1, 0


def batches_of(data: Epochs[B], epoch: int) -> Iterable[B]:
    """The batches of an epoch.

    Errors
        TypeError   they are not iterable
    """
    found: object = data(epoch)
    if not _is_iterable(found):
        raise TypeError(f"the data of epoch {epoch} must be an iterable of batches, got {brief(found)}")
    return cast("Iterable[B]", found)


def _of_epoch(data: Iterable[Any], epoch: int, begin: int) -> Iterator[Turn]:
    count = len(data) if isinstance(data, Sized) else None
    batches = data.since(begin) if isinstance(data, Cut) else islice(data, begin, None)
    i, found = begin, next(batches, _END)
    if found is _END:
        had = f"only {begin} batches or fewer, and the state stands behind them" if begin else "no batches"
        raise ShapeError(f"empty batch: epoch {epoch} of the data has {had}")
    while found is not _END:
        if count is None:
            following = next(batches, _END)
            yield Turn(epoch, i, found, rows_in(found), following is _END)
        else:  # nothing is asked for before it is needed: it may depend on the step before
            yield Turn(epoch, i, found, rows_in(found), i + 1 >= count)
            following = next(batches, _END)
        i, found = i + 1, following
    if count is not None and i != count:
        raise ValueError(f"epoch {epoch} of the data has a length of {count}, and gave {i} batches")


def rows_in(value: Any) -> int:
    """How many rows a batch of whatever kind has, by its first array; 1 where nothing tells; of a shard, all ranks'."""
    if isinstance(value, Shard):
        return value.total
    while is_tuple(value) or is_mapping(value):
        value = next(iter(value.values() if is_mapping(value) else value), None)
    array = value if is_array(value) else as_array(value, "the batch") if hasattr(value, "__array__") else None
    return array.shape[0] if array is not None and array.ndim else 1
