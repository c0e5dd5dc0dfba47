"""Objectives at the worst place nearby: sharpness-aware minimisation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, Union, final, overload

import numpy as np

from funcnn.arguments import finite_positive
from funcnn.derivatives.objectives import REQUIRED, BatchObjective, Objective
from funcnn.derivatives.own_objectives import as_key_of_batch, checked_function, promised
from funcnn.foreign.calls import understood
from funcnn.kernels import updates as kernel
from funcnn.keys import Rng
from funcnn.losses.reductions import Weights
from funcnn.params import Gradients, ParamsLike, as_params
from funcnn.params.leafwise import tree_map
from funcnn.params.packing import layout_of, pack, pieces
from funcnn.types import Array

X = TypeVar("X")
Y = TypeVar("Y")
T = TypeVar("T")
B = TypeVar("B")


@final
@dataclass(frozen=True, slots=True, repr=False)
class SharpnessAware(Generic[B]):
    """An objective with gradients from nearby, `(params, batch, rng) -> (value, gradients)`; made by `sam`."""

    objective: Any
    rho: float
    adaptive: bool

    def __call__(self, params: ParamsLike, batch: B, rng: Rng | None = REQUIRED) -> tuple[float, Gradients]:
        objective: Any = getattr(self.objective, "on_batch", self.objective)
        given = None if rng is REQUIRED and objective is self.objective else rng  # functions are not asked for a key
        key = given if given is None or given is REQUIRED else as_key_of_batch(given)  # the same masks twice
        at = pack(as_params(params, "sam(objective, rho)(params, batch, rng)"))
        run = promised(objective)
        value, gradients = run(at, batch, key)
        away = tree_map(np.multiply, tree_map(np.square, at), gradients) if self.adaptive else gradients
        scaled = tree_map(np.multiply, at, gradients) if self.adaptive else gradients
        size = kernel.norm(pieces(layout_of(at), scaled))
        if not 0 < size < math.inf:  # no direction leads away; what is not finite is for others to see
            return value, gradients
        step = self.rho / size

        def moved(p: Array, d: Array) -> Array:
            return p + step * d

        return value, run(tree_map(moved, at, away), batch, key)[1]

    def __repr__(self) -> str:
        return f"sam({self.objective!r}, {self.rho!r}{', adaptive=True' if self.adaptive else ''})"


@overload
def sam(
    objective: Objective[X, Y, T], rho: float = 0.05, *, adaptive: bool = False
) -> SharpnessAware[Union[tuple[X, T], tuple[X, T, Weights]]]: ...
@overload
def sam(objective: BatchObjective[B], rho: float = 0.05, *, adaptive: bool = False) -> SharpnessAware[B]: ...
@understood
def sam(objective: Any, rho: float = 0.05, *, adaptive: bool = False) -> SharpnessAware[Any]:
    """The objective with the gradients of the worst place nearby: an objective of the form that `fit` takes,
    `(params, batch, rng) -> (value, gradients)`. Optimizers then seek minima that are flat.

    With g the gradient at the params w, the gradients are those at `w + rho g / |g|`, the norm over all leaves, and the
    value is that at w: `fit(sam(value_and_grad(loss, net.apply)), sgd(0.1), params, data)`. `adaptive` measures how far
    it is by the size of each number, `w + rho w^2 g / |w g|`, so that the scale of a layer does not matter; rho is ten
    times as large then. Both places see the same key, and so the same masks. Penalties of the objective are part of it:
    decay by the optimizer (`adamw`) is not. It costs two gradients, and works on any objective, `accumulate` included.

    Errors
        as for the objective, and
        TypeError    it is no objective
        ValueError   `rho` is not positive and finite
    Source: Foret et al., Sharpness-Aware Minimization for Efficiently Improving Generalization (ICLR 2021), equations 2
    and 3 with p = 2; adaptive: Kwon et al., ASAM (ICML 2021), equation 5 without its small constant.

    >>> def bowl(params, batch, rng):
    ...     return float((params["w"] ** 2).sum()) / 2, {"w": params["w"]}
    >>> params = Params({"w": np.array([3.0, 4.0])})
    >>> value, gradients = sam(bowl, 0.5)(params, None)
    >>> value, gradients.at("w")                         # w + 0.5 w / 5
    (12.5, array([3.3, 4.4]))
    """
    if not hasattr(objective, "on_batch"):
        checked_function("sam", objective)
    finite_positive("sam", rho=rho)
    return SharpnessAware(objective, float(rho), bool(adaptive))
