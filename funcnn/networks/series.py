"""The fold behind `serial` and `>>`: layers in a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Union

from funcnn.calculus import Later, force
from funcnn.errors import locate
from funcnn.inputs import Kind
from funcnn.keys import Key
from funcnn.networks.children import Child, located
from funcnn.networks.definitions import EMPTY, Definition, Spec
from funcnn.types import Shape, Tree


def in_series(children: Sequence[Child]) -> Definition:
    """Values from left to right, pullbacks from right to left; what lies before the first params is left for later."""
    steps = [(c.name, c.definition.value, c.definition.rule, c.random) for c in children]

    def out_shape(shape: Shape) -> Shape:
        for child in children:
            shape = child.out_shape(shape)
        return shape

    def plan(shape: Shape) -> tuple[Shape, Spec]:
        wanted: dict[str, Any] = {}
        name = ""
        try:
            for child in children:
                name, found = child.name, child.definition
                shape, spec = found.plan(shape) if found.plan else (found.out_shape(shape), found.spec(shape))
                if spec:
                    wanted[name] = spec
        except Exception as error:
            locate(error, name)
            raise
        return shape, wanted

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
        name, first = "", -1
        pulls: list[tuple[str, Callable[[Any], Any]]] = []
        try:
            for name, _, f, random in steps:
                p = params.get(name, EMPTY)
                if p and first < 0:
                    first = len(pulls)
                x, pull = f(p, x, None if rng is None else rng.fold(name)) if random else f(p, x)
                pulls.append((name, pull))
        except Exception as error:
            locate(error, name)
            raise
        if first < 0:
            first = len(pulls)
        last_pulled = pulls[first][0] if first < len(pulls) else ""

        def pullback(dy: Any) -> tuple[Tree, Union[Any, Later[Any]]]:
            grads: dict[str, Any] = {}
            name = ""
            try:
                for name, pull in reversed(pulls[first:] if first else pulls):
                    dparams, dx = pull(dy)
                    if dx.__class__ is Later:
                        dx = located(dx, name) if name == last_pulled else dx.now()
                    dy = dx
                    if dparams:
                        grads[name] = dparams
            except Exception as error:
                locate(error, name)
                raise
            return (grads, Later(lambda: _pulled(pulls[:first], force(dy)))) if first else (grads, dy)

        return x, pullback

    random = any(c.random for c in children)
    return Definition(out_shape, lambda shape: plan(shape)[1], rule, value, random, takes, plan=plan)


def _pulled(pulls: list[tuple[str, Callable[[Any], Any]]], dy: Any) -> Any:
    """The cotangent behind layers without params."""
    for name, pull in reversed(pulls):
        try:
            dy = force(pull(dy)[1])
        except Exception as error:
            locate(error, name)
            raise
    return dy
