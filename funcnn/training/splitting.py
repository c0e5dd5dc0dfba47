"""The data of `train`: what is trained on, what is validated on, and what statistics are gathered from."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from funcnn.arguments import is_number
from funcnn.errors import FuncnnError, ShapeError, brief
from funcnn.keys import Key
from funcnn.metrics import Metric
from funcnn.metrics.definition import updated
from funcnn.nested import arrays as leaves
from funcnn.networks import Apply
from funcnn.params import Params
from funcnn.training.batching import batch_count
from funcnn.training.evaluation import of_any_rows
from funcnn.training.preparing import are_batches
from funcnn.training.rows import arrays_of, checked_batch, checked_data, count_rows, features_of, is_large, refuse_empty, taken
from funcnn.training.sources import Epochs, batches_of, epochs_of
from funcnn.types import is_tuple
from funcnn.warned import warn

Metrics: TypeAlias = Metric[Any, Any, Any, Any]

_SIZE: Final = 256  # rows of a batch without a pullback


class Parts(NamedTuple):
    """What there is to train and to validate on.

    training     arrays `(x, target)` with as many `rows`, or batches by `epochs`
    validation   arrays, with as many rows as `kept`
    """

    training: Any
    rows: int
    epochs: Epochs[Any] | None
    validation: tuple[Any, ...] | None
    kept: int

    def shape(self) -> Any:
        """Of the features, of any number of rows.

        Errors
            ShapeError   the first epoch has no batches
            TypeError    it is not iterable, or a batch is no tuple
        """
        first = self.training
        if self.epochs is not None:
            first = next(iter(batches_of(self.epochs, 0)), None)
            if first is None:
                raise ShapeError("empty batch: epoch 0 of the data has no batches")
        return of_any_rows(arrays_of(checked_batch(first)[0], "x"))

    def steps(self, epochs: int, size: int, drop_last: bool) -> int | None:
        """How many there will be, where that is known."""
        return epochs * batch_count(self.rows, size, drop_last) if self.epochs is None else None

    def inputs(self, epoch: int) -> Iterator[Any]:
        """The features of an epoch, in batches."""
        if self.epochs is not None:
            return (checked_batch(batch)[0] for batch in batches_of(self.epochs, epoch))
        places = range(0, self.rows, _SIZE)
        return (taken(self.training[0], slice(i, i + _SIZE)) for i in places)


def parted(data: Any, validation: Any, *, key: Key) -> Parts:
    """The data in two parts.

    Errors
        TypeError    data can be gone through only once; `validation` is no data and no fraction
        ValueError   the fraction is not between 0 and 1, or leaves no rows; it is one of batches
        ShapeError   the validation data have no rows
    Warnings
        FuncnnWarning   a fraction of large memory maps, whose other rows are copied into memory
    """
    fraction = float(validation) if is_number(validation) else None
    if fraction is None and validation is not None and not is_tuple(validation):
        raise TypeError(
            f"train: validation is data, (x, target) or (x, target, weights), or a fraction of the rows, got "
            f"{brief(validation)}"
        )
    held = _arrays(validation, "the validation ") if is_tuple(validation) else None
    kept = 0 if held is None else count_rows(validation=held)
    if held is not None and not kept:
        raise ShapeError("empty batch: the validation data have no rows, train needs at least one")
    if are_batches(data):
        if fraction is not None:
            raise ValueError("train: a fraction of batches cannot be kept out; give validation=(x, target)")
        epochs, once = epochs_of("train", data)
        if once:
            raise TypeError(
                "train goes through its data more than once, and this can be gone through only once; give a function "
                "of the epoch that makes the batches: def data(epoch): ..."
            )
        return Parts(data, 0, epochs, held, kept)
    arrays = _arrays(data, "")
    rows = count_rows(data=arrays)
    refuse_empty(rows, "train")
    if fraction is None:
        return Parts(arrays, rows, None, held, kept)
    if not 0 < fraction < 1:
        raise ValueError(f"train: validation is a fraction of the rows, between 0 and 1, got {brief(validation)}")
    kept = round(fraction * rows)
    if kept in (0, rows):
        where = "validation" if kept == 0 else "training"
        raise ValueError(f"train: validation={validation!r} of {rows} rows leaves none for {where}")
    if (size := sum(array.nbytes for array in leaves(arrays) if is_large(array))):
        warn(
            f"train: a fraction of the rows is kept out by copying the others, {size / 1e9:.1f} GB of memory maps, into "
            "memory; to leave them on the disk give validation data, validation=(x[:1000], target[:1000])"
        )
    order = key.fold("validation").generator().permutation(rows)
    out, rest = np.sort(order[:kept]), np.sort(order[kept:])
    return Parts(taken(arrays, rest), rows - kept, None, taken(arrays, out), kept)


def _arrays(data: object, name: str) -> tuple[Any, ...]:
    named = [f"{name}{part}" for part in ("x", "target", "weights")]
    return tuple(arrays_of(v, n, once=True, absent=i > 0) for i, (v, n) in enumerate(zip(checked_data(data), named)))


def try_validation(apply: Apply[Any, Any], params: Params, data: Any, metrics: Sequence[Metrics]) -> None:
    """Try the validation data, and the metrics on some rows of them: it would be a pity to fail after a long epoch.

    Errors
        as for `apply` and the metrics, and where that is
    """
    if data is not None:
        with _told():
            features_of(apply, params, data[0], once=True)
            x, target, *weights = taken(data, slice(0, _SIZE))
            y = apply(params, x)
            for metric in metrics:
                updated(metric, metric.init(), y, target, weights[0] if weights else None)


def validated(
    judge: Callable[..., dict[str, Any]], apply: Apply[Any, Any], params: Params, data: Any, metrics: Sequence[Metrics]
) -> dict[str, Any]:
    """The metrics of the validation data, of which there may be none, by `evaluate` or what stands for it.

    Errors
        as for `evaluate`, and where that is
    """
    if data is None:
        return {}
    with _told():
        return judge(apply, params, data, *metrics)


@contextmanager
def _told() -> Generator[None]:
    """An error says that it comes from the validation data."""
    try:
        yield
    except FuncnnError as error:
        error.args = (f"validation: {error.message}", *error.args[1:])
        raise

