"""The training loop: a generator of states, so that everything else is ordinary Python in the body of a `for`."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, Union

import numpy as np

from funcnn.arguments import counted, is_integer
from funcnn.derivatives.objectives import Objective, value_and_grad
from funcnn.errors import FuncnnError, LabelError, NonFiniteError, ShapeError, brief
from funcnn.foreign.calls import understood
from funcnn.foreign.lookups import unknown
from funcnn.kernels.sums import all_finite
from funcnn.keys import Key, Rng, as_key
from funcnn.losses.definition import Loss
from funcnn.losses.penalties import Penalty
from funcnn.networks import Apply
from funcnn.optimizers import Optimizer
from funcnn.optimizers.definition import advancing, is_plain
from funcnn.optimizers.finiteness import diverged, first_bad, infinite_memory
from funcnn.optimizers.skipping import skips
from funcnn.params import Gradients, Params, ParamsLike, as_params
from funcnn.params.packing import gather, layout_of, pack, pieces
from funcnn.training.batching import batch, batch_count, order
from funcnn.training.rows import (
    arrays_of, checked_data, converted, count_rows, dtype_of, features_of, refuse_empty, taken,
)  # fmt: skip
from funcnn.types import Array, Tree

X = TypeVar("X")
Y = TypeVar("Y")
T = TypeVar("T")
S = TypeVar("S")


class TrainState(NamedTuple, Generic[S]):
    """All that training needs to go on: `step` steps have been made, `optimizer` is the state of the optimizer.

    A value: it never changes, and it pickles. `fit` goes on from it.

    >>> net = Dense(1)
    >>> _, params = net.init(0, (-1, 2))
    >>> data = np.ones((4, 2)), np.ones((4, 1))
    >>> _, second, third = (state for state, _ in fit(squared_error, net.apply, sgd(0.1), params, data, epochs=3))
    >>> [state == third for state, _ in fit(squared_error, net.apply, sgd(0.1), second, data, epochs=3)]
    [True]
    """

    step: int
    params: Params
    optimizer: S
    key: Key


if not TYPE_CHECKING:  # type checkers refuse attributes that are not there; at run time messages say what to do
    TrainState.__getattr__ = unknown


class StepMetrics(NamedTuple):
    """What is known about a step.

    step            how many have been made with this one, as in the state
    epoch           the epoch it belongs to, from 0
    loss            the loss of its batch, penalties included, before the step
    examples        how many rows its batch had
    last_of_epoch   whether the epoch ends with it
    """

    step: int
    epoch: int
    loss: float
    examples: int
    last_of_epoch: bool


class _Plan(NamedTuple):
    rows: int
    size: int
    per_epoch: int
    steps: int
    shuffle: bool


@understood
def fit(
    loss: Loss[Y, T],
    apply: Apply[X, Y],
    optimizer: Optimizer[S],
    start: Union[ParamsLike, TrainState[S]],
    data: Union[tuple[X, T], tuple[X, T, Array]],
    *,
    epochs: int = 1,
    batch_size: int = 32,
    rng: Rng = 0,
    penalties: Sequence[Penalty] = (),
    shuffle: bool = True,
    drop_last: bool = False,
) -> Generator[tuple[TrainState[S], StepMetrics], None, None]:
    """Train a network: a generator of `(state, metrics)`, one for every step. The loop is yours.

    `start` is the params to begin with, or a state that was yielded before, to go on from: the same call with that
    state makes the steps that are left of `epochs`, bit for bit those it would have made without a stop (on the same
    machine and NumPy build). For the order of the rows and the keys of the network are functions of `rng` and the
    number of the step alone; a state brings the key that `rng` gave. `data` is `(x, target)`, or
    `(x, target, weights)` with weights as the loss takes them. In every epoch rows come in a new order, that of
    `batches` with the key of the state, unless `shuffle` is false or one batch holds them all. `drop_last` leaves out
    the rows that do not fill a batch, which BatchNorm may want.

    Arguments and data are checked by the call itself. Features are converted to the dtype of the params once.

    Errors, from the call itself
        TypeError        loss, apply or optimizer is none; data is no tuple; `rng` is no key and no seed
        ValueError       `epochs` is negative, `batch_size` less than one, `drop_last` would drop everything
        ShapeError       x, target and weights have different numbers of rows, or none; x does not fit the network
        DTypeError       x is complex, masked, sparse, ...
        ParamsError      the params are not those of the network
        NonFiniteError   x has values that are NaN or infinite
    Errors, from a step
        NonFiniteError   the loss, a gradient, the new params or the state of the optimizer are not finite; all states
                         that were yielded are
    Source: Goodfellow, Bengio & Courville, Deep Learning (2016), section 8.1.3.

    >>> net = Dense(1)
    >>> _, params = net.init(0, (-1, 2))
    >>> x = Key(1).generator().normal(size=(64, 2))
    >>> for state, metrics in fit(squared_error, net.apply, sgd(0.1), params, (x, x @ [[1.0], [2.0]]), epochs=20):
    ...     if metrics.loss < 1e-6:
    ...         break
    >>> metrics.epoch < 19, np.round(state.params.at("w").ravel(), 2)
    (True, array([1., 2.], dtype=float32))
    """
    if not isinstance(penalties, (tuple, list)):
        raise TypeError(f"fit: penalties must be a list of them, got {brief(penalties)}; write [l2(1e-4)]")
    objective = value_and_grad(loss, apply, *penalties)
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"fit takes an optimizer, got {type(optimizer).__name__} {brief(optimizer)}; write adam(1e-3)")
    batch_size = counted("fit", batch_size=batch_size)
    if not is_integer(epochs) or epochs < 0:
        raise ValueError(f"fit: epochs must be an integer of at least 0, got {epochs!r}")
    if isinstance(start, TrainState):
        if not is_integer(start.step) or start.step < 0:
            raise ValueError(f"fit: the step of a state must be an integer of at least 0, got {start.step!r}")
        state = TrainState(int(start.step), _packed(start.params), start.optimizer, as_key(start.key))
    else:
        params = _packed(start)
        state = TrainState(0, params, optimizer.init(params), as_key(rng))
    arrays, rows = _prepared(apply, state.params, data, batch_size)
    count = batch_count(rows, batch_size, drop_last)
    plan = _Plan(rows, batch_size, count, int(epochs) * count, shuffle and rows > batch_size)
    return _steps(objective, optimizer, state, arrays, plan)


def _packed(params: Tree) -> Params:
    return pack(as_params(params, "fit(loss, apply, optimizer, params, data)"))


def _prepared(apply: Apply[X, Y], params: Params, data: object, size: int) -> tuple[tuple[Any, ...], int]:
    """The data as arrays, checked and converted, and how many rows it has."""
    features, target, *weights = checked_data(data)
    x = features_of(apply, params, features)
    others = {"target": arrays_of(target, "target", absent=True)}
    others |= {"weights": arrays_of(value, "weights") for value in weights}
    rows = count_rows(x=x, **others)
    refuse_empty(rows, "fit")
    try:
        apply.door.enter(params, taken(x, slice(0, size)))
    except FuncnnError as error:
        error.seen_in(apply.definition.name)
        raise
    if dtype := dtype_of(params):
        others = {name: converted(value, "any", dtype, name) for name, value in others.items()}
    return (x, *others.values()), rows


def _steps(
    objective: Objective[Any, Any, Any],
    optimizer: Optimizer[S],
    state: TrainState[S],
    data: tuple[Any, ...],
    plan: _Plan,
) -> Generator[tuple[TrainState[S], StepMetrics], None, None]:
    step, params, memory, key = state
    del state  # nobody but its owner holds the first params any longer than they are needed
    advance = advancing(optimizer)
    skipping = skips(memory)  # if so, the optimizer looks at the gradients
    carries = is_plain(optimizer)  # if so, the new params tell whether the gradients are finite
    keys = key.fold("pass") if objective.apply.random else None
    rows, size, per_epoch, steps, shuffle = plan
    index, drawn_for = None, -1
    whole = data if rows <= size else None
    while step < steps:
        epoch, i = divmod(step, per_epoch)
        if shuffle and epoch != drawn_for:
            index, drawn_for = order(key, epoch, rows), epoch
        x, target, *weights = whole or batch(data, i, size, index)
        rng = keys.fold(step) if keys else None
        step += 1
        try:
            with np.errstate(all="ignore"):  # what overflows is found below, and named
                value, gradients = objective(params, x, target, weights=weights[0] if weights else None, rng=rng)
                if not (carries and isfinite(value) or skipping):
                    _refuse_infinite_gradients(value, gradients, params)
                params, memory, finite = advance(gradients, memory, params, value)
                if not finite:
                    _refuse_infinite(params, memory, value, gradients, skipping)
                del gradients  # what is not needed any more is memory for what comes next
        except NonFiniteError as error:
            error.args = (
                f"step {step}, batch {i} of epoch {epoch}: {error.message}; the states before it are as they were; "
                f"look at the rows of this batch, lower the rate, or clip with chain(clip_by_global_norm(1.0), ...)",
            )
            raise
        except (ShapeError, LabelError) as error:  # something about these rows
            error.args = (f"step {step}, batch {i} of epoch {epoch}: {error.message}",)
            raise
        metrics = StepMetrics(step, epoch, value, min(size, rows - i * size), i + 1 == per_epoch)
        yield TrainState(step, params, memory, key), metrics


def _refuse_infinite_gradients(value: float, gradients: Gradients, params: Params) -> None:
    """Refuse a loss and gradients that are not finite."""
    if not (isfinite(value) and all(map(all_finite, pieces(layout_of(params), gradients)))):
        raise NonFiniteError(diverged(value, gradients))


def _refuse_infinite(params: Params, memory: object, value: float, gradients: Gradients, skipping: bool) -> None:
    """Refuse params of a step that are not finite, and a state of the optimizer, and tell where that comes from."""
    if not skipping:
        _refuse_infinite_gradients(value, gradients, params)
    found = diverged(value, gradients)  # by an optimizer that should have skipped the step
    if not all_finite(gather(layout_of(params), params)):
        why = f"{found}, and" if found else "the gradient is finite, but"
        raise NonFiniteError(f"{why} the update leaves {first_bad(params)} not finite")
    if hidden := infinite_memory(memory):
        why = f"{found}, and" if found else "the gradient is finite, but so large that"
        raise NonFiniteError(f"{why} the update leaves {hidden} not finite")
