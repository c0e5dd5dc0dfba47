"""Optimizers: pairs of pure functions, `init(params) -> state`, `update(grads, state, params) -> (updates, state)`."""

from funcnn.optimizers.adaptive import AdamState, adam, adamw
from funcnn.optimizers.chains import chain, clip_by_global_norm
from funcnn.optimizers.descent import MomentumState, SgdState, momentum, sgd
from funcnn.optimizers.definition import Optimizer, apply_updates, optimizer

__all__ = [
    "AdamState", "MomentumState", "Optimizer", "SgdState", "adam", "adamw", "apply_updates", "chain",
    "clip_by_global_norm", "momentum", "optimizer", "sgd",
]  # fmt: skip
