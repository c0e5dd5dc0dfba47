"""Networks as trees of layers: their children, the shapes that these meet, and the same network with others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

import numpy as np

from funcnn.errors import ParamsError, brief
from funcnn.keys import Rng
from funcnn.networks.children import definition_of
from funcnn.networks.definitions import Definition
from funcnn.networks.pair import Layer, altered, is_layer, layer_of
from funcnn.networks.rebuilding import Path, rebuilt, walked
from funcnn.params import Params, as_params, plain_tree, trees
from funcnn.params.packing import pack
from funcnn.params.partitioning import parted
from funcnn.promises import checked
from funcnn.types import Shape, Tree, Where

A = TypeVar("A")
B = TypeVar("B")


def children_of(net: Layer[Any, Any]) -> dict[str, Layer[Any, Any]]:
    """The children of a network by name: the layers it was made of, or those of the body its constructor returned."""
    return {name: layer_of(child) for name, child in net.definition.children.items()}


def visit(net: Layer[Any, Any], shape: Shape) -> Iterator[tuple[Path, Layer[Any, Any], Shape, Shape]]:
    """Every layer with its path, and the shapes it takes and gives when the network meets `shape`: children first."""
    for path, child, taken, out in walked(net.definition, shape).left:
        yield path, layer_of(child), taken, out


def rebuild(
    net: Layer[A, B], f: Callable[[str, Layer[Any, Any]], Layer[Any, Any]]
) -> Layer[A, B]:
    """The same network with every layer passed through `f(path, layer)`, children first.

    Names are kept, so that params still fit: what comes in place of a Relu is still called `relu_0`, which `repr` does
    not show.

    >>> def widen(path: str, layer: Layer[Array, Array]) -> Layer[Array, Array]:
    ...     return Dense(64) if layer == Dense(32) else layer
    >>> rebuild(serial(Dense(32), Relu, Dense(10)), widen)
    serial(Dense(64), Relu, Dense(10))
    """

    def other(path: Path, part: Definition) -> Definition:
        shown = "/".join(path)
        made: object = f(shown, layer_of(part))
        if not is_layer(made):
            raise TypeError(f"rebuild: f must return a layer, for {shown or 'the network'} it gave {brief(made)}")
        return made.definition

    old = definition_of(net, where="rebuild")
    if not callable(f):
        raise TypeError(f"rebuild takes a function (path, layer) -> layer, got {brief(f)}")
    new = rebuilt(old, other)
    return net if new is old else cast("Layer[A, B]", layer_of(new))


def promised(f: Layer[A, B]) -> Layer[A, B]:
    """The layer, whose rule runs functions that are not the library's own: what it computes is looked at.

    `Layer.of`, `Layer.lift` and `Layer.over` find out by themselves whose function they are given; this is for
    constructors of the library that take a function, and make a rule around it.
    """
    rule, value = checked(f.definition.rule, f.definition.value, f.definition.out_shape)
    return altered(f, rule=rule, value=value)


def reinit(
    net: Layer[Any, Any], params: Tree, where: Where, rng: Rng | np.random.Generator, shape: Shape
) -> Params:
    """The same params, but for the leaves that `where` chooses, which are drawn anew: to learn a head from the start.

    `rng` and `shape` are those of `init`.

    Errors
        ParamsError   `where` chooses no leaf, or the params are not this network's
        ShapeError    the network does not take this shape

    >>> net = serial(Dense(4), Relu, Dense(2).named("head"))
    >>> _, params = net.init(Key(0), (-1, 3))
    >>> new = reinit(net, params, "head/**", Key(1), (-1, 3))
    >>> partition(new, "dense_0/**")[0] == partition(params, "dense_0/**")[0], new == params
    (True, False)
    """
    definition_of(net, where="reinit")
    old = as_params(params, "reinit(net, params, ...)")
    _, drawn = net.init(rng, shape)
    if wrong := trees.differences(plain_tree(drawn), plain_tree(old)):
        raise ParamsError("reinit: the params are not this network's: " + ", ".join(wrong))
    for path in parted(drawn, where, caller="reinit")[0].paths():
        old = old.set(path, drawn.at(path).astype(old.at(path).dtype))
    return pack(old)
