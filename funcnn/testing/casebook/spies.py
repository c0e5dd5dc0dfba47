"""A combinator whose children are watched: what each is asked, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from funcnn.errors import FuncnnError
from funcnn.keys import Key
from funcnn.networks import Layer
from funcnn.networks.definitions import Definition, Go
from funcnn.networks.pair import layer_of
from funcnn.params import plain_tree
from funcnn.types import Shape


class Call(NamedTuple):
    """A pass through a child."""

    child: str
    params: Mapping[str, Any]
    x: Any
    key: Key | None
    y: Any


class Planted(FuncnnError):
    """What a child raises that is told to."""


@dataclass
class Watched:
    """A combinator made again with watched children.

    layer    the same combinator
    met      the shapes that each child was asked for, and what it said, in order
    calls    the passes
    failing  the child that is to raise, at the forward pass or in its pullback
    """

    met: list[tuple[str, Shape, Shape]] = field(default_factory=list[tuple[str, Shape, Shape]])
    calls: list[Call] = field(default_factory=list[Call])
    failing: tuple[str, str] = ("", "")
    layer: Layer[Any, Any] | None = None

    def fail(self, child: str, at: str) -> None:
        """Raise, if this child is told to at this place."""
        if self.failing == (child, at):
            raise Planted("planted")


def watched(layer: Layer[Any, Any]) -> Watched | None:
    """A combinator with children that are watched; None where it has none, or cannot be made again."""
    definition, watch = layer.definition, Watched()
    if not definition.children or definition.remade is None:
        return None
    spied = [_spied(name, child, watch) for name, child in definition.children.items()]
    made = definition.remade(spied)
    watch.layer = layer_of(replace(made, name=definition.name, explicit=definition.explicit))
    return watch


def _spied(name: str, child: Definition, watch: Watched) -> Definition:
    def meets(shape: Shape, go: Go) -> Shape:
        out = child.meets(shape, go)
        watch.met.append((name, shape, out))
        return out

    def value(params: Any, x: Any, *rng: Key | None) -> Any:
        watch.fail(name, "forward")
        y = child.value(params, x, *rng)
        watch.calls.append(Call(name, plain_tree(params), x, rng[0] if rng else None, y))
        return y

    def rule(params: Any, x: Any, *rng: Key | None) -> tuple[Any, Callable[[Any], Any]]:
        watch.fail(name, "forward")
        y, back = child.rule(params, x, *rng)
        watch.calls.append(Call(name, plain_tree(params), x, rng[0] if rng else None, y))

        def pullback(dy: Any) -> Any:
            watch.fail(name, "pullback")
            return back(dy)

        return y, pullback

    return replace(child, meets=meets, rule=rule, value=value)
