"""The fold behind `serial` and `>>`: layers in a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, Union, overload

from funcnn.calculus import Later, force
from funcnn.children import make_children
from funcnn.doors import Kind
from funcnn.errors import locate
from funcnn.keys import Key
from funcnn.networks import EMPTY, Layer, layer
from funcnn.types import Array, Shape, Spec, Tree

if TYPE_CHECKING:
    from typing_extensions import TypeVar as DefaultTypeVar

    Same = DefaultTypeVar("Same", default=Array)
else:
    Same = TypeVar("Same")

T0 = TypeVar("T0")
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")
T5 = TypeVar("T5")
T6 = TypeVar("T6")
T7 = TypeVar("T7")
T8 = TypeVar("T8")
T9 = TypeVar("T9")
T10 = TypeVar("T10")
T11 = TypeVar("T11")
T12 = TypeVar("T12")


# One overload per arity; the tail beyond them is gradual, because a shorter catch-all would accept wrong networks.
# fmt: off
@overload
def serial() -> Layer[Same, Same]: ...
@overload
def serial(l0: Layer[T0, T1], /) -> Layer[T0, T1]: ...
@overload
def serial(l0: Layer[T0, T1], l1: Layer[T1, T2], /) -> Layer[T0, T2]: ...
@overload
def serial(l0: Layer[T0, T1], l1: Layer[T1, T2], l2: Layer[T2, T3], /) -> Layer[T0, T3]: ...
@overload
def serial(l0: Layer[T0, T1], l1: Layer[T1, T2], l2: Layer[T2, T3], l3: Layer[T3, T4], /) -> Layer[T0, T4]: ...
@overload
def serial(l0: Layer[T0, T1], l1: Layer[T1, T2], l2: Layer[T2, T3], l3: Layer[T3, T4], l4: Layer[T4, T5], /) -> Layer[T0, T5]: ...
@overload
def serial(l0: Layer[T0, T1], l1: Layer[T1, T2], l2: Layer[T2, T3], l3: Layer[T3, T4], l4: Layer[T4, T5], l5: Layer[T5, T6], /) -> Layer[T0, T6]: ...
@overload
def serial(l0: Layer[T0, T1], l1: Layer[T1, T2], l2: Layer[T2, T3], l3: Layer[T3, T4], l4: Layer[T4, T5], l5: Layer[T5, T6], l6: Layer[T6, T7], /) -> Layer[T0, T7]: ...
@overload
def serial(l0: Layer[T0, T1], l1: Layer[T1, T2], l2: Layer[T2, T3], l3: Layer[T3, T4], l4: Layer[T4, T5], l5: Layer[T5, T6], l6: Layer[T6, T7], l7: Layer[T7, T8], /) -> Layer[T0, T8]: ...
@overload
def serial(l0: Layer[T0, T1], l1: Layer[T1, T2], l2: Layer[T2, T3], l3: Layer[T3, T4], l4: Layer[T4, T5], l5: Layer[T5, T6], l6: Layer[T6, T7], l7: Layer[T7, T8], l8: Layer[T8, T9], /) -> Layer[T0, T9]: ...
@overload
def serial(l0: Layer[T0, T1], l1: Layer[T1, T2], l2: Layer[T2, T3], l3: Layer[T3, T4], l4: Layer[T4, T5], l5: Layer[T5, T6], l6: Layer[T6, T7], l7: Layer[T7, T8], l8: Layer[T8, T9], l9: Layer[T9, T10], /) -> Layer[T0, T10]: ...
@overload
def serial(l0: Layer[T0, T1], l1: Layer[T1, T2], l2: Layer[T2, T3], l3: Layer[T3, T4], l4: Layer[T4, T5], l5: Layer[T5, T6], l6: Layer[T6, T7], l7: Layer[T7, T8], l8: Layer[T8, T9], l9: Layer[T9, T10], l10: Layer[T10, T11], /) -> Layer[T0, T11]: ...
@overload
def serial(l0: Layer[T0, T1], l1: Layer[T1, T2], l2: Layer[T2, T3], l3: Layer[T3, T4], l4: Layer[T4, T5], l5: Layer[T5, T6], l6: Layer[T6, T7], l7: Layer[T7, T8], l8: Layer[T8, T9], l9: Layer[T9, T10], l10: Layer[T10, T11], l11: Layer[T11, T12], /) -> Layer[T0, T12]: ...
@overload
def serial(l0: Layer[T0, T1], l1: Layer[T1, T2], l2: Layer[T2, T3], l3: Layer[T3, T4], l4: Layer[T4, T5], l5: Layer[T5, T6], l6: Layer[T6, T7], l7: Layer[T7, T8], l8: Layer[T8, T9], l9: Layer[T9, T10], l10: Layer[T10, T11], l11: Layer[T11, T12], l12: Layer[T12, Any], /, *rest: Layer[Any, Any]) -> Layer[T0, Any]: ...
# fmt: on
@layer
def serial(*layers: Layer[Any, Any]) -> Layer[Any, Any]:
    """Layers in a row: `serial(f, g).apply(p, x) = g.apply(p_g, f.apply(p_f, x))`. `serial()` is the identity.

    Shapes
        x, y    those of the first and the last layer
        params  a subtree for every layer that has params, `dense_0`, `dense_1`, or the name given with `.named`
    Errors
        TypeError    an argument is no layer
        ValueError   two layers have the same name
        ShapeError   from the layer that does not fit, with its path
    Pullback
        the pullbacks from right to left; what lies before the first layer with params is left for later, for only
        the cotangent of the input could want it
    Source: Griewank & Walther, Evaluating Derivatives (2008), section 3.2 (the chain rule from the right); the
    combinator is stax's.

    >>> serial(Dense(512), Relu, Dense(10)).out_shape((-1, 784))
    (-1, 10)
    """
    children = make_children(layers, where="serial")
    steps = [(c.name, c.layer.apply.value, c.layer.apply.rule, c.random) for c in children]

    def out_shape(shape: Shape) -> Shape:
        for child in children:
            shape = child.out_shape(shape)
        return shape

    def spec(shape: Shape) -> Spec:
        wanted: dict[str, Any] = {}
        for child in children:
            wanted.update(child.spec(shape))
            shape = child.out_shape(shape)
        return wanted

    def takes(out: Kind) -> Kind:
        for child in reversed(children):
            out = child.layer.init.takes(out)
        return out

    def value(params: Mapping[str, Any], x: Any, rng: Key | None = None) -> Any:
        name = ""
        try:
            for name, f, _, random in steps:
                p = params.get(name, EMPTY)
                x = f(p, x, None if rng is None else rng.fold(name)) if random else f(p, x)
        except Exception as error:
            locate(error, name)
            raise
        return x

    def rule(params: Mapping[str, Any], x: Any, rng: Key | None = None) -> tuple[Any, Callable[[Any], Any]]:
        name, first = "", -1
        pulls: list[tuple[str, Callable[[Any], Any]]] = []
        try:
            for name, _, f, random in steps:
                p = params.get(name, EMPTY)
                if p and first < 0:
                    first = len(pulls)
                x, pull = f(p, x, None if rng is None else rng.fold(name)) if random else f(p, x)
                pulls.append((name, pull))
        except Exception as error:
            locate(error, name)
            raise
        if first < 0:
            first = len(pulls)
        last_pulled = pulls[first][0] if first < len(pulls) else ""

        def pullback(dy: Any) -> tuple[Tree, Union[Any, Later[Any]]]:
            grads: dict[str, Any] = {}
            name = ""
            try:
                for name, pull in reversed(pulls[first:] if first else pulls):
                    dparams, dx = pull(dy)
                    dy = dx.now() if dx.__class__ is Later and name != last_pulled else dx
                    if dparams:
                        grads[name] = dparams
            except Exception as error:
                locate(error, name)
                raise
            return (grads, Later(lambda: _pulled(pulls[:first], dy))) if first else (grads, dy)

        return x, pullback

    return Layer.of(out_shape, spec, rule, value=value, random=any(c.random for c in children), takes=takes)


def _pulled(pulls: list[tuple[str, Callable[[Any], Any]]], dy: Any) -> Any:
    """The cotangent behind layers without params."""
    for name, pull in reversed(pulls):
        try:
            _, dy = pull(force(dy))
        except Exception as error:
            locate(error, name)
            raise
    return force(dy)


def chained(first: Layer[Any, Any], second: Layer[Any, Any]) -> Layer[Any, Any]:
    """`first >> second`: the layers of unnamed serials are spliced in, so that `>>` is associative."""
    layers = [part for f in (first, second) for part in _spliced(f)]
    made: Layer[Any, Any] = serial(*layers)
    return made


def _spliced(f: Layer[Any, Any]) -> tuple[Layer[Any, Any], ...]:
    record = f.init.record if isinstance(f, Layer) else None  # what is none, `serial` will refuse
    return record.args if record and record.make is serial and not f.init.explicit else (f,)
