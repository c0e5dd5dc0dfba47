"""Combinators: layers side by side, and around each other."""

from __future__ import annotations

from collections.abc import Callable
from itertools import repeat
from typing import Any, overload

from funcnn.calculus import Later
from funcnn.combinators.fans import add, agreed
from funcnn.inputs import Kind, part, unify
from funcnn.kernels.elements import total
from funcnn.keys import Key
from funcnn.layers.reshaping import Identity
from funcnn.networks import Child, Combined, Go, Layer, is_layer, layer
from funcnn.networks.by_parts import apart_if
from funcnn.pulling import Pulling
from funcnn.shapes import branches
from funcnn.types import T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, Array, Shape, Tree


# One overload per arity; from seven on the branches are alike, so that the tail does not overlap the others.
# fmt: off
@overload
def parallel(l0: Layer[T0, T1], /) -> Layer[tuple[T0], tuple[T1]]: ...
@overload
def parallel(l0: Layer[T0, T1], l1: Layer[T2, T3], /) -> Layer[tuple[T0, T2], tuple[T1, T3]]: ...
@overload
def parallel(l0: Layer[T0, T1], l1: Layer[T2, T3], l2: Layer[T4, T5], /) -> Layer[tuple[T0, T2, T4], tuple[T1, T3, T5]]: ...
@overload
def parallel(l0: Layer[T0, T1], l1: Layer[T2, T3], l2: Layer[T4, T5], l3: Layer[T6, T7], /) -> Layer[tuple[T0, T2, T4, T6], tuple[T1, T3, T5, T7]]: ...
@overload
def parallel(l0: Layer[T0, T1], l1: Layer[T2, T3], l2: Layer[T4, T5], l3: Layer[T6, T7], l4: Layer[T8, T9], /) -> Layer[tuple[T0, T2, T4, T6, T8], tuple[T1, T3, T5, T7, T9]]: ...
@overload
def parallel(l0: Layer[T0, T1], l1: Layer[T2, T3], l2: Layer[T4, T5], l3: Layer[T6, T7], l4: Layer[T8, T9], l5: Layer[T10, T11], /) -> Layer[tuple[T0, T2, T4, T6, T8, T10], tuple[T1, T3, T5, T7, T9, T11]]: ...
@overload
def parallel(l0: Layer[T0, T1], l1: Layer[T0, T1], l2: Layer[T0, T1], l3: Layer[T0, T1], l4: Layer[T0, T1], l5: Layer[T0, T1], l6: Layer[T0, T1], /, *rest: Layer[T0, T1]) -> Layer[tuple[T0, ...], tuple[T1, ...]]: ...
# fmt: on
@layer
def parallel(*layers: Layer[Any, Any]) -> Layer[Any, Any]:
    """Layers side by side: `parallel(f, g).apply(p, (a, b)) = (f.apply(p_f, a), g.apply(p_g, b))`.

    Shapes
        x, y    tuples with an item for every layer
        params  a subtree for every layer that has params, by its name
    Errors
        TypeError    an argument is no layer
        ValueError   there is none, or two have the same name
        ShapeError   x is no tuple of as many arrays; or from the layer that does not fit, with its path
    Pullback
        each layer's own, on its own item
    Source: stax's combinator; the law that it is a functor is Mac Lane, Categories for the Working Mathematician
    (1998), section VII.1.

    >>> serial(FanOut(2), parallel(Dense(3), Dense(4))).out_shape((-1, 5))
    ((-1, 3), (-1, 4))
    """
    if not layers:
        raise ValueError("parallel takes at least one layer")

    def build(*children: Child) -> Combined:
        def meets(shape: Shape, go: Go) -> Shape:
            return tuple(map(go, children, branches("parallel", shape, len(children))))

        def takes(out: Kind) -> Kind:
            return {i: child.takes(part(out, i)) for i, child in enumerate(children)}

        def value(params: Tree, x: Any, rng: Key | None = None) -> Any:
            return tuple(map(Child.value, children, repeat(params), x, repeat(rng)))

        def rule(params: Tree, x: Any, rng: Key | None = None) -> tuple[Any, Callable[[Any], Any]]:
            y, pulls = zip(*map(Child.pull, children, repeat(params), x, repeat(rng)), strict=True)

            def back(dy: Any, last: bool) -> tuple[Tree, Any]:
                grads: dict[str, Any] = {}
                dxs: list[Any] = []
                for child, pull, d in zip(children, pulls, dy, strict=True):
                    dparams, dx = pull.run(d, last)
                    grads |= child.grads(dparams)
                    dxs.append(dx)
                return grads, Later(_tuple_of, *dxs)

            return y, Pulling(back)

        return Combined(meets, rule, value, takes)

    return Layer.over(layers, build, where="parallel")


def _tuple_of(*cotangents: Any) -> tuple[Any, ...]:
    return cotangents


@overload
def residual(f: Layer[Array, Array], /) -> Layer[Array, Array]: ...
@overload
def residual(f: Layer[T0, Array], shortcut: Layer[T0, Array], /) -> Layer[T0, Array]: ...
@layer
def residual(f: Layer[Any, Any], shortcut: Layer[Any, Any] = Identity, /) -> Layer[Any, Any]:
    """A layer and a way around it, `y = f(x) + shortcut(x)`.

    The law: it is `serial(FanOut(2), parallel(f, shortcut), FanInSum)`, with shorter paths.

    Shapes
        x       what f and the shortcut take
        params  subtrees of f and of the shortcut, by their names
        y       what both give
    Errors
        TypeError    an argument is no layer
        ShapeError   f and the shortcut give different shapes
    Pullback
        dx = f's pullback of dy + the shortcut's pullback of dy
    Source: He, Zhang, Ren & Sun, Deep Residual Learning for Image Recognition (2016), equations 1 and 2.

    >>> residual(serial(Dense(8), Relu, Dense(4))).out_shape((-1, 4))
    (-1, 4)
    """

    def build(inner: Child, around: Child | None = None) -> Combined:
        def meets(shape: Shape, go: Go) -> Shape:
            fix = "give f its input's shape, or a shortcut that changes it too"
            return agreed("residual adds", (go(inner, shape), go(around, shape) if around else shape), fix)

        def takes(out: Kind) -> Kind:
            return unify(inner.takes("features"), around.takes("features") if around else "features")

        def value(params: Tree, x: Any, rng: Key | None = None) -> Any:
            return total(inner.value(params, x, rng), around.value(params, x, rng) if around else x)

        def rule(params: Tree, x: Any, rng: Key | None = None) -> tuple[Any, Callable[[Any], Any]]:
            y, pull = inner.pull(params, x, rng)
            z, pull_around = around.pull(params, x, rng) if around else (x, None)

            def back(dy: Any, last: bool) -> tuple[Tree, Any]:
                dp, dx = pull.run(dy, last)
                grads = inner.grads(dp)
                if around and pull_around:
                    dq, dz = pull_around.run(dy, last)
                    grads |= around.grads(dq)
                else:
                    dz = dy
                return grads, Later(add, dx, dz)

            return total(y, z), Pulling(back)

        return Combined(meets, apart_if(rule, [child for child in (inner, around) if child]), value, takes)

    return Layer.over((f,) if is_layer(shortcut) and shortcut == Identity else (f, shortcut), build, where="residual")
