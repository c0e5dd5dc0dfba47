"""Cases of metrics, schedules, initializers and penalties."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from funcnn.derivatives import vjp
from funcnn.keys import Initializer, Key
from funcnn.losses.penalties import Penalty
from funcnn.metrics import Metric
from funcnn.params import Params
from funcnn.schedules import Schedule
from funcnn.testing import nested
from funcnn.testing.casebook.fields import KnownByFields
from funcnn.testing.casebook.of_losses import LossCase
from funcnn.testing.drawing.contents import contents
from funcnn.types import Shape


class MetricCase(LossCase):
    """A metric, with predictions and targets as a loss has them. Its repr rebuilds it.

    >>> MetricCase(accuracy, (2, 3), target="labels", seed=4).result()
    0.5
    """

    GIVEN = ("metric", "shape")

    def __init__(self, metric: Metric[Any, Any, Any, Any], shape: Shape, **options: Any) -> None:
        unused: Any = None
        super().__init__(unused, shape, **options)
        self.metric = metric

    def update(self, state: Any, rows: Any = slice(None), weights: Any = None) -> Any:
        """The state after these rows."""
        prediction, target = self.cut(rows)
        update: Any = self.metric.update
        return update(state, prediction, target) if weights is None else update(state, prediction, target, weights)

    def cut(self, rows: Any) -> tuple[Any, Any]:
        """Some rows of prediction and target."""
        return nested.mapped(lambda a: a[rows], self.prediction), nested.mapped(lambda a: a[rows], self.wanted)

    def result(self, rows: Any = slice(None), weights: Any = None) -> Any:
        """What the metric says of some rows."""
        return self.metric.compute(self.update(self.metric.init(), rows, weights))


class ScheduleCase(KnownByFields):
    """A schedule and a step. Its repr rebuilds it.

    >>> ScheduleCase(exponential_decay(0.1, 100, 0.5), 200).rate
    0.025
    """

    GIVEN = ("schedule", "step")
    DEFAULTS: ClassVar = {"dtype": "float64", "attempt": 0}

    def __init__(
        self, schedule: Schedule, step: int, *, dtype: npt.DTypeLike = "float64", attempt: int = 0
    ) -> None:
        self.schedule, self.step, self.attempt = schedule, step, attempt
        self.dtype: np.dtype[Any] = np.dtype(dtype)

    @property
    def rate(self) -> float:
        """The rate at this step."""
        return self.schedule(self.step)


class InitializerCase(KnownByFields):
    """An initializer, the shape and the dtype that it is asked for. Its repr rebuilds it.

    >>> InitializerCase(he_normal, (2, 3), seed=1).drawn().shape
    (2, 3)
    """

    GIVEN = ("initializer", "shape")
    DEFAULTS: ClassVar = {"dtype": "float64", "seed": 0, "attempt": 0}

    def __init__(
        self,
        initializer: Initializer,
        shape: tuple[int, ...],
        *,
        dtype: npt.DTypeLike = "float64",
        seed: int = 0,
        attempt: int = 0,
    ) -> None:
        self.initializer, self.shape, self.seed, self.attempt = initializer, shape, seed, attempt
        self.dtype: np.dtype[Any] = np.dtype(dtype)

    def drawn(self, name: str = "", shape: tuple[int, ...] | None = None) -> Any:
        """What it draws, with another key for every name."""
        key = Key(self.seed).fold(self.attempt).fold(name)
        return self.initializer(key, self.shape if shape is None else shape, self.dtype)


class PenaltyCase(KnownByFields):
    """A penalty and params. Its repr rebuilds it.

    wide   params are of every size from 1/1000 to 1000, and not around 1

    >>> PenaltyCase(l2(0.5), {"w": (2, 3), "b": (3,)}).pull()[0] > 0
    True
    """

    GIVEN = ("penalty", "shapes")
    DEFAULTS: ClassVar = {"dtype": "float64", "seed": 0, "wide": False, "attempt": 0}

    def __init__(
        self,
        penalty: Penalty,
        shapes: Mapping[str, tuple[int, ...]],
        *,
        dtype: npt.DTypeLike = "float64",
        seed: int = 0,
        wide: bool = False,
        attempt: int = 0,
    ) -> None:
        if not shapes:
            raise ValueError("a penalty is tried on some params, got none")
        self.penalty, self.shapes, self.seed, self.wide, self.attempt = penalty, dict(shapes), seed, wide, attempt
        self.dtype: np.dtype[Any] = np.dtype(dtype)

    def generator(self, name: str) -> np.random.Generator:
        """Random numbers for a purpose, the same at every call."""
        return Key(self.seed).fold(self.attempt).fold(name).generator()

    @cached_property
    def params(self) -> Params:
        """Where the penalty is asked for."""
        kind = "wide" if self.wide else "normal"
        return Params({p: contents(self.generator(p), s, kind).astype(self.dtype) for p, s in self.shapes.items()})

    def pull(self, params: Any = None) -> tuple[Any, Callable[[float], Any]]:
        """The penalty, and its pullback, a function of a number that gives a tree."""
        value, back = vjp(self.penalty, self.params if params is None else params)
        return value, lambda d: back(d)[0]
