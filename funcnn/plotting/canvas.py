"""Axes to draw on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from funcnn.bridges.extras import needed
from funcnn.errors import ShapeError, brief
from funcnn.types import is_array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLORS = ("#3566c4", "#d1603d", "#3f8f5b", "#8a63b8", "#b58a1e", "#4aa3a8")


def axes_of(ax: Axes | None, width: float = 5.5, height: float = 4.0) -> tuple[Axes, Any]:
    """The Axes that were given, or those of a new figure of this size in inches; and again, as something to draw on,
    for what matplotlib says of its arguments leaves strict checkers in the dark.

    Errors
        MissingExtraError   matplotlib is not installed
        TypeError           `ax` is no Axes
    """
    if ax is None:
        pyplot = needed("matplotlib.pyplot", "funcnn.plotting")
        on: Any = pyplot.subplots(figsize=(width, height), layout="constrained")[1]
        return on, on
    if not isinstance(ax, needed("matplotlib.axes", "funcnn.plotting").Axes):
        raise TypeError(f"ax must be one matplotlib Axes, got {brief(ax)}; of several take one, axes[0]")
    return ax, ax


def matrix(name: str, value: object, what: str) -> Any:
    """An array of two axes.

    Errors
        ShapeError   it has others
    """
    if not is_array(value) or value.ndim != 2:
        got = f"shape {value.shape}" if is_array(value) else brief(value)
        raise ShapeError(f"{name} takes {what}, an array of two axes, got {got}")
    return value


def ticks(ax: Any, names: Sequence[str], *, vertical: bool) -> None:
    """Names along an axis, thinned out where there are more than can be read."""
    step = -(-len(names) // 40) if len(names) else 1
    places = list(range(0, len(names), step))
    labels = [shortened(names[i]) for i in places]
    if vertical:
        ax.set_yticks(places, labels)
    else:
        slanted = max(map(len, labels), default=0) * len(labels) > 45
        ax.set_xticks(places, labels, rotation=90 if slanted else 0)


def shortened(name: str, most: int = 24) -> str:
    """A name that leaves room for the plot; dollars are no formulas."""
    text = name if len(name) <= most else f"…{name[1 - most :]}"
    return text.replace("$", r"\$")
