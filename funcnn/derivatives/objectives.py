"""Objectives: a loss with a network, as the function of params and data that training minimises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar, Union, cast, final

import numpy as np

from funcnn.calculus import Differentiable, force
from funcnn.cotangents import read_only
from funcnn.derivatives.penalizing import with_penalties
from funcnn.derivatives.suspicions import warn_of_probabilities
from funcnn.errors import FuncnnError, ShapeError, brief
from funcnn.foreign.calls import understood
from funcnn.foreign.lookups import answering, spelled
from funcnn.keys import Key, Rng
from funcnn.losses.definition import Loss
from funcnn.losses.penalties import Penalty
from funcnn.losses.reductions import Weights
from funcnn.networks import Apply
from funcnn.networks.definitions import Definition
from funcnn.params import Gradients, GradientsLike, Params, ParamsLike
from funcnn.pulling import pulled
from funcnn.types import is_tuple

X = TypeVar("X", contravariant=True)
Y = TypeVar("Y")
T = TypeVar("T", contravariant=True)
B = TypeVar("B")

BatchObjective: TypeAlias = Callable[[Params, B, Key], tuple[float, GradientsLike]]
"""An objective in the form that `fit` takes from anybody: `(params, batch, rng) -> (value, gradients)`."""


class Required:
    """What stands for an argument that has to be given under a condition; it prints as that."""

    def __init__(self, when: str) -> None:
        self.when = when

    def __repr__(self) -> str:
        return f"<required {self.when}>"


REQUIRED: Final[Any] = Required("if the network takes a key")


class Gradient(Protocol[X, T]):
    """What `grad` returns: the gradients of an objective as a function of params and data."""

    def __call__(
        self, params: ParamsLike, x: X, target: T, *, weights: Weights | None = None, rng: Rng | None = ...
    ) -> Gradients: ...


@final
@answering
@dataclass(frozen=True, slots=True, repr=False)
class Objective(Generic[X, Y, T]):
    """What training minimises, as a function of params and data; made with `value_and_grad`."""

    loss: Loss[Y, T]
    apply: Apply[X, Y]
    penalties: tuple[Penalty, ...] = ()

    @understood
    def __call__(
        self, params: ParamsLike, x: X, target: T, *, weights: Weights | None = None, rng: Rng | None = REQUIRED
    ) -> tuple[float, Gradients]:
        value, gradients, _ = self._pulled(params, x, target, weights, rng)
        return value, gradients

    def with_prediction(
        self, params: ParamsLike, x: X, target: T, *, weights: Weights | None = None, rng: Rng | None = REQUIRED
    ) -> tuple[float, Gradients, Y]:
        """The value, the gradients, and the prediction they came from, read-only: for metrics of the training batch.

        >>> net = Dense(1)
        >>> _, params = net.init(0, (-1, 2))
        >>> x, target = np.ones((4, 2), np.float32), np.ones((4, 1), np.float32)
        >>> value, gradients, prediction = value_and_grad(squared_error, net.apply).with_prediction(params, x, target)
        >>> prediction.shape
        (4, 1)
        """
        value, gradients, prediction = self._pulled(params, x, target, weights, rng)
        return value, gradients, read_only(prediction)

    def gradient(
        self, params: ParamsLike, x: X, target: T, *, weights: Weights | None = None, rng: Rng | None = REQUIRED
    ) -> Gradients:
        """The gradients alone; what `grad` returns is this method."""
        return self._pulled(params, x, target, weights, rng)[1]

    def on_batch(
        self,
        params: ParamsLike,
        batch: Union[tuple[X, T], tuple[X, T, Weights]],
        rng: Rng | None = REQUIRED,
    ) -> tuple[float, Gradients]:
        """The value and the gradients for `(x, target)` or `(x, target, weights)`: the form of objectives that `fit`
        takes from anybody, so that one's own can be made of several of ours.

        >>> net = Dense(1)
        >>> _, params = net.init(0, (-1, 2))
        >>> batch = np.zeros((4, 2), np.float32), np.ones((4, 1), np.float32)
        >>> value_and_grad(squared_error, net.apply).on_batch(params, batch, None)[0]
        1.0
        """
        x, target, *weights = batch
        value, gradients, _ = self._pulled(params, x, target, weights[0] if weights else None, rng)
        return value, gradients

    def _pulled(self, params: ParamsLike, x: Any, target: Any, weights: Any, rng: Any) -> tuple[float, Gradients, Any]:
        apply = self.apply
        rng = answered(apply, rng)
        tree, inner, prediction, back = apply.entered(params, x, rng)
        try:
            paired(inner, prediction, target)
            value, pull = self.loss.rule(prediction, target, weights)
            cotangent = force(pull(1.0)[0])
            del pull  # what it kept is memory for what comes
            dparams, _ = pulled(back, cotangent, True)  # the input's cotangent may be a Later, and is left alone
            gradients = apply.door.gradients(params, tree, dparams)
        except FuncnnError as error:
            error.seen_in(apply.definition.name)
            raise
        value, gradients = with_penalties(self.penalties, tree, value, gradients)
        return float(value), gradients, prediction

    def __repr__(self) -> str:
        return f"value_and_grad({', '.join(map(repr, (self.loss, self.apply, *self.penalties)))})"


@understood
def value_and_grad(loss: Loss[Y, T], apply: Apply[X, Y], *penalties: Penalty) -> Objective[X, Y, T]:
    """The objective `loss(apply(params, x), target) + penalties(params)`, with its gradient for the params.

    `objective(params, x, target)` gives `(value, gradients)`, a Python float and `Gradients`. It takes `weights=`, as
    the loss does, and `rng=`, which a network with Dropout or BatchNorm must be given: a key for a training pass, or
    `rng=None`, which says inference on purpose. `objective.with_prediction(...)` gives the prediction too. The
    cotangent of the input is never computed.

    Errors
        as for calling `apply` and the loss, and
        TypeError     `loss` is no loss, `apply` no `apply`; `rng` is missing where the network takes a key
        ShapeError    `x` and `target` have different lengths
        ParamsError   a penalty's gradients are not a tree like the params
        FuncnnWarning   the loss takes logits, and the network ends with probabilities
    Source: Griewank & Walther, Evaluating Derivatives (2008), section 3.2; the name is that of `jax.value_and_grad`.

    >>> net = Dense(1)
    >>> _, params = net.init(0, (-1, 2))
    >>> objective = value_and_grad(squared_error, net.apply)
    >>> value, gradients = objective(params, np.zeros((4, 2), np.float32), np.ones((4, 1), np.float32))
    >>> value, gradients.at("b")
    (1.0, array([-2.], dtype=float32))
    """
    checked_loss("value_and_grad", loss)
    checked_apply("value_and_grad", apply)
    for penalty in penalties:
        if not isinstance(penalty, Differentiable):
            raise TypeError(f"penalties are differentiable functions of params, like l2(1e-4), got {brief(penalty)}")
    warn_of_probabilities(loss, apply.definition)
    return Objective(loss, apply, penalties)


def checked_loss(function: str, loss: object) -> None:
    """Refuse what is no loss.

    Errors
        TypeError   with what to write instead
    """
    if isinstance(loss, Loss):
        return
    kind, hint = type(loss).__name__, "make a rule one with @loss"
    if isinstance(loss, Objective) or hasattr(loss, "objective"):  # as those of sam and accumulate
        hint = "an objective stands for both, fit(objective, adam(1e-3), params, data)"
    elif isinstance(loss, str):
        hint = "losses are imported by name: squared_error, softmax_cross_entropy" + spelled(loss)
    elif hasattr(loss, "definition"):
        hint = "the loss stands first, the network or its apply next"
    elif hasattr(loss, "compute"):
        hint = "a metric has no derivative; losses are squared_error, softmax_cross_entropy and others"
    got = brief(loss) if isinstance(loss, str) else kind
    raise TypeError(f"{function} takes a loss first, got {got}; {hint}")


def checked_apply(function: str, apply: object) -> None:
    """Refuse what is no `apply`, a network most often.

    Errors
        TypeError   with what to take instead
    """
    if not isinstance(apply, Apply):
        hint = "; take its .apply" if hasattr(apply, "apply") else ""
        raise TypeError(f"{function} takes the apply of a network, got {type(apply).__name__}{hint}")


@understood
def grad(loss: Loss[Y, T], apply: Apply[X, Y], *penalties: Penalty) -> Gradient[X, T]:
    """The gradients alone: `grad(loss, apply)(params, x, target)` is the second item of what `value_and_grad` gives.

    Errors
        as `value_and_grad`

    >>> net = Dense(1)
    >>> _, params = net.init(0, (-1, 2))
    >>> grad(squared_error, net.apply)(params, np.zeros((4, 2), np.float32), np.ones((4, 1), np.float32)).paths()
    ('b', 'w')
    """
    return value_and_grad(loss, apply, *penalties).gradient


def checked_objective(function: str, objective: object) -> Objective[Any, Any, Any]:
    """Refuse what is no objective.

    Errors
        TypeError   with what to take instead
    """
    if not isinstance(objective, Objective):
        raise TypeError(f"{function} takes an objective first, value_and_grad(loss, net.apply), got {brief(objective)}")
    found: Objective[Any, Any, Any] = cast(Any, objective)
    return found


def answered(apply: Apply[Any, Any], rng: Rng | None) -> Rng | None:
    """The key that was given, or None where that was said or the network takes none.

    Errors
        TypeError   nothing was said, and the network takes one
    """
    if rng is not REQUIRED:
        return rng
    if apply.random:
        raise TypeError(_forgotten(apply))
    return None


def _forgotten(apply: Apply[Any, Any]) -> str:
    path = "/".join(_first_random(apply.definition)) or apply.definition.name
    return (
        f"{path} takes a key in training: give rng=key.fold(step), or rng=None where inference is meant "
        f"(no dropout, stored statistics)"
    )


def _first_random(layer: Definition) -> Iterator[str]:
    """The path of the first layer that takes a key."""
    for name, child in layer.children.items():
        if child.random:
            yield name
            yield from _first_random(child)
            return


def paired(x: Any, prediction: Any, target: Any) -> None:
    """Refuse inputs and targets that are not pairs. A network may change the first axis, so x alone says nothing."""
    if type(target) is np.ndarray and type(prediction) is np.ndarray and target.shape[:1] == prediction.shape[:1]:
        return
    wanted = _length(target)
    if wanted is None or wanted == _length(prediction):
        return
    rows = _length(x)
    if rows is not None and rows != wanted:
        raise ShapeError(f"x has {rows} rows and target has {wanted}; every row of x needs a target")


def _length(value: Any) -> int | None:
    while is_tuple(value) and value:
        value = value[0]
    shape: Any = getattr(value, "shape", None)
    if shape is None:
        return len(cast(Any, value)) if isinstance(value, list) else None  # what else has a length is no data
    return shape[0] if is_tuple(shape) and shape else None
