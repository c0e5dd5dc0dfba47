"""Second derivatives by the input as layers with pullbacks of their own, so that they can stand inside losses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from funcnn.calculus import Later, force
from funcnn.derivatives.curving import curved, moves
from funcnn.derivatives.jets import Jet, series
from funcnn.derivatives.layers import refuse_other
from funcnn.derivatives.stepping import analytic, ordered
from funcnn.errors import NotAnalyticError
from funcnn.inputs import Kind, part, unify
from funcnn.keys import Key
from funcnn.nested import mapped
from funcnn.networks import Child, Combined, Go, Layer, layer
from funcnn.shapes import axes, branches
from funcnn.types import Array, Shape, Tree

X = TypeVar("X")
Y = TypeVar("Y")


@layer
def second_tangent(f: Layer[X, Y], /) -> Layer[tuple[X, X], tuple[Y, Y, Y]]:
    """The value of f with two derivatives along a direction, `(x, v) -> (u, u_v, u_vv)`, a layer with f's params.

    `u = f(x)`, `u_v = d/ds f(x + s v)` and `u_vv = d^2/ds^2 f(x + s v)` at s = 0: what the loss of a physics-informed
    net is made of. Every rule runs on jets, arrays of polynomials in s, and so does every pullback: exact to rounding,
    with no step to choose, for six to nine gradients. Convolutions and `Upsample`, which are polynomials in s and write
    into memory of their own, are taken at points of a circle instead, as exact. So are layers that are not the
    library's own: 1e-13 of the largest entry, see `funcnn.derivatives.circles`. At a kink it is the derivative of the
    piece that the rule takes; Relu's second derivative is zero.

    Jets do not nest; but a complex step goes through them, and so `tangent`, `jvp` and `hvp` do, where no circle is
    needed.

    Shapes
        x, v     what f takes, twice
        params   those of f
        y        f's value, three times
    Errors
        TypeError          f is no layer
        ShapeError         v has another shape than x; or from f
        NotAnalyticError   a layer in f that is not the library's own loses imaginary parts; f is made of derivatives
                           itself: they do not nest
    Pullback of (a, b, c), with `p(s) = 2 c + b s + a s^2` pulled back by f's pullback at x + s v
        dparams, dx = its coefficients of s^2      dv = its coefficient of s
    Source: Griewank & Walther, Evaluating Derivatives (2008), section 13.2; Bettencourt, Johnson & Duvenaud,
    Taylor-Mode Automatic Differentiation for Higher-Order Derivatives in JAX (2019).

    >>> net = second_tangent(serial(Dense(3), Tanh, Dense(1)))
    >>> net.out_shape(((-1, 2), (-1, 2)))
    ((-1, 1), (-1, 1), (-1, 1))
    >>> second_tangent(Square).apply({}, (np.array([3.0]), np.array([1.0])))
    (array([9.]), array([6.]), array([2.]))
    """

    def build(child: Child) -> Combined:
        run = _Along("second_tangent", child)

        def meets(shape: Shape, go: Go) -> Shape:
            x, v = branches("second_tangent", shape, 2)
            refuse_other("second_tangent", x, v)
            return (go(child, x),) * 3

        def takes(out: Kind) -> Kind:
            inner = child.takes(unify(*(part(out, i) for i in range(3))))
            return {0: inner, 1: "any" if inner != "features" else "features"}

        def value(params: Tree, xv: Any, rng: Key | None = None) -> Any:
            x, v = xv
            return run.value(params, x, v, rng)

        def rule(params: Tree, xv: Any, rng: Key | None = None) -> tuple[Any, Callable[[Any], Any]]:
            x, v = xv
            y, back = run.rule(params, x, v, rng)

            def pullback(dy: Any) -> tuple[Tree, Any]:
                a, b, c = dy
                grads, dx = back(a, b, c)

                def of_inputs() -> tuple[Any, Any]:
                    jets = force(dx)
                    return _cotangent(x, x, jets, 2), _cotangent(x, v, jets, 1)

                return grads, Later(of_inputs)

            return y, pullback

        return Combined(meets, rule, value, takes)

    return Layer.over((f,), build, where="second_tangent", transparent=True)


@layer
def laplacian(f: Layer[Array, Array], /) -> Layer[Array, tuple[Array, Array]]:
    """The value of f with its Laplacian, `x -> (u, sum_i d^2 u / dx_i^2)`, a layer with f's params.

    The sum of `second_tangent` along every feature of x, and as exact. Rows are points: what a network that mixes rows
    adds to each other's derivatives is in it.

    Shapes
        x        (batch, n)
        params   those of f
        y        f's value, twice
    Errors
        TypeError          f is no layer
        ShapeError         x has not two axes; or from f
        NotAnalyticError   as for `second_tangent`
    Pullback of (a, c)
        that of `second_tangent` of (a, 0, c), summed over the directions, a but once
    Source: Raissi, Perdikaris & Karniadakis, Physics-Informed Neural Networks (2019), section 3.

    >>> net = laplacian(serial(Square, Dense(1, bias=False)))
    >>> net.apply({"dense_0": {"w": np.ones((2, 1))}}, np.array([[1.0, 2.0]]))
    (array([[5.]]), array([[4.]]))
    """

    def build(child: Child) -> Combined:
        run = _Along("laplacian", child)

        def meets(shape: Shape, go: Go) -> Shape:
            return (go(child, axes("laplacian", shape, exactly=2, like="(batch, n)")),) * 2

        def takes(out: Kind) -> Kind:
            return child.takes(unify(part(out, 0), part(out, 1)))

        def value(params: Tree, x: Any, rng: Key | None = None) -> Any:
            found = [run.value(params, x, v, rng) for v in _units(x)]
            return found[0][0], _added([y[2] for y in found])

        def rule(params: Tree, x: Any, rng: Key | None = None) -> tuple[Any, Callable[[Any], Any]]:
            ys, backs = zip(*[run.rule(params, x, v, rng) for v in _units(x)], strict=True)

            def pullback(dy: Any) -> tuple[Tree, Any]:
                a, c = dy
                zero = mapped(np.zeros_like, a)
                found = [back(zero if i else a, zero, c) for i, back in enumerate(backs)]
                grads = _added([g for g, _ in found])
                return grads, Later(lambda: _added([_cotangent(x, x, force(dx), 2) for _, dx in found]))

            return (ys[0][0], _added([y[2] for y in ys])), pullback

        return Combined(meets, rule, value, takes)

    return Layer.over((f,), build, where="laplacian", transparent=True)


class _Along:
    """A network on jets `x + s v`."""

    def __init__(self, name: str, child: Child) -> None:
        self.name, self.child = name, child

    def start(self, params: Any, x: Any, v: Any, rng: Key | None) -> tuple[Any, Any]:
        """The jets of the input, and the key.

        Errors
            NotAnalyticError   a layer loses imaginary parts, or they are jets already
        """
        if moves(params, x, v):
            raise NotAnalyticError(f"{self.name} is made of derivatives itself, and they do not nest")
        key = (rng,) if self.child.random else ()
        analytic(self.child.definition, params, x, key)
        return mapped(_started, x, v), key

    def value(self, params: Any, x: Any, v: Any, rng: Key | None) -> Any:
        jets, key = self.start(params, x, v, rng)
        return _parts(curved(self.child.definition, self.name).value(params, jets, *key))

    def rule(self, params: Any, x: Any, v: Any, rng: Key | None) -> tuple[Any, Callable[[Any, Any, Any], Any]]:
        """The value with its derivatives, and its pullback, which leaves the jets of dx as they are."""
        jets, key = self.start(params, x, v, rng)
        y, back = curved(self.child.definition, self.name).rule(params, jets, *key)

        def pullback(a: Any, b: Any, c: Any) -> tuple[Any, Any]:
            grads, dx = back(mapped(_pulled, a, b, c))
            return _coefficient(ordered(grads, params), 2), dx

        return _parts(y), pullback


def _started(x: Any, v: Any) -> Any:
    if x.dtype.kind not in "fc":
        return x  # tokens and masks have no direction
    return Jet(x, np.asarray(v, np.result_type(x, v) if v.dtype.kind == "c" else x.dtype), np.zeros_like(x))


def _pulled(a: Any, b: Any, c: Any) -> Jet:
    """The jet that is pulled back: the cotangents of the value and its derivatives, the other way round."""
    return Jet(2 * c, b, a)


def _parts(y: Any) -> tuple[Any, Any, Any]:
    """The value and the two derivatives."""
    return _coefficient(y, 0), _coefficient(y, 1), mapped(lambda a: 2 * a, _coefficient(y, 2))


def _coefficient(tree: Any, k: int) -> Any:
    """The coefficients of `s^k`; of what does not move, and of tokens and masks, 0."""

    def one(a: Any) -> Any:
        if isinstance(a, Jet):
            return np.ascontiguousarray(a.series[k])
        value = series(a)[0]
        return value if k == 0 else np.zeros(value.shape, value.dtype if value.dtype.kind in "fc" else np.float32)

    return mapped(one, tree)


def _cotangent(x: Any, like: Any, dx: Any, k: int) -> Any:
    """Those of a cotangent of x; of what has no direction 0, whatever stands in its place."""

    def one(a: Any, z: Any, d: Any) -> Any:
        if a.dtype.kind in "fc":
            return d
        return np.zeros(z.shape, next((u.dtype for u in (z, d) if u.dtype.kind == "f"), np.dtype(np.float32)))

    return mapped(one, x, like, _coefficient(dx, k))


def _units(x: Array) -> list[Any]:
    """The directions of the features of x, the same for all rows."""
    return [np.broadcast_to(e, x.shape) for e in np.eye(x.shape[-1], dtype=x.real.dtype)]


def _added(trees: Sequence[Any]) -> Any:
    total = trees[0]
    for tree in trees[1:]:
        total = mapped(np.add, total, tree)
    return total
