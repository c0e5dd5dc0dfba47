"""Networks run on jets: every layer by its own rule where jets go through, at complex points where they do not."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from funcnn.calculus import Later, force
from funcnn.derivatives import circles
from funcnn.derivatives.jets import Jet, NoJet
from funcnn.derivatives.stepping import ordered
from funcnn.nested import arrays, mapped
from funcnn.networks.definitions import Definition
from funcnn.networks.mistakes import too_deep
from funcnn.networks.rebuilding import Path, rebuilt
from funcnn.promises import is_checked


@functools.lru_cache(maxsize=64)
def curved(definition: Definition, where: str) -> Definition:
    """The same network, which takes jets and gives jets; arrays it takes as ever.

    A layer that is not the library's own goes by complex points: what it returns is looked at, and jets are no arrays.

    Errors
        ValueError   the network is too deep to be looked into
    """
    too_deep(definition.depth, where, frames=3)
    return rebuilt(definition, _curved)


def moves(*values: Any) -> bool:
    """Is there a jet among them?"""
    return any(isinstance(a, Jet) for a in arrays(values))


def _curved(path: Path, layer: Definition) -> Definition:
    del path
    people = is_checked(layer.rule)

    def value(params: Any, x: Any, *key: Any) -> Any:
        if not moves(x):
            return layer.value(params, x, *key)
        try:
            if not people:
                return layer.value(params, x, *key)
        except NoJet:
            pass
        return circles.value(layer, params, x, key)

    def rule(params: Any, x: Any, *key: Any) -> tuple[Any, Callable[[Any], tuple[Any, Any]]]:
        def around(dy: Any) -> tuple[Any, Any]:
            return circles.pulled_back(layer, params, x, dy, key)

        if people and moves(x):
            return circles.value(layer, params, x, key), around
        try:
            y, back = layer.rule(params, x, *key)
        except NoJet:
            return circles.value(layer, params, x, key), around

        def pullback(dy: Any) -> tuple[Any, Any]:
            if not moves(x):
                return _linear(back, dy)
            try:
                grads, dx = back(dy)
            except NoJet:
                return around(dy)
            return grads, Later(lambda: _forced(dx, around, dy)) if isinstance(dx, Later) else dx

        return y, pullback

    return replace(layer, value=value, rule=rule)


def _linear(back: Callable[[Any], tuple[Any, Any]], dy: Any) -> tuple[Any, Any]:
    """The pullback where the input does not move: of one coefficient after the other."""
    if not moves(dy):
        return back(dy)
    found: list[Any] = []
    for k in range(3):
        grads, dx = back(mapped(lambda a: a.series[k] if isinstance(a, Jet) else a if k == 0 else np.zeros_like(a), dy))
        found.append((grads, force(dx)))
    first, *others = found
    return mapped(Jet, first[0], *[ordered(g, first[0]) for g, _ in others]), mapped(Jet, *[dx for _, dx in found])


def _forced(dx: Any, around: Callable[[Any], tuple[Any, Any]], dy: Any) -> Any:
    try:
        return force(dx)
    except NoJet:
        return around(dy)[1]
