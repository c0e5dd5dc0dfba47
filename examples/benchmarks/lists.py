"""All workloads by name, family by family."""

from __future__ import annotations

import recurrent
import residual
import transformers
import works

FIRST: works.Works = works.FIRST | recurrent.FIRST | residual.FIRST | transformers.FIRST
"""What the library is tuned on."""

SECOND: works.Works = works.SECOND | recurrent.SECOND | residual.SECOND | transformers.SECOND
"""What it is not tuned on."""

WORKS: works.Works = FIRST | SECOND
