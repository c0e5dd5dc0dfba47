"""What `fit` is given, made ready: one function for every step, and data that are checked as early as they can be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias, cast

from funcnn.arguments import is_integer
from funcnn.derivatives.objectives import Objective
from funcnn.derivatives.own_objectives import checked_function, promised
from funcnn.errors import FuncnnError
from funcnn.keys import Key, Rng, as_key
from funcnn.losses.definition import Loss
from funcnn.losses.penalties import Penalty
from funcnn.nested import arrays
from funcnn.networks import Apply
from funcnn.optimizers import Optimizer
from funcnn.params import Params, as_params
from funcnn.params.packing import pack
from funcnn.training.rows import (
    arrays_of, checked_batch, checked_data, converted, count_rows, dtype_of, features_of, nested_rows, on_disk, refuse_empty, sealed,
    taken,
)  # fmt: skip
from funcnn.training.sources import Epochs, epochs_of
from funcnn.training.steps import TrainState
from funcnn.types import Tree, is_array, is_mapping, is_tuple

Augment: TypeAlias = "Callable[[Any, Key], Any]"


class Ready(NamedTuple):
    """What steps are made of: `run(params, batch, rng)` gives the value and the gradients.

    Data are `arrays` of so many `rows`, or batches by `epochs`, which may be had `once` only. `prepare` makes arrays of
    a batch where they are none yet; `augment` takes a whole batch.
    """

    run: Callable[[Params, Any, Any], tuple[float, Any]]
    random: bool
    arrays: Any = None
    rows: int = 0
    epochs: Epochs[Any] | None = None
    once: bool = False
    prepare: Callable[[Any], Any] | None = None
    augment: Augment | None = None


def without_apply(given: Any, penalties: Sequence[Penalty]) -> Any:
    """The objective, or the function, that comes first where there is no loss with an `apply`.

    Errors
        TypeError   it is neither; or there are penalties, which belong to it
    """
    if penalties:
        raise TypeError("fit: penalties belong to the objective: value_and_grad(loss, apply, l2(1e-4))")
    if isinstance(given, Loss):
        raise TypeError("fit(loss, apply, optimizer, start, data) takes five arguments, got four; what is missing?")
    return cast(Any, given) if isinstance(given, Objective) else checked_function("fit", given)


def made_ready(objective: Any, params: Params, data: Any, size: int, augment: Augment | None) -> Ready:
    """What steps are made of, by an objective of ours or by a function.

    Errors
        as `fit` says
    """
    if isinstance(objective, Objective):
        return of_objective(cast(Any, objective), params, data, size, augment and _of_features(augment))
    ours: Any = getattr(objective, "__self__", None)
    if isinstance(ours, Objective) and objective == cast(Any, ours).on_batch:
        return of_objective(cast(Any, ours), params, data, size, augment)
    return of_function(objective, params, data, size, augment)


def begun(optimizer: Optimizer[Any], start: Any, rng: Rng) -> TrainState[Any]:
    """The state to begin with.

    Errors
        ParamsError   `start` is neither params nor a state
        ValueError    it is a state that counts wrong
    """
    if not isinstance(start, TrainState):
        params = _packed(start)
        return TrainState(0, params, optimizer.init(params), as_key(rng))
    state: TrainState[Any] = cast(Any, start)
    for name in ("step", "epoch", "batch"):
        if not is_integer(value := getattr(state, name)) or value < 0:
            raise ValueError(f"fit: the {name} of a state must be an integer of at least 0, got {value!r}")
    step, epoch, number = int(state.step), int(state.epoch), int(state.batch)
    return TrainState(step, _packed(state.params), state.optimizer, as_key(state.key), epoch, number)


def _packed(params: Tree) -> Params:
    return pack(as_params(params, "fit(loss, apply, optimizer, params, data)"))


# losses of networks ---------------------------------------------------------------------------------------------------
def of_objective(
    objective: Objective[Any, Any, Any], params: Params, data: Any, size: int, augment: Augment | None
) -> Ready:
    """An objective made of a loss and a network, on pairs of features and targets.

    Errors
        as `fit` says
    """
    apply = objective.apply
    if not are_batches(data):
        found, rows = _pairs(apply, params, checked_data(data), None if augment else size)
        late = any(map(on_disk, arrays(found[1:])))  # as they are so far, whatever their dtype

        def targets(batch: tuple[Any, ...]) -> tuple[Any, ...]:
            return batch[0], *_others(params, batch[1:]).values()

        return Ready(objective.on_batch, apply.random, found, rows, None, False, targets if late else None, augment)

    def pairs(batch: object) -> tuple[Any, ...]:
        found = _pairs(apply, params, checked_batch(batch), None)[0]
        return sealed(found) if augment else found  # these arrays are somebody's, and may come again

    epochs, once = epochs_of("fit", data)
    return Ready(objective.on_batch, apply.random, None, 0, epochs, once, pairs, augment)


def _of_features(augment: Augment) -> Augment:
    def pairs(batch: tuple[Any, ...], key: Key) -> tuple[Any, ...]:
        return augment(batch[0], key), *batch[1:]

    return pairs


def are_batches(data: Any) -> bool:
    """Are pairs given in batches, or all at once? A list of pairs is one of batches; one of arrays is a mistake."""
    if type(data) is list:
        return not data or is_tuple(next(iter(cast("list[object]", data))))
    return not (is_tuple(data) or is_array(data) or is_mapping(data) or isinstance(data, str))


def _pairs(
    apply: Apply[Any, Any], params: Params, data: tuple[Any, ...], size: int | None
) -> tuple[tuple[Any, ...], int]:
    """The data as arrays, checked and converted, and how many rows it has; a batch of this size fits the network."""
    x, more = features_of(apply, params, data[0]), _others(params, data[1:])
    rows = count_rows(x=x, **more)
    refuse_empty(rows, "fit")
    if size is not None:
        try:
            apply.door.enter(params, taken(x, slice(0, size)))
        except FuncnnError as error:
            error.seen_in(apply.definition.name)
            raise
    return (x, *more.values()), rows


def _others(params: Params, values: tuple[Any, ...]) -> dict[str, Any]:
    """Target and weights as arrays, real numbers in the dtype of the params."""
    others = {"target": arrays_of(values[0], "target", absent=True)}
    others |= {"weights": arrays_of(value, "weights") for value in values[1:]}
    dtype = dtype_of(params)
    return {name: converted(value, "any", dtype, name) for name, value in others.items()} if dtype else others


# functions of one's own -----------------------------------------------------------------------------------------------
def of_function(function: Any, params: Params, data: Any, size: int, augment: Augment | None) -> Ready:
    """Any function `(params, batch, rng) -> (value, gradients)`, on batches of whatever it takes.

    Errors
        as `fit` says
    """
    run = promised(function)
    if is_tuple(data) or is_array(data) or is_mapping(data):
        found = nested_rows(data, "data")
        rows = count_rows(data=found)
        refuse_empty(rows, "fit")
        return Ready(run, True, found, rows, None, False, None, augment)
    epochs, once = epochs_of("fit", data)
    return Ready(run, True, None, 0, epochs, once, None, augment)
