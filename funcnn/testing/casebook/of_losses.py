"""Cases of losses: a prediction, a target that fits, weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, ClassVar, Final, TypeAlias, Union, cast

import numpy as np
import numpy.typing as npt

from funcnn.calculus import force
from funcnn.derivatives import vjp
from funcnn.errors import brief
from funcnn.keys import Key
from funcnn.losses.definition import Loss
from funcnn.testing import nested
from funcnn.testing.casebook.fields import KnownByFields
from funcnn.testing.casebook.of_layers import sealed
from funcnn.testing.drawing.contents import contents, signs, within
from funcnn.types import Shape

MakeTarget: TypeAlias = "Callable[[np.random.Generator, tuple[int, ...], np.dtype[Any]], Any]"
"""`(rng, shape of the prediction, its dtype) -> target`."""

Target: TypeAlias = "Union[str, MakeTarget, tuple[Target, ...]]"
"""A key of `TARGETS`, a function, or a tuple of these for a tuple of predictions."""


def _distribution(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    weights = rng.uniform(0.1, 1.0, shape)
    return (weights / weights.sum(-1, keepdims=True)).astype(dtype)


TARGETS: Final[Mapping[str, MakeTarget]] = {
    "like": lambda rng, shape, dtype: contents(rng, shape).astype(dtype),
    "positive": lambda rng, shape, dtype: (0.1 + np.abs(contents(rng, shape))).astype(dtype),
    "binary": lambda rng, shape, dtype: rng.integers(0, 2, shape).astype(dtype),
    "signs": lambda rng, shape, dtype: rng.choice([-1.0, 1.0], shape).astype(dtype),
    "counts": lambda rng, shape, dtype: rng.poisson(2.0, shape).astype(dtype),
    "integers": lambda rng, shape, dtype: rng.integers(-3, 4, shape),
    "float64": lambda rng, shape, dtype: contents(rng, shape),
    "labels": lambda rng, shape, dtype: rng.integers(0, shape[-1], shape[:-1]),
    "distribution": _distribution,
}
"""What targets may be, by name."""


def checked_target(target: object) -> None:
    """Refuse what is no kind of target.

    Errors
        TypeError    neither a name nor a function nor a tuple of these
        ValueError   a name there is not
    """
    if nested.is_tuple(target):
        for each in target:
            checked_target(each)
    elif isinstance(target, str) and target not in TARGETS:
        raise ValueError(f"there is no target {target!r}; there are {', '.join(TARGETS)}, and functions")
    elif not isinstance(target, str) and not callable(target):
        raise TypeError(f"a target is a name or a function (rng, shape, dtype) -> target, got {brief(target)}")


class LossCase(KnownByFields):
    """Everything that a law about a loss needs. Its repr rebuilds it.

    loss, shape   what is held to the law, and the shape of the prediction (a tuple of shapes for a tuple of arrays)
    target        what the target is: a key of `TARGETS`, or a function `(rng, shape, dtype) -> target`
    weighted      rows have weights
    domain        predictions lie between these

    >>> LossCase(squared_error, (2, 3), seed=1).value() > 0
    True
    """

    GIVEN = ("loss", "shape")
    DEFAULTS: ClassVar = {
        "target": "like", "dtype": "float64", "seed": 0, "kind": "normal", "weighted": False, "domain": None,
        "attempt": 0,
    }  # fmt: skip

    def __init__(
        self,
        loss: Loss[Any, Any],
        shape: Shape,
        *,
        target: Target = "like",
        dtype: npt.DTypeLike = "float64",
        seed: int = 0,
        kind: str = "normal",
        weighted: bool = False,
        domain: tuple[float, float] | None = None,
        attempt: int = 0,
    ) -> None:
        self.loss, self.shape, self.target = loss, shape, target
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.seed, self.kind, self.weighted, self.domain, self.attempt = seed, kind, weighted, domain, attempt

    def generator(self, name: str) -> np.random.Generator:
        """Random numbers for a purpose, the same at every call."""
        return Key(self.seed).fold(self.attempt).fold(name).generator()

    @cached_property
    def prediction(self) -> Any:
        """The prediction, read-only."""
        rng = self.generator("prediction")

        def make(shape: Any) -> Any:
            if any(isinstance(d, tuple) for d in shape):
                return tuple(map(make, shape))
            x = contents(rng, shape, self.kind).astype(self.dtype)
            return sealed(x if self.domain is None else within(x, self.domain, self.kind))

        return make(self.shape)

    @cached_property
    def wanted(self) -> Any:
        """The target, read-only."""
        rng = self.generator("target")

        def make(target: Any, shape: Any) -> Any:
            if any(isinstance(d, tuple) for d in shape) and callable(target):  # one target for several predictions
                return nested.mapped(lambda a: sealed(np.array(a)), target(rng, shape, self.dtype))
            if any(isinstance(d, tuple) for d in shape):
                each = target if nested.is_tuple(target) else (target,) * len(shape)
                return tuple(make(t, s) for t, s in zip(each, shape, strict=True))
            if target == "like" and self.kind == "ties":  # where predictions and targets meet
                return sealed(contents(rng, shape, "ties").astype(self.dtype))
            return sealed(np.asarray((TARGETS[target] if isinstance(target, str) else target)(rng, shape, self.dtype)))

        return make(self.target, self.shape)

    @cached_property
    def rows(self) -> int:
        """How many rows the prediction has."""
        n: int = next(a.shape[0] for _, a in nested.leaves(self.prediction))
        return n

    @cached_property
    def weights(self) -> Any:
        """A weight for every row, or None."""
        if not self.weighted:
            return None
        return sealed(self.generator("weights").uniform(0.25, 2.0, self.rows).astype(self.dtype))

    @property
    def z(self) -> dict[str, Any]:
        """Prediction and target."""
        return {"prediction": self.prediction, "target": self.wanted}

    def direction(self, leaf: Any, name: str) -> Any:
        """A direction on one leaf."""
        return signs(self.generator(name), leaf.shape)

    def value(self, z: Any = None, **options: Any) -> Any:
        """The loss, through the public door."""
        at, loss = self.z if z is None else z, cast(Any, self.loss)
        return loss(at["prediction"], at["target"], weights=self.weights, **options)

    def pull(self, z: Any = None, **options: Any) -> tuple[Any, Callable[[Any], dict[str, Any]]]:
        """The loss and its pullback, through the public door; cotangents come as one tree like `z`."""
        at = self.z if z is None else z
        value, back = cast(Any, vjp)(self.loss, at["prediction"], at["target"], weights=self.weights, **options)
        return value, lambda d: dict(zip(("prediction", "target"), back(d), strict=True))

    def bare(self, z: Any) -> tuple[Any, Callable[[Any], dict[str, Any]]]:
        """The rule without the door, in any dtype."""
        value, back = self.loss.rule(z["prediction"], z["target"], self.weights)
        return value, lambda d: {k: force(c) for k, c in zip(("prediction", "target"), back(d), strict=True)}
