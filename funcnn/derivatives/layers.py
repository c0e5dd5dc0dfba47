"""Derivatives by the input as layers with pullbacks of their own, so that they can stand inside losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np

from funcnn.calculus import Later, force
from funcnn.derivatives.stepping import analytic, derivative, moved, ordered, stepped, unit
from funcnn.errors import NotAnalyticError, ShapeError
from funcnn.inputs import Kind, part, unify
from funcnn.keys import Key
from funcnn.nested import arrays, mapped
from funcnn.networks import Child, Combined, Go, Layer, layer
from funcnn.shapes import branches, display, same
from funcnn.types import Shape, Tree, is_tuple

X = TypeVar("X")
Y = TypeVar("Y")


@layer
def tangent(f: Layer[X, Y], /) -> Layer[tuple[X, X], tuple[Y, Y]]:
    """The value of f and its derivative along a direction, `(x, v) -> (f(x), J(x) v)`, a layer with f's params.

    One complex step of f: exact to rounding where f's rules are analytic. At a kink it is the derivative of the piece
    that the rule takes. Tokens and masks in x have no direction; what stands for them in v is not read. Derivatives of
    this kind do not nest, for there is one imaginary unit: `tangent(tangent(f))` is refused.

    Shapes
        x, v     what f takes, twice
        params   those of f
        y        f's value, twice
    Errors
        TypeError          f is no layer, or is made of a tangent or an input gradient itself
        ShapeError         v has another shape than x; or from f
        NotAnalyticError   a layer in f that is not the library's own loses imaginary parts
    Pullback of (a, b)
        dparams = f's pullback of a, plus the derivative along v of f's pullback of b
        dx the same, and dv = f's pullback of b
    Source: Pearlmutter, Fast Exact Multiplication by the Hessian (1994); complex steps: Squire & Trapp (1998).

    >>> net = tangent(serial(Dense(3), Tanh))
    >>> net.out_shape(((-1, 2), (-1, 2)))
    ((-1, 3), (-1, 3))
    """

    def build(child: Child) -> Combined:
        definition, run = child.definition, _Run("tangent", child)

        def meets(shape: Shape, go: Go) -> Shape:
            x, v = branches("tangent", shape, 2)
            refuse_other("tangent", x, v)
            y = go(child, x)
            return (y, y)

        def takes(out: Kind) -> Kind:
            inner = child.takes(unify(part(out, 0), part(out, 1)))
            return {0: inner, 1: "any" if inner != "features" else "features"}

        def value(params: Tree, xv: Any, rng: Key | None = None) -> Any:
            x, v = xv
            run.real(params, x, v)
            key = run.ready(params, x, rng)
            by = unit(v)
            stepped_ = definition.value(params, moved(x, v, by), *key)
            y = mapped(lambda a: np.ascontiguousarray(a.real) if a.dtype.kind == "c" else a, stepped_)
            return y, derivative(stepped_, y, by)

        def rule(params: Tree, xv: Any, rng: Key | None = None) -> tuple[Any, Callable[[Any], Any]]:
            x, v = xv
            key = run.key(rng)

            def pullback(dy: Any) -> tuple[Tree, Any]:
                run.real(dy)
                a, b = dy
                back = definition.rule(params, x, *key)[1]
                grads, dx = back(a)
                more, dmore = stepped(definition, params, x, None, v, b, key)
                total = mapped(np.add, ordered(grads, params), more)
                return total, Later(lambda: (mapped(np.add, force(dx), dmore), force(back(b)[1])))

            return value(params, xv, rng), pullback

        return Combined(meets, rule, value, takes)

    return Layer.over((f,), build, where="tangent", transparent=True)


@layer
def input_gradient(f: Layer[X, Y], /) -> Layer[X, X]:
    """The gradient by the input, `x -> df/dx`, of a layer with one number a row; a layer with f's params.

    Its pullback is one complex step of f's: exact to rounding where f's rules are analytic. At a kink it is that of the
    piece the rule takes. So gradient penalties and forces from energies stand inside losses. Derivatives of this kind
    do not nest, for there is one imaginary unit.

    Shapes
        x        what f takes
        params   those of f
        y        like x; zeros for tokens and masks
    Errors
        TypeError          f is no layer, or is made of a tangent or an input gradient itself
        ShapeError         f gives more than one number a row; or from f
        NotAnalyticError   a layer in f that is not the library's own loses imaginary parts
    Pullback of w
        dparams, dx = the derivative along w of f's pullback of ones
    Source: Gulrajani et al., Improved Training of Wasserstein GANs (2017), section 4; complex steps: Squire & Trapp,
    Using Complex Variables to Estimate Derivatives of Real Functions (1998).

    >>> force_of = input_gradient(serial(Dense(3), Tanh, Dense(1)))
    >>> force_of.out_shape((-1, 2))
    (-1, 2)
    """

    def build(child: Child) -> Combined:
        definition, run = child.definition, _Run("input_gradient", child)

        def meets(shape: Shape, go: Go) -> Shape:
            out = go(child, shape)
            if not out or is_tuple(out[0]) or not (len(out) == 1 or _is_column(out)):
                raise ShapeError(
                    f"input_gradient takes a layer with one number a row, (batch,) or (batch, 1), got {display(out)}; "
                    f"for more of them see tangent and jacobian"
                )
            return shape

        def value(params: Tree, x: Any, rng: Key | None = None) -> Any:
            y, back = definition.rule(params, x, *run.ready(params, x, rng))
            return force(back(np.ones_like(y))[1])

        def rule(params: Tree, x: Any, rng: Key | None = None) -> tuple[Any, Callable[[Any], Any]]:
            key = run.ready(params, x, rng)
            y, back = definition.rule(params, x, *key)
            one = np.ones_like(y)

            def pullback(w: Any) -> tuple[Tree, Any]:
                run.real(params, x, w)
                return stepped(definition, params, x, None, w, one, key)

            return force(back(one)[1]), pullback

        def takes(out: Kind) -> Kind:
            del out  # what comes out is like what goes in, and it is the child that knows
            return child.takes("features")

        return Combined(meets, rule, value, takes)

    return Layer.over((f,), build, where="input_gradient", transparent=True)


class _Run:
    """What both need of the layer they are made of."""

    def __init__(self, name: str, child: Child) -> None:
        self.name, self.child = name, child

    def key(self, rng: Key | None) -> tuple[Any, ...]:
        return (rng,) if self.child.random else ()

    def ready(self, params: Any, x: Any, rng: Key | None) -> tuple[Any, ...]:
        """The key; once it is known that nothing loses imaginary parts."""
        key = self.key(rng)
        analytic(self.child.definition, params, x, key)
        return key

    def real(self, *values: Any) -> None:
        """Refuse numbers that are stepped already.

        Errors
            NotAnalyticError   one is complex
        """
        if any(a.dtype.kind == "c" for a in arrays(values)):
            raise NotAnalyticError(
                f"{self.name} takes a complex step itself, and there is one imaginary unit: derivatives of it go by "
                f"its pullback, once, see vjp; jvp, hvp and other derivative layers cannot go through it"
            )


def _is_column(out: Any) -> bool:
    return len(out) == 2 and same(cast(int, out[1]), 1)


def refuse_other(name: str, x: Shape, v: Shape) -> None:
    if not _alike(x, v):
        raise ShapeError(f"{name} takes (x, v), a direction of the shape of x, {display(x)}, got {display(v)}")


def _alike(x: Any, v: Any) -> bool:
    if is_tuple(x) and is_tuple(v):
        return len(x) == len(v) and all(_alike(a, b) for a, b in zip(x, v, strict=True))
    return not is_tuple(x) and not is_tuple(v) and same(cast(int, x), cast(int, v))
