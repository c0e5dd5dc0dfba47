"""Training in one call: the loop that most people write around `fit`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar, Union, overload

from funcnn.checkpoints.places import Path
from funcnn.foreign.calls import understood
from funcnn.keys import Key, Rng
from funcnn.losses.definition import Loss
from funcnn.losses.penalties import Penalty
from funcnn.metrics import Metric
from funcnn.networks import Layer
from funcnn.optimizers import Optimizer
from funcnn.params import ParamsLike
from funcnn.training.fitting import Pairs
from funcnn.training.steps import TrainState
from funcnn.training.watching import Mode
from funcnn.training.whole_runs import ALONE, Trained, trained

X = TypeVar("X")
Y = TypeVar("Y")
T = TypeVar("T")
S = TypeVar("S")


@overload
def train(
    loss: Loss[Y, T],
    net: Layer[X, Y],
    optimizer: Optimizer[S],
    data: Pairs[X, T],
    *,
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
) -> Trained[S]: ...
@overload
def train(
    loss: Loss[Y, T],
    net: Layer[X, Y],
    optimizer: Optimizer[S],
    data: Union[Callable[[int], Iterable[Pairs[X, T]]], Iterable[Pairs[X, T]]],
    *,
    epochs: int,
    validation: Union[Pairs[Any, Any], None] = None,
    metrics: Sequence[Metric[Any, Y, T, object]] = (),
    monitor: str = "loss",
    mode: Mode | None = None,
    patience: int | None = None,
    folder: Path | None = None,
    start: Union[ParamsLike, TrainState[S], None] = None,
    rng: Rng = 0,
    penalties: Sequence[Penalty] = (),
    augment: Callable[[X, Key], X] | None = None,
    quiet: bool = False,
) -> Trained[S]: ...
@understood
def train(
    loss: Loss[Y, T],
    net: Layer[X, Y],
    optimizer: Optimizer[S],
    data: Any,
    *,
    epochs: int,
    validation: Any = None,
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
    """Train a network, validate it after every epoch, and keep its best params: `fit` with the usual loop around it.

    Params are drawn by `net.init(rng, ...)` for the data, or are those of `start`; a state brings its own key. `data`,
    `augment`, `penalties`, `batch_size` and `drop_last` are those of `fit`, except that an iterable must give its
    batches again and again.

    After every epoch a network that keeps statistics is calibrated on the training data, and the loss and the metrics
    of the `validation` data become a row of the history: data `(x, target)`, or `(x, target, weights)`, or a fraction
    of the rows, drawn by `rng` and kept out of training. The columns are "epoch", "step", "train_loss", the mean over
    the epoch with penalties, and with validation "loss" and the names of the metrics.

    The params of the epoch with the best `monitor` are those that come out: with the lowest loss or error, the highest
    accuracy and the like; of metrics of one's own `mode` says which is better, "min" or "max". Training ends early when
    `patience` epochs in a row brought nothing better. Without validation the last params come out.

    With a `folder`, training goes on from the newest checkpoint there, and saves one after every epoch, and every
    minute inside of long ones: killed at any moment and called again, it ends with the same bits. The folder keeps the
    last three, and the best one, for `load_checkpoint`. It is of one run: with another network, loss or setting that
    would change what was done so far it is refused; epochs, patience and the optimizer's numbers are yours to change.
    Progress is shown as `progress` does, unless it is `quiet`.

    Errors, from the call itself
        TypeError     loss, network, optimizer, metrics are none; data can be gone through only once
        ValueError    `epochs` or `patience` is less than one; `monitor` is no column, or it is not known whether less
                      of it is better; patience or metrics without validation; a fraction that leaves no rows; two
                      columns of one name; the folder is of a run with other settings
        ShapeError    the validation data have no rows, or do not fit the network
        as for `fit`
    Errors, from a step
        as for `fit`; with a folder, nothing is lost but the steps since the last checkpoint
    Source: Prechelt, Early Stopping - But When? (Neural Networks: Tricks of the Trade, 1998), section 2.

    >>> x = Key(1).generator().normal(size=(200, 2))
    >>> y = x @ [[1.0], [2.0]]
    >>> trained = train(squared_error, Dense(1), adam(0.1), (x, y), epochs=40, validation=0.2, metrics=[r2], quiet=True)
    >>> trained.history.columns
    ('epoch', 'step', 'train_loss', 'loss', 'r2')
    >>> len(trained.history), bool(trained.history["r2"][-1] > 0.999)
    (40, True)
    >>> predict(Dense(1).apply, trained.params, np.array([[1.0, 1.0]])).round(2)
    array([[3.]], dtype=float32)
    """
    return trained(
        ALONE, loss, net, optimizer, data, epochs=epochs, validation=validation, metrics=metrics, monitor=monitor,
        mode=mode, patience=patience, folder=folder, start=start, batch_size=batch_size, rng=rng, penalties=penalties,
        augment=augment, drop_last=drop_last, quiet=quiet,
    )  # fmt: skip
