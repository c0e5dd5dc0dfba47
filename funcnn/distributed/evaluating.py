"""Predictions, metrics and statistics over all ranks: each rank does every N-th batch, all get what one would get."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, islice
from typing import Any, TypeVar, Union

from funcnn.distributed.agreement import ranks_of
from funcnn.distributed.communicators import Communicator, checked, gathered
from funcnn.errors import ShapeError
from funcnn.keys import Rng
from funcnn.losses.reductions import Weights
from funcnn.metrics import Metric
from funcnn.networks import Apply, Layer
from funcnn.params import Params
from funcnn.training import calibration, evaluation
from funcnn.training.shards import Shard
from funcnn.types import Tree, is_tuple

A = TypeVar("A")
X = TypeVar("X")
Y = TypeVar("Y")
T = TypeVar("T")
R = TypeVar("R")


def predict(apply: Apply[X, Y], params: Tree, x: X, *, comm: Communicator, batch_size: int = 256) -> Y:
    """What `funcnn.predict` gives, to the bit, on every rank. x and the params are the same on all.

    Errors
        as `funcnn.predict`

    >>> from funcnn.distributed import Alone, predict
    >>> net = Dense(2)
    >>> _, params = net.init(0, (-1, 3))
    >>> predict(net.apply, params, np.ones((1000, 3)), comm=Alone()).shape
    (1000, 2)
    """
    return evaluation.predicted(apply, params, x, batch_size, _spread(comm, "predict"))


def evaluate(
    apply: Apply[X, Y],
    params: Tree,
    data: tuple[X, T] | tuple[X, T, Weights],
    *metrics: Metric[Any, Y, T, R],
    comm: Communicator,
    batch_size: int = 256,
) -> dict[str, R]:
    """What `funcnn.evaluate` gives, to the bit, on every rank: for any metric. Data and params are the same on all.

    The ranks tell each other their predictions, a batch of each at a time, and every one of them goes on with all.

    Errors
        as `funcnn.evaluate`

    >>> import funcnn
    >>> from funcnn.distributed import Alone, evaluate
    >>> net = Dense(1)
    >>> _, params = net.init(0, (-1, 3))
    >>> x, y = np.ones((500, 3)), np.zeros((500, 1))
    >>> evaluate(net.apply, params, (x, y), r2, comm=Alone()) == funcnn.evaluate(net.apply, params, (x, y), r2)
    True
    """
    return evaluation.evaluated(apply, params, data, metrics, batch_size, _spread(comm, "evaluate"))


def calibrate(
    net: Layer[A, object],
    params: Tree,
    batches: Union[Iterable[A], Iterable[Shard[tuple[A, Any]]], Iterable[Shard[tuple[A, Any, Any]]]],
    *,
    comm: Communicator,
    rng: Rng = 0,
    exact: bool = False,
) -> Params:
    """What `funcnn.calibrate` gives, to the bit, on every rank: the statistics of all rows. The batches are the same on
    all ranks; each runs through its own, the others it leaves alone.

    Data that no rank holds as a whole come in shards, `calibrate(net, params, in_step(mine, comm)(0), comm=comm)`:
    every rank runs through its rows, and their features are what counts.

    Errors
        as `funcnn.calibrate`, and
        ShapeError   shards, of which a rank has no rows at all

    >>> from funcnn.distributed import Alone, calibrate
    >>> net = BatchNorm()
    >>> _, params = net.init(Key(0), (-1, 1))
    >>> calibrate(net, params, [np.array([[1.0], [3.0]])], comm=Alone()).at("mean")
    array([2.], dtype=float32)
    """
    checked(comm, "calibrate")

    def passes(f: Callable[[int, Any], Any], inputs: Iterable[Any]) -> Iterator[Any]:
        source, begin = iter(inputs), 0
        while batch := list(islice(source, comm.size)):
            if isinstance(batch[0], Shard):
                yield from _of_shards(comm, f, chain(batch, source))
                return
            mine = min(comm.rank, len(batch) - 1)  # a rank without one looks on, for it has to know the layers
            told = gathered(comm, partial(f, begin + mine, batch[mine]))
            yield from told[: len(batch)]
            begin += len(batch)

    given: Any = batches
    return calibration.calibrated(net, params, given, rng, exact, passes)


def _of_shards(comm: Communicator, f: Callable[[int, Any], Any], shards: Iterable[Shard[Any]]) -> list[Any]:
    """What every shard says, of all ranks.

    Errors
        ShapeError   a rank has no rows: it does not know the layers then
    """
    found, rows = list[Any](), 0
    for number, piece in enumerate(shards):
        at = number * comm.size + comm.rank
        told = gathered(comm, partial(f, at, _input_of(piece.batch)) if piece.rows else _nothing)
        found, rows = found + [other for other in told if other is not None], rows + piece.rows
    if without := [rank for rank, n in enumerate(comm.gather(rows)) if not n]:
        raise ShapeError(f"empty batch: calibrate needs rows on every rank, and {ranks_of(without)} had none")
    return found


def _nothing() -> None:
    """Of a rank that has nothing left to do."""


def _input_of(batch: Any) -> Any:
    return batch[0] if is_tuple(batch) else batch


def _spread(comm: Communicator, where: str) -> evaluation.Spread:
    """Every N-th value on each rank; all of them on all."""
    checked(comm, where)

    def spread(f: Callable[[int], Any], count: int) -> Iterator[Any]:
        for begin in range(0, count, comm.size):
            i = begin + comm.rank
            told = gathered(comm, partial(f, i) if i < count else _nothing)
            yield from told[: count - begin]

    return spread
