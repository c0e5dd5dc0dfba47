"""Steps that become smaller where the loss no longer falls."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from funcnn.arguments import counted, finite, is_integer, is_number
from funcnn.errors import brief
from funcnn.kernels import updates as kernel
from funcnn.optimizers.definition import Optimizer, Update, optimizer
from funcnn.optimizers.flat import checked_state, flat, pieces_like
from funcnn.params import GradientsLike, Params, ParamsLike, Updates
from funcnn.params.packing import own


class PlateauState(NamedTuple):
    """`step` updates have been made, the last one times `scale`.

    best      the best value until now
    bad       how many values since were no better
    cooling   for how many values more none is held to be bad
    total     the sum of those of the last steps that were not yet looked at, where `every` is more than one
    """

    step: int
    scale: float
    best: float
    bad: int
    cooling: int
    total: float


@optimizer
def reduce_on_plateau(
    factor: float = 0.1,
    patience: int = 10,
    *,
    threshold: float = 1e-4,
    relative: bool = True,
    mode: Literal["min", "max"] = "min",
    cooldown: int = 0,
    least: float = 0.0,
    every: int = 1,
) -> Optimizer[PlateauState]:
    """Updates times a scale that falls where the value of the objective does not, `update = scale u`: the last part of
    a chain, `chain(adam(1e-3), reduce_on_plateau(0.5, every=100))`.

    The scale is 1 at first. A value is better if it is less than `best - threshold |best|`, or than `best - threshold`
    where `relative` is false; in the mode "max" if it is more. After more than `patience` values in a row that are no
    better the scale becomes `max(factor scale, least)`, for this update already, and the next `cooldown` values count
    as no failure. With `every` it is the mean over so many updates that is looked at, once a pass over the data for
    instance: losses of single batches go up and down by chance. A value that is NaN is no better than any other.

    The value is told by whoever calls: `optimizer.step(grads, state, params, value=loss)`, and `fit` tells the loss of
    the batch. A loop of your own may tell the loss of validation, the same one at every step until there is another.

    Errors
        ValueError   `factor` is not in (0, 1), `least` not in [0, 1], `threshold` negative or not finite, `patience` or
                     `cooldown` negative, `every` less than one, `mode` another word
        TypeError    no value is told, or what is no number; from `update`
    Source: PyTorch's `ReduceLROnPlateau`, for the meanings; as a part of a chain it is optax's.

    >>> from funcnn.optimizers import reduce_on_plateau
    >>> optimizer, params = chain(sgd(1.0), reduce_on_plateau(0.5, patience=1)), Params({"w": np.zeros(1)})
    >>> state = optimizer.init(params)
    >>> for loss in (3.0, 2.0, 2.0, 2.0, 1.0):
    ...     params, state = optimizer.step({"w": np.array([-1.0])}, state, params, value=loss)
    >>> params.at("w"), state[1].scale, state[1].best
    (array([4.]), 0.5, 1.0)
    """
    if not (is_number(factor) and 0 < factor < 1):
        raise ValueError(f"reduce_on_plateau: factor must be in (0, 1), got {brief(factor)}")
    if not (is_number(least) and 0 <= least <= 1):
        raise ValueError(f"reduce_on_plateau: least, a share of the first steps, must be in [0, 1], got {brief(least)}")
    finite("reduce_on_plateau", threshold=threshold)
    if threshold < 0:
        raise ValueError(f"reduce_on_plateau: threshold must not be negative, got {threshold!r}")
    for name, number in (("patience", patience), ("cooldown", cooldown)):
        if not is_integer(number) or number < 0:
            raise ValueError(f"reduce_on_plateau: {name} must be an integer of at least 0, got {number!r}")
    if mode not in ("min", "max"):
        raise ValueError(f"reduce_on_plateau: mode must be 'min' or 'max', got {brief(mode)}")
    every = counted("reduce_on_plateau", every=every)
    shrink, floor, margin = float(factor), float(least), float(threshold)
    sign = 1.0 if mode == "min" else -1.0

    def better(value: float, best: float) -> bool:
        room = margin * abs(best) if relative and math.isfinite(best) else margin
        return sign * value < sign * best - room

    def told(state: PlateauState, value: float) -> PlateauState:
        """The state after a value."""
        step, scale, best, bad, cooling, total = state
        total += value
        step, total = step + 1, sign * math.inf if math.isnan(total) else total  # so that states compare
        if step % every:
            return PlateauState(step, scale, best, bad, cooling, total)
        mean = total / every
        best, bad = (mean, 0) if better(mean, best) else (best, bad + 1)
        if cooling:
            cooling, bad = cooling - 1, 0
        if bad > patience:
            scale, cooling, bad = max(scale * shrink, floor), int(cooldown), 0
        return PlateauState(step, scale, best, bad, cooling, 0.0)

    def init(params: ParamsLike) -> PlateauState:
        flat(params)
        return PlateauState(0, 1.0, sign * math.inf, 0, 0, 0.0)

    def looked(state: PlateauState, value: float | None) -> PlateauState:
        checked_state("reduce_on_plateau", state, PlateauState)
        if not is_number(value):
            got = "none was told" if value is None else f"got {brief(value)}"
            raise TypeError(
                f"reduce_on_plateau looks at the value of the objective, {got}; write "
                f"optimizer.step(grads, state, params, value=float(loss))"
            )
        return told(state, float(value))

    def updates(
        grads: GradientsLike, state: PlateauState, params: ParamsLike, value: float | None
    ) -> tuple[Updates, PlateauState, bool]:
        p, layout = flat(params)
        g, state = pieces_like(layout, grads, p, "grads"), looked(state, value)
        moved, seen = kernel.descended(g, state.scale, None)
        return own(layout, moved, Updates), state, seen

    def applied(
        grads: GradientsLike, state: PlateauState, params: ParamsLike, value: float | None
    ) -> tuple[Params, PlateauState, bool]:
        p, layout = flat(params)
        g, state = pieces_like(layout, grads, p, "grads"), looked(state, value)
        moved, finite = kernel.descended(g, state.scale, p)
        return own(layout, moved), state, finite

    return Optimizer(init, Update(updates, applied))
