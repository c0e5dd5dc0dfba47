"""Rules of combinators: where they send what."""

from __future__ import annotations

from functools import reduce
from typing import Any, Final

import funcnn.combinators as combinators
from funcnn.bridges.onnx.graph_values import Value, placed, shape_of, with_shape
from funcnn.bridges.onnx.graphs import Graph
from funcnn.bridges.onnx.walking import Part, Rule, either_layout
from funcnn.combinators.deferring import hidden
from funcnn.combinators.fans import FanInConcat, FanInProduct, FanInSum, FanOut, select
from funcnn.combinators.freezing import chosen, converted
from funcnn.combinators.reparametrizing import untied
from funcnn.combinators.splitting import split
from funcnn.nested import mapped
from funcnn.networks import serial
from funcnn.params import trees


# in a row, side by side, around --------------------------------------------------------------------------------------
@either_layout
def in_series(graph: Graph, part: Part, x: Any) -> Any:
    """One after the other."""
    for name in part.children:
        x = part.child(name, x)
    return x


@either_layout
def side_by_side(graph: Graph, part: Part, x: Any) -> Any:
    """Each on its own item."""
    made: list[Any] = []
    for name, item in zip(part.children, x, strict=True):  # no comprehension, which were a frame more a level
        made.append(part.child(name, item))
    return tuple(made)


@either_layout
def around(graph: Graph, part: Part, x: Any) -> Any:
    """f and the way around it, added."""
    inner, *other = part.children
    return added(graph, [part.child(inner, x), part.child(other[0], x) if other else x])


@either_layout
def on_first(graph: Graph, part: Part, x: Any) -> Any:
    """The first item becomes f of it."""
    (name,) = part.children
    return (part.child(name, x[0]), *x[1:])


@either_layout
def on_whole(graph: Graph, part: Part, x: Any) -> Any:
    """The first item becomes f of the whole tuple."""
    (name,) = part.children
    return (part.child(name, x), *x[1:])


@either_layout
def repeated(graph: Graph, part: Part, x: Any) -> Any:
    """f several times, with the same weights or with others."""
    if not part.arguments["shared"]:
        return in_series(graph, part, x)
    (name,) = part.children
    for _ in range(part.arguments["n"]):
        x = part.child(name, x)
    return x


@either_layout
def passed(graph: Graph, part: Part, x: Any) -> Any:
    """f alone: at inference that is all."""
    (name,) = part.children
    return part.child(name, x)


@either_layout
def by_shape(graph: Graph, part: Part, x: Any) -> Any:
    """The layer that is made for this shape."""
    return part.made(part.arguments["make"](hidden(shape_of(x))).definition, x)


# over other params ----------------------------------------------------------------------------------------------------
@either_layout
def over_ties(graph: Graph, part: Part, x: Any) -> Any:
    """f with some params in the place of others."""
    (name,) = part.children
    return part.child(name, x, untied(part.params, part.arguments["ties"]))


@either_layout
def over_other(graph: Graph, part: Part, x: Any) -> Any:
    """f of params that a function makes."""
    (name,) = part.children
    return part.child(name, x, part.arguments["inner"](part.params))


@either_layout
def over_frozen(graph: Graph, part: Part, x: Any) -> Any:
    """f with the constants among its params."""
    (name,) = part.children
    fixed = converted(chosen(part.arguments["params"], part.arguments["where"]), graph.dtype)
    left: Any = part.params
    return part.child(name, x, trees.merged(left, fixed) if left else fixed)


def members(graph: Graph, part: Part, x: Any) -> Any:
    """Each member with its own params, the outputs stacked in front."""
    (name,) = part.children
    given: list[Any] = []
    whole: Any = part.params

    def member(i: int) -> Any:
        def its(leaf: Any) -> Any:
            return leaf[i]

        return trees.mapped(its, whole)

    for i in range(part.arguments["n"]):
        given.append(mapped(graph.last, part.child(name, x, member(i))))
    stacked = mapped(lambda *values: graph.stacked(values, 0), *given)
    return with_shape(stacked, part.out_shape)


# tuples ---------------------------------------------------------------------------------------------------------------
@either_layout
def copied(graph: Graph, part: Part, x: Any) -> Any:
    """The same value several times."""
    return (x,) * part.arguments["n"]


@either_layout
def picked(graph: Graph, part: Part, x: Any) -> Any:
    """Some items."""
    items = part.arguments["items"]
    return x[items[0]] if len(items) == 1 else tuple(x[i] for i in items)


def added(graph: Graph, values: Any) -> Value:
    """The sum."""
    return reduce(lambda a, b: graph.op("Add", a, b), graph.alike(values))


@either_layout
def summed(graph: Graph, part: Part, x: Any) -> Value:
    """All items, added."""
    return added(graph, x)


@either_layout
def multiplied(graph: Graph, part: Part, x: Any) -> Value:
    """All items, multiplied."""
    return reduce(lambda a, b: graph.op("Mul", a, b), graph.alike(x))


@either_layout
def concatenated(graph: Graph, part: Part, x: Any) -> Value:
    """One after the other; along the channels they may lie first."""
    axis = part.arguments["axis"] % x[0].rank
    values = graph.alike(x)
    return graph.op("Concat", *values, axis=placed(values[0], axis)) if len(values) > 1 else values[0]


@either_layout
def parted(graph: Graph, part: Part, x: Value) -> Any:
    """In parts along an axis."""
    shapes = part.out_shape
    axis = part.arguments["axis"] % x.rank
    if len(shapes) == 1:
        return (x,)
    sizes = None if isinstance(part.arguments["parts"], int) else graph.ints(*part.arguments["parts"])
    names = graph.node("Split", (x, sizes), len(shapes), {"axis": placed(x, axis)})
    return tuple(Value(name, shape, x.dtype, x.first) for name, shape in zip(names, shapes, strict=True))


RULES: Final[dict[Any, Rule]] = {
    serial: in_series,
    combinators.parallel: side_by_side,
    combinators.residual: around,
    combinators.first: on_first,
    combinators.keep: on_whole,
    combinators.repeat: repeated,
    combinators.inference: passed,
    combinators.checkpoint: passed,
    combinators.stop_gradient: passed,
    combinators.straight_through: passed,
    combinators.shape_dependent: by_shape,
    combinators.tie: over_ties,
    combinators.reparam: over_other,
    combinators.freeze: over_frozen,
    combinators.ensemble: members,
    FanOut: copied,
    select: picked,
    split: parted,
    FanInSum: summed,
    FanInProduct: multiplied,
    FanInConcat: concatenated,
}
