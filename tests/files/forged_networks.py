"""Files of networks that nobody would write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from funcnn import Conv, Dense, Dropout, Relu, leaky_relu, repeat, serial
from funcnn.checkpoints import sealed
from funcnn.files import writing
from funcnn.initializers import constant, normal


def forged(path: Path, program: Any, leaves: list[Any] | None = None, by: str = "0.2.0", **changes: Any) -> Path:
    """A sealed file with this program, and defaults of what it calls."""
    writer = writing.Writer([])
    writer.program(serial(Dense(2), Conv(2, (1, 1)), leaky_relu(0.1), repeat(Relu, 2), Dropout(0.5), constant_dense()))
    content = {"format": "funcnn network", "version": 1, "funcnn": by, "program": program, "defaults": writer.defaults}
    content["params"] = {"params": {}}
    with path.open("w+b") as file:
        sealed.write(file, json.dumps({**content, **changes}), leaves or [])
    return path


def constant_dense() -> Any:
    """With an initializer that is called."""
    return Dense(2, W_init=constant(1.0), b_init=normal(1.0))


def one(name: Any, *args: Any, **kwargs: Any) -> Any:
    """A program of one call."""
    return [[[name, [*args], kwargs], "it", False]]


HUGE = 1 << 100
