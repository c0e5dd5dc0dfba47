"""Wrong parts that are globals of this module, made of functions of others: reports find both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from funcnn import Layer, Metric
from funcnn.authoring import axes
from funcnn.testing import Trial, pair
from funcnn.testing.trials.of_layers import trials
from funcnn.testing.trials.of_losses import loss_trials
from funcnn.testing.trials.of_optimizers import optimizer_trials
from funcnn.testing.trials.of_parts import initializer_trials, metric_trials, penalty_trials, schedule_trials
from tests import closed_forms
from tests.testing import third_losses, third_numbers, third_optimizers, third_parts, third_states
from tests.testing.faulty_layers import affine
from tests.testing.faulty_rarely import random


def adam_of_source(optimizer: Any) -> Any:
    """The formula that it does not follow."""
    return closed_forms.adam(0.1)


def he(n: int, m: int) -> float:
    """The variance that is not kept to."""
    return 2 / n


CLIPPED: Final = affine(third_numbers.clipped_weights)
NORM: Final = Layer.lift(lambda s: axes("norm", s, at_least=1), third_numbers.wide_norm)
BY_SHAPE: Final = third_states.by_shape()
SLOPE: Final = third_states.slope_in_the_layer()
TILED: Final = random(third_states.tiled)
UNIT: Final = Layer.lift(lambda s: axes("unit", s, at_least=1), third_numbers.unit)
FOCAL: Final = third_losses.labelled(third_losses.focal, lambda p, hot: p - hot)
LENGTHWISE: Final = third_optimizers.lengthwise()
ADAM: Final = third_optimizers.adam(second=lambda t: 1 - 0.9**t)
F1: Final = Metric(lambda: (0.0, 0.0), third_parts.f1_of_batches, third_parts.mean_of_seen, "f1")
PENALTY: Final = third_parts.both(third_parts.SQUARES, third_parts.FOURTH)
NORMAL: Final = third_parts.normal(lambda n, m: (1 / n) ** 0.5)
SQUARE: Final = pair(lambda x: x * x, lambda dy, x: dy * x)
LARGEST: Final = Layer.lift(lambda s: (*axes("max", s, at_least=1)[:-1], 1), third_numbers.averaged_maximum)

Tried = Callable[[], dict[str, Trial]]
REPORTED: Final[dict[str, tuple[str, str, Tried]]] = {  # what: the law, the function that is named, the trials
    "CLIPPED": ("true_pullback", "clipped_weights", lambda: trials(CLIPPED, ("B", "D"))),
    "NORM": ("true_pullback", "wide_norm", lambda: trials(NORM, ("B", "D"))),
    "BY_SHAPE": ("remembers_nothing", "f", lambda: trials(BY_SHAPE, ("B", "D"))),
    "SLOPE": ("threads", "f", lambda: trials(SLOPE, ("B", "D"))),
    "TILED": ("rows_differ", "rule", lambda: trials(TILED, ("B", 4))),
    "UNIT": ("finite", "unit", lambda: trials(UNIT, ("B", "D"))),
    "LARGEST": ("at_ties", "averaged_maximum", lambda: trials(LARGEST, ("B", range(2, 5)))),
    "SQUARE": ("true_pullback", "<lambda>", lambda: trials(SQUARE, ("B", "D"))),
    "FOCAL": ("true_pullback", "made", lambda: loss_trials(FOCAL, ("B", 4), target="labels")),
    "LENGTHWISE": ("finite", "update", lambda: optimizer_trials(LENGTHWISE)),
    "ADAM": ("closed_form", "update", lambda: optimizer_trials(ADAM, steps=adam_of_source)),
    "F1": ("batches_agree", "f1_of_batches", lambda: metric_trials(F1, ("B", 3), weighted=False, nan=False)),
    "PENALTY": ("true_pullback", "rule", lambda: penalty_trials(PENALTY)),
    "NORMAL": ("scale_by_fan", "draw", lambda: initializer_trials(NORMAL, variance=he)),
    "late": ("plain_value", "late", lambda: schedule_trials(third_parts.late, third_parts.warm)),
}
