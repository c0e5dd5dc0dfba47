"""The fold behind `serial` and `>>`: layers in a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Union

from funcnn.calculus import Later, force
from funcnn.errors import locate
from funcnn.inputs import Kind
from funcnn.keys import Key
from funcnn.networks.by_parts import apart_if
from funcnn.networks.children import Combined
from funcnn.networks.definitions import EMPTY, Child, Go
from funcnn.pulling import Pulling
from funcnn.types import Shape, Tree


def in_series(*children: Child) -> Combined:
    """Values from left to right, pullbacks from right to left; what lies before the first params is left for later.

    The children's values and rules are called here and not through `child.value`: that costs 0.1 us a layer less.
    """
    steps = [(c.name, c.definition.value, c.definition.rule, c.random) for c in children]

    def meets(shape: Shape, go: Go) -> Shape:
        for child in children:
            shape = go(child, shape)
        return shape

    def takes(out: Kind) -> Kind:
        for child in reversed(children):
            out = child.takes(out)
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
        name, first = "", 0  # so many have no params before the first that has
        pulls: list[tuple[str, Any]] = []
        try:
            for name, _, f, random in steps:
                p = params.get(name, EMPTY)
                first += not p and first == len(pulls)
                x, pull = f(p, x, None if rng is None else rng.fold(name)) if random else f(p, x)
                pulls.append((name, pull))
        except Exception as error:
            locate(error, name)
            raise

        def back(dy: Any, last: bool) -> tuple[Tree, Union[Any, Later[Any]]]:
            grads, name, left = dict[str, Any](), "", pulls if last else pulls[:]
            try:
                for i in range(len(left) - 1, first - 1, -1):
                    name, pull = left.pop()
                    dparams, dy = pull.run(dy, last) if pull.__class__ is Pulling else pull(dy)
                    del pull  # what it kept goes before the cotangent of its input is made
                    if dparams:
                        grads[name] = dparams
                    if dy.__class__ is Later:
                        dy = dy.now() if i > first else dy.within(name)
            except Exception as error:
                locate(error, name)
                raise
            return grads, Later(partial(_pulled, left), dy) if first else dy

        return x, Pulling(back)

    return Combined(meets, apart_if(rule, children), value, takes)


def _pulled(pulls: list[tuple[str, Callable[[Any], Any]]], dy: Any) -> Any:
    """The cotangent behind layers without params."""
    for name, pull in reversed(pulls):
        try:
            dy = force(pull(dy)[1])
        except Exception as error:
            locate(error, name)
            raise
    return dy
