"""Optimizers: pairs of pure functions, `init(params) -> state`, `update(grads, state, params) -> (updates, state)`."""

from funcnn.late_names import answers_for
from funcnn.optimizers.definition import Optimizer, apply_updates, optimizer
from funcnn.optimizers.descent import MomentumState, SgdState, momentum, sgd
from funcnn.optimizers.signs import LionState, RpropState, lion, nesterov, rprop, sign_sgd
from funcnn.optimizers.roots import (
    AdadeltaState, AdagradState, RmspropMomentumState, RmspropState, adadelta, adagrad, rmsprop, rmsprop_momentum,
)  # fmt: skip
from funcnn.optimizers.adaptive import AdamState, adam, adamw, scale_by_adam
from funcnn.optimizers.sparse import sparse_adam
from funcnn.optimizers.moments import AmsgradState, adabelief, adamax, amsgrad, nadam, radam
from funcnn.optimizers.trust import TrustState, lamb, lars, scale_by_momentum, scale_by_trust_ratio
from funcnn.optimizers.matrices import AdafactorState, MuonState, Sm3State, adafactor, muon, scale_by_muon, sm3
from funcnn.optimizers.chains import chain, clip_by_global_norm
from funcnn.optimizers.parts import add_decayed_weights, scale_by_rate, scaled
from funcnn.optimizers.scaling import clip, scale
from funcnn.optimizers.selecting import by_label, frozen, masked, set_to_zero
from funcnn.optimizers.plateaus import PlateauState, reduce_on_plateau
from funcnn.optimizers.skipping import SkipState, skip_nonfinite
from funcnn.optimizers.averaging import EmaState, LookaheadState, averaged, ema, lookahead

__all__ = [
    "AdadeltaState", "AdafactorState", "AdagradState", "AdamState", "AmsgradState", "EmaState", "LionState",
    "LookaheadState", "MomentumState", "MuonState", "Optimizer", "PlateauState", "RmspropMomentumState",
    "RmspropState", "RpropState", "SgdState", "SkipState", "Sm3State", "TrustState", "adabelief", "adadelta",
    "adafactor", "adagrad", "adam", "adamax", "adamw", "add_decayed_weights", "amsgrad", "apply_updates",
    "averaged", "by_label", "chain", "clip", "clip_by_global_norm", "ema", "frozen", "lamb", "lars", "lion",
    "lookahead", "masked", "momentum", "muon", "nadam", "nesterov", "optimizer", "radam", "reduce_on_plateau",
    "rmsprop", "rmsprop_momentum", "rprop", "scale", "scale_by_adam", "scale_by_momentum", "scale_by_muon",
    "scale_by_rate", "scale_by_trust_ratio", "scaled", "set_to_zero", "sgd", "sign_sgd", "skip_nonfinite", "sm3",
    "sparse_adam",
]  # fmt: skip

answers_for(__name__)
