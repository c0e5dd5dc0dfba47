"""Networks as trees: their children, the same network with others, and networks that tell what passes through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

from funcnn.keys import Key
from funcnn.networks.children import named
from funcnn.networks.definitions import Definition
from funcnn.types import Shape, Tree

Path: TypeAlias = "tuple[str, ...]"


def children_of(net: Definition) -> dict[str, Definition]:
    """The children of a network by name: the layers it was made of, or those of the body its constructor returned."""
    if net.body is not None:
        return children_of(net.body)
    return named(net.parts, where=net.name) if net.parts else {}


def rebuilt(net: Definition, f: Callable[[Path, Definition], Definition], path: Path = ()) -> Definition:
    """The same network with every layer passed through `f(path, layer)`, children first. Names are kept."""
    children = children_of(net)
    done = [rebuilt(child, f, below(net, path, name)) for name, child in children.items()]
    if net.walked is not None:
        return _named_like(f(path, _named_like(net.walked(f, path), net)), net)
    changed = any(new is not old for new, old in zip(done, children.values(), strict=True))
    return _named_like(f(path, _remade(net, done) if changed else net), net)


def below(net: Definition, path: Path, name: str) -> Path:
    """The path of a child: a layer that changes no structure adds no level."""
    while net.body is not None:
        net = net.body
    return path if net.transparent else (*path, name)


def _remade(net: Definition, children: Sequence[Definition]) -> Definition:
    if net.body is not None:
        return _named_like(_remade(net.body, children), net)
    assert net.remade is not None
    return _named_like(net.remade(children), net)


def _named_like(new: Definition, old: Definition) -> Definition:
    same = (new.name, new.explicit) == (old.name, old.explicit)
    return new if same else replace(new, name=old.name, explicit=old.explicit)


class Walk(NamedTuple):
    """The layers that a shape met on its way through a network: as it came to them, and as it left them."""

    entered: list[tuple[Path, Definition, Shape]]
    left: list[tuple[Path, Definition, Shape, Shape]]


def walked(net: Definition, shape: Shape) -> Walk:
    """Send a shape through; it gets as far as it fits."""
    walk = Walk([], [])

    def spy(path: Path, child: Definition) -> Definition:
        def out_shape(s: Shape) -> Shape:
            walk.entered.append((path, child, s))
            out = child.out_shape(s)
            walk.left.append((path, child, s, out))
            return out

        return replace(child, out_shape=out_shape)

    with suppress(Exception):  # whoever asks knows of it
        rebuilt(net, spy).out_shape(shape)
    return Walk(walk.entered.copy(), walk.left.copy())  # the rebuilt layers would write on


def observed(net: Definition, see: Callable[[Path, Definition, Any, Any], None]) -> Definition:
    """The same network; `see(path, layer, x, y)` is called at every call of every layer, children before parents."""

    def spy(path: Path, child: Definition) -> Definition:
        def value(params: Tree, x: Any, *rng: Key | None) -> Any:
            y = child.value(params, x, *rng)
            see(path, child, x, y)
            return y

        def rule(params: Tree, x: Any, *rng: Key | None) -> tuple[Any, Any]:
            y, pullback = child.rule(params, x, *rng)
            see(path, child, x, y)
            return y, pullback

        return replace(child, value=value, rule=rule)

    return rebuilt(net, spy)
