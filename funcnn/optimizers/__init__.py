"""Optimizers: pairs of pure functions, `init(params) -> state`, `update(grads, state, params) -> (updates, state)`."""

from funcnn.optimizers.adaptive import AdamState, adam, adamw, scale_by_adam
from funcnn.optimizers.chains import chain, clip_by_global_norm
from funcnn.optimizers.descent import MomentumState, SgdState, momentum, sgd
from funcnn.optimizers.definition import Optimizer, apply_updates, optimizer
from funcnn.optimizers.parts import add_decayed_weights, scale_by_rate, scaled

__all__ = [
    "AdamState", "MomentumState", "Optimizer", "SgdState", "adam", "adamw", "add_decayed_weights", "apply_updates",
    "chain", "clip_by_global_norm", "momentum", "optimizer", "scale_by_adam", "scale_by_rate", "scaled", "sgd",
]  # fmt: skip
