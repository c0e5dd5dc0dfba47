"""What a schedule is, and how rates are read."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias, Union

from funcnn.arguments import finite_positive, is_number
from funcnn.errors import brief
from funcnn.recorded_functions import recorded

Schedule: TypeAlias = Callable[[int], float]
"""`step -> rate`."""

Rate: TypeAlias = Union[float, Schedule]
"""A rate that stays the same, or a schedule."""


@recorded
def constant(rate: float) -> Schedule:
    """The same rate at every step.

    Errors
        ValueError   `rate` is not positive and finite
    Source: `jax.example_libraries.optimizers.constant`.

    >>> from funcnn.schedules import constant
    >>> constant(0.1)(1000)
    0.1
    """
    finite_positive("constant", rate=rate)
    value = float(rate)
    return lambda step: value


def as_schedule(rate: Rate, *, where: str = "as_schedule") -> Schedule:
    """The schedule that stands for a rate: a number is constant, a schedule is itself.

    Errors
        ValueError   a number that is not positive and finite
        TypeError    neither a number nor a function

    >>> as_schedule(0.1), as_schedule(cosine_decay(0.1, 100))
    (constant(0.1), cosine_decay(0.1, 100))
    """
    named = any(hasattr(rate, name) for name in ("definition", "rule", "compute", "apply"))
    ours = named and type(rate).__module__.startswith("funcnn.")  # layers, losses, metrics: called, but no schedules
    if callable(rate) and not ours:
        return rate
    if not is_number(rate):
        hint = "; optimizers stand in a row, chain(adam(1e-3), ...)" if hasattr(rate, "update") else ""
        if ours or hasattr(rate, "paths"):
            hint = "; params are met later, optimizer.init(params), and network and loss by fit"
        raise TypeError(f"{where}: rate must be a number or a schedule, step -> rate, got {type(rate).__name__}{hint}")
    finite_positive(where, rate=rate)
    return constant(float(rate))


def rates(rate: Rate, *, where: str) -> Schedule:
    """How optimizers read a rate: one that stays is checked now, what a schedule says at every step.

    Errors
        as `as_schedule`, and at a step
        ValueError   the schedule gives NaN, infinity, or less than zero
    """
    schedule = as_schedule(rate, where=where)
    if not callable(rate):
        value = float(rate)
        return lambda step: value

    def read(step: int) -> float:
        found: object = schedule(step)
        try:
            value = float(found)  # type: ignore[arg-type]  # a NumPy scalar would make float32 params float64
        except (TypeError, ValueError):
            got = f"at step {step} it gave {brief(found)}"
            raise TypeError(f"{where}: the schedule must give a number, {got}") from None
        if not 0 <= value < math.inf:
            raise ValueError(f"{where}: the rate at step {step} must be in [0, inf), the schedule gave {value!r}")
        return value

    return read
