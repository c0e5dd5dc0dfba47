"""Training in one call: the loop that most people write around `fit`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from time import perf_counter
from typing import Any, Final, Generic, NamedTuple, TypeVar, Union, overload

from funcnn.arguments import counted, switch
from funcnn.checkpoints.places import Path
from funcnn.derivatives.objectives import checked_loss
from funcnn.errors import brief
from funcnn.foreign.calls import understood
from funcnn.foreign.lookups import answering
from funcnn.keys import Key, Rng, as_key
from funcnn.losses.definition import Loss
from funcnn.losses.penalties import Penalty
from funcnn.metrics import Metric, mean_of
from funcnn.networks import Layer
from funcnn.networks.children import definition_of
from funcnn.optimizers import Optimizer
from funcnn.params import Params, ParamsLike, as_params
from funcnn.training.calibration import calibrate, keeps_statistics
from funcnn.training.evaluation import evaluate
from funcnn.training.courses import Course, printed
from funcnn.training.fitting import Pairs, fit
from funcnn.training.folders import load_checkpoint, save_checkpoint
from funcnn.training.history import History
from funcnn.training.reporting import progress
from funcnn.training.splitting import Parts, parted, try_validation, validated
from funcnn.training.steps import TrainState
from funcnn.training.watching import Mode, checked_metrics, watched

X = TypeVar("X")
Y = TypeVar("Y")
T = TypeVar("T")
S = TypeVar("S")

_EVERY: Final = 60.0  # seconds between checkpoints inside an epoch


@answering
class Trained(NamedTuple, Generic[S]):
    """What `train` gives.

    params    of the best epoch by what was monitored, else of the last one, calibrated: for `predict` and `evaluate`
    state     the last one, from which `fit` and `train` go on
    history   a row for every epoch
    """

    params: Params
    state: TrainState[S]
    history: History

    def __repr__(self) -> str:
        best = "" if self.history.best is None else f", the best is number {self.history.best + 1}"
        params, state = repr(self.params).partition("\n")[0], repr(self.state).partition("\n")[0]
        return f"Trained({len(self.history)} epochs{best})\n  params  {params}\n  state   {state}\n{self.history!r}"

    def _repr_html_(self) -> str:
        import html  # only notebooks need it

        rest = [repr(part).partition("\n")[0] for part in (self.params, self.state)]
        return self.history.as_table("".join(f"{html.escape(line)}<br>" for line in rest))


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


class Means(NamedTuple):
    """What the loop of `train` is made of: all of it here, or in several places.

    fit         `(loss, apply, optimizer, state, data, ...)`, as `fit`
    calibrate   as `calibrate`
    evaluate    as `evaluate`
    first       `(f, *args)`, the value of `f(*args)` where that is done once for all: files, clocks
    shows       is progress shown here?
    """

    fit: Callable[..., Any]
    calibrate: Callable[..., Params]
    evaluate: Callable[..., dict[str, Any]]
    first: Callable[..., Any]
    shows: bool


def _here(f: Callable[..., Any], *args: Any, **named: Any) -> Any:
    return f(*args, **named)


ALONE: Final = Means(fit, calibrate, evaluate, _here, True)


def trained(
    means: Means,
    loss: Loss[Y, T],
    net: Layer[X, Y],
    optimizer: Optimizer[S],
    data: Any,
    *,
    epochs: int,
    validation: Any,
    metrics: Sequence[Metric[Any, Y, T, object]],
    monitor: str,
    mode: Mode | None,
    patience: int | None,
    folder: Path | None,
    start: Union[ParamsLike, TrainState[S], None],
    batch_size: int,
    rng: Rng,
    penalties: Sequence[Penalty],
    augment: Callable[[X, Key], X] | None,
    drop_last: bool,
    quiet: bool,
) -> Trained[S]:
    """See `train`."""
    checked_loss("train", loss)
    definition_of(net, where="train")
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"train takes an optimizer, got {brief(optimizer)}; write adam(1e-3)")
    epochs = counted("train", epochs=epochs)
    chosen = checked_metrics(metrics, validation is not None)
    watch = watched(monitor, mode, chosen, validation is not None)
    if patience is not None:
        patience = counted("train", patience=patience)
        if watch is None:
            raise ValueError("train: patience needs validation data to wait for; give validation=0.2, or data")
    switch("train", quiet=quiet, drop_last=drop_last)
    key = start.key if isinstance(start, TrainState) else as_key(rng)
    parts = parted(data, validation, key=key)
    state = _begun(net, optimizer, parts, start, key)
    scores = [mean_of(loss)._replace(name="loss"), *chosen]
    try_validation(net.apply, state.params, parts.validation, scores)
    course = Course(watch, {
        "net": printed(net), "loss": printed(loss), "penalties": printed(list(penalties)),
        "metrics": [metric.name for metric in chosen], "monitor": monitor, "mode": watch and watch.mode,
        "batch_size": batch_size, "drop_last": drop_last, "rows": parts.rows, "validation": parts.kept,
        "rng": bytes(key).hex(),
    })  # fmt: skip
    if folder is not None:
        state = _resumed(means, folder, optimizer, state, course)

    def judged(state: TrainState[S], epoch: int) -> tuple[Params, dict[str, Any]]:
        params = state.params
        if keeps_statistics(net.definition):
            params = means.calibrate(net, params, parts.inputs(epoch), rng=state.key.fold("calibrate"))
        return params, validated(means.evaluate, net.apply, params, parts.validation, scores)

    left = 0 if course.over(patience) else epochs
    run = means.fit(
        loss, net.apply, optimizer, state, parts.training, epochs=left, batch_size=batch_size, penalties=penalties,
        augment=augment, drop_last=drop_last,
    )  # fmt: skip
    saved = means.first(perf_counter)
    total = parts.steps(epochs, batch_size, drop_last)
    shown = run if quiet or not means.shows else progress(run, total=total, beside=course.beside)
    for state, step in shown:
        course.add(step)
        score = None
        if step.last_of_epoch:
            score = course.end(step, *judged(state, step.epoch))
        if folder is not None and (step.last_of_epoch or means.first(perf_counter) - saved > _EVERY):
            means.first(save_checkpoint, folder, state, score=score, notes=course.notes())
            saved = means.first(perf_counter)
        if step.last_of_epoch and course.over(patience):
            break
    return Trained(judged(state, 0)[0] if course.params is None else course.params, state, course.history)


def _resumed(
    means: Means, folder: Path, optimizer: Optimizer[S], state: TrainState[S], course: Course
) -> TrainState[S]:
    """The state of the newest checkpoint, where there is one, and the course as it was then."""
    checkpoint = means.first(load_checkpoint, folder, optimizer, like=state.params)
    if checkpoint is None:
        return state
    course.resume(checkpoint.notes, checkpoint.path)
    found: TrainState[S] = checkpoint.state
    return found


def _begun(
    net: Layer[Any, Any],
    optimizer: Optimizer[S],
    parts: Parts,
    start: Union[ParamsLike, TrainState[S], None],
    key: Key,
) -> TrainState[S]:
    """The state to begin with, which draws params where there are none."""
    if isinstance(start, TrainState):
        return start
    params = net.init(key, parts.shape())[1] if start is None else as_params(start, "train(..., start=params)")
    return TrainState(0, params, optimizer.init(params), key)
