"""Rates that rise first, and those that come again."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Literal

from funcnn.arguments import finite_positive, is_integer, is_number, positive
from funcnn.errors import brief
from funcnn.recorded_functions import recorded
from funcnn.schedules.decays import cosine_decay, linear
from funcnn.schedules.definition import Rate, Schedule, as_schedule


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


@recorded
def join(schedules: Sequence[Rate], boundaries: Sequence[int]) -> Schedule:
    """One schedule after the other, each from its own start: the second counts from the first boundary, and so on.

    Errors
        TypeError    a rate is neither a number nor a function
        ValueError   not one boundary fewer than schedules, or they do not rise
    Source: optax's `join_schedules`.

    >>> from funcnn.schedules import join
    >>> schedule = join([0.1, exponential_decay(1.0, 1, 0.5)], [10])
    >>> schedule(9), schedule(10), schedule(12)
    (0.1, 1.0, 0.25)
    """
    parts = [as_schedule(rate, where="join") for rate in schedules]
    ends = list(boundaries)
    if len(ends) != len(parts) - 1 or not all(is_integer(end) and end >= 1 for end in ends) or ends != sorted(set(ends)):
        raise ValueError(
            f"join takes {len(parts)} schedules with {max(len(parts) - 1, 0)} boundaries that rise, got {brief(boundaries)}"
        )

    def schedule(step: int) -> float:
        i = bisect_right(ends, step)
        return float(parts[i](step - (ends[i - 1] if i else 0)))

    return schedule


@recorded
def warmup_linear(rate: float, warmup_steps: int, steps: int, *, final: float = 0.0) -> Schedule:
    """Up to `rate` in `warmup_steps` steps, as `warmup`, then down to `final` in equal parts, at `steps` steps in all.

    Errors
        ValueError   `rate` is not positive and finite, `final` is not in [0, rate], not 1 <= `warmup_steps` < `steps`
    Source: Devlin et al., BERT (2019), appendix A.2.

    >>> from funcnn.schedules import warmup_linear
    >>> [warmup_linear(0.5, 4, 14)(step) for step in (0, 4, 9, 14)]
    [0.1, 0.5, 0.25, 0.0]
    """
    finite_positive("warmup_linear", rate=rate)
    _phases("warmup_linear", warmup_steps, steps, final, rate)
    return warmup(warmup_steps, linear(rate, final, steps - warmup_steps))


@recorded
def warmup_cosine(rate: float, warmup_steps: int, steps: int, *, final: float = 0.0) -> Schedule:
    """Up to `rate` in `warmup_steps` steps, as `warmup`, then down to `final` along half a cosine, at `steps` in all.

    Errors
        ValueError   `rate` is not positive and finite, `final` is not in [0, rate], not 1 <= `warmup_steps` < `steps`
    Source: Loshchilov & Hutter (ICLR 2017), equation 5, after the warmup of Goyal et al. (2017), section 2.2.

    >>> from funcnn.schedules import warmup_cosine
    >>> [round(warmup_cosine(0.5, 4, 14)(step), 6) for step in (0, 4, 9, 14)]
    [0.1, 0.5, 0.25, 0.0]
    """
    finite_positive("warmup_cosine", rate=rate)
    _phases("warmup_cosine", warmup_steps, steps, final, rate)
    return warmup(warmup_steps, cosine_decay(rate, steps - warmup_steps, final=final))


def _phases(name: str, warmup_steps: int, steps: int, final: float, rate: float) -> None:
    positive(name, warmup_steps=warmup_steps, steps=steps)
    if not warmup_steps < steps:
        raise ValueError(f"{name}: steps counts the warmup too, and must be above {warmup_steps}, got {steps}")
    if not (is_number(final) and 0 <= final <= rate):
        raise ValueError(f"{name}: final must be in [0, rate], got {final!r}")


@recorded
def one_cycle(rate: float, steps: int, *, rise: float = 0.3, start: float = 25.0, end: float = 1e4) -> Schedule:
    """One rise to `rate` and one fall, both along half a cosine: from `rate / start` up in the share `rise` of the steps,
    then down to `rate / (start end)`.

    Errors
        ValueError   `rate`, `start` or `end` is not positive and finite, `steps` is less than two, `rise` not in (0, 1)
    Source: Smith & Topin, Super-Convergence (2019), section 3; the form is that of PyTorch and optax.

    >>> from funcnn.schedules import one_cycle
    >>> schedule = one_cycle(1.0, 100)
    >>> round(schedule(0), 6), round(schedule(30), 6), round(schedule(100), 6)
    (0.04, 1.0, 4e-06)
    """
    finite_positive("one_cycle", rate=rate, start=start, end=end)
    positive("one_cycle", steps=steps)
    if not (is_number(rise) and 0 < rise < 1) or not 1 <= int(rise * steps) < steps:
        raise ValueError(f"one_cycle: rise must be in (0, 1), and leave steps on both sides, got {rise!r} of {steps}")
    top, low, last = int(rise * steps), rate / start, rate / (start * end)
    up, down = cosine_decay(1.0, top), cosine_decay(1.0, steps - top)

    def schedule(step: int) -> float:
        if step < top:
            return float(rate - (rate - low) * up(step))
        return float(last + (rate - last) * down(step - top))

    return schedule


@recorded
def cyclic(
    low: float, high: float, steps: int, *, mode: Literal["triangular", "halving"] = "triangular"
) -> Schedule:
    """Between `low` and `high` for ever, up in `steps` steps and down in as many; "halving" halves the height each time.

    Errors
        ValueError   not 0 < `low` < `high`, `steps` is less than one, `mode` is none of the two
    Source: Smith, Cyclical Learning Rates for Training Neural Networks (2017), section 3.

    >>> from funcnn.schedules import cyclic
    >>> [cyclic(1.0, 5.0, 2)(step) for step in range(5)]
    [1.0, 3.0, 5.0, 3.0, 1.0]
    """
    finite_positive("cyclic", low=low, high=high)
    positive("cyclic", steps=steps)
    if not low < high:
        raise ValueError(f"cyclic: low must be below high, got {low!r} and {high!r}")
    if mode not in ("triangular", "halving"):
        raise ValueError(f"cyclic: mode must be 'triangular' or 'halving', got {mode!r}")

    def schedule(step: int) -> float:
        turn, way = divmod(step, 2 * steps)
        height = (high - low) / (2**turn if mode == "halving" else 1)
        return float(low + height * (1 - abs(way / steps - 1)))

    return schedule
