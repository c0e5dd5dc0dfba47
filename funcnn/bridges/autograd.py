"""Pullbacks derived by Autograd (HIPS): functions written with `autograd.numpy`. Needs the extra `autograd`."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from typing import Any, Concatenate, Final, TypeVar, overload

import numpy as np

from funcnn.bridges.derived import Check, Derived, DerivedRule, fitting
from funcnn.bridges.extras import needed
from funcnn.keys import Key
from funcnn.losses.definition import Loss, loss
from funcnn.nested import arrays, mapped
from funcnn.types import Tree, is_tuple

__all__ = ["derive", "derive_loss"]

X = TypeVar("X")
Y = TypeVar("Y")
P = TypeVar("P")
T = TypeVar("T")

_TRACING: Final = RLock()  # Autograd numbers its traces by one counter, which threads would confuse


@overload
def derive(f: Callable[[Tree, X], Y]) -> DerivedRule[X, Y]: ...
@overload
def derive(f: Callable[[Tree, X, Key | None], Y]) -> DerivedRule[X, Y]: ...
def derive(f: Callable[..., Any]) -> Any:
    """The rule of a layer out of its value alone: Autograd derives the pullback.

    `f(params, x)` is written with `autograd.numpy`; params are a dict of arrays, nested as the spec is, `x` an array or
    a tuple, and so is what it returns. Tokens and masks come as they are, and their cotangent is zero. With a third
    parameter named `rng` it gets the key of a training pass, or None. Autograd keeps float32, float64 and complex
    numbers, so that `jvp` and `hvp` are exact through what is analytic.

    Errors
        MissingExtraError   Autograd is not installed
        TypeError           it is no function
        DTypeError          from a call: the function returned something else than arrays
    Pullback
        `dy -> (dparams, dx)`, by the tape of Autograd, which is walked once a call
    Source: Maclaurin, Modeling, Inference and Optimization with Composable Differentiable Procedures (2016), chapter 4.

    >>> import autograd.numpy as anp
    >>> from funcnn.bridges.autograd import derive
    >>> from funcnn.initializers import ones
    >>> def swish(params, x):
    ...     return x / (1 + anp.exp(-params["slope"] * x))
    >>> net = Layer.of(lambda shape: shape, lambda shape: {"slope": (ones, shape[-1:])}, derive(swish))
    >>> _, params = net.init(0, (-1, 2), dtype=np.float64)
    >>> y, pullback = vjp(net.apply, params, np.array([[0.0, 2.0]]))
    >>> y.round(3), pullback(np.ones((1, 2)))[1].round(3)
    (array([[0.   , 1.762]]), array([[0.5  , 1.091]]))
    """
    return _derived(f, derive)


def derive_loss(f: Callable[Concatenate[P, T, ...], object]) -> Loss[P, T]:
    """A loss out of its value alone: `f(prediction, target, **options)`, written with `autograd.numpy`.

    What it returns are the terms, one for every row or element, which weights and `reduce` then make one number of; a
    function that returns one number is a loss of a single term, which takes no weights. Options are keyword-only.

    Errors
        as for `derive`

    >>> import autograd.numpy as anp
    >>> from funcnn.bridges.autograd import derive_loss
    >>> @derive_loss
    ... def pseudo_huber(prediction: Array, target: Array, *, width: float = 1.0) -> Array:
    ...     return width**2 * (anp.sqrt(1 + ((prediction - target) / width) ** 2) - 1)
    >>> y, target = np.array([0.0, 3.0]), np.zeros(2)
    >>> pseudo_huber(y, target, width=4.0, weights=np.array([0.0, 1.0]))
    4.0
    >>> vjp(pseudo_huber, y, target, width=4.0, reduce="sum")[1](1.0)[0]
    array([0. , 2.4])
    """
    return loss(_derived(f, derive_loss, fitting))


def _derived(f: Callable[..., Any], make: Callable[..., Any], check: Check | None = None) -> Any:
    tracer: Any = needed("autograd.tracer", "funcnn.bridges.autograd")
    kinds = (np.ndarray, np.generic, tracer.Box)

    def by(rule: Derived, floats: Any, rest: Any, rng: Any, options: Any) -> tuple[Any, Callable[[Any], Any]]:
        return _pulled(lambda own: _plain(rule.run(own, rest, rng, options, kinds), tracer), floats)

    return Derived(f, by, make, "arrays of autograd.numpy", check)


def _pulled(run: Callable[[Any], Any], floats: Any) -> tuple[Any, Callable[[Any], Any]]:
    core: Any = needed("autograd.core", "funcnn.bridges.autograd")
    builtins: Any = needed("autograd.builtins", "funcnn.bridges.autograd")
    tracer: Any = needed("autograd.tracer", "funcnn.bridges.autograd")
    found: list[Any] = []

    def flat(boxes: Any) -> Any:
        """From the leaves alone to the leaves alone: Autograd's own dicts and tuples are not quite Python's."""
        left = iter([boxes[i] for i in range(len(given))])
        result = run(mapped(lambda a: None if a is None else next(left), floats))
        found.append(mapped(lambda part: np.asarray(_value(part, tracer)), result))
        moving = [p for p, y in zip(arrays(result), arrays(found[0]), strict=True) if y.dtype.kind in "fc"]
        found.append(any(isinstance(part, tracer.Box) for part in moving))
        return builtins.tuple(moving) if found[1] else boxes  # it warns of values that depend on nothing

    given = tuple([a for a in arrays(floats) if a is not None])
    with _TRACING:
        walk, _ = core.make_vjp(flat, given) if given else (flat(()), None)
    y, depends = found

    def back(dy: Any) -> Any:
        if not depends:
            return mapped(lambda _: None, floats)
        with np.errstate(over="ignore"):  # the derivative of tanh is one over a large number, and rightly 0 then
            grads = iter(walk(tuple([d for d in arrays(dy) if d is not None])))
        return mapped(lambda a: None if a is None else next(grads), floats)

    return y, back


def _plain(result: Any, tracer: Any) -> Any:
    """Autograd's tuples as Python's."""
    if is_tuple(result) or (isinstance(result, tracer.Box) and is_tuple(_value(result, tracer))):
        return tuple([_plain(result[i], tracer) for i in range(len(result))])
    return result


def _value(part: Any, tracer: Any) -> Any:
    while isinstance(part, tracer.Box):
        part = part._value
    return part
