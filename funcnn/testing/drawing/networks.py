"""Strategies of layers and whole networks: well formed by running the shape rules, or ill formed at one known place."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

import funcnn
from funcnn.errors import ShapeError
from funcnn.networks import Layer
from funcnn.testing.drawing.templates import shapes
from funcnn.types import Array, Shape, Tokens

AnyLayer = Layer[Any, Any]


class Drawn(NamedTuple):
    """A network and the shape of an input that it takes."""

    layer: AnyLayer
    shape: Shape


class IllFormed(NamedTuple):
    """A network that does not fit together: layer `at` refuses what the layers before it give for `shape`."""

    layer: AnyLayer
    shape: Shape
    at: int


# fmt: off
_sizes: Final = st.integers(1, 4)
_windows: Final = st.tuples(st.integers(1, 3), st.integers(1, 3))
_padding: Final = st.sampled_from(["VALID", "SAME"])
FAMILIES: Final[dict[str, SearchStrategy[AnyLayer]]] = {  # the plainest first: that is where shrinking goes
    "identity": st.just(funcnn.Identity),
    "activation": st.sampled_from([funcnn.Tanh, funcnn.Sigmoid, funcnn.Relu, funcnn.Gelu, funcnn.Softplus]),
    "dense": st.builds(funcnn.Dense, _sizes),
    "softmax": st.sampled_from([funcnn.Softmax, funcnn.LogSoftmax]),
    "flatten": st.just(funcnn.Flatten),
    "norm": st.sampled_from([funcnn.LayerNorm(), funcnn.BatchNorm()]),
    "dropout": st.builds(funcnn.Dropout, st.sampled_from([0.25, 0.5])),
    "conv": st.builds(funcnn.Conv, _sizes, _windows, padding=_padding),
    "pool": st.one_of(
        st.builds(funcnn.AvgPool, _windows, padding=_padding), st.builds(funcnn.MaxPool, _windows, padding=_padding)
    ),
}
# fmt: on
_MISFITS: Final = (  # some of them is refused wherever one stands
    funcnn.Conv(2, (3, 3)),
    funcnn.FanInSum,
    funcnn.MaxPool((9, 9)),
    funcnn.parallel(funcnn.Dense(2), funcnn.Dense(2)),
    funcnn.serial(funcnn.FanOut(2), funcnn.parallel(funcnn.Dense(2), funcnn.Dense(3)), funcnn.FanInSum),
)


def input_shapes() -> SearchStrategy[Shape]:
    """Shapes of features: rows, sequences, images."""
    return st.one_of(shapes("B", "D"), shapes("B", "T", "D"), shapes("B", range(3, 6), range(3, 6), "C"))


@st.composite
def layers(draw: DrawFn, kind: str | None = None) -> Drawn:
    """Layers of the library with drawn arguments, of one family of `FAMILIES` or of any, with a shape they take.

    >>> from hypothesis import find
    >>> find(layers("pool"), lambda drawn: drawn.shape[1] > 3)
    Drawn(layer=AvgPool((1, 1), padding='VALID'), shape=(1, 4, 3, 1))
    """
    made = draw(FAMILIES[draw(st.sampled_from(list(FAMILIES))) if kind is None else kind])
    shape = draw(shapes("B", range(3, 6), range(3, 6), "C") if kind in ("conv", "pool") else input_shapes())
    assume(_out(made, shape) is not None)
    return Drawn(made, shape)


def _out(layer: AnyLayer, shape: Shape) -> Shape | None:
    """The shape a layer gives, or None where its rule refuses."""
    try:
        return layer.out_shape(shape)
    except ShapeError:
        return None


def networks(shape: Shape | None = None, *, max_depth: int = 3) -> SearchStrategy[Drawn]:
    """Networks that fit together, with an input shape: of that shape, or of any.

    They grow by running the shape rules: the next layer is one that takes what the last one gives. They shrink to
    `serial()`.

    >>> from hypothesis import find
    >>> find(networks(), lambda net: "Flatten" in repr(net.layer)).layer
    serial(Flatten)
    """
    return _networks(shape, max_depth)


@st.composite
def _networks(draw: DrawFn, shape: Shape | None, max_depth: int) -> Drawn:
    start = draw(input_shapes()) if shape is None else shape
    return Drawn(funcnn.serial(*_grown(draw, start, max_depth)), start)


def _grown(draw: DrawFn, shape: Shape, depth: int) -> list[AnyLayer]:
    grown: list[AnyLayer] = []
    for _ in range(draw(st.integers(0, 4))):
        made = _step(draw, shape, depth)
        out = _out(made, shape)
        if out is not None:
            grown.append(made)
            shape = out
    return grown


def _step(draw: DrawFn, shape: Shape, depth: int) -> AnyLayer:
    how = draw(st.sampled_from(["layer", "layer", "layer", "serial", "branches", "residual"])) if depth else "layer"
    if how == "layer":
        return draw(FAMILIES[draw(st.sampled_from(list(FAMILIES)))])
    if how == "branches":
        left, right = (funcnn.serial(*_grown(draw, shape, depth - 1)) for _ in range(2))
        joins: list[AnyLayer] = [funcnn.FanInSum, funcnn.FanInConcat(), funcnn.select(0)]
        both = funcnn.serial(funcnn.FanOut(2), funcnn.parallel(left, right))
        given = both.out_shape(shape)
        join: AnyLayer = draw(st.sampled_from([j for j in joins if _out(j, given) is not None]))
        return funcnn.serial(funcnn.FanOut(2), funcnn.parallel(left, right), join)
    body = funcnn.serial(*_grown(draw, shape, depth - 1))
    return body if how == "serial" or _out(funcnn.residual(body), shape) is None else funcnn.residual(body)


@st.composite
def ill_formed_networks(draw: DrawFn, *, max_depth: int = 2) -> IllFormed:
    """Networks with one layer that refuses what comes: `out_shape` raises a `ShapeError`.

    >>> from hypothesis import find
    >>> find(ill_formed_networks(), lambda net: True)
    IllFormed(layer=serial(Conv(2, (3, 3))), shape=(1, 1), at=0)
    """
    shape = draw(input_shapes())
    grown = _grown(draw, shape, max_depth)
    at = draw(st.integers(0, len(grown)))
    there = funcnn.serial(*grown[:at]).out_shape(shape)
    bad: AnyLayer = draw(st.sampled_from([m for m in _MISFITS if _out(m, there) is None]))
    return IllFormed(funcnn.serial(*grown[:at], bad, *grown[at:]), shape, at)


def networks_of_type(x: object = Array, y: object = Array) -> SearchStrategy[AnyLayer]:
    """Networks of a type, `Layer[X, Y]`: from arrays or tokens to arrays. What `st.from_type` draws.

    Errors
        TypeError   there is no way to draw networks of this type
    """
    if y not in _ARRAYS:
        raise TypeError(f"there is no strategy for Layer[{x}, {y}]; register one with st.register_type_strategy")
    if x == Tokens:
        table = st.builds(funcnn.Embedding, st.integers(5, 8), _sizes)
        return st.builds(_before, table, networks((-1, 3, 4), max_depth=1))
    if x in _ARRAYS:
        return networks().map(lambda drawn: drawn.layer)
    raise TypeError(f"there is no strategy for Layer[{x}, {y}]; register one with st.register_type_strategy")


_ARRAYS: tuple[object, ...] = (Array, Any)


def _before(table: AnyLayer, drawn: Drawn) -> AnyLayer:
    return table >> drawn.layer
