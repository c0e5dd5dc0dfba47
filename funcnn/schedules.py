"""Schedules: `step -> rate`, welcome anywhere a rate goes. Steps count from zero.

A schedule is any function of the step. Those made here print as source, compare and pickle. `constant` stays in this
module, because the initializers have such a name too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias, Union

from funcnn.arguments import finite_positive, is_number, positive
from funcnn.errors import brief
from funcnn.records import recorded

__all__ = ["Rate", "Schedule", "as_schedule", "constant", "cosine_decay", "exponential_decay", "warmup"]

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


@recorded
def exponential_decay(rate: float, decay_steps: int, decay_rate: float) -> Schedule:
    """`rate * decay_rate ** (step / decay_steps)`: after every `decay_steps` steps, `decay_rate` times as much.

    Errors
        ValueError   `rate` is not positive and finite, `decay_steps` is less than one, `decay_rate` is not in (0, 1]
    Source: `jax.example_libraries.optimizers.exponential_decay`.

    >>> exponential_decay(0.1, 100, 0.5)(200)
    0.025
    """
    finite_positive("exponential_decay", rate=rate)
    positive("exponential_decay", decay_steps=decay_steps)
    if not (is_number(decay_rate) and 0 < decay_rate <= 1):
        raise ValueError(f"exponential_decay: decay_rate must be in (0, 1], got {decay_rate!r}")
    return lambda step: float(rate * decay_rate ** (step / decay_steps))


@recorded
def cosine_decay(rate: float, decay_steps: int, *, final: float = 0.0) -> Schedule:
    """From `rate` to `final` along half a cosine, in `decay_steps` steps; `final` ever after.

    `final + (rate - final) (1 + cos(pi step / decay_steps)) / 2`

    Errors
        ValueError   `rate` is not positive and finite, `decay_steps` is less than one, `final` is not in [0, rate]
    Source: Loshchilov & Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts (ICLR 2017), equation 5, without
    restarts.

    >>> cosine_decay(0.5, 100)(50), cosine_decay(0.5, 100, final=0.25)(1000)
    (0.25, 0.25)
    """
    finite_positive("cosine_decay", rate=rate)
    positive("cosine_decay", decay_steps=decay_steps)
    if not (is_number(final) and 0 <= final <= rate):
        raise ValueError(f"cosine_decay: final must be in [0, rate], got {final!r}")

    def schedule(step: int) -> float:
        way = 0.5 + 0.5 * math.cos(math.pi * min(step / decay_steps, 1.0))
        return float(final + (rate - final) * way)

    return schedule


@recorded
def warmup(steps: int, rate: Rate) -> Schedule:
    """First `steps` steps that rise to the rate in equal parts, then the rate, or the schedule from its start.

    `rate(0) (step + 1) / (steps + 1)` while step < steps, then `rate(step - steps)`.

    Errors
        ValueError   `steps` is less than one, or `rate` is not positive and finite
        TypeError    `rate` is neither a number nor a function
    Source: Goyal et al., Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour (2017), section 2.2.

    >>> schedule = warmup(4, cosine_decay(0.5, 100))
    >>> [schedule(step) for step in (0, 1, 4, 54)]
    [0.1, 0.2, 0.5, 0.25]
    """
    positive("warmup", steps=steps)
    then = as_schedule(rate, where="warmup")
    return lambda step: float(then(0) * (step + 1) / (steps + 1) if step < steps else then(step - steps))


def as_schedule(rate: Rate, *, where: str = "as_schedule") -> Schedule:
    """The schedule that stands for a rate: a number is constant, a schedule is itself.

    Errors
        ValueError   a number that is not positive and finite
        TypeError    neither a number nor a function

    >>> as_schedule(0.1), as_schedule(cosine_decay(0.1, 100))
    (constant(0.1), cosine_decay(0.1, 100))
    """
    if callable(rate):
        return rate
    if not is_number(rate):
        raise TypeError(f"{where}: rate must be a number or a schedule, step -> rate, got {type(rate).__name__}")
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
