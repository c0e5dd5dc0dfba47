"""Combinators on the first item of a tuple: masks and memories travel beside it."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, TypeVar, TypeVarTuple, Unpack

from funcnn.calculus import Later
from funcnn.combinators.fans import add
from funcnn.inputs import Kind, part, unify
from funcnn.keys import Key
from funcnn.networks import Child, Combined, Go, Layer, layer
from funcnn.pulling import Pulling
from funcnn.shapes import branches
from funcnn.types import Shape, Tree

A = TypeVar("A")
B = TypeVar("B")
Rest = TypeVarTuple("Rest")


@layer
def keep(f: Layer[tuple[A, Unpack[Rest]], B], /) -> Layer[tuple[A, Unpack[Rest]], tuple[B, Unpack[Rest]]]:
    """The first item of a tuple becomes `f` of the whole tuple, the rest is kept, `(f((x, *rest)), *rest)`.

    Shapes
        x   a tuple that f takes
        y   a tuple of as many
    Errors
        TypeError    the argument is no layer
        ShapeError   x is no tuple; or from f, with its path
    Pullback
        (dx, *drest) = f's pullback of dy_0, the cotangents of the kept items added
    Source: Griewank & Walther, Evaluating Derivatives (2008), section 3.2.

    >>> keep(serial(select(0), Dense(5))).out_shape(((-1, 3), (-1, 2)))
    ((-1, 5), (-1, 2))
    """

    def build(child: Child) -> Combined:
        def meets(shape: Shape, go: Go) -> Shape:
            return (go(child, shape), *branches("keep", shape)[1:])

        def takes(out: Kind) -> Kind:
            inner = child.takes(part(out, 0))
            if not isinstance(out, dict):
                return inner
            return unify(inner, {i: kind for i, kind in out.items() if i})

        return _first_of(child, meets, takes, lambda x: x, _rest_added)

    return Layer.over((f,), build, where="keep")


def _rest_added(dx: Any, dy: Any) -> Any:
    return (dx[0], *(add(d, e) for d, e in zip(dx[1:], dy[1:], strict=True)))


@layer
def first(f: Layer[A, B], /) -> Layer[tuple[A, *tuple[Any, ...]], tuple[B, *tuple[Any, ...]]]:
    """The first item of a tuple becomes `f` of it; the rest passes: `(x, *rest) -> (f(x), *rest)`.

    The law: it is `keep(serial(select(0), f))`, with shorter paths.

    Shapes
        x   a tuple whose first item f takes
        y   a tuple of as many
    Errors
        TypeError    the argument is no layer
        ShapeError   x is no tuple; or from f, with its path
    Pullback
        (dx, *drest) = (f's pullback of dy_0, *dy_rest)
    Source: the `first` of arrows, Hughes, Generalising Monads to Arrows (2000).

    >>> first(Dense(5)).out_shape(((-1, 3), (-1, 2)))
    ((-1, 5), (-1, 2))
    """

    def build(child: Child) -> Combined:
        def meets(shape: Shape, go: Go) -> Shape:
            head, *rest = branches("first", shape)
            return (go(child, head), *rest)

        def takes(out: Kind) -> Kind:
            rest = {i: kind for i, kind in out.items() if i} if isinstance(out, dict) else {}
            return {0: child.takes(part(out, 0)), **rest}

        return _first_of(child, meets, takes, operator.itemgetter(0), _in_front)

    return Layer.over((f,), build, where="first")


def _in_front(dx: Any, dy: Any) -> Any:
    return (dx, *dy[1:])


def _first_of(
    child: Child,
    meets: Callable[[Shape, Go], Shape],
    takes: Callable[[Kind], Kind],
    given: Callable[[Any], Any],
    back: Callable[[Any, Any], Any],
) -> Combined:
    """The first item becomes what the child makes of `given(x)`; `back(dx, dy)` is the cotangent of the whole tuple."""

    def value(params: Tree, x: Any, rng: Key | None = None) -> Any:
        return (child.value(params, given(x), rng), *x[1:])

    def rule(params: Tree, x: Any, rng: Key | None = None) -> tuple[Any, Callable[[Any], Any]]:
        y, pull = child.pull(params, given(x), rng)

        def run(dy: Any, last: bool) -> tuple[Tree, Any]:
            dparams, dx = pull.run(dy[0], last)
            return child.grads(dparams), Later(back, dx, dy)

        return (y, *x[1:]), Pulling(run)

    return Combined(meets, rule, value, takes)
