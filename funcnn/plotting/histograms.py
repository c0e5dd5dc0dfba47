"""How numbers are spread: a histogram for every array, one above the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from funcnn.errors import ShapeError
from funcnn.inspection import trace
from funcnn.nested import arrays
from funcnn.networks import Layer
from funcnn.params import as_tree
from funcnn.params.partitioning import partition
from funcnn.plotting.canvas import COLORS, axes_of, shortened
from funcnn.types import Array, Tree, Where

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST = 24  # histograms that can be read


def weights(params: Tree, where: Where = "**", *, ax: Axes | None = None, bins: int = 60) -> Axes:
    """A histogram of every leaf, of params as well as of gradients and updates.

    Errors
        MissingExtraError   matplotlib is not installed
        ShapeError          there are no leaves, or more than can be read; choose some with `where`
        ParamsError         the pattern matches none
    """
    tree = as_tree(params)
    chosen = tree if where == "**" else partition(tree, where)[0]
    return _ridges("weights", {path: chosen.at(path) for path in chosen.paths()}, ax, bins)


def activations(net: Layer[Any, Any], params: Tree, x: Any, *, ax: Axes | None = None, bins: int = 60) -> Axes:
    """A histogram of what every layer gives for these inputs, those that are made of others left out.

    Errors
        MissingExtraError   matplotlib is not installed
        ShapeError          there are more layers than can be read; look at a part of the network
        as for `apply`
    """
    _, seen = trace(net)(params, x)
    parents = {path.rpartition("/")[0] for path in seen}
    found = {
        path if i == 0 else f"{path} ({i})": np.asarray(value)
        for path, given in seen.items()
        if path.partition("[")[0] not in parents
        for i, value in enumerate(arrays(given))
    }
    return _ridges("activations", found, ax, bins)


def _ridges(name: str, found: dict[str, Array], ax: Axes | None, bins: int) -> Axes:
    if not found or len(found) > _MOST:
        raise ShapeError(f"{name} draws from 1 to {_MOST} histograms, got {len(found)}; choose a part")
    values = {path: np.asarray(array, np.float64).ravel() for path, array in found.items()}
    values = {path: flat[np.isfinite(flat)] for path, flat in values.items()}
    everything = np.concatenate([flat for flat in values.values()] or [np.zeros(1)])
    low, high = np.quantile(everything, [0.001, 0.999]) if everything.size else (0.0, 1.0)
    room = 0.05 * (high - low) or 0.5
    edges = np.linspace(low - room, high + room, bins + 1)
    ax, on = axes_of(ax, 6.0, 1.2 + 0.42 * len(values))
    for i, flat in enumerate(values.values()):
        base, counts = len(values) - 1 - i, np.histogram(flat, edges)[0]
        tops = base + 0.85 * counts / max(counts.max(), 1)
        on.stairs(tops, edges, baseline=base, fill=True, color=COLORS[0], alpha=0.75)
        spread = f"{flat.std():.2g}" if flat.size else "none"
        on.text(1.01, base + 0.15, f"± {spread}", transform=on.get_yaxis_transform(), fontsize=7, color="#6b7280")
    on.set_yticks(range(len(values)), [shortened(path, 30) for path in reversed(values)], fontsize=8)
    on.tick_params(axis="y", length=0)
    on.set_ylim(-0.1, len(values))
    on.set_xlim(edges[0], edges[-1])
    on.spines[["top", "right", "left"]].set_visible(False)
    on.grid(axis="x", alpha=0.25)
    return ax
