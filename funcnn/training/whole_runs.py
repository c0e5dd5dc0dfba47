"""The loop of training in one call, of whatever it is made: here, or over several processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, Final, Generic, NamedTuple, TypeVar, Union

from funcnn.arguments import counted, switch
from funcnn.checkpoints.places import Path
from funcnn.derivatives.objectives import checked_loss
from funcnn.errors import brief
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
from funcnn.training.courses import Course, printed
from funcnn.training.evaluation import evaluate
from funcnn.training.fitting import fit
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
    key = as_key(start.key if isinstance(start, TrainState) else rng)
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
