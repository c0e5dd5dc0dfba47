"""Rates that fall."""

from __future__ import annotations

import math
from collections.abc import Mapping

from funcnn.arguments import finite_positive, is_integer, is_number, positive
from funcnn.errors import brief
from funcnn.recorded_functions import recorded
from funcnn.schedules.definition import Schedule


def _end(name: str, final: float, rate: float) -> float:
    if not (is_number(final) and 0 <= final <= rate):
        raise ValueError(f"{name}: final must be in [0, rate], got {final!r}")
    return float(final)


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
def inverse_time_decay(rate: float, decay_steps: int, decay_rate: float, *, staircase: bool = False) -> Schedule:
    """`rate / (1 + decay_rate step / decay_steps)`; with `staircase`, of whole multiples of `decay_steps` alone.

    Errors
        ValueError   `rate` or `decay_rate` is not positive and finite, `decay_steps` is less than one
    Source: Robbins & Monro, A Stochastic Approximation Method (1951), section 2; the form is that of
    `jax.example_libraries.optimizers.inverse_time_decay`.

    >>> from funcnn.schedules import inverse_time_decay
    >>> inverse_time_decay(0.1, 100, 1.0)(100)
    0.05
    """
    finite_positive("inverse_time_decay", rate=rate, decay_rate=decay_rate)
    positive("inverse_time_decay", decay_steps=decay_steps)

    def schedule(step: int) -> float:
        way = step // decay_steps if staircase else step / decay_steps
        return float(rate / (1 + decay_rate * way))

    return schedule


@recorded
def polynomial_decay(rate: float, decay_steps: int, final: float = 0.0, *, power: float = 1.0) -> Schedule:
    """From `rate` to `final` in `decay_steps` steps, `(rate - final) (1 - step / decay_steps)^power + final`.

    Errors
        ValueError   `rate` or `power` is not positive and finite, `decay_steps` is less than one, `final` not in [0, rate]
    Source: `jax.example_libraries.optimizers.polynomial_decay`.

    >>> from funcnn.schedules import polynomial_decay
    >>> polynomial_decay(1.0, 10, power=2.0)(5)
    0.25
    """
    finite_positive("polynomial_decay", rate=rate, power=power)
    positive("polynomial_decay", decay_steps=decay_steps)
    end = _end("polynomial_decay", final, rate)
    return lambda step: float(end + (rate - end) * (1 - min(step / decay_steps, 1.0)) ** power)


@recorded
def linear(rate: float, final: float, steps: int) -> Schedule:
    """From `rate` to `final`, up or down, in equal parts over `steps` steps; `final` ever after.

    Errors
        ValueError   `rate` or `final` is negative or not finite, both are zero, `steps` is less than one
    Source: optax's `linear_schedule`.

    >>> from funcnn.schedules import linear
    >>> [linear(0.0, 0.5, 10)(step) for step in (0, 5, 20)]
    [0.0, 0.25, 0.5]
    """
    if not all(is_number(v) and 0 <= v < math.inf for v in (rate, final)) or rate == final == 0:
        raise ValueError(f"linear: rates must be finite, not negative, and not both zero, got {rate!r} and {final!r}")
    positive("linear", steps=steps)
    return lambda step: float(rate + (final - rate) * min(step / steps, 1.0))


@recorded
def piecewise_constant(rate: float, factors: Mapping[int, float]) -> Schedule:
    """`rate` times the factors of all the steps that have come: `{1000: 0.1, 2000: 0.5}`.

    A factor counts from its step on.

    Errors
        ValueError   `rate` or a factor is not positive and finite; a step is no integer of at least 1
        TypeError    `factors` is no mapping
    Source: Goodfellow, Bengio & Courville, Deep Learning (2016), section 11.4.1; the form is optax's.

    >>> from funcnn.schedules import piecewise_constant
    >>> [piecewise_constant(1.0, {10: 0.5, 20: 0.5})(step) for step in (9, 10, 25)]
    [1.0, 0.5, 0.25]
    """
    finite_positive("piecewise_constant", rate=rate)
    if not isinstance(factors, Mapping):
        raise TypeError(f"piecewise_constant takes factors by step, a dict, got {brief(factors)}")
    for step, factor in factors.items():
        if not (is_integer(step) and step >= 1):
            raise ValueError(f"piecewise_constant: a step must be an integer of at least 1, got {step!r}")
        finite_positive("piecewise_constant", factor=factor)
    table = sorted(factors.items())
    return lambda step: float(rate * math.prod(factor for at, factor in table if at <= step))


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
