"""Networks as trees: the same network with other layers, the shapes that layers meet, and what passes through them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

from funcnn.keys import Key
from funcnn.networks.definitions import Child, Definition, Go
from funcnn.networks.mistakes import too_deep
from funcnn.types import Shape, Tree

Path: TypeAlias = "tuple[str, ...]"


def rebuilt(
    net: Definition, f: Callable[[Path, Definition], Definition], path: Path = (), *, made: bool = True
) -> Definition:
    """The same network with every layer passed through `f(path, layer)`, children first. Names are kept.

    With `made`, those too that a layer makes once it knows the shape: it is another one then, whatever `f` does.
    """
    done: list[Definition] = []
    changed = False
    for name, child in net.children.items():
        new = rebuilt(child, f, below(net, path, name), made=made)
        done.append(new)
        changed = changed or new is not child
    if made and net.walked is not None:
        new = net.walked(f, path)
    else:
        new = remade(net, done) if changed else net
    return _named_like(f(path, _named_like(new, net)), net)


def remade(net: Definition, children: Sequence[Definition]) -> Definition:
    """The same network with other children, in their order. Its name is kept."""
    assert net.remade is not None
    return _named_like(net.remade(children), net)


def below(net: Definition, path: Path, name: str) -> Path:
    """The path of a child: a layer that changes no structure adds no level."""
    return path if net.transparent else (*path, name)


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

    def through(parent: Definition, path: Path) -> Go:
        def go(child: Child, shape: Shape) -> Shape:
            found, place = child.definition, below(parent, path, child.name)
            walk.entered.append((place, found, shape))
            out = found.meets(shape, through(found, place))
            walk.left.append((place, found, shape, out))
            return out

        return go

    with suppress(Exception):  # whoever asks knows of it
        through(replace(net, transparent=True), ())(Child("", net), shape)
    return walk


def observed(
    net: Definition, see: Callable[[Path, Definition, Tree, Any, Any], None], *, where: str
) -> Definition:
    """The same network; `see(path, layer, params, x, y)` is called at every call of a layer, children before parents.

    Errors
        ValueError   the network is too deep to be looked into
    """
    too_deep(net.depth, where, frames=3)

    def spy(path: Path, child: Definition) -> Definition:
        def value(params: Tree, x: Any, *rng: Key | None) -> Any:
            y = child.value(params, x, *rng)
            see(path, child, params, x, y)
            return y

        def rule(params: Tree, x: Any, *rng: Key | None) -> tuple[Any, Any]:
            y, pullback = child.rule(params, x, *rng)
            see(path, child, params, x, y)
            return y, pullback

        rule.__module__ = getattr(child.rule, "__module__", "")  # whose rule it is, see `is_checked`
        remade = child.remade

        def again(children: Sequence[Definition]) -> Definition:
            """With other children it is watched too."""
            assert remade is not None
            return spy(path, remade(children))

        return replace(child, value=value, rule=rule, remade=again if remade else None)

    return rebuilt(net, spy)
