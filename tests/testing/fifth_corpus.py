"""The fifth corpus: what laws of layers find, in all other parts, too; at the start, in the long run, far out."""

from __future__ import annotations

from typing import Final

from tests.testing import fifth_parts
from tests.testing.fifth_layers import LAYERS
from tests.testing.second_corpus import Fault

FIFTH: Final[tuple[Fault, ...]] = (
    *LAYERS, *fifth_parts.LOSSES, *fifth_parts.OPTIMIZERS, *fifth_parts.PARTS, *fifth_parts.PENALTIES,
)  # fmt: skip
