"""How training went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Union, cast

import numpy as np
import numpy.typing as npt

from funcnn.errors import ShapeError
from funcnn.plotting.canvas import COLORS, axes_of
from funcnn.training.history import History
from funcnn.training.steps import StepMetrics

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def learning_curves(
    history: Union[History, Mapping[str, npt.ArrayLike], Iterable[StepMetrics]],
    *,
    ax: Axes | None = None,
    best: str | None = None,
    logarithmic: bool = False,
) -> Axes:
    """Columns by name against the number of the epoch, or the losses of steps against the number of the step.

    `history` is that of `train`, or has a sequence of numbers for every name, one for each epoch; what is not a number
    leaves a gap, so that a column may have values now and then. Or it is what `fit` yields beside the states,
    `[metrics for _, metrics in fit(...)]`: then a thin line has the loss of every step, a thick one the mean of every
    epoch. The least value of the column `best` is marked; where none is named, the best epoch that a `History` knows.

    Errors
        MissingExtraError   matplotlib is not installed
        ShapeError          there is nothing to plot
        ValueError          there is no column `best`
    """
    columns, steps = _columns(history)
    if not any(len(values) for values in columns.values()) and not steps:
        raise ShapeError("learning_curves: there is nothing to plot, the history is empty")
    if best is not None and best not in columns:
        raise ValueError(f"learning_curves: there is no column {best!r} to mark, there are {', '.join(columns)}")
    ax, on = axes_of(ax)
    if steps:
        _steps(on, steps)
    for i, (name, values) in enumerate(columns.items()):
        color, y = COLORS[i % len(COLORS)], np.asarray(values, np.float64)
        x, there = np.arange(1, len(y) + 1), np.isfinite(y)
        on.plot(x[there], y[there], color=color, label=name, marker="o" if there.sum() <= 40 else "", markersize=3)
        if name == best and there.any():
            at = int(np.nanargmin(np.where(there, y, np.nan)))
            on.plot(x[at], y[at], "*", color=color, markersize=12, zorder=3, label=f"best, {y[at]:.4g} at {x[at]}")
    if best is None and isinstance(history, History) and history.best is not None:
        on.axvline(history.best + 1, color="gray", linestyle=":", label="best")
    on.set_xlabel("step" if steps else "epoch")
    on.set_ylabel("loss" if steps else ", ".join(columns) if len(columns) < 3 else "")
    if not steps:
        on.xaxis.get_major_locator().set_params(integer=True)
    if logarithmic:
        on.set_yscale("log")
    on.grid(alpha=0.25)
    on.legend(frameon=False)
    return ax


def _columns(history: Any) -> tuple[dict[str, Any], list[StepMetrics]]:
    if isinstance(history, History):
        numbers = {name: history[name] for name in history.columns if name not in ("epoch", "step")}
        return {name: v for name, v in numbers.items() if v.ndim == 1 and v.dtype.kind in "fiu"}, []
    if isinstance(history, Mapping):
        return dict(cast("Mapping[str, Any]", history)), []
    if hasattr(history, "history"):
        raise TypeError(f"learning_curves takes a history, got {type(history).__name__}; take its .history")
    steps = list(cast("Iterable[object]", history))
    if not all(isinstance(step, StepMetrics) for step in steps):
        raise TypeError(
            "learning_curves takes columns by name, {'loss': [...]}, or what fit yields beside the states, "
            "[metrics for _, metrics in fit(...)]"
        )
    return {}, cast("list[StepMetrics]", steps)


def _steps(on: Any, steps: list[StepMetrics]) -> None:
    """The loss of every step, and its mean over the rows of every epoch, where the epoch ends."""
    x, y = np.array([s.step for s in steps]), np.array([s.loss for s in steps], np.float64)
    on.plot(x, y, color=COLORS[0], alpha=0.5, linewidth=0.8, label="loss of a step")
    epochs, rows = np.array([s.epoch for s in steps]), np.array([s.examples for s in steps])
    ends, means = list[int](), list[float]()
    for epoch in np.unique(epochs):
        of = epochs == epoch
        ends.append(int(x[of].max()))
        means.append(float(np.average(y[of], weights=rows[of])))
    on.plot(ends, means, color=COLORS[0], linewidth=2, label="mean of an epoch")
