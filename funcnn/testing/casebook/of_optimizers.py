"""Cases of optimizers: params, and gradients for several steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from funcnn.keys import Key
from funcnn.optimizers.definition import Optimizer, apply_updates, takes_value
from funcnn.params import Gradients, Params, Updates
from funcnn.testing import nested
from funcnn.testing.casebook.fields import KnownByFields
from funcnn.testing.drawing.contents import contents

Leaves: TypeAlias = "dict[str, npt.NDArray[Any]]"
Step: TypeAlias = Callable[[Leaves, Leaves], Leaves]
"""A step written down plainly: `(gradients, params) -> updates`, over dicts from path to array."""


class OptimizerCase(KnownByFields):
    """Everything that a law about an optimizer needs. Its repr rebuilds it.

    optimizer   what is held to the law
    shapes      of the leaves of the params, by path
    steps       how many are taken
    wide        the gradients of some steps are 100 000 times larger than those of others; for odd seeds the params of
                one leaf are zero at first, and the gradients of another one in the first step, and every other one of
                its entries in later steps; for even seeds params are of every size from 1/1000 to 1000

    >>> case = OptimizerCase(sgd(0.5), {"w": (2, 3), "deep/b": (3,)})
    >>> len(case.walk()), case.params.paths()
    (3, ('deep/b', 'w'))
    """

    GIVEN = ("optimizer", "shapes")
    DEFAULTS: ClassVar = {"dtype": "float64", "seed": 0, "steps": 3, "wide": False, "attempt": 0}

    def __init__(
        self,
        optimizer: Optimizer[Any],
        shapes: Mapping[str, tuple[int, ...]],
        *,
        dtype: npt.DTypeLike = "float64",
        seed: int = 0,
        steps: int = 3,
        wide: bool = False,
        attempt: int = 0,
    ) -> None:
        if steps < 1 or not shapes:
            got = f"{steps} steps of {dict(shapes)}"
            raise ValueError(f"an optimizer is tried for some steps, on some params, got {got}")
        self.optimizer, self.shapes = optimizer, dict(shapes)
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.seed, self.steps, self.wide, self.attempt = seed, steps, wide, attempt

    def generator(self, name: str) -> np.random.Generator:
        return Key(self.seed).fold(self.attempt).fold(name).generator()

    def tree(self, name: str) -> Params:
        """A tree of these shapes, another one for every name."""
        key = Key(self.seed).fold(self.attempt).fold(name)
        tree: dict[str, Any] = {}
        for path, shape in self.shapes.items():
            *above, last = path.split("/")
            below = tree
            for part in above:
                below = below.setdefault(part, {})
            below[last] = key.fold(path).generator().standard_normal(shape).astype(self.dtype)
        return Params(tree)

    @cached_property
    def params(self) -> Params:
        """Where the steps begin."""
        tree = self.tree("params")
        if not self.wide:
            return tree
        if self.seed % 2:
            return times(0.0, tree, sorted(self.shapes)[0])
        rng = self.generator("sizes of params")
        return Params(nested.mapped(lambda a: contents(rng, a.shape, "wide").astype(a.dtype), tree))

    @cached_property
    def gradients(self) -> list[Gradients]:
        """A tree of gradients for every step; they do not depend on the params."""
        sizes = self.generator("sizes").permutation(np.linspace(-4, 2, self.steps))
        trees = [self.tree(f"gradients {i}") for i in range(self.steps)]
        if self.wide:
            trees = [times(10.0**size, t) for size, t in zip(sizes, trees, strict=True)]
        if self.wide and self.seed % 2:
            last, rng = sorted(self.shapes)[-1], self.generator("holes")
            trees[0] = times(0.0, trees[0], last)
            trees[1:] = [times(rng.integers(0, 2, self.shapes[last]), t, last) for t in trees[1:]]
        return [Gradients(tree) for tree in trees]

    def update(self, step: int, gradients: Any, state: Any, params: Any) -> tuple[Updates, Any]:
        """What the optimizer gives at this step; one that takes the value of the objective is told a number."""
        told = {"value": 1.0 + float(self.generator(f"value {step}").uniform())} if self._told else {}
        return self.optimizer.update(gradients, state, params, **told)

    @cached_property
    def _told(self) -> bool:
        return takes_value(self.optimizer)

    def walk(
        self, params: Any = None, gradients: Any = None, rounded: Callable[[Params, Params], Params] | None = None
    ) -> list[tuple[Updates, Any, Params]]:
        """The updates, the state and the params after every step, which are `rounded(params before, params after)`."""
        at = self.params if params is None else params
        state = self.optimizer.init(at)
        out: list[tuple[Updates, Any, Params]] = []
        for i, g in enumerate(self.gradients if gradients is None else gradients):
            updates, state = self.update(i, g, state, at)
            before, at = at, apply_updates(at, updates)
            at = rounded(before, at) if rounded else at
            out.append((updates, state, at))
        return out


def times(by: Any, tree: Any, only: str = "") -> Params:
    """A tree of numbers so many times as large, by a number or an array; or one leaf, and the others as they are."""
    return Params(nested.located(lambda path, a: (by * a).astype(a.dtype) if only in ("", path) else a, tree))


def by_path(tree: Any) -> Leaves:
    """The leaves of a tree by path."""
    return {path: np.asarray(leaf) for path, leaf in nested.leaves(tree)}
