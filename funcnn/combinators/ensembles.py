"""Several networks of one kind, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from funcnn.arguments import counted
from funcnn.calculus import Later, force
from funcnn.combinators.fans import add
from funcnn.combinators.nested import mapped_shape, stacked
from funcnn.keys import Initializer, Key
from funcnn.nested import mapped
from funcnn.networks import Child, Combined, Go, Layer, layer
from funcnn.networks.definitions import Spec
from funcnn.params.trees import mapped as mapped_tree
from funcnn.pulling import Pulling, pulled
from funcnn.types import Array, Shape, Tree

A = TypeVar("A")
B = TypeVar("B")


@layer
def ensemble(net: Layer[A, B], n: int, /) -> Layer[A, B]:
    """n networks of one kind, each with params of its own, their outputs stacked in front: `y[i] = net(params[i], x)`.

    Every leaf has the members in front too, so that one tree, one optimizer and one file hold them all. Each is drawn
    by another key, and gets another one in a training pass. It adds no level.

    Shapes
        x       what the network takes; all members get it
        params  the network's, with n in front of every shape
        y       what it gives, with n in front of every shape
    Errors
        TypeError    `net` is no layer
        ValueError   `n` is less than one
        ShapeError   from the network
    Pullback
        dparams[i] = the network's, of dy[i]      dx = the sum of those of all members
    Source: Lakshminarayanan, Pritzel & Blundell, Simple and Scalable Predictive Uncertainty Estimation using Deep
    Ensembles (2017), section 2.4.

    >>> net = ensemble(serial(Dense(8), Relu, Dense(1)), 5)
    >>> out, params = net.init(Key(0), (-1, 3))
    >>> out, params.at("dense_0/w").shape
    ((5, -1, 1), (5, 3, 8))
    """
    members = range(counted("ensemble", n=n))

    def build(child: Child) -> Combined:
        d = child.definition

        def meets(shape: Shape, go: Go) -> Shape:
            *_, out = (go(child, shape) for _ in members)  # each of them costs
            return mapped_shape(lambda s: (len(members), *s), out)

        def member(params: Any, i: int) -> Any:
            def its(leaf: Array) -> Any:
                return leaf[i]

            return mapped_tree(its, params)

        def key(rng: tuple[Key | None, ...], i: int) -> tuple[Key | None, ...]:
            return tuple(None if k is None else k.fold(i) for k in rng)

        def value(params: Tree, x: Any, *rng: Key | None) -> Any:
            return stacked([d.value(member(params, i), x, *key(rng, i)) for i in members], 0)

        def rule(params: Any, x: Any, *rng: Key | None) -> tuple[Any, Callable[[Any], Any]]:
            ys, backs = map(list, zip(*[d.rule(member(params, i), x, *key(rng, i)) for i in members]))
            y = stacked(ys, 0)

            def run(dy: Any, last: bool) -> tuple[Tree, Any]:
                left = backs if last else backs[:]
                left.reverse()
                found = [pulled(left.pop(), mapped(lambda a: a[i], dy), last) for i in members]  # noqa: B023
                grads = mapped_tree(_joined, params, *(g for g, _ in found))

                def total() -> Any:
                    first, *others = (force(dx) for _, dx in found)
                    for dx in others:
                        first = add(first, dx)
                    return first

                return grads, Later(total)

            return y, Pulling(run)

        return Combined(meets, rule, value, d.takes, params=Members(len(members)))

    return Layer.over((net,), build, where="ensemble", transparent=True)


def _joined(leaf: Array, *gradients: Array) -> Any:
    """The gradients of all members, their axis in front of the leaf's own: those of every example have one more."""
    return np.stack(gradients, gradients[0].ndim - leaf.ndim + 1)


@dataclass(frozen=True, slots=True)
class Members:
    """From the spec of one to that of n members, each drawn by a key of its own. By it a walk knows an ensemble."""

    n: int

    def __call__(self, wanted: Spec) -> Spec:
        found: dict[str, Any] = {
            k: self(v) if isinstance(v, Mapping) else self._leaf(*v) for k, v in wanted.items()
        }
        return found

    def _leaf(self, init: Initializer, shape: tuple[int, ...]) -> tuple[Initializer, tuple[int, ...]]:
        def members(key: Key, wanted: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
            return np.stack([init(key.fold(i), wanted[1:], dtype) for i in range(self.n)])

        return members, (self.n, *shape)
