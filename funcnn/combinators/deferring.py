"""Layers that are known only once a shape is."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, overload

import numpy as np

from funcnn.errors import brief
from funcnn.inputs import Kind, features, part
from funcnn.keys import Key
from funcnn.networks import Layer, is_layer, layer
from funcnn.networks.definitions import Definition, Go, Spec
from funcnn.networks.pair import layer_of
from funcnn.networks.rebuilding import Path, rebuilt
from funcnn.shapes import UNKNOWN, shape_of
from funcnn.types import Shape, Tree, is_tuple

A = TypeVar("A")
B = TypeVar("B")


@overload
def shape_dependent(make: Callable[[tuple[int, ...]], Layer[A, B]], /, *, random: bool = False) -> Layer[A, B]: ...
@overload
def shape_dependent(
    make: Callable[[tuple[tuple[int, ...], ...]], Layer[A, B]], /, *, random: bool = False
) -> Layer[A, B]: ...
@layer
def shape_dependent(make: Callable[[Any], Layer[A, B]], /, *, random: bool = False) -> Layer[A, B]:
    """A layer made for the shape of its input: `shape_dependent(lambda shape: Dense(shape[-1]))` keeps the width.

    `make` gets the shape with the size of the batch unknown, so that no batch has a network of its own; it is asked
    again for every other shape, and must give the same params for all that the params are used with. A network of which
    a part takes a key, such as Dropout, says `random=True`: else the key would be wanted where none is used.

    Shapes
        x       what the layer made takes
        params  those of the layer made
        y       what it gives
    Errors
        TypeError   `make` is no function, it gives no layer, or one that takes a key without `random=True`
    Pullback
        that of the layer made
    Source: stax's combinator.

    >>> net = shape_dependent(lambda shape: serial(Dense(2 * shape[-1]), Tanh, Dense(shape[-1])))
    >>> net.out_shape((-1, 7)), net.init(Key(0), (-1, 7))[1].paths()
    ((-1, 7), ('dense_0/b', 'dense_0/w', 'dense_1/b', 'dense_1/w'))
    """
    if not callable(make) or is_layer(make):
        raise TypeError(f"shape_dependent takes a function from shapes to layers, got {brief(make)}")

    def made(shape: Shape) -> Definition:
        found: object = make(shape)
        if not is_layer(found):
            raise TypeError(f"shape_dependent: make must return a layer, it returned {brief(found)}")
        if found.definition.random and not random:
            raise TypeError(f"shape_dependent made a layer that takes a key, {found!r}; write random=True")
        return found.definition

    return layer_of(_by_shape(made, random))


def _by_shape(make: Callable[[Shape], Definition], random: bool) -> Definition:
    made = functools.lru_cache(64)(make)

    def at(shape: Shape) -> Definition:
        return made(hidden(shape))

    def rule(params: Tree, x: Any, rng: Key | None = None) -> Any:
        d = at(shape_of(x))
        x = _restored(x, d.takes("any"))
        return d.rule(params, x, rng) if d.random else d.rule(params, x)

    def value(params: Tree, x: Any, rng: Key | None = None) -> Any:
        d = at(shape_of(x))
        x = _restored(x, d.takes("any"))
        return d.value(params, x, rng) if d.random else d.value(params, x)

    def walked(f: Callable[[Path, Definition], Definition], path: Path) -> Definition:
        """The same, with every network that is made passed through a walk."""
        return _by_shape(lambda shape: rebuilt(made(shape), f, path), random)

    def meets(shape: Shape, go: Go) -> Shape:
        return at(shape).out_shape(shape)  # it is no child: there is none before there is a shape

    def own(shape: Shape) -> Spec:
        return at(shape).spec(shape)

    return Definition(meets, own, rule, value, random, features, walked=walked)


def _restored(x: Any, kind: Kind) -> Any:
    """Masks and tokens again: the door, which cannot know of them before there is a shape, has made numbers of them."""
    if is_tuple(x):
        return tuple(_restored(v, part(kind, i)) for i, v in enumerate(x))
    if kind == "mask" and x.dtype.kind != "b":
        return x.real != 0
    return x.real.astype(np.intp) if kind == "tokens" and x.dtype.kind not in "iu" else x


def hidden(shape: Shape) -> Shape:
    """The shape without the size of the batch."""
    if any(isinstance(d, tuple) for d in shape):
        return tuple(hidden(d) if isinstance(d, tuple) else d for d in shape)
    return (UNKNOWN, *shape[1:]) if shape else shape
