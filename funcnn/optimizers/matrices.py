"""Optimizers that know rows and columns: Muon, SM3, Adafactor."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from funcnn.arguments import finite_positive, positive, probability
from funcnn.optimizers.adaptive import adam
from funcnn.optimizers.chains import chain
from funcnn.optimizers.definition import Optimizer, optimizer
from funcnn.optimizers.leafwise import by_leaf, norm
from funcnn.optimizers.parts import scale_by_rate
from funcnn.optimizers.selecting import by_groups
from funcnn.params import Params
from funcnn.schedules import Rate
from funcnn.types import Array


class MuonState(NamedTuple):
    """`step` updates have been made; `velocity` is the decaying sum of the gradients."""

    step: int
    velocity: Params


class Sm3State(NamedTuple):
    """`step` updates have been made; the running mean of what is stepped; and, for every index of every axis of a leaf,
    the largest sum of squared gradients there, all in one vector, axis after axis."""

    step: int
    velocity: Params
    covers: Params


class AdafactorState(NamedTuple):
    """`step` updates have been made; running means of squared gradients: of rows and of columns, or of all numbers."""

    step: int
    rows: Params
    columns: Params
    squares: Params


@optimizer
def scale_by_muon(mass: float = 0.95, *, nesterov: bool = True, steps: int = 5) -> Optimizer[MuonState]:
    """The momentum of every matrix made orthogonal, nearly: `U V^T` of its singular value decomposition.

    `v' = mass v + g`; `mass v' + g` with `nesterov`, else v', is brought near by `steps` of Newton and Schulz's
    iteration `x = a x + (b x x^T + c (x x^T)^2) x`, after which singular values lie between 0.7 and 1.2, and is scaled
    by `sqrt(max(1, columns / rows))`. All axes but the last are rows. A part of a chain, for matrices alone.

    Errors
        ValueError   `mass` is not in [0, 1), `steps` less than one
    Source: Jordan et al., Muon: An optimizer for hidden layers (2024), with the coefficients 3.4445, -4.7750, 2.0315.

    >>> from funcnn.optimizers import scale_by_muon
    >>> part, params = scale_by_muon(), Params({"w": np.eye(2)})
    >>> updates, _ = part.update(Gradients({"w": np.array([[9.0, 0.0], [0.0, 1.0]])}), part.init(params), params)
    >>> bool((abs(np.linalg.svd(updates.at("w"))[1] - 1) < 0.35).all())
    True
    """
    probability("scale_by_muon", mass=mass)
    positive("scale_by_muon", steps=steps)
    kept = float(mass)

    def formula(t: int, rate: float, g: Array, p: Array, velocity: Array) -> tuple[Array, ...]:
        velocity = kept * velocity + g
        return _orthogonal(kept * velocity + g if nesterov else velocity, steps), velocity

    return by_leaf("scale_by_muon", MuonState, 1.0, lambda p: (np.zeros_like(p),), formula)


def _orthogonal(g: Array, steps: int) -> Array:
    x = g.reshape(-1, g.shape[-1]) if g.ndim > 1 else g.reshape(1, -1)
    rows, columns = x.shape
    if not x.size:
        return g
    x = x / max(norm(x), 1e-30)
    if rows > columns:
        x = x.T
    for _ in range(steps):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
    if rows > columns:
        x = x.T
    found: Array = (x * math.sqrt(max(1.0, columns / rows))).reshape(g.shape)
    return found


@optimizer
def muon(
    rate: Rate, mass: float = 0.95, *, nesterov: bool = True, steps: int = 5, others: Optimizer[Any] | None = None
) -> Optimizer[tuple[Any, ...]]:
    """Muon for matrices, `update = -rate scale_by_muon`, and `others` for what has fewer than two axes, Adam unless given.

    Embeddings and the last layer are said to want Adam too; by path, that is
    `by_label({"head/**": adam(1e-3), "**/w": chain(scale_by_muon(), scale_by_rate(0.02)), "**": adam(1e-3)})`.

    Errors
        ValueError   `rate` is not positive and finite, `mass` is not in [0, 1), `steps` less than one
    Source: as `scale_by_muon`.

    >>> muon(0.02)
    muon(0.02)
    """
    matrices = chain(scale_by_muon(mass, nesterov=nesterov, steps=steps), scale_by_rate(rate))
    return by_groups("muon", ((None, matrices), (_any, adam(rate) if others is None else others)))


def _any(path: str, leaf: Array) -> bool:
    return True


@optimizer
def sm3(rate: Rate, momentum: float = 0.9) -> Optimizer[Sm3State]:
    """Adagrad that remembers rows and columns, not numbers: the squared gradients of a number are at most those of its
    row and at most those of its column, `s = min over axes of cover + g^2`; covers are the largest s of their index.

    `v' = momentum v + (1 - momentum) g / sqrt(s)`, `update = -rate v'`; where no gradient has been, nothing moves.

    Errors
        ValueError   `rate` is not positive and finite, `momentum` is not in [0, 1)
    Source: Anil et al., Memory-Efficient Adaptive Optimization (NeurIPS 2019), algorithm SM3-II; the form is that of
    `jax.example_libraries.optimizers.sm3`.

    >>> sm3(0.1)
    sm3(0.1)
    """
    probability("sm3", momentum=momentum)
    mass = float(momentum)

    def start(p: Array) -> tuple[Array, ...]:
        return np.zeros_like(p), np.zeros(max(1, sum(p.shape)), p.dtype)

    def formula(t: int, rate: float, g: Array, p: Array, velocity: Array, covers: Array) -> tuple[Array, ...]:
        axes = range(g.ndim)
        ends = np.cumsum((0, *g.shape))
        along = [
            covers[ends[i] : ends[i + 1]].reshape([-1 if i == j else 1 for j in axes]) for i in axes
        ] or [covers.reshape(())]  # fmt: skip
        total = np.minimum.reduce([np.broadcast_to(cover, g.shape) for cover in along]) + g * g
        direction = np.where(total > 0, g, 0) / np.sqrt(np.where(total > 0, total, 1))
        velocity = mass * velocity + (1 - mass) * direction
        largest = [total.max(axis=tuple(j for j in axes if j != i), initial=0) for i in axes] or [total.reshape(1)]
        return -rate * velocity, velocity, np.concatenate(largest).astype(covers.dtype)

    return by_leaf("sm3", Sm3State, rate, start, formula)


@optimizer
def adafactor(
    rate: Rate,
    *,
    decay: float = 0.8,
    clipping: float = 1.0,
    eps: float = 1e-30,
    smallest: float = 1e-3,
    factored_from: int = 128,
) -> Optimizer[AdafactorState]:
    """Adafactor: the second moments of a matrix by those of its rows and its columns, steps in units of the params.

    With b = `1 - t^-decay`, matrices whose two largest axes have `factored_from` entries or more keep running means r
    and c of `g^2 + eps` over rows and over columns, and `v = r c / mean(r)`; others keep v whole. `u = g / sqrt(v)`,
    divided by its root mean square where that is above `clipping`; `update = -rate max(smallest, rms(p)) u`.

    Errors
        ValueError   `rate`, `decay`, `clipping`, `eps` or `smallest` is not positive and finite, `factored_from` below 1
    Source: Shazeer & Stern, Adafactor (ICML 2018), algorithms 4 and 5; defaults as in optax.

    >>> adafactor(1e-2)
    adafactor(0.01)
    """
    finite_positive("adafactor", decay=decay, clipping=clipping, eps=eps, smallest=smallest)
    positive("adafactor", factored_from=factored_from)

    def pair(shape: tuple[int, ...]) -> tuple[int, int] | None:
        """The second largest axis and the largest, if both are large enough."""
        if len(shape) < 2:
            return None
        order = np.argsort(shape, kind="stable")
        return (int(order[-2]), int(order[-1])) if shape[order[-2]] >= factored_from else None

    def start(p: Array) -> tuple[Array, ...]:
        axes, one = pair(p.shape), np.zeros(1, p.dtype)
        if axes is None:
            return one, one, np.zeros_like(p)
        return p.sum(axis=axes[1]) * 0, p.sum(axis=axes[0]) * 0, one

    def formula(
        t: int, rate: float, g: Array, p: Array, rows: Array, columns: Array, squares: Array
    ) -> tuple[Array, ...]:
        b, square, axes = 1 - float(t) ** -decay, g * g + eps, pair(g.shape)
        if axes is None:
            squares = b * squares + (1 - b) * square
            u = g / np.sqrt(squares)
        else:
            less, more = axes
            rows = b * rows + (1 - b) * square.mean(axis=more)
            columns = b * columns + (1 - b) * square.mean(axis=less)
            mean = rows.mean(axis=less - (less > more), keepdims=True)
            u = g / np.sqrt(np.expand_dims(rows / mean, more)) / np.sqrt(np.expand_dims(columns, less))
        u = u / max(1.0, _rms(u) / clipping)
        return -rate * max(smallest, _rms(p)) * u, rows, columns, squares

    return by_leaf("adafactor", AdafactorState, rate, start, formula)


def _rms(x: Array) -> float:
    return norm(x) / math.sqrt(max(1, x.size))
