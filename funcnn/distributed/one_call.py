"""Training over all ranks in one call."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeVar, Union

from funcnn.checkpoints.places import Path
from funcnn.derivatives.objectives import value_and_grad
from funcnn.distributed.communicators import Communicator, checked, on_first
from funcnn.distributed.cutting import shard
from funcnn.distributed.evaluating import calibrate, evaluate
from funcnn.distributed.objectives import objective
from funcnn.errors import brief
from funcnn.keys import Key, Rng
from funcnn.losses.definition import Loss
from funcnn.losses.penalties import Penalty
from funcnn.metrics import Metric
from funcnn.networks import Layer
from funcnn.optimizers import Optimizer
from funcnn.params import ParamsLike
from funcnn.training.fitting import Pairs, fit
from funcnn.training.whole_runs import Means, Trained, trained
from funcnn.training.steps import TrainState
from funcnn.training.watching import Mode
from funcnn.types import is_tuple

X = TypeVar("X")
Y = TypeVar("Y")
T = TypeVar("T")
S = TypeVar("S")


def train(
    loss: Loss[Y, T],
    net: Layer[X, Y],
    optimizer: Optimizer[S],
    data: Pairs[X, T],
    *,
    comm: Communicator,
    epochs: int,
    validation: Union[Pairs[X, T], float, None] = None,
    metrics: Sequence[Metric[Any, Y, T, object]] = (),
    monitor: str = "loss",
    mode: Mode | None = None,
    patience: int | None = None,
    folder: Path | None = None,
    start: Union[ParamsLike, TrainState[S], None] = None,
    batch_size: int = 32,
    rng: Rng = 0,
    penalties: Sequence[Penalty] = (),
    augment: Callable[[X, Key], X] | None = None,
    drop_last: bool = False,
    quiet: bool = False,
) -> Trained[S]:
    """`funcnn.train` over all ranks: what comes out is the same on every one of them, bit for bit.

    `data` are arrays, the same on all ranks, cut by `shard`; `batch_size` counts the rows of all together. Statistics
    and metrics are computed by all, rank 0 alone reads and writes the `folder` and shows progress. With one rank it is
    `funcnn.train`, to the bit.

    Errors
        as `funcnn.train`, `shard` and `objective`
        TypeError   data are no arrays

    >>> from funcnn.distributed import Alone, train
    >>> x = Key(1).generator().normal(size=(200, 2))
    >>> data = x, x @ [[1.0], [2.0]]
    >>> found = train(squared_error, Dense(1), adam(0.1), data, comm=Alone(), epochs=40, validation=0.2, quiet=True)
    >>> len(found.history), bool(found.history["loss"][-1] < 1e-3)
    (40, True)
    """
    if not is_tuple(data):
        raise TypeError(
            f"train over ranks takes arrays, (x, target), got {brief(data)}; batches of every rank's own go through "
            "fit(objective(..., comm), optimizer, params, in_step(batches, comm))"
        )
    checked(comm, "train")
    means = Means(
        functools.partial(_fit, comm),
        functools.partial(calibrate, comm=comm),
        functools.partial(evaluate, comm=comm),
        functools.partial(on_first, comm),
        comm.rank == 0,
    )
    return trained(
        means, loss, net, optimizer, data, epochs=epochs, validation=validation, metrics=metrics, monitor=monitor,
        mode=mode, patience=patience, folder=folder, start=start, batch_size=batch_size, rng=rng, penalties=penalties,
        augment=augment, drop_last=drop_last, quiet=quiet,
    )  # fmt: skip


def _fit(
    comm: Communicator,
    loss: Loss[Any, Any],
    apply: Any,
    optimizer: Optimizer[Any],
    state: TrainState[Any],
    data: Any,
    *,
    epochs: int,
    batch_size: int,
    penalties: Sequence[Penalty],
    augment: Callable[[Any, Key], Any] | None,
    drop_last: bool,
) -> Generator[Any, None, None]:
    """As `fit`."""

    def changed(batch: Any, key: Key) -> Any:
        assert augment is not None
        return augment(batch[0], key), *batch[1:]

    cut: Any = shard(
        data, comm, batch_size=batch_size, rng=state.key, augment=augment and changed, drop_last=drop_last
    )
    steps: Any = objective(value_and_grad(loss, apply, *penalties), comm)
    return fit(steps, optimizer, state, cut, epochs=epochs)
