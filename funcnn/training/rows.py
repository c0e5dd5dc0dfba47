"""Data in rows: arrays, and arrays in tuples and dicts, whose first axis counts the examples."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from funcnn.array_kinds import native
from funcnn.errors import FuncnnError, NonFiniteError, ShapeError
from funcnn.inputs import Kind, convert, part, refuse_list
from funcnn.networks import Apply
from funcnn.params import Params, plain, trees
from funcnn.types import is_array, is_mapping, is_tuple

_BLOCK = 1 << 20  # values looked at together
_SMALL = 1 << 26  # bytes; up to this size, data are converted once, in advance


def arrays_of(value: Any, name: str, *, once: bool = False, absent: bool = False) -> Any:
    """The value with everything in it made an array, in rows and in native byte order; copied only where it must be.

    Where the rows are wanted `once`, large arrays stay as they are, whatever their layout: their batches are converted.
    So do large ones that lie on a disk. Where something may be `absent`, None stays None: the target of a loss that has
    none.

    Errors
        DTypeError   complex, text, masked, sparse, ragged
        ShapeError   an array without axes
    """
    if is_tuple(value):
        return tuple(arrays_of(v, f"{name}[{i}]", once=once, absent=absent) for i, v in enumerate(value))
    if absent and value is None:
        return None
    if type(value) in (np.ndarray, np.memmap) and value.ndim and value.nbytes > _SMALL and (once or on_disk(value)):
        convert(value[:0], "any", native(value.dtype), name)
        return np.asarray(value)
    dtype = native(value.dtype) if is_array(value) else np.dtype(np.float64)
    array = convert(value, "any", dtype, name)
    if array.ndim == 0:
        raise ShapeError(f"{name} has no axis of rows, it is one number; give an array with a row for every example")
    return np.ascontiguousarray(array, native(array.dtype))


def nested_rows(value: Any, name: str) -> Any:
    """The same for arrays in tuples and dicts, in one another, of which any may be absent.

    Errors
        as `arrays_of`, with the place
    """
    if is_tuple(value):
        return tuple([nested_rows(v, f"{name}[{i}]") for i, v in enumerate(value)])
    if is_mapping(value):
        return {key: nested_rows(v, f"{name}[{key!r}]") for key, v in value.items()}
    return arrays_of(value, name, absent=True)


def is_large(value: Any) -> bool:
    """Does it lie on a disk, and shall it stay there?"""
    return on_disk(value) and value.nbytes > _SMALL


def on_disk(value: Any) -> bool:
    """Is it a memory map, or a view of one?"""
    while is_array(value):
        if isinstance(value, np.memmap):
            return True
        value = value.base
    return False


def checked_data(data: object) -> tuple[Any, ...]:
    """The data of `fit` and of `evaluate`, which is a tuple.

    Errors
        TypeError    it is none
        ValueError   it has neither two nor three items
    """
    wanted = "the data is a tuple (x, target) or (x, target, weights)"
    if not is_tuple(data):
        raise TypeError(f"{wanted}, got {type(data).__name__}")
    if len(data) not in (2, 3):
        raise ValueError(f"{wanted}, got one of {len(data)}")
    return data


def checked_batch(batch: object) -> tuple[Any, ...]:
    """A batch of data that come in batches, which is such a tuple too.

    Errors
        TypeError    it is none; one array is what a batch gives that was taken for several
        ValueError   it has neither two nor three items
    """
    if is_array(batch):
        fix = "of one batch write [(x, target)]"
        raise TypeError(f"a batch is a tuple (x, target) or (x, target, weights), got an array of {batch.shape}; {fix}")
    return checked_data(batch)


def sealed(value: Any) -> Any:
    """The same arrays, in tuples and dicts, as views that cannot be written into."""
    if is_tuple(value):
        return tuple([sealed(v) for v in value])
    if is_mapping(value):
        return {key: sealed(v) for key, v in value.items()}
    if not is_array(value):
        return value
    view = value.view()
    view.setflags(write=False)
    return view


def count_rows(**named: Any) -> int:
    """How many rows all of these arrays have.

    Errors
        ShapeError   they differ; or there is no array
    """
    counts = dict([found for name, value in named.items() for found in _counts(value, name)])
    if not counts:
        raise ShapeError(f"{' and '.join(named)} must have arrays in it, got an empty tuple")
    if len(set(counts.values())) > 1:
        shown = ", ".join(f"{name} has {n}" for name, n in counts.items())
        raise ShapeError(f"all arrays must have the same number of rows, one for every example: {shown}")
    return next(iter(counts.values()))


def _counts(value: Any, name: str) -> list[tuple[str, int]]:
    if is_tuple(value) or is_mapping(value):
        items = value.items() if is_mapping(value) else enumerate(value)
        return [found for key, v in items for found in _counts(v, f"{name}[{key!r}]")]
    return [] if value is None else [(name, len(value))]


def taken(value: Any, index: Any) -> Any:
    """The rows of an index, as fresh arrays; those of a slice, as read-only views."""
    if is_tuple(value):
        return tuple([taken(v, index) for v in value])
    if is_mapping(value):
        return {key: taken(v, index) for key, v in value.items()}
    if value is None:
        return None
    if type(index) is slice:
        view = value[index]
        view.setflags(write=False)  # who writes into a batch must not write into the data
        return view
    return value.take(index, 0)


def refuse_empty(rows: int, what: str) -> None:
    """Refuse data without rows.

    Errors
        ShapeError   there are none
    """
    if not rows:
        raise ShapeError(f"empty batch: the data has no rows, {what} needs at least one")


def refuse_nonfinite(value: Any, name: str, dtype: np.dtype[Any] | None = None) -> None:
    """Refuse features that are not finite, in this dtype if they are to be converted to it; part by part.

    Errors
        NonFiniteError   how many there are, and where the first one is
    """
    if is_tuple(value):
        for i, v in enumerate(value):
            refuse_nonfinite(v, f"{name}[{i}]", dtype)
    elif value.dtype.kind == "f":
        wanted = dtype or value.dtype
        rows = max(1, _BLOCK // max(1, prod(value.shape[1:])))
        bad = (i for i in range(0, len(value), rows) if not _finite(value[i : i + rows], wanted).all())
        for start in bad:
            first = np.argwhere(~_finite(value[start : start + rows], wanted))
            count = sum((~_finite(value[i : i + rows], wanted)).sum() for i in range(start, len(value), rows))
            place = [start + int(first[0, 0]), *first[0, 1:].tolist()]
            raise NonFiniteError(
                f"{name} has {count} {'value that is' if count == 1 else 'values that are'} not finite in {wanted}, "
                f"the first is {name}{place}; leave such rows out, or say what stands for them with np.nan_to_num"
            )


def _finite(part: Any, dtype: np.dtype[Any]) -> npt.NDArray[np.bool_]:
    with np.errstate(over="ignore"):  # too large for this dtype: infinite then
        found: npt.NDArray[np.bool_] = np.isfinite(part.astype(dtype, copy=False))
    return found


def features_of(apply: Apply[Any, Any], params: Params, x: object, *, once: bool = False) -> Any:
    """Everything a network will get, as its door wants it and known to be finite.

    Where it is to be had `once`, in a row, what is large is left to the door of the network, a batch at a time.

    Errors
        DTypeError, ShapeError, NonFiniteError   as `arrays_of`, `converted` and `refuse_nonfinite` say
    """
    try:
        refuse_list(x, apply.door.wants(), "x")
        value = arrays_of(x, "x", once=once)
        dtype = dtype_of(params) or (None if is_array(_first(x)) else np.dtype(np.float32))
        if dtype:
            value = converted(value, apply.door.wants(), dtype, "x", once=once)
        refuse_nonfinite(value, "x", dtype)
        return value
    except FuncnnError as error:
        error.seen_in(apply.definition.name)
        raise


def _first(x: object) -> object:
    return _first(x[0]) if is_tuple(x) and x else x


def dtype_of(params: Params) -> np.dtype[Any] | None:
    """The dtype of the params, where there are any."""
    first = next(trees.flatten(plain(params)), None)
    return None if first is None else first[1].dtype


def converted(value: Any, kind: Kind, dtype: np.dtype[Any], name: str, *, once: bool = False) -> Any:
    """Arrays as the door of a network wants them, so that it has nothing to do for every batch.

    Large arrays of integers, images say, stay as they are: as real numbers they would take several times the memory. So
    do all large ones whose rows are wanted `once`, or which lie on a disk.

    Errors
        DTypeError   a dtype that the network does not take
    """
    if is_tuple(value):
        each = enumerate(value)
        return tuple(converted(v, part(kind, i), dtype, f"{name}[{i}]", once=once) for i, v in each)
    if value is None:
        return None
    wanted = convert(value[:0], kind, dtype, name).dtype
    large = max(value.nbytes, value.size * wanted.itemsize) > _SMALL
    if large and (once or value.dtype.kind != "f" or on_disk(value)):
        return value
    with np.errstate(over="ignore"):  # too large for this dtype: infinite then, and found by who looks for that
        return value.astype(wanted, copy=False)
