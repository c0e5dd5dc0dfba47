"""How a training step grows with the batch, the width and the depth of a network, as a plot."""

from __future__ import annotations

from contestants import entries
from matplotlib import pyplot as plt
from racing import race
from works import Work, classifier

from funcnn import mlp

AXES: dict[str, tuple[tuple[int, ...], object]] = {
    "batch": ((16, 32, 64, 128, 256, 512, 1024), lambda n: classifier(mlp((256, 256, 10)), n, 256)),
    "width": ((32, 64, 128, 256, 512, 1024), lambda n: classifier(mlp((n, n, 10)), 128, n)),
    "depth": ((1, 2, 4, 8, 16, 32), lambda n: classifier(mlp((256,) * n + (10,)), 128, 256)),
}


def plot(path: str, seconds: float, alone: bool) -> None:
    """Curves of the minima, one panel for each axis."""
    figure, panels = plt.subplots(1, len(AXES), figsize=(13, 4))
    for panel, (axis, (sizes, make)) in zip(panels, AXES.items(), strict=True):
        curves: dict[str, list[float]] = {}
        for n in sizes:
            assert callable(make)
            work: Work = make(n)
            chosen = [e for e in entries(alone, work) if e.name in ("funcnn", "torch fused", "jax.jit")]
            for name, t in race(work, chosen, seconds)[0].items():
                curves.setdefault(name, []).append(t.minimum)
        for name, times in curves.items():
            panel.loglog(sizes, times, "o-", label=name)
        panel.set_xlabel(axis)
        panel.set_ylabel("ms a step")
        panel.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)
