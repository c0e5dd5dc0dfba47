"""The third corpus: faults that hide at sizes, numbers, layouts and in memory."""

from __future__ import annotations

from typing import Final

from tests.testing.second_corpus import Fault
from tests.testing.third_losses import LOSS_FAULTS
from tests.testing.third_mathematics import MATHEMATICS
from tests.testing.third_numbers import NUMBER_FAULTS
from tests.testing.third_optimizers import OPTIMIZER_FAULTS
from tests.testing.third_parts import PART_FAULTS
from tests.testing.third_states import STATE_FAULTS

THIRD: Final[tuple[Fault, ...]] = (
    *NUMBER_FAULTS, *STATE_FAULTS, *MATHEMATICS, *LOSS_FAULTS, *OPTIMIZER_FAULTS, *PART_FAULTS,
)  # fmt: skip
