"""Loss: a differentiable function of prediction and target. Weights and reductions are done here, once for all losses."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from math import prod
from typing import Any, Concatenate, Generic, Literal, TypeAlias, TypeVar, Union, cast, final, overload

import numpy as np

from funcnn.cotangents import Later, cotangent_like, force, read_only
from funcnn.errors import ShapeError
from funcnn.kinds import convert
from funcnn.records import Record
from funcnn.shapes import display
from funcnn.types import Array, is_tuple

Y = TypeVar("Y")
T = TypeVar("T", contravariant=True)
P = TypeVar("P")
Q = TypeVar("Q")
P0 = TypeVar("P0")
P1 = TypeVar("P1")
P2 = TypeVar("P2")
Q0 = TypeVar("Q0")
Q1 = TypeVar("Q1")
Q2 = TypeVar("Q2")

Reduce: TypeAlias = Literal["mean", "sum", "batch"]
"""How terms become one number: their mean, their sum, or "batch", summed over outputs and meant over rows."""

Terms: TypeAlias = "tuple[Array, Callable[[Union[Array, float]], tuple[P, object]]]"
"""What the rule of a loss returns: a term for every row or element, and `dterms -> (dprediction, dtarget)`, where `dterms`
is an array like the terms, or one number for all of them."""


@final
class Loss(Generic[Y, T]):
    """A differentiable function of a prediction and a target: one number, the smaller the better. Made with `loss`.

    `reduce` says how the terms become one number. "mean" is the mean of all terms, "sum" their sum, "batch" their sum
    over outputs, meant over rows (the first axis); "none" gives the terms themselves.
    `weights` count as copies: they have the shape of the leading axes of the terms, and a row of weight 2 counts like two
    rows. The weighted mean is `sum(w * terms) / sum(w)`. In "batch", weights of one axis make copies of rows, weights of
    more axes copies of terms within rows, of which there are as many as before.

    Errors
        ShapeError   prediction, target and weights do not fit; a mean over an empty batch, or over weights that sum to 0
        DTypeError   the prediction or the target is complex, masked, sparse, ...
        TypeError    an option the loss does not have
        ValueError   `reduce` is none of the four
    Pullback, through `vjp(loss, prediction, target)`
        `d -> (dprediction, dtarget)`; labels have a cotangent of zeros

    >>> squared_error(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    2.0
    >>> squared_error(np.array([1.0, 2.0]), np.array([1.0, 4.0]), weights=np.array([3.0, 1.0]))
    1.0
    >>> softmax_cross_entropy.bind(label_smoothing=0.1)
    softmax_cross_entropy.bind(label_smoothing=0.1)
    """

    # no __slots__: every loss has a docstring of its own
    terms: Callable[..., Terms[Y]]
    record: Record
    reduce: Reduce | None
    options: dict[str, float]
    parts: tuple[tuple[float, Loss[Any, Any]], ...]

    def __init__(self, **fields: object) -> None:
        vars(self).update(fields)

    @overload
    def __call__(
        self, prediction: Y, target: T, *, weights: Array | None = None, reduce: Reduce = ..., **options: float
    ) -> float: ...
    @overload
    def __call__(
        self, prediction: Y, target: T, *, weights: Array | None = None, reduce: Literal["none"], **options: float
    ) -> Array: ...
    def __call__(
        self,
        prediction: Y,
        target: T,
        *,
        weights: Array | None = None,
        reduce: Reduce | Literal["none"] | None = None,
        **options: float,
    ) -> float | Array:
        self._check(reduce, options)
        value, _ = self.rule(_real(prediction), target, weights, reduce, options)
        return cast("float | Array", read_only(value) if reduce == "none" else value)

    def bind(self, *, reduce: Reduce | None = None, **options: float) -> Loss[Y, T]:
        """The same loss with its reduction, or keyword options, fixed.

        Errors
            TypeError    the loss has no such option
            ValueError   `reduce` is not "mean", "sum" or "batch"; "none" belongs in the call

        >>> squared_error.bind(reduce="sum")(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
        8.0
        """
        self._check(reduce, options)
        if cast(object, reduce) == "none":
            raise ValueError(f"{self!r}: reduce='none' gives an array and belongs in the call, not in bind")
        changes = {} if reduce is None else {"reduce": reduce, "bound": True}
        return Loss(**{**vars(self), **changes, "options": {**self.options, **options}})

    @overload
    def pull(
        self, prediction: Y, target: T, *, weights: Array | None = None, reduce: Reduce = ..., **options: float
    ) -> tuple[float, Callable[[float], tuple[Y, T]]]: ...
    @overload
    def pull(
        self, prediction: Y, target: T, *, weights: Array | None = None, reduce: Literal["none"], **options: float
    ) -> tuple[Array, Callable[[Array], tuple[Y, T]]]: ...
    def pull(
        self,
        prediction: Y,
        target: T,
        *,
        weights: Array | None = None,
        reduce: Reduce | Literal["none"] | None = None,
        **options: float,
    ) -> Any:
        """The value and the pullback; what `vjp(loss, prediction, target)` calls."""
        self._check(reduce, options)
        value, back = self.rule(_real(prediction), target, weights, reduce, options)

        def pullback(d: Any) -> tuple[Any, Any]:
            dprediction, dtarget = back(cotangent_like(value, d) if reduce == "none" else float(d))
            return read_only(force(dprediction)), read_only(force(dtarget))

        return (read_only(value) if reduce == "none" else value), pullback

    def rule(
        self, prediction: Any, target: Any, weights: Any = None, reduce: str | None = None, options: Any = None
    ) -> tuple[Any, Callable[[Any], tuple[Any, Any]]]:
        """The value and its pullback behind the checks of the prediction: complex numbers flow through."""
        how = reduce or self.reduce
        if self.parts:
            return _jointly(self.parts, prediction, target, weights, how)
        terms, back = self.terms(prediction, target, **(self.options | options if options else self.options))
        if weights is not None:
            return _weighted(terms, back, weights, how)
        if how == "none":
            return terms, back
        n = 1 if how == "sum" else terms.size if how == "mean" else _rows(terms)
        if not n:
            raise ShapeError(_empty(terms))
        # one number for all terms goes back, not an array filled with it
        return np.add.reduce(terms, None).item() / n, lambda d: back(d / n)

    def _check(self, reduce: str | None, options: dict[str, float]) -> None:
        if reduce not in (None, "mean", "sum", "batch", "none"):
            raise ValueError(f"reduce must be 'mean', 'sum', 'batch' or 'none', got {reduce!r}")
        if options:
            known = [] if self.parts else [p.name for p in _options(self.terms)]
            if unknown := sorted(options.keys() - set(known)):
                raise TypeError(f"{self!r} has no option {', '.join(unknown)}; it has {', '.join((*known, 'reduce'))}")

    def __repr__(self) -> str:
        bound = {**({"reduce": self.reduce} if vars(self).get("bound") else {}), **self.options}
        shown = ", ".join(f"{k}={v!r}" for k, v in bound.items())
        return f"{self.record!r}.bind({shown})" if bound else repr(self.record)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Loss):
            return NotImplemented
        mine, theirs = vars(self), vars(other)
        return all(mine[f] == theirs[f] for f in ("record", "terms", "reduce", "options"))

    def __hash__(self) -> int:
        return hash((self.record, self.reduce, tuple(sorted(self.options.items()))))

    def __reduce__(self) -> tuple[Any, ...]:
        if "<locals>" in self.record.name:
            raise TypeError(f"{self!r} cannot be pickled: define it at the top level of a module")
        return _replayed, (self.record, self.reduce if vars(self).get("bound") else None, self.options)

    def __copy__(self) -> Loss[Y, T]:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Loss[Y, T]:
        return self

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"losses never change; make another with .bind({name}=...)")


def _replayed(record: Record, reduce: Reduce | None, options: dict[str, float]) -> Loss[Any, Any]:
    made: Loss[Any, Any] = record.replay()
    return made.bind(reduce=reduce, **options) if reduce or options else made


def _options(rule: Callable[..., Any]) -> list[inspect.Parameter]:
    return [p for p in inspect.signature(rule).parameters.values() if p.kind is inspect.Parameter.KEYWORD_ONLY]


@overload
def loss(rule: Callable[Concatenate[P, Q, ...], Terms[P]], /) -> Loss[P, Q]: ...
@overload
def loss(*, reduce: Reduce) -> Callable[[Callable[Concatenate[P, Q, ...], Terms[P]]], Loss[P, Q]]: ...
def loss(rule: Callable[..., Any] | None = None, /, *, reduce: Reduce = "mean") -> Any:
    """Make a rule `(prediction, target, **options) -> (terms, pullback)` into a loss; weights and reductions come with it.

    The rule checks that prediction and target fit, first thing. Its pullback takes the cotangent of the terms, an array
    like them or one number for all, and returns `(dprediction, dtarget)`, fresh arrays; `dtarget` may be a `Later`.
    Options are keyword-only. `@loss(reduce="sum")` sets another reduction than the mean where none is given.

    >>> @loss
    ... def product(prediction: Array, target: Array) -> Terms[Array]:
    ...     return prediction * target, lambda d: (d * target, Later(lambda: d * prediction))
    >>> product(np.array([1.0, 2.0]), np.array([3.0, 5.0]))
    6.5
    """
    return functools.partial(_made, reduce=reduce) if rule is None else _made(rule, reduce)


def _made(rule: Callable[..., Any], reduce: Reduce) -> Loss[Any, Any]:
    name, module = rule.__qualname__, rule.__module__
    return Loss(
        terms=rule, record=Record(module, name), reduce=reduce, options={}, parts=(),
        __doc__=rule.__doc__, __name__=rule.__name__, __qualname__=name, __module__=module, __wrapped__=rule,
    )  # fmt: skip


# fmt: off
@overload
def joint(a: Loss[P0, Q0], b: Loss[P1, Q1], /, *, scales: tuple[float, float] = ...) -> Loss[tuple[P0, P1], tuple[Q0, Q1]]: ...
@overload
def joint(a: Loss[P0, Q0], b: Loss[P1, Q1], c: Loss[P2, Q2], /, *, scales: tuple[float, float, float] = ...) -> Loss[tuple[P0, P1, P2], tuple[Q0, Q1, Q2]]: ...
# fmt: on
def joint(*losses: Loss[Any, Any], scales: tuple[float, ...] | None = None) -> Loss[Any, Any]:
    """The loss of a tuple: `sum_i scales[i] * losses[i](prediction[i], target[i])`. Weights and `reduce` go to each.

    Shapes
        prediction, target   tuples of what the losses take
    Errors
        ValueError   not as many scales as losses
        ShapeError   prediction or target is no such tuple; `reduce="none"` of losses whose terms have different shapes
    Pullback
        dprediction, dtarget: the tuples of the cotangents of the losses, times their scales
    Source: the linearity of the derivative.

    >>> both = joint(squared_error, softmax_cross_entropy, scales=(1.0, 0.5))
    >>> round(both((np.array([[2.0]]), np.zeros((1, 2))), (np.array([[1.0]]), np.array([0]))), 4)
    1.3466
    """
    given = (1.0,) * len(losses) if scales is None else scales
    if len(given) != len(losses):
        raise ValueError(f"joint takes a scale for each loss, got {len(given)} scales for {len(losses)} losses")
    for i, part in enumerate(losses):
        if not isinstance(part, Loss):
            raise TypeError(f"joint takes losses, argument {i} is {type(part).__name__}")
    return Loss(
        terms=None, record=Record(__name__, "joint", joint, losses, {} if scales is None else {"scales": scales}),
        reduce=None, options={}, parts=tuple(zip(given, losses, strict=True)), __doc__=joint.__doc__,
        __name__="joint", __qualname__="joint", __module__=__name__,
    )  # fmt: skip


def _jointly(
    parts: tuple[tuple[float, Loss[Any, Any]], ...], prediction: Any, target: Any, weights: Any, reduce: str | None
) -> tuple[Any, Callable[[Any], tuple[Any, Any]]]:
    for name, value in (("prediction", prediction), ("target", target)):
        if not is_tuple(value) or len(value) != len(parts):
            raise ShapeError(f"this joint loss takes a {name} that is a tuple of {len(parts)}, got {_described(value)}")
    done = [
        (scale, *part.rule(p, t, weights, reduce))
        for (scale, part), p, t in zip(parts, prediction, target, strict=True)
    ]
    if reduce == "none" and len({v.shape for _, v, _ in done}) > 1:
        shapes = ", ".join(display(v.shape) for _, v, _ in done)
        raise ShapeError(f"the terms of these losses have different shapes, {shapes}; take the losses one by one")

    def pullback(d: Any) -> tuple[Any, Any]:
        pairs = [pull(d * scale) for scale, _, pull in done]
        return tuple(force(p) for p, _ in pairs), Later(lambda: tuple(force(t) for _, t in pairs))

    return sum(scale * value for scale, value, _ in done), pullback


# reductions -----------------------------------------------------------------------------------------------------------
def _weighted(
    terms: Any, back: Callable[[Any], tuple[Any, Any]], weights: Any, how: str | None
) -> tuple[Any, Callable[[Any], tuple[Any, Any]]]:
    w = convert(weights, "features", terms.dtype, "weights")
    if w.shape != terms.shape[: w.ndim] or (w.ndim == 0 and terms.ndim):
        raise ShapeError(
            f"weights must have the shape of the leading axes of the terms, {display(terms.shape)}, "
            f"got {display(w.shape)}"
        )
    each = w.reshape(w.shape + (1,) * (terms.ndim - w.ndim))
    if how == "none":
        return terms * each, lambda d: back(d * each)
    n: Any = 1
    if how == "mean":
        n = np.add.reduce(w, None).item() * prod(terms.shape[w.ndim :])
    elif how == "batch":
        n = np.add.reduce(w, None).item() if w.ndim == 1 else _rows(terms)
    if not n.real > 0:
        raise ShapeError(_empty(terms) if not terms.size else f"empty batch: the weights sum to {n}, their sum divides")
    value = np.add.reduce(terms * each, None).item() / n
    return value, lambda d: back(np.broadcast_to(each * (d / n), terms.shape))


def _rows(terms: Any) -> int:
    return int(terms.shape[0]) if terms.ndim else 1


def _empty(terms: Any) -> str:
    return f"empty batch: there is no mean of terms of shape {display(terms.shape)}; leave empty batches out"


def _real(prediction: Any) -> Any:
    """A prediction as people give it: floating-point, never complex."""
    if type(prediction) is np.ndarray and prediction.dtype.kind == "f" and prediction.dtype.isnative:
        return cast(Any, prediction)
    if is_tuple(prediction):
        return tuple(map(_real, prediction))
    found: Any = getattr(prediction, "dtype", None)
    dtype = found.newbyteorder("=") if getattr(found, "kind", "") == "f" else np.dtype(np.float32)
    return convert(prediction, "features", dtype, "the prediction")


def _described(value: object) -> str:
    if is_tuple(value):
        return f"a tuple of {len(value)}"
    shape = getattr(value, "shape", None)
    return type(value).__name__ if shape is None else f"one array of shape {display(shape)}"
