"""Minima found by whole batches: `minimize`."""

from funcnn.minimizing.minima import Minimum, minimize

__all__ = ["Minimum", "minimize"]
