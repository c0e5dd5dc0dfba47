"""Loss: a differentiable function of prediction and target, out of a rule for its terms."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any, Concatenate, Generic, Literal, TypeAlias, TypeVar, Union, cast, final, overload

import numpy as np

from funcnn.calculus import Later, force
from funcnn.cotangents import cotangent_like, cotangent_of_number, read_only
from funcnn.array_kinds import as_array
from funcnn.errors import brief
from funcnn.foreign.calls import keyword, understood
from funcnn.losses.promises import checked_terms
from funcnn.losses.reductions import Back, Reduce, Weights, product, reduced
from funcnn.losses.targets import real, refuse_truths
from funcnn.promises import ours
from funcnn.records import Origin, Record, known_by_origin, replay
from funcnn.types import Array
from funcnn.values import frozen

Y = TypeVar("Y")
T = TypeVar("T", contravariant=True)
P = TypeVar("P")
Q = TypeVar("Q")

Terms: TypeAlias = tuple[Array, Callable[[Union[Array, float]], tuple[P, object]]]
"""What the rule of a loss returns: a term for every row or element, and `dterms -> (dprediction, dtarget)`, where
`dterms` is an array like the terms, or one number for all of them."""

Counts: TypeAlias = "Callable[..., tuple[Weights | None, Any]]"
"""How much terms count by the options of a loss, and the target that is left."""

Run: TypeAlias = "Callable[[Any, Any, Any, str | None, dict[str, Any]], tuple[Any, Back]]"
"""`(prediction, target, weights, reduce, options) -> (value, pullback)`."""


@final
@known_by_origin
@frozen("losses never change; {name} cannot be set, make another loss with .bind")
class Loss(Generic[Y, T]):
    """A differentiable function of a prediction and a target: one number, the smaller the better. Made with `loss`.

    `reduce` says how the terms become one number: "mean" is the mean of all terms, "sum" their sum, "batch" their sum
    over outputs and the mean of that over rows (the first axis); "none" gives the terms themselves.
    `weights` count as copies. They have the shape of the leading axes of the terms, and a row of weight 2 counts like
    two rows: the weighted mean is `sum(w * terms) / sum(w)`. In "batch", weights of one axis make copies of rows;
    weights of more axes make copies of terms within rows, of which there are as many as before. What has the
    weight 0 counts nothing and gets no gradient, NaN too.

    Errors
        ShapeError   prediction, target and weights do not fit; a mean over nothing, or over weights that sum to 0
        DTypeError   the prediction, the target or the weights are complex, masked, sparse, ...
        TypeError    an option the loss does not have
        ValueError   `reduce` is none of the four
    Pullback, through `vjp(loss, prediction, target)`
        `d -> (dprediction, dtarget)`; the cotangent of labels is zero

    >>> squared_error(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    2.0
    >>> squared_error(np.array([1.0, 2.0]), np.array([1.0, 4.0]), weights=np.array([3.0, 1.0]))
    1.0
    >>> squared_error.bind(reduce="sum")
    squared_error.bind(reduce='sum')
    """

    # No __slots__: every loss has a docstring of its own.
    run: Run
    record: Record
    default: Reduce | None  # where nothing is bound; None leaves it to the parts
    names: tuple[str, ...]  # of the keyword options
    parts: tuple[tuple[float, Loss[Any, Any]], ...]  # scales and losses of a joint loss
    bound: dict[str, Any]
    reduce: Reduce | None
    options: dict[str, Any]

    def __init__(
        self,
        run: Run,
        record: Record,
        default: Reduce | None,
        names: tuple[str, ...] = (),
        parts: tuple[tuple[float, Loss[Any, Any]], ...] = (),
        bound: dict[str, Any] | None = None,
        wrapped: Callable[..., Any] | None = None,
    ) -> None:
        fixed = bound or {}
        vars(self).update(run=run, record=record, default=default, names=names, parts=parts, bound=fixed)
        vars(self).update(reduce=fixed.get("reduce", default))
        vars(self).update(options={name: value for name, value in fixed.items() if name != "reduce"})
        if wrapped is not None:
            found = {name: getattr(wrapped, name) for name in ("__doc__", "__name__", "__qualname__", "__module__")}
            vars(self).update(found, __wrapped__=wrapped)

    @overload
    def __call__(
        self, prediction: Y, target: T, *, weights: Weights | None = None, reduce: Reduce = ..., **options: object
    ) -> float: ...
    @overload
    def __call__(
        self, prediction: Y, target: T, *, weights: Weights | None = None, reduce: Literal["none"], **options: object
    ) -> Array: ...
    @understood
    def __call__(
        self,
        prediction: Y,
        target: T,
        *,
        weights: Weights | None = None,
        reduce: Reduce | Literal["none"] | None = None,
        **options: object,
    ) -> float | Array:
        self._check(reduce, options)
        value, _ = self.rule(real(prediction), target, weights, reduce, options)
        return cast("float | Array", read_only(value) if reduce == "none" else value)

    @overload
    def pull(
        self, prediction: Y, target: T, *, weights: Weights | None = None, reduce: Reduce = ..., **options: object
    ) -> tuple[float, Callable[[float], tuple[Y, T]]]: ...
    @overload
    def pull(
        self, prediction: Y, target: T, *, weights: Weights | None = None, reduce: Literal["none"], **options: object
    ) -> tuple[Array, Callable[[Array], tuple[Y, T]]]: ...
    def pull(
        self,
        prediction: Y,
        target: T,
        *,
        weights: Weights | None = None,
        reduce: Reduce | Literal["none"] | None = None,
        **options: object,
    ) -> Any:
        """The value and the pullback; what `vjp(loss, prediction, target)` calls."""
        self._check(reduce, options)
        value, back = self.rule(real(prediction), target, weights, reduce, options)

        def pullback(d: Any) -> tuple[Any, Any]:
            dvalue = cotangent_like(value, d) if reduce == "none" else cotangent_of_number(d)
            dprediction, dtarget = cast(Back, back)(dvalue)
            return read_only(force(dprediction)), read_only(force(dtarget))

        return (read_only(value) if reduce == "none" else value), pullback

    def bind(self, *, reduce: Reduce | None = None, **options: object) -> Loss[Y, T]:
        """The same loss with its reduction, or keyword options, fixed; calls may still say otherwise.

        Errors
            TypeError    the loss has no such option
            ValueError   `reduce` is not "mean", "sum" or "batch"; "none" belongs in the call

        >>> squared_error.bind(reduce="sum")(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
        8.0
        """
        self._check(reduce, options)
        if cast(object, reduce) == "none":
            raise ValueError(f"{self!r}: reduce='none' gives an array; it belongs in the call, not in bind")
        values = {name: _value(option, name) for name, option in options.items()}
        fixed = {**self.bound, **({} if reduce is None else {"reduce": reduce}), **values}
        wrapped = vars(self).get("__wrapped__")
        return Loss(self.run, self.record, self.default, self.names, self.parts, fixed, wrapped)

    def rule(
        self, prediction: Y, target: T, weights: Weights | None = None, reduce: str | None = None, options: Any = None
    ) -> tuple[Any, Callable[[Any], tuple[Y | Later[Y], T | Later[T]]]]:
        """The value and the pullback for a prediction of arrays, of real or complex numbers."""
        merged = {**self.options, **options} if options else self.options
        return self.run(prediction, target, weights, reduce or self.reduce, merged)

    @property
    def takes_logits(self) -> bool:
        """Does it take logits, and no probabilities? Its rule says so by the name of its first argument, `logits`.

        >>> softmax_cross_entropy.takes_logits, squared_error.bind(reduce="sum").takes_logits
        (True, False)
        """
        rule: Any = vars(self).get("__wrapped__")
        return rule is not None and next(iter(inspect.signature(rule).parameters), "") == "logits"

    def _check(self, reduce: str | None, options: dict[str, object]) -> None:
        if reduce is not None and not (isinstance(reduce, str) and reduce in ("mean", "sum", "batch", "none")):
            raise ValueError(f"reduce must be 'mean', 'sum', 'batch' or 'none', got {brief(reduce)}")
        if options and (unknown := sorted(options.keys() - set(self.names))):
            has = ", ".join((*self.names, "reduce"))
            meant = "".join(f"; {said}" for name in unknown if (said := keyword(name, "losses")))
            raise TypeError(f"{self!r} has no option {', '.join(unknown)}{meant}; it has {has}")

    @property
    def origin(self) -> Origin:
        """What it prints and compares as: the call or the rule that made it, and what is bound."""
        shown = ", ".join(f"{name}={value!r}" for name, value in self.bound.items())
        key = tuple(sorted(self.bound.items())), vars(self).get("__wrapped__")
        return Origin(self.record, key=key, suffix=f".bind({shown})" if shown else "")

    def __reduce__(self) -> tuple[Any, ...]:
        rule = vars(self).get("__wrapped__")
        found = self.record if rule is None else getattr(sys.modules.get(self.record.module), self.record.name, None)
        if rule is not None and found is rule:  # `hinge = loss(_hinge)`: the name is that of the rule
            return replay, (Record(__name__, "loss", _made, (rule, self.default)), "", self.bound)
        if rule is not None and not (isinstance(found, Loss) and vars(found).get("__wrapped__") is rule):
            raise TypeError(
                f"{self!r} cannot be pickled: define it at the top level of a module, under the name of its rule"
            )
        return replay, (self.record, "", self.bound)


def _value(option: object, name: str) -> object:
    """An option as it is kept: arrays become tuples, which compare and hash."""
    return _tupled(as_array(option, name).tolist()) if issubclass(type(option), (list, np.ndarray)) else option


def _tupled(value: object) -> object:
    return tuple(map(_tupled, cast("list[object]", value))) if isinstance(value, list) else value


@overload
def loss(rule: Callable[Concatenate[P, Q, ...], Terms[P]], /) -> Loss[P, Q]: ...
@overload
def loss(
    *, reduce: Reduce = ..., counts: Counts | None = None
) -> Callable[[Callable[Concatenate[P, Q, ...], Terms[P]]], Loss[P, Q]]: ...
def loss(
    rule: Callable[..., Any] | None = None, /, *, reduce: Reduce = "mean", counts: Counts | None = None
) -> Any:
    """Make a rule `(prediction, target, **options) -> (terms, pullback)` into a loss, with weights and reductions.

    Floating-point targets come in the dtype of the prediction, integers as they are. The terms and `dprediction` have
    that dtype, and what has not is refused under the name of the loss. The rule checks that prediction and target fit,
    first thing. Its pullback takes the cotangent of the terms, an array like them or one number for all, and returns
    `(dprediction, dtarget)`: fresh arrays, of which `dtarget` may be a `Later`. Options are keyword-only.
    A first argument named `logits` says that the loss takes no probabilities. `@loss(reduce="sum")` sets what is done
    where no `reduce` is given. `counts(prediction, target, **options)` may say how much each term counts, and what the
    target is then: `(weights or None, target)`; the caller's weights multiply these.

    >>> @loss
    ... def product(prediction: Array, target: Array) -> Terms[Array]:
    ...     return prediction * target, lambda d: (d * target, Later(lambda: d * prediction))
    >>> product(np.array([1.0, 2.0]), np.array([3.0, 5.0]))
    6.5
    """
    return functools.partial(_made, reduce=reduce, counts=counts) if rule is None else _made(rule, reduce, counts)


def _made(rule: Callable[..., Any], reduce: Reduce, counts: Counts | None = None) -> Loss[Any, Any]:
    if not callable(rule) or not hasattr(rule, "__qualname__"):
        raise TypeError(f"loss takes a rule (prediction, target) -> (terms, pullback), got {brief(rule)}")
    parameters = inspect.signature(rule).parameters.values()
    names = tuple(p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY)
    record = Record(rule.__module__, rule.__qualname__)
    run = functools.partial(_run, rule if ours(rule) else checked_terms(rule), counts)
    return Loss(run, record, reduce, names, wrapped=rule)


def _run(
    rule: Callable[..., Any],
    counts: Counts | None,
    prediction: Any,
    target: Any,
    weights: Any,
    how: str | None,
    options: Any,
) -> Any:
    return reduced(*_terms(rule, counts, prediction, target, weights, options), how)


def _terms(
    rule: Callable[..., Any], counts: Counts | None, prediction: Any, target: Any, weights: Any, options: Any
) -> tuple[Any, Back, Any]:
    """The terms, their pullback, and how much they count by the caller and by the loss itself."""
    if prediction.__class__ is not np.ndarray or prediction.dtype.kind not in "fc":
        refuse_truths(rule, prediction)
    if counts is not None and options:
        own, target = counts(prediction, target, **options)
        weights = weights if own is None else own if weights is None else product(weights, own)
    terms, back = rule(prediction, target, **options)
    return terms, back, weights


def terms_of(loss: Loss[Any, Any]) -> Callable[..., tuple[Any, Back, Any]] | None:
    """`(prediction, target, weights, options) -> (terms, pullback, weights)` of a loss that was made of a rule."""
    run: Any = loss.run
    return functools.partial(_terms, *run.args) if isinstance(run, functools.partial) and run.func is _run else None
