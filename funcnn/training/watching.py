"""What an epoch is judged by: a column of the history, and whether less or more of it is better."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any, Final, Literal, NamedTuple, TypeAlias, cast

from funcnn.arguments import is_number
from funcnn.errors import brief
from funcnn.metrics import Metric
from funcnn.metrics.of_losses import is_of_loss

Mode: TypeAlias = Literal["min", "max"]

COLUMNS: Final = ("epoch", "step", "train_loss", "loss")
"""The columns of a history that are not metrics."""

_MORE: Final = ("accuracy", "binary_accuracy", "top_", "precision", "recall", "f1", "roc_auc", "average_prec", "r2")
_LESS: Final = ("mean_squared_error", "root_mean_squared_error", "mean_absolute_error")


class Watch(NamedTuple):
    """A column, and whether less of it is better, or more."""

    column: str
    mode: Mode

    def score(self, row: dict[str, Any]) -> float | None:
        """How good an epoch is, the higher the better; None where it is not finite.

        Errors
            TypeError   the column is no number
        """
        value = row[self.column]
        if not is_number(value):
            raise TypeError(f"monitor {self.column!r} must be a number, got {brief(value)}; choose another column")
        return float(value if self.mode == "max" else -value) if isfinite(value) else None


def watched(
    monitor: str, mode: Mode | None, metrics: Sequence[Metric[Any, Any, Any, Any]], validated: bool
) -> Watch | None:
    """What to judge epochs by; None where nothing is validated, and the last params are as good as any.

    Errors
        ValueError   there is no such column, or nobody can tell whether less of it is better
    """
    found = {metric.name: metric for metric in metrics}
    known = ["train_loss", *(["loss", *found] if validated else [])]
    if mode not in (None, "min", "max"):
        raise ValueError(f"train: mode must be 'min' or 'max', got {mode!r}")
    if monitor not in known:
        if monitor == "loss":
            if mode is not None:
                raise ValueError(f"train: mode={mode!r} is that of a column to watch; give validation=0.2, or data")
            return None
        fix = "" if validated else "; metrics are those of validation data: validation=0.2"
        if isinstance(monitor, str) and monitor.removeprefix("val_") in known:
            fix = f"; columns of validation have no prefix: monitor={monitor.removeprefix('val_')!r}"
        raise ValueError(f"train: monitor must be one of {', '.join(known)}, got {brief(monitor)}{fix}")
    if mode is None:
        mode = _mode(monitor, found.get(monitor))
    return Watch(monitor, mode)


def _mode(monitor: str, metric: Metric[Any, Any, Any, Any] | None) -> Mode:
    if metric is None or is_of_loss(metric) or monitor in _LESS:
        return "min"
    if monitor.startswith(_MORE):
        return "max"
    raise ValueError(f"train: is less of {monitor} better, or more? Say mode='min' or mode='max'")


def checked_metrics(metrics: object, validated: bool) -> list[Metric[Any, Any, Any, Any]]:
    """The metrics, which stand for columns.

    Errors
        TypeError    one is no metric; or they are not in a list
        ValueError   there is no data for them; or two columns would have one name
    """
    if not (type(metrics) is list or type(metrics) is tuple):
        raise TypeError(f"train: metrics must be a list of them, got {brief(metrics)}; write metrics=[accuracy]")
    found: list[Metric[Any, Any, Any, Any]] = []
    for metric in cast("list[object]", metrics):
        if not isinstance(metric, Metric):
            fix = "; metrics are imported by name" if isinstance(metric, str) else ""
            raise TypeError(f"train takes metrics, a loss is one as mean_of(loss), got {brief(metric)}{fix}")
        found.append(cast(Any, metric))
    if found and not validated:
        raise ValueError("train: metrics are those of validation data, and there is none; give validation=0.2, or data")
    names = [*COLUMNS, *(metric.name for metric in found)]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"train: two columns would be called {name!r}; rename one: metric._replace(name=...)")
    return found
