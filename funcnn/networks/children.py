"""The children of combinators: what they are called, and what a combinator makes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

from funcnn.inputs import features
from funcnn.networks.definitions import EMPTY, Child, Definition, Go, Spec, Takes
from funcnn.networks.mistakes import no_layer, too_deep
from funcnn.networks.rules import held
from funcnn.types import Shape, is_tuple


class Combined(NamedTuple):
    """What the author of a combinator gives.

    meets   (shape, go) -> shape out, where `go(child, shape)` is the child's shape out
    rule    as for `Layer.of`; it calls `child.pull`
    own     the combinator's own params, `shape -> spec`
    params  other params than the children's, `spec -> spec`
    step    as for `Layer.of`, of a combinator that goes along time itself
    random  whether the rule takes the key; where not given, whether a child does
    """

    meets: Callable[[Shape, Go], Shape]
    rule: Callable[..., Any]
    value: Callable[..., Any] | None = None
    takes: Takes | None = None
    own: Callable[[Shape], Spec] | None = None
    params: Callable[[Spec], Spec] | None = None
    random: bool | None = None
    step: Callable[..., Any] | str | None = None


def combined(
    layers: Sequence[Definition], build: Callable[..., Combined], where: str, transparent: bool = False
) -> Definition:
    """The layer that `build(*children)` makes of these.

    Errors
        ValueError   two have the same name; or they are nested deeper than Python can go
    """
    children = named(layers, where=where)
    depth = 1 + max((child.depth for child in layers), default=0)
    too_deep(depth, where)
    meets, rule, value, takes, own, params, random, step = build(
        *[Child("" if transparent else name, child) for name, child in children.items()]
    )
    rule, value = held(rule, value, lambda shape: meets(shape, Child.out_shape))
    return Definition(
        meets, own or no_params, rule, value,
        any(child.random for child in layers) if random is None else random,
        takes or features, params, step=step, children=children, depth=depth, transparent=transparent,
        remade=partial(combined, build=build, where=where, transparent=transparent),
        name=layers[0].name if transparent else "layer",
        explicit=transparent and layers[0].explicit,
    )  # fmt: skip


def no_params(shape: Shape) -> Spec:
    """The spec of what has none of its own."""
    return EMPTY


def named(layers: Iterable[Definition], *, where: str) -> dict[str, Definition]:
    """The one place where children get names: their own, or their constructor's and a counter for each of these.

    Errors
        ValueError   two have the same name

    >>> from funcnn.networks.children import named
    >>> list(named([f.definition for f in (Dense(3), Relu, Dense(2))], where="serial"))
    ['dense_0', 'relu_0', 'dense_1']
    """
    seen: Counter[str] = Counter()
    children: dict[str, Definition] = {}
    for child in layers:
        name = child.name
        if not child.explicit:
            seen[name] += 1
            name = f"{name}_{seen[name] - 1}"
        if name in children:
            raise ValueError(f"{where}: two children are named {name!r}; give one another name with .named")
        children[name] = child
    return children


def definition_of(value: Any, *, where: str, i: int = 0) -> Definition:
    """The definition of a layer, which is a pair.

    Errors
        TypeError   it is no layer, with what to do
    """
    found = getattr(value, "definition", None)
    if isinstance(found, Definition) and is_tuple(value):
        return found
    raise no_layer(value, where, i)
