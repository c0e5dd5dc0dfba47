"""How a training step grows with batch, width, depth, image and sequence, as a picture and a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from contestants import entries
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from racing import Clock, race
from transformers import gpt
from works import Work, classifier

from funcnn import GRU, Conv, Dense, GlobalAvgPool, Relu, mlp, serial


class Axis(NamedTuple):
    """What grows, over which sizes, and the work of a size."""

    name: str
    sizes: tuple[int, ...]
    work: Callable[[int], Work]


def images(pixels: int) -> Work:
    """Two convolutions of 32 channels over 8 square images of so many pixels a side."""
    layers = [layer for _ in range(2) for layer in (Conv(32, (3, 3), padding="SAME"), Relu)]
    return classifier(serial(*layers, GlobalAvgPool, Dense(10)), 8, pixels, pixels, 3)


def perceptron(units: tuple[int, ...], batch: int = 128, features: int = 256) -> Work:
    """Hidden layers of so many units, and ten classes."""
    return classifier(mlp((*units, 10)), batch, features)


def steps(time: int) -> Work:
    """A GRU of 64 units over so many steps."""
    return classifier(serial(GRU(64, last=True), Dense(10)), 16, time, 32)


AXES = (
    Axis("rows of a batch, mlp 256-256-256-10", (16, 32, 64, 128, 256, 512), lambda n: perceptron((256, 256), n)),
    Axis("units of a layer, batch 128", (32, 64, 128, 256, 512, 1024), lambda n: perceptron((n, n), features=n)),
    Axis("layers of 256 units, batch 128", (1, 2, 4, 8, 16, 32), lambda n: perceptron((256,) * n)),
    Axis("pixels of a side, two convolutions", (8, 16, 32, 64, 128), images),
    Axis("steps, GRU of 64 units, batch 16", (8, 16, 32, 64, 128), steps),
    Axis("tokens, two transformer blocks, batch 2", (32, 64, 128, 256, 512), lambda n: gpt(time=n, batch=2)),
)

CHOSEN = {"funcnn": "#c0392b", "torch fused": "#7f8c8d", "jax.jit": "#2c7fb8"}
"""Who takes part, and the colours."""


def plot(path: str, seconds: float, alone: bool, clock: Clock) -> None:
    """Curves of the minima, one panel for each axis; the numbers are printed."""
    columns = 3
    figure, panels = plt.subplots(len(AXES) // columns, columns, figsize=(12, 6.4))
    for panel, axis in zip(panels.flat, AXES, strict=True):
        sizes = axis.sizes[:2] if alone else axis.sizes
        curves = measured(axis, sizes, seconds, alone, clock)
        print(f"{axis.name}: {', '.join(map(str, sizes))}")
        for name, times in curves.items():
            print(f"  {name:12s} {'  '.join(f'{t:9.3f}' for t in times)} ms", flush=True)
        draw(panel, axis.name, sizes, curves)
    figure.tight_layout()
    figure.savefig(path)


def measured(
    axis: Axis, sizes: tuple[int, ...], seconds: float, alone: bool, clock: Clock
) -> dict[str, list[float]]:
    """Milliseconds of a step, for every contestant and size."""
    curves: dict[str, list[float]] = {}
    for n in sizes:
        work = axis.work(n)
        found, failed = race(work, [e for e in entries(alone, work) if e.name in CHOSEN], seconds, clock)
        for name, why in failed.items():
            raise RuntimeError(f"{name} did not run for {n} {axis.name}: {why}")
        for name, time in found.items():
            curves.setdefault(name, []).append(time.minimum)
    return curves


def draw(panel: Axes, title: str, sizes: tuple[int, ...], curves: dict[str, list[float]]) -> None:
    """Both axes double at equal distances: a straight line of slope one is a cost in proportion."""
    for name, times in curves.items():
        panel.loglog(sizes, times, "o-", label=name, color=CHOSEN[name], markersize=4, base=2)
    panel.set_xticks(sizes, map(str, sizes))
    panel.minorticks_off()
    panel.set_title(title, fontsize=10)
    panel.set_ylabel("ms a step")
    panel.grid(color="#dddddd", linewidth=0.6)
    panel.legend(frameon=False, fontsize=8)
