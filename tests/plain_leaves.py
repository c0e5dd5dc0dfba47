"""Optimizers that look at whole leaves, written down from their sources, as in `plain_optimizers`."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.plain_optimizers import Leaf, LeafStep, at, faded, scale_by_momentum


def sm3(rate: Any, momentum: float = 0.9) -> LeafStep:
    """Anil et al. (2019), algorithm SM3-II, index by index; the running mean of its steps."""
    covers: dict[tuple[int, int], float] = {}
    steps: list[Leaf] = []

    def step(t: int, g: Leaf, p: Leaf) -> Leaf:
        out, new = np.zeros_like(g), dict[tuple[int, int], float]()
        for i in np.ndindex(g.shape):
            sets = list(enumerate(i)) or [(0, 0)]
            nu = min(covers.get(s, 0.0) for s in sets) + float(g[i]) ** 2
            out[i] = g[i] / np.sqrt(nu)
            for s in sets:
                new[s] = max(new.get(s, 0.0), nu)
        covers.update(new)
        steps.append(out)
        return -at(rate, t) * faded(steps, momentum)

    return step


def adafactor(rate: Any, *, factored_from: int = 128) -> LeafStep:
    """Shazeer & Stern (2018), algorithms 4 and 5, of all axes but the two largest by themselves."""
    rows: Any = 0.0
    columns: Any = 0.0
    whole: Any = 0.0

    def step(t: int, g: Leaf, p: Leaf) -> Leaf:
        nonlocal rows, columns, whole
        b, square = 1 - t**-0.8, g**2 + 1e-30
        order = sorted(range(g.ndim), key=lambda axis: g.shape[axis])
        if g.ndim > 1 and g.shape[order[-2]] >= factored_from:
            i, j = order[-2:]
            rows = b * rows + (1 - b) * square.mean(axis=j, keepdims=True)
            columns = b * columns + (1 - b) * square.mean(axis=i, keepdims=True)
            v = rows * columns / rows.mean(axis=i, keepdims=True)
        else:
            v = whole = b * whole + (1 - b) * square
        u = g / np.sqrt(v)
        u = u / max(1.0, np.sqrt((u**2).mean()))
        update: Leaf = -at(rate, t) * max(1e-3, np.sqrt((p**2).mean())) * u
        return update

    return step


def scale_by_trust_ratio(coefficient: float = 1.0, eps: float = 0.0) -> LeafStep:
    """You, Gitman & Ginsburg (2017), equation 6."""

    def step(t: int, g: Leaf, p: Leaf) -> Leaf:
        size, length = np.sqrt((p**2).sum()), np.sqrt((g**2).sum())
        return coefficient * size / (length + eps) * g if size > 0 and length > 0 else g

    return step


def lars(rate: Any, mass: float = 0.9, *, coefficient: float = 1e-3) -> LeafStep:
    """You, Gitman & Ginsburg (2017), algorithm 1, without decay: the velocity is the sum of steps."""
    ratio, sums = scale_by_trust_ratio(coefficient), scale_by_momentum(mass)
    return lambda t, g, p: sums(t, -at(rate, t) * ratio(t, g, p), p)


def lamb(rate: Any, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-6) -> LeafStep:
    """You et al. (2020), algorithm 2, without decay."""
    seen: list[Leaf] = []

    def step(t: int, g: Leaf, p: Leaf) -> Leaf:
        seen.append(g)
        v_hat = faded([a**2 for a in seen], b2) / (1 - b2**t)
        r = faded(seen, b1) / (1 - b1**t) / (np.sqrt(v_hat) + eps)
        return -at(rate, t) * scale_by_trust_ratio()(t, r, p)

    return step


def scale_by_muon(mass: float = 0.95, *, nesterov: bool = True, steps: int = 5) -> LeafStep:
    """Jordan et al. (2024): the iteration acts on singular values alone, `s -> a s + b s^3 + c s^5`."""
    velocity = scale_by_momentum(mass, nesterov=nesterov)

    def step(t: int, g: Leaf, p: Leaf) -> Leaf:
        v = velocity(t, g, p)
        matrix = v.reshape(-1, v.shape[-1]) if v.ndim else v.reshape(1, 1)
        if v.ndim == 1:
            matrix = v.reshape(1, -1)
        left, s, right = np.linalg.svd(matrix, full_matrices=False)
        s = s / np.sqrt((s**2).sum())
        for _ in range(steps):
            s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
        rows, columns = matrix.shape
        update: Leaf = ((left * s) @ right).reshape(v.shape) * np.sqrt(max(1.0, columns / rows))
        return update

    return step
