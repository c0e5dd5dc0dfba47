"""A network by parts of the batch: each thread takes some examples through all of it, forward and back.

Where no example sees another, a thread that has its own meets the others three times a step, and not at every kernel:
a transformer of two blocks meets them 65 times. The gradients of the parts are added up. How many parts there are
depends on sizes and on the number of threads alone, so that results are the same every time; with another number of
threads their last bits are others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeVar

import numpy as np

from funcnn.calculus import Later, force
from funcnn.kernels.scratch import array
from funcnn.kernels.sweeps import add_onto
from funcnn.kernels.threads import allowed, side_by_side
from funcnn.networks.definitions import Child, Definition
from funcnn.params.trees import flatten, mapped
from funcnn.pulling import Pulling, pulled
from funcnn.types import Array, Shape

F = TypeVar("F", bound=Callable[..., Any])

_REPAYS: Final = 1 << 24  # multiplications of a forward pass over a part
_SUMMED: Final = 96  # multiplications for each number of the params, whose gradients are to be added up
_UNEVEN: Final = 1.1  # the largest part over the mean
_MARK: Final = "examples_apart"


def apart(rule: F) -> F:
    """Say of a rule that no example, along the first axis of input and output, sees another, and that its gradients,
    which are sums over examples, are fresh arrays. Input and output are single arrays.

    A rule around it says nothing, unless this is said of it too.
    """
    setattr(rule, _MARK, True)
    return rule


def apart_if(rule: F, children: Iterable[Child]) -> F:
    """Say so of the rule of a combinator, if it was said of those of all children."""
    return apart(rule) if all(is_apart(child.definition.rule) for child in children) else rule


def is_apart(rule: Callable[..., Any]) -> bool:
    """Was that said of this rule?"""
    return getattr(rule, _MARK, False) is True


def most(layer: Definition, shape: Shape, out: Shape, numbers: int) -> int:
    """Into how many parts a batch of this shape may be cut, of a network with so many numbers in its params."""
    rows: Any = shape[0] if shape else 0
    if len(out) < 2 or isinstance(rows, tuple) or out[0] != rows:
        return 1
    return int(max(1, min(rows, multiply_adds(layer, shape) // max(_REPAYS, _SUMMED * numbers))))


def multiply_adds(layer: Definition, shape: Shape) -> int:
    """How many a forward pass costs, as far as its layers tell."""
    total = 0

    def go(child: Child, shape: Shape) -> Shape:
        nonlocal total
        found = child.definition
        total += found.multiply_adds(shape) if found.multiply_adds else 0
        return found.meets(shape, go)

    go(Child("", layer), shape)
    return total


def count(most: int, rows: int) -> int:
    """How many parts there are: one for each thread, if they are nearly alike."""
    parts = min(most, allowed())
    return parts if parts > 1 and -(-rows // parts) * parts <= _UNEVEN * rows else 1


def in_parts(rule: Callable[..., Any], params: Mapping[str, Any], x: Array, parts: int) -> tuple[Array, Pulling]:
    """Value and pullback of a rule, by parts of the batch. What goes wrong goes wrong in the whole, with its words."""
    spans = [slice(len(x) * i // parts, len(x) * (i + 1) // parts) for i in range(parts)]
    try:
        found = side_by_side(parts, lambda i: rule(params, x[spans[i]]))
    except Exception:
        whole: tuple[Array, Pulling] = rule(params, x)
        return whole
    y, pulls = joined([y for y, _ in found]), [pull for _, pull in found]
    del found
    shape, dtype = y.shape, y.dtype

    def back(dy: Any, last: bool) -> tuple[Any, Any]:
        if type(dy) is not np.ndarray or (dy.shape, dy.dtype) != (shape, dtype):  # no cotangent of y: see what it is
            return rule(params, x)[1](dy)  # type: ignore[no-any-return]
        each = side_by_side(parts, lambda i: pulled(pulls[i], dy[spans[i]], last))
        if last:
            pulls.clear()
        dxs = [dx for _, dx in each]
        return summed([grads for grads, _ in each]), Later(partial(_forced, dxs))

    return y, Pulling(back)


def _forced(dxs: list[Any]) -> Array:
    return joined(side_by_side(len(dxs), lambda i: force(dxs[i])))


def joined(parts: Sequence[Array]) -> Array:
    """One behind the other."""
    first = parts[0]
    y: Array = array((sum(map(len, parts)), *first.shape[1:]), first.dtype)
    np.concatenate(parts, out=y)
    return y


def summed(trees: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The sum of gradients, in the memory of the first, but for leaves whose rows do not lie one behind the other."""
    first, *others = trees
    total: dict[str, Any] = mapped(_in_rows, dict(first))
    into = _vectors(total)
    for other in others:
        add_onto(into, _vectors(other))
    return total


def _in_rows(leaf: Array) -> Array:
    return np.asarray(leaf, order="C")


def _vectors(tree: Mapping[str, Any]) -> list[Array]:
    """Its leaves as vectors, which share the memory of those that are contiguous."""
    return [leaf.reshape(-1) for _, leaf in flatten(tree)]
