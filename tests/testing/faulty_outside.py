"""Layers with faults that lie outside them: in the caller's memory, other threads, the global random state."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np

from funcnn import Layer
from tests.testing.faulty_layers import pointwise


def clearing(x: Any) -> Any:
    """Clears its input once it is done, where it may."""
    y = x * 2
    if x.flags.writeable:
        x *= 0
    return y


def shared() -> Layer[Any, Any]:
    """Puts its input where every thread finds it, and looks away for a moment."""
    room: dict[str, Any] = {}

    def f(x: Any) -> Any:
        room["x"] = x
        time.sleep(1e-4)
        return room["x"] * 2 if room["x"].shape == x.shape else x * 2

    return pointwise(f, lambda x, dy: dy * 2)


def reseeding(x: Any) -> Any:
    """Seeds NumPy's global generator."""
    np.random.seed(0)  # noqa: NPY002
    return x * 2


def silencing(x: Any) -> Any:
    """Ignores warnings from now on."""
    warnings.simplefilter("ignore")
    return x * 2


def single(x: Any) -> Any:
    """The input as float32 knows it, in float64; at complex numbers as it is."""
    return x.astype(np.float32).astype(x.dtype) if x.dtype == np.float64 else x
