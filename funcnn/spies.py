"""A network that tells what passes through it: what `trace` and `calibrate` are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from funcnn.children import rebuild
from funcnn.keys import Key
from funcnn.networks import Layer, altered
from funcnn.types import Tree

A = TypeVar("A")
B = TypeVar("B")

See: TypeAlias = Callable[[str, "Layer[Any, Any]", Any, Any], None]
"""Called with the path, the layer, its input and its output."""


def spied(net: Layer[A, B], see: See) -> Layer[A, B]:
    """The same network; `see(path, layer, x, y)` is called at every call of every layer, children before parents."""

    def spy(path: str, child: Layer[Any, Any]) -> Layer[Any, Any]:
        compute, pull = child.apply.value, child.apply.rule

        def value(params: Tree, x: Any, *rng: Key | None) -> Any:
            y = compute(params, x, *rng)
            see(path, child, x, y)
            return y

        def rule(params: Tree, x: Any, *rng: Key | None) -> tuple[Any, Any]:
            y, pullback = pull(params, x, *rng)
            see(path, child, x, y)
            return y, pullback

        return altered(child, value=value, rule=rule)

    return rebuild(net, spy)
