"""Objectives that take a batch in parts: as much memory as a part needs, the gradient of the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, Union, cast, final, overload

import numpy as np

from funcnn.arguments import counted
from funcnn.array_kinds import as_array
from funcnn.calculus import force
from funcnn.derivatives.forward import at_network
from funcnn.derivatives.objectives import REQUIRED, BatchObjective, Objective, paired
from funcnn.derivatives.opened import Opened
from funcnn.derivatives.own_objectives import as_key_of_batch, checked_function, promised
from funcnn.derivatives.penalizing import with_penalties
from funcnn.derivatives.stepping import ordered
from funcnn.errors import ShapeError, brief
from funcnn.foreign.calls import understood
from funcnn.keys import Rng
from funcnn.losses.reductions import Weights
from funcnn.nested import arrays, like, mapped
from funcnn.params import Gradients, GradientsLike, ParamsLike, as_params
from funcnn.params.leafwise import tree_map
from funcnn.pulling import pulled
from funcnn.shapes import display
from funcnn.types import Array, is_tuple

X = TypeVar("X")
Y = TypeVar("Y")
T = TypeVar("T")
B = TypeVar("B")


@final
@dataclass(frozen=True, slots=True, repr=False)
class Accumulated(Generic[B]):
    """An objective that takes batches in parts, `(params, batch, rng) -> (value, gradients)`; made by `accumulate`."""

    objective: Any
    parts: int

    def __call__(self, params: ParamsLike, batch: B, rng: Rng | None = REQUIRED) -> tuple[float, Gradients]:
        run: Callable[..., tuple[float, Gradients]] = _of_network if _is_ours(self.objective) else _of_function
        return run(self.objective, self.parts, params, batch, rng)

    def __repr__(self) -> str:
        return f"accumulate({self.objective!r}, {self.parts})"


@overload
def accumulate(
    objective: Objective[X, Y, T], n: int
) -> Accumulated[Union[tuple[X, T], tuple[X, T, Weights]]]: ...
@overload
def accumulate(objective: BatchObjective[B], n: int) -> Accumulated[B]: ...
@understood
def accumulate(objective: Any, n: int) -> Accumulated[Any]:
    """The objective with a batch cut into `n` parts of as many rows as possible alike: an objective of the form that
    `fit` takes, `(params, batch, rng) -> (value, gradients)`, with the memory of one part.

    `fit(accumulate(value_and_grad(loss, net.apply), 4), adam(1e-3), params, data, batch_size=256)` makes the steps of
    batches of 256. Of an objective of `value_and_grad` the network predicts part by part first, the loss sees the whole
    prediction, and then the network is pulled back part by part: value and gradient are those of the whole batch, for
    any loss, reduction, weights, labels to ignore and parts of different sizes, at the price of a second forward pass.
    Of any other function `(params, batch, rng) -> (value, gradients)` they are the means over parts,
    by their rows, which is the same where the function is a mean over rows. Part i has the key `rng.fold(i)`, so that
    dropout draws other masks than for the whole; layers that look across the batch in training, BatchNorm, see a part.

    Errors
        as for the objective, and
        TypeError    it is no objective; a batch that is no `(x, target)` or `(x, target, weights)`
        ValueError   `n` is less than one
        ShapeError   the batch is empty; its arrays have different numbers of rows; a prediction without rows
    Source: Gao et al., Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup (2021), section 3.2.

    >>> net = Dense(1)
    >>> _, params = net.init(0, (-1, 2), dtype=np.float64)
    >>> whole = value_and_grad(squared_error, net.apply)
    >>> x, target, weights = np.ones((5, 2)), np.ones((5, 1)), np.arange(5.0)
    >>> value, gradients = accumulate(whole, 2)(params, (x, target, weights))
    >>> bool(np.isclose(value, whole(params, x, target, weights=weights)[0]))
    True
    """
    if not _is_ours(objective):
        checked_function("accumulate", objective)
    return Accumulated(objective, counted("accumulate", n=n))


def _is_ours(objective: object) -> bool:
    return isinstance(objective, Objective)


def _of_network(
    objective: Objective[Any, Any, Any], n: int, params: ParamsLike, batch: object, rng: Rng | None
) -> tuple[float, Gradients]:
    """The loss of the whole prediction, pulled back part by part."""
    if not is_tuple(batch) or len(batch) not in (2, 3):
        raise TypeError(
            f"a batch of accumulate is one tuple, (x, target) or (x, target, weights), got {brief(batch)}; "
            "write accumulate(objective, n)(params, (x, target))"
        )
    x, target, *weights = batch
    run, apply = Opened(objective, params, x, target, weights[0] if weights else None, rng), objective.apply
    parts = list(_parts(run.x, n))
    keys = [tuple(None if key is None else key.fold(i) for key in run.key) for i in range(len(parts))]
    with at_network(apply):
        predictions = [apply.value(run.params, part, *key) for part, key in zip(parts, keys, strict=True)]
        if any(np.ndim(a) == 0 for a in arrays(tuple(predictions))):
            raise ShapeError("accumulate needs a prediction with a row for every example, got one number")
        prediction = mapped(_joined, *predictions)
        paired(run.x, prediction, target)
        value, pull = objective.loss.rule(prediction, target, run.weights)
        rows = list(arrays(force(pull(1.0)[0])))  # cotangents, which the parts take from the front
        total: Any = None
        for part, key, y in zip(parts, keys, predictions, strict=True):
            cut = [(dy[: len(a)], dy[len(a) :]) for dy, a in zip(rows, arrays(y), strict=True)]
            rows = [rest for _, rest in cut]
            _, back = apply.rule(run.params, part, *key)
            gradients = ordered(pulled(back, like(y, iter([dy for dy, _ in cut])), True)[0], run.params)
            total = mapped(np.array, gradients) if total is None else mapped(_add_to, total, gradients)
            del back, gradients  # what a part has kept is memory for the next one
        sealed = run.sealed(total)
    value, sealed = with_penalties(objective.penalties, run.params, value, sealed)
    return float(value), sealed


def _of_function(
    function: Callable[..., tuple[float, GradientsLike]], n: int, params: ParamsLike, batch: Any, rng: Rng | None
) -> tuple[float, Gradients]:
    """The mean over parts, each counted by its rows."""
    key = None if rng is None or rng is REQUIRED else as_key_of_batch(rng)
    whole = mapped(lambda a: as_array(a, "the batch"), batch)
    rows, value, total = _rows(whole), 0.0, cast(Any, None)
    run, whole_params = promised(function), as_params(params, "accumulate(objective, n)(params, batch, rng)")
    for i, part in enumerate(_parts(whole, n)):
        v, g = run(whole_params, part, None if key is None else key.fold(i))
        share = _rows(part) / rows
        value += share * v
        total = _times(share, g) if total is None else tree_map(np.add, total, _times(share, g))
    return value, total


def _times(share: float, gradients: Gradients) -> Gradients:
    def times(g: Array) -> Array:
        return share * g

    return tree_map(times, gradients)


def _add_to(total: Array, more: Array) -> Array:
    """The sum, in the memory of the first, which is ours."""
    return np.add(total, more, total)


def _joined(*parts: Array) -> Array:
    return np.concatenate(parts)


def _rows(batch: Any) -> int:
    """How many rows all arrays of a batch have.

    Errors
        ShapeError   none, or not the same number
    """
    shapes = [np.shape(a) for a in arrays(batch)]
    if not shapes or not all(shapes) or len({shape[0] for shape in shapes}) != 1:
        raise ShapeError(
            "accumulate cuts rows: all arrays of a batch must have as many, on the first axis, got "
            + (", ".join(display(shape) for shape in shapes) or "no array")
        )
    rows: int = shapes[0][0]
    if not rows:
        raise ShapeError("accumulate: empty batch, there is nothing to cut into parts")
    return rows


def _parts(batch: Any, n: int) -> Iterator[Any]:
    """At most `n` parts of a batch, of nearly as many rows, none of them empty."""
    rows = _rows(batch)
    bounds = [rows * i // min(n, rows) for i in range(min(n, rows) + 1)]
    for start, end in zip(bounds, bounds[1:], strict=False):
        yield mapped(lambda a: a[start:end], batch)  # noqa: B023
