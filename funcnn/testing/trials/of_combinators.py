"""The trials of a combinator: every law of layers and of children, with layers inside that bring out what it does."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Final, Unpack

import numpy as np
from hypothesis import find, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from funcnn.calculus import Pullback
from funcnn.errors import FuncnnError, brief
from funcnn.initializers import ones, zeros
from funcnn.layers.activations import Tanh
from funcnn.layers.dropout import Dropout
from funcnn.networks import Layer, layer
from funcnn.networks.definitions import Spec
from funcnn.shapes import axes
from funcnn.testing.casebook.of_layers import Case
from funcnn.testing.drawing.templates import Template
from funcnn.testing.judging.verdicts import Law, broken
from funcnn.testing.trials.of_layers import Options, shape_strategy, trials
from funcnn.testing.trials.running import Trial
from funcnn.types import Array, Shape, Tree

Make = Callable[..., Layer[Any, Any]]


@layer
def Bend() -> Layer[Array, Array]:
    """`y = tanh(w x + b)`, number by number: it has params, keeps shapes, and no two of its derivatives are alike."""

    def out_shape(shape: Shape) -> Shape:
        return axes("Bend", shape, at_least=1)

    def spec(shape: Shape) -> Spec:
        n = axes("Bend", shape, at_least=1)[-1]
        return {"w": (ones, (n,)), "b": (zeros, (n,))}

    def rule(params: Tree, x: Array) -> tuple[Array, Pullback]:
        w: Any = params["w"]
        b: Any = params["b"]
        y = np.tanh(w * x + b)

        def pullback(dy: Array) -> tuple[Tree, Array]:
            da = dy * (1 - y * y)
            rows = tuple(range(da.ndim - 1))
            return {"w": (da * x).sum(rows), "b": da.sum(rows)}, da * w

        return y, pullback

    return Layer.of(out_shape, spec, rule)


INSIDE: Final = (Bend(), Tanh, Dropout(0.5))
"""With params, without, and one that draws."""


def _knows_its_layers(case: Case) -> None:
    if not case.layer.definition.children:
        raise broken(
            "the layers that it was given are not among its children, so that rebuild, calibrate, trace and summary do "
            "not find them; make it by Layer.over"
        )


KNOWS: Final[Law[Case]] = Law(
    "knows_its_layers", "the layers that a combinator is given are its children", "exact", _knows_its_layers,
    dtypes=("float32",), kinds=("normal",), passes="inference",
)  # fmt: skip


def _takes(layer: object, shapes: SearchStrategy[Shape]) -> bool:
    """Does a layer take the smallest of these shapes?"""
    if not isinstance(layer, Layer):
        return False
    try:
        layer.out_shape(find(shapes, lambda _: True, settings=settings(database=None)))
    except FuncnnError:
        return False
    return True


def inside(
    make: Make, layers: Sequence[Layer[Any, Any]] | None, shape: SearchStrategy[Shape]
) -> SearchStrategy[Layer[Any, Any]]:
    """What a combinator makes of layers: those that are given, or several choices of as many as it takes; of two and of
    three where it takes any number, unless the input is for two.

    Errors
        TypeError   it is no function, or makes no layer
    """
    given: object = make
    if not callable(given) or isinstance(given, Layer):
        what = brief(make)
        raise TypeError(f"combinator_laws takes what makes a layer of layers, got {what}; give ReZero, not ReZero(f)")
    if layers is None:
        wanted = [p for p in inspect.signature(make).parameters.values() if p.default is p.empty]
        n = sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in wanted)
        any_number = any(p.kind is p.VAR_POSITIONAL for p in wanted)
        n += 2 * any_number
        most = n + (any_number and _takes(make(*[INSIDE[0]] * (n + 1)), shape))
        choices = [[INSIDE[(i + shift * (i >= at)) % len(INSIDE)] if shift else INSIDE[0] for i in range(m)]
                   for m in range(n, most + 1) for shift in range(3) for at in range(max(m, 1))]  # fmt: skip
        choices.append([INSIDE[-1]] * most)  # all draw
    else:
        choices = [list(layers)]
    made: list[Layer[Any, Any]] = []
    for choice in choices:
        found: object = make(*choice)
        if not isinstance(found, Layer):
            raise TypeError(f"{getattr(make, '__name__', make)} is to make a layer of layers, it gave {brief(found)}")
        if found not in made:
            made.append(found)  # pyright: ignore[reportUnknownArgumentType]
    return st.sampled_from(made)


def combinator_trials(
    make: Make,
    shape: Template | Shape | SearchStrategy[Shape],
    layers: Sequence[Layer[Any, Any]] | None = None,
    **options: Unpack[Options],
) -> dict[str, Trial]:
    """Every law a combinator is held to, with its cases. The arguments are those of `combinator_laws`."""
    said: Options = {**options, "also": [*options.get("also", ()), KNOWS]}
    return trials(inside(make, layers, shape_strategy(shape)), shape, **said)
