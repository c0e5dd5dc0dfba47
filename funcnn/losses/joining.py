"""Joint losses: of networks that predict several things."""

from __future__ import annotations

import functools
from math import isfinite
from typing import Any, overload

from funcnn.arguments import is_number
from funcnn.calculus import Later, force
from funcnn.errors import ShapeError
from funcnn.losses.definition import Loss
from funcnn.losses.reductions import Back
from funcnn.records import Record
from funcnn.shapes import display
from funcnn.types import T0, T1, T2, T3, T4, T5, is_tuple


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
