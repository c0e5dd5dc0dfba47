"""Schedules: `step -> rate`, welcome anywhere a rate goes. Steps count from zero.

A schedule is any function of the step. Those made here print as source, compare and pickle. `constant` stays in this
package, because the initializers have such a name too.
"""

from funcnn.late_names import answers_for
from funcnn.schedules.definition import Rate, Schedule, as_schedule, constant
from funcnn.schedules.decays import (
    cosine_decay, exponential_decay, inverse_time_decay, linear, piecewise_constant, polynomial_decay,
)  # fmt: skip
from funcnn.schedules.cycles import cyclic, join, one_cycle, warmup, warmup_cosine, warmup_linear

__all__ = [
    "Rate", "Schedule", "as_schedule", "constant", "cosine_decay", "cyclic", "exponential_decay", "inverse_time_decay",
    "join", "linear", "one_cycle", "piecewise_constant", "polynomial_decay", "warmup", "warmup_cosine", "warmup_linear",
]  # fmt: skip

answers_for(__name__)
