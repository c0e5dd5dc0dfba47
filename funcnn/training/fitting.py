"""The training loop: a generator of states, so that everything else is ordinary Python in the body of a `for`."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from math import isfinite
from typing import Any, Final, TypeAlias, TypeVar, Union, cast, overload

import numpy as np

from funcnn.arguments import counted, is_integer, switch
from funcnn.derivatives.objectives import BatchObjective, Objective, Required, value_and_grad
from funcnn.errors import DTypeError, LabelError, NonFiniteError, ShapeError, brief
from funcnn.foreign.calls import understood
from funcnn.keys import Key, Rng
from funcnn.losses.definition import Loss
from funcnn.losses.penalties import Penalty
from funcnn.networks import Apply
from funcnn.optimizers import Optimizer
from funcnn.optimizers.definition import advancing, is_plain
from funcnn.optimizers.flat import settled
from funcnn.optimizers.skipping import skips
from funcnn.params import ParamsLike
from funcnn.training.divergence import refuse_infinite, refuse_infinite_gradients
from funcnn.training.preparing import Ready, begun, made_ready, without_apply
from funcnn.training.sources import Turn, of_arrays, of_epochs, refuse_again
from funcnn.training.steps import StepMetrics, TrainState
from funcnn.types import Array

X = TypeVar("X")
Y = TypeVar("Y")
T = TypeVar("T")
B = TypeVar("B")
S = TypeVar("S")

Pairs: TypeAlias = Union[tuple[X, T], tuple[X, T, Array]]
"""`(x, target)` or `(x, target, weights)`, of all rows or of those of a batch."""

Run: TypeAlias = Generator[tuple[TrainState[S], StepMetrics], None, None]
"""What `fit` is: a generator of `(state, metrics)`, one for every step."""

_ABSENT: Final[Any] = Required("after a loss and an apply")


@overload
def fit(
    loss: Loss[Y, T],
    apply: Apply[X, Y],
    optimizer: Optimizer[S],
    start: Union[ParamsLike, TrainState[S]],
    data: Union[Pairs[X, T], Callable[[int], Iterable[Pairs[X, T]]], Iterable[Pairs[X, T]]],
    *,
    epochs: int = 1,
    batch_size: int = 32,
    rng: Rng = 0,
    penalties: Sequence[Penalty] = (),
    augment: Callable[[X, Key], X] | None = None,
    shuffle: bool = True,
    drop_last: bool = False,
) -> Run[S]: ...
@overload
def fit(
    objective: Objective[X, Y, T],
    optimizer: Optimizer[S],
    start: Union[ParamsLike, TrainState[S]],
    data: Union[Pairs[X, T], Callable[[int], Iterable[Pairs[X, T]]], Iterable[Pairs[X, T]]],
    /,
    *,
    epochs: int = 1,
    batch_size: int = 32,
    rng: Rng = 0,
    augment: Callable[[X, Key], X] | None = None,
    shuffle: bool = True,
    drop_last: bool = False,
) -> Run[S]: ...
@overload
def fit(
    objective: BatchObjective[B],
    optimizer: Optimizer[S],
    start: Union[ParamsLike, TrainState[S]],
    data: Union[B, Callable[[int], Iterable[B]], Iterable[B]],
    /,
    *,
    epochs: int = 1,
    batch_size: int = 32,
    rng: Rng = 0,
    augment: Callable[[B, Key], B] | None = None,
    shuffle: bool = True,
    drop_last: bool = False,
) -> Run[S]: ...
@understood
def fit(
    loss: Any,
    apply: Any,
    optimizer: Any,
    start: Any,
    data: Any = _ABSENT,
    *,
    epochs: int = 1,
    batch_size: int = 32,
    rng: Rng = 0,
    penalties: Sequence[Penalty] = (),
    augment: Callable[[Any, Key], Any] | None = None,
    shuffle: bool = True,
    drop_last: bool = False,
) -> Run[Any]:
    """Train a network: a generator of `(state, metrics)`, one for every step. The loop is yours.

    `start` is the params to begin with, or a state that was yielded before, to go on from: the same call with that
    state makes the steps that are left of `epochs`, bit for bit those it would have made without a stop (on the same
    machine and NumPy build). For the order of the rows, what `augment` draws and the keys of the network are functions
    of `rng` and the number of the step alone; a state brings the key that `rng` gave.

    `data` is one of
        (x, target), (x, target, weights)   arrays, memory maps, tuples of them; weights as the loss takes them. In
                                            every epoch rows come in a new order, that of `batches` with the key of the
                                            state, unless `shuffle` is false or one batch holds them all. `drop_last`
                                            leaves out the rows that do not fill a batch, which BatchNorm may want
        a function epoch -> batches         of such tuples, made or read when they are wanted: an iterable for every
                                            number of an epoch, from 0; a state goes on inside an epoch, behind the
                                            batches that were taken
        any iterable of batches             the same in every epoch; one that can be gone through only once, as a
                                            generator, is one epoch, and nothing goes on from inside it

    `augment(x, key)` gives the features that a step is made with, of those of its batch: another key for every step.

    `fit(objective, optimizer, start, data)` makes the same steps with an objective, `value_and_grad(...)`, or with any
    function `(params, batch, rng) -> (value, gradients)`: for losses without targets, several networks in one tree of
    params, and steps of one's own. A batch is then whatever the function takes: rows of arrays in tuples and dicts,
    nested as in `data`, or what an iterable gives; `augment` of a function gets all of it. `objective.on_batch` is such
    a function.

    Arguments and arrays are checked by the call itself. Features are converted to the dtype of the params once; those
    of batches that come from elsewhere, and of large memory maps, with their batch. An iterable that has no length is
    asked for one batch ahead, for a step says whether its epoch ends. No thread prepares the next batch: rows are taken
    in a hundredth of the time of their step, and a thread costs more; a `data` function that waits for a disk may start
    one of its own.

    Errors, from the call itself
        TypeError        loss, apply, optimizer or objective is none; data is no tuple and no iterable; `rng` is no key
                         and no seed
        ValueError       `epochs` is negative, `batch_size` less than one, `drop_last` would drop everything; batches
                         that can be had once, for several epochs or for a state that has taken some; options that cut
                         arrays, for batches that come cut
        ShapeError       x, target and weights have different numbers of rows, or none; x does not fit the network
        DTypeError       x is complex, masked, sparse, ...
        ParamsError      the params are not those of the network
        NonFiniteError   x has values that are NaN or infinite
    Errors, from a step
        NonFiniteError   the loss, a gradient, the new params or the state of the optimizer are not finite; all states
                         that were yielded are; `skip_nonfinite` leaves such steps out
        as above         for batches that come from elsewhere
    Source: Goodfellow, Bengio & Courville, Deep Learning (2016), section 8.1.3.

    >>> net = Dense(1)
    >>> _, params = net.init(0, (-1, 2))
    >>> x = Key(1).generator().normal(size=(64, 2))
    >>> for state, metrics in fit(squared_error, net.apply, sgd(0.1), params, (x, x @ [[1.0], [2.0]]), epochs=20):
    ...     if metrics.loss < 1e-6:
    ...         break
    >>> metrics.epoch < 19, np.round(state.params.at("w").ravel(), 2)
    (True, array([1., 2.], dtype=float32))

    A function as data: the batches of an epoch.

    >>> def noisy(epoch):
    ...     source = Key(epoch).generator()
    ...     return ((x + source.normal(size=x.shape) / 100, x @ [[1.0], [2.0]]) for _ in range(3))
    >>> [metrics.epoch for _, metrics in fit(squared_error, net.apply, sgd(0.1), params, noisy, epochs=2)]
    [0, 0, 0, 1, 1, 1]

    An objective of one's own: the mean of some rows, as what is nearest to all of them.

    >>> def distance(params, rows, rng):
    ...     off = params["at"] - rows
    ...     return float((off**2).mean()), {"at": 2 * off.mean(0) / off.shape[1]}
    >>> *_, (state, _) = fit(distance, sgd(0.5), {"at": np.zeros(2)}, x, epochs=50, batch_size=64)
    >>> bool(np.allclose(state.params.at("at"), x.mean(0)))
    True
    """
    if not isinstance(penalties, (tuple, list)):
        raise TypeError(f"fit: penalties must be a list of them, got {brief(penalties)}; write [l2(1e-4)]")
    if data is not _ABSENT:
        objective: Any = value_and_grad(loss, apply, *penalties)
    else:
        objective, optimizer, start, data = without_apply(loss, penalties), apply, optimizer, start
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"fit takes an optimizer, got {type(optimizer).__name__} {brief(optimizer)}; write adam(1e-3)")
    steps_by: Optimizer[Any] = cast(Any, optimizer)
    batch_size = counted("fit", batch_size=batch_size)
    switch("fit", shuffle=shuffle, drop_last=drop_last)
    if not is_integer(epochs) or epochs < 0:
        raise ValueError(f"fit: epochs must be an integer of at least 0, got {epochs!r}")
    if augment is not None and not callable(augment):
        raise TypeError(f"fit: augment must be a function (x, key) -> x, got {brief(augment)}")
    state = begun(steps_by, start, rng)
    ready = made_ready(objective, state.params, data, batch_size, augment)
    if ready.epochs is None:
        turns = of_arrays(
            ready.arrays, ready.rows, batch_size, state, epochs=int(epochs), shuffle=shuffle, drop_last=drop_last
        )
    else:
        if batch_size != 32 or not shuffle or drop_last:
            raise ValueError("fit: batch_size, shuffle and drop_last cut arrays; this data comes cut, leave them out")
        if ready.once:
            refuse_again(int(epochs), state)
        turns = of_epochs(ready.epochs, state, int(epochs))
    return _steps(ready, steps_by, state, turns)


def _steps(ready: Ready, optimizer: Optimizer[S], state: TrainState[S], turns: Iterator[Turn]) -> Run[S]:
    step, params, memory, key, *_ = state
    del state  # nobody but its owner holds the first params any longer than they are needed
    objective, prepare, augment = ready.run, ready.prepare, ready.augment
    advance = advancing(optimizer)
    skipping = skips(memory)  # if so, the optimizer looks at the gradients
    carries = is_plain(optimizer)  # if so, the new params tell whether the gradients are finite
    keys = key.fold("pass") if ready.random else None
    draws = key.fold("augment") if augment else None
    try:
        for epoch, i, batch, rows, last in turns:
            rng = keys.fold(step) if keys else None
            step += 1
            try:
                with np.errstate(all="ignore"):  # what overflows is found below, and named
                    if prepare:
                        batch = prepare(batch)
                    if augment and draws:
                        batch = augment(batch, draws.fold(step - 1))
                    value, gradients = objective(params, batch, rng)
                    if not (carries and isfinite(value) or skipping):
                        refuse_infinite_gradients(value, gradients, params)
                    params, memory, finite = advance(gradients, memory, params, value)
                    if not finite:
                        refuse_infinite(params, memory, value, gradients, skipping)
                    del gradients, batch  # what is not needed any more is memory for what comes next
            except NonFiniteError as error:
                error.args = (
                    f"step {step}, batch {i} of epoch {epoch}: {error.message}; the states before it are as they were; "
                    f"look at the rows of this batch, lower the rate, or clip: chain(clip_by_global_norm(1.0), ...)",
                )
                raise
            except (ShapeError, LabelError, DTypeError) as error:  # something about these rows
                error.args = (f"step {step}, batch {i} of epoch {epoch}: {error.message}",)
                raise
            metrics = StepMetrics(step, epoch, value, rows, last)
            yield TrainState(step, params, memory, key, epoch + last, 0 if last else i + 1), metrics
    finally:
        settled((params, memory))
