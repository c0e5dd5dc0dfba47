"""What is told apart, and what is taken for something else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from funcnn.errors import ShapeError
from funcnn.networks import Apply
from funcnn.plotting.canvas import COLORS, axes_of, matrix, ticks
from funcnn.training.evaluation import predict
from funcnn.types import Array, Tokens, Tree

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def confusion(
    counts: object, *, names: Sequence[str] | None = None, ax: Axes | None = None, shares: bool = False
) -> Axes:
    """A confusion matrix, as `confusion_matrix` gives it: rows are the true classes, columns the predicted ones.

    With `shares` the rows are divided by their sums: how much of a class is taken for what.

    Errors
        MissingExtraError   matplotlib is not installed
        ShapeError          the matrix is not square, or `names` are not as many as classes
    """
    table = np.asarray(matrix("confusion", counts, "a confusion matrix"), np.float64)
    n = len(table)
    if table.shape != (n, n):
        raise ShapeError(f"confusion takes a square matrix, got shape {table.shape}")
    labels = [str(i) for i in range(n)] if names is None else list(map(str, names))
    if len(labels) != n:
        raise ShapeError(f"confusion takes a name for each of {n} classes, got {len(labels)}")
    sums = table.sum(axis=1, keepdims=True)
    part = np.divide(table, sums, out=np.zeros_like(table), where=sums > 0)
    side = min(9.0, 2.2 + 0.45 * n)
    ax, on = axes_of(ax, side + 0.4, side)
    on.imshow(part, cmap="Blues", vmin=0, vmax=1)
    if n <= 20:
        for i in range(n):
            for j in range(n):
                told = f"{part[i, j]:.2f}".removeprefix("0") if shares else f"{table[i, j]:g}"
                color = "white" if part[i, j] > 0.55 else "#1f2430"
                on.text(j, i, told, ha="center", va="center", fontsize=8 if n <= 12 else 6, color=color)
    ticks(on, labels, vertical=False)
    ticks(on, labels, vertical=True)
    on.set_xlabel("predicted")
    on.set_ylabel("true")
    return ax


def decision_boundary(
    apply: Apply[Array, Array],
    params: Tree,
    x: Array,
    labels: Tokens | None = None,
    *,
    ax: Axes | None = None,
    resolution: int = 200,
) -> Axes:
    """Which class a network gives to every place of a plane, and the points of the data.

    The network takes two features. One output is the logit of the second of two classes, several are a score for each.

    Errors
        MissingExtraError   matplotlib is not installed
        ShapeError          x has not two features; the network does not give one row of scores for every row
        as for `predict`
    """
    points = matrix("decision_boundary", x, "points of a plane")
    if points.shape[1] != 2 or not len(points):
        raise ShapeError(f"decision_boundary takes points of two features, got shape {points.shape}")
    low, high = points.min(axis=0), points.max(axis=0)
    room = np.maximum(0.08 * (high - low), 1e-3)
    sides = cast(Any, np.linspace(low - room, high + room, resolution))
    across, up = sides[:, 0], sides[:, 1]
    plane = np.stack([np.tile(across, resolution), np.repeat(up, resolution)], axis=-1)
    scores: Any = predict(apply, params, plane.astype(points.dtype), batch_size=4096)
    if scores.ndim == 1:
        scores = scores[:, None]
    if scores.ndim != 2:
        raise ShapeError(f"decision_boundary takes a network that gives rows of scores, got {scores.shape}")
    classes = scores.shape[1] if scores.shape[1] > 1 else 2
    found = (scores[:, 0] > 0).astype(int) if scores.shape[1] == 1 else scores.argmax(axis=1)
    ax, on = axes_of(ax, 5.0, 4.4)
    colors = [COLORS[i % len(COLORS)] for i in range(classes)]
    edges = np.arange(classes + 1) - 0.5
    on.contourf(across, up, found.reshape(resolution, resolution), levels=edges, colors=colors, alpha=0.25)
    written = on.xaxis.label.get_color()  # dark on white, white where the style is dark
    for i in range(classes):
        of = np.ones(len(points), bool) if labels is None and i == 0 else np.asarray(labels) == i
        if of.any():
            label = None if labels is None else str(i)
            color = written if labels is None else colors[i]
            on.scatter(*points[of].T, s=14, color=color, edgecolors=on.get_facecolor(), linewidths=0.5, label=label)
    if labels is not None and classes <= 10:
        on.legend(title="class", fontsize=8)
    return ax
