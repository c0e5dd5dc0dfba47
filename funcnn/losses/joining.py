"""Joint losses: of networks that predict several things."""

from __future__ import annotations

import functools
from math import isfinite
from typing import Any, TypeVar, overload

import numpy as np

from funcnn.arguments import is_integer, is_number
from funcnn.calculus import Later, force
from funcnn.cotangents import zeros_like
from funcnn.errors import ShapeError, brief
from funcnn.losses.definition import Loss
from funcnn.losses.reductions import Back
from funcnn.records import Record
from funcnn.shapes import display
from funcnn.types import T0, T1, T2, T3, T4, T5, is_tuple

A = TypeVar("A")
T = TypeVar("T")


# fmt: off
@overload
def joint(a: Loss[T0, T1], b: Loss[T2, T3], /, *, scales: tuple[float, float] | None = None) -> Loss[tuple[T0, T2], tuple[T1, T3]]: ...
@overload
def joint(a: Loss[T0, T1], b: Loss[T2, T3], c: Loss[T4, T5], /, *, scales: tuple[float, float, float] | None = None) -> Loss[tuple[T0, T2, T4], tuple[T1, T3, T5]]: ...
# fmt: on
def joint(*losses: Loss[Any, Any], scales: tuple[float, ...] | None = None) -> Loss[Any, Any]:
    """The loss of a tuple, `sum_i scales[i] losses[i](prediction[i], target[i])`; every scale is 1 unless given.

    Weights and `reduce` go to each of the losses; where no `reduce` is given, each does what it does alone.

    Shapes
        prediction, target   tuples of what the losses take
    Errors
        TypeError    an argument is no loss
        ValueError   no loss; scales that are no finite numbers, or not as many as losses
        ShapeError   prediction or target is no such tuple; `reduce="none"` where the terms have different shapes
    Pullback
        the tuples of the cotangents of the losses, each times its scale
    Source: the derivative is linear.

    >>> both = joint(squared_error, sum_squared_error, scales=(1.0, 0.5))
    >>> both((np.array([2.0]), np.array([1.0, 2.0])), (np.array([1.0]), np.array([3.0, 4.0])))
    5.0
    """
    for i, part in enumerate(losses):
        if not isinstance(part, Loss):
            raise TypeError(f"joint takes losses, argument {i} is {type(part).__name__}; make a rule one with @loss")
    if not losses:
        raise ValueError("joint takes at least one loss")
    each = (1.0,) * len(losses) if scales is None else scales
    if not is_tuple(each) or not all(is_number(scale) and isfinite(scale) for scale in each):
        raise ValueError(f"joint: scales must be a tuple of finite numbers, got {scales!r}")
    if len(each) != len(losses):
        raise ValueError(f"joint takes a scale for each loss, got {len(each)} scales for {len(losses)} losses")
    each = tuple([float(scale) for scale in each])  # NumPy's would make float32 cotangents float64
    parts = tuple(zip(each, losses, strict=True))
    record = Record(__name__, "joint", joint, losses, {} if scales is None else {"scales": each})
    return Loss(functools.partial(_run, parts), record, None, parts=parts)


def _run(
    parts: tuple[tuple[float, Loss[Any, Any]], ...], prediction: Any, target: Any, weights: Any, how: str | None, _: Any
) -> tuple[Any, Back]:
    each = zip(parts, *paired(parts, prediction, target), strict=True)
    done = [(s, *part.rule(p, t, weights, how)) for (s, part), p, t in each]
    if how == "none" and len({value.shape for _, value, _ in done}) > 1:
        shapes = " and ".join(display(value.shape) for _, value, _ in done)
        raise ShapeError(f"the terms of these losses have different shapes, {shapes}; ask the losses one by one")

    def pullback(d: Any) -> tuple[Any, Any]:
        pairs = [back(d * s) for s, _, back in done]
        return tuple(force(p) for p, _ in pairs), Later(lambda: tuple(force(t) for _, t in pairs))

    return sum(s * value for s, value, _ in done), pullback


def paired(parts: tuple[Any, ...], prediction: Any, target: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Prediction and target, one of each for every part.

    Errors
        ShapeError   they are no such tuples
    """
    for name, value in (("prediction", prediction), ("target", target)):
        if not is_tuple(value) or len(value) != len(parts):
            got = f"a tuple of {len(value)}" if is_tuple(value) else f"one {type(value).__name__}"
            raise ShapeError(f"this joint loss takes a {name} that is a tuple of {len(parts)}, got {got}")
    return prediction, target


def on_item(i: int, part: Loss[A, T], /) -> Loss[tuple[Any, ...], T]:
    """A loss on one item of a predicted tuple; the target is that item's alone.

    The other items get no gradient. In `joint` it stands for losses of which one predicts what another does.

    Shapes
        prediction   a tuple with an item i, counted from 0 or from the end
        target       what the loss takes
    Errors
        TypeError    `i` is no integer, `part` no loss
        ShapeError   the prediction is no tuple, or has no item i
    Pullback
        the loss's own for the item, zeros for the others
    Source: the derivative of a projection.

    >>> on_item(1, squared_error)((np.array([9.0]), np.array([1.0])), np.array([3.0]))
    4.0
    """
    if not is_integer(i):
        raise TypeError(f"on_item takes the number of an item first, got {brief(i)}")
    if not isinstance(part, Loss):
        raise TypeError(f"on_item takes a loss, got {type(part).__name__}; make a rule one with @loss")
    run = functools.partial(_run_item, int(i), part)
    return Loss(run, Record(__name__, "on_item", on_item, (int(i), part)), None)


def _run_item(
    i: int, part: Loss[Any, Any], prediction: Any, target: Any, weights: Any, how: str | None, _: Any
) -> tuple[Any, Back]:
    value, back = part.rule(item(i, part, prediction), target, weights, how)

    def pullback(d: Any) -> tuple[Any, Any]:
        dpart, dtarget = back(d)
        others = [zeros_like(p, getattr(p, "dtype", np.float32)) for p in prediction]
        others[i] = force(dpart)
        return tuple(others), dtarget

    return value, pullback


def item(i: int, part: Loss[Any, Any], prediction: Any) -> Any:
    """The item of a prediction that `on_item` looks at.

    Errors
        ShapeError   it is no tuple, or has no such item
    """
    if not is_tuple(prediction) or not -len(prediction) <= i < len(prediction):
        got = f"a tuple of {len(prediction)}" if is_tuple(prediction) else f"one {type(prediction).__name__}"
        raise ShapeError(f"on_item({i}, {part!r}) takes a prediction that is a tuple with such an item, got {got}")
    return prediction[i]


def item_of(loss: Loss[Any, Any]) -> tuple[int, Loss[Any, Any]] | None:
    """The number of the item, and the loss on it, of what `on_item` has made."""
    run: Any = loss.run
    return run.args if isinstance(run, functools.partial) and run.func is _run_item else None
