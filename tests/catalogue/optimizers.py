"""One row for every optimizer, and for every part of a chain."""

from __future__ import annotations

from tests.catalogue.rows import OptimizerRow

# fmt: off
OPTIMIZERS: tuple[OptimizerRow, ...] = (
    OptimizerRow("sgd(0.1)", "sgd"),
    OptimizerRow("sgd(exponential_decay(0.1, 2, 0.5))", "sgd"),
    OptimizerRow("momentum(0.1, 0.9)", "momentum"),
    OptimizerRow("momentum(cosine_decay(0.1, 3), 0.5)", "momentum"),
    OptimizerRow("adam(0.1)", "adam"),
    OptimizerRow("adam(warmup(2, 0.1), 0.8, 0.9, 0.1)", "adam"),
    OptimizerRow("adamw(0.1)", "adamw", except_={"fixed_point": "matrices decay without gradients"}),
    OptimizerRow("adamw(cosine_decay(0.1, 3), weight_decay=0.5)", "adamw", except_={"fixed_point": "matrices decay"}),
    OptimizerRow("scale_by_adam()", "scale_by_adam"),
    OptimizerRow("scale_by_adam(0.8, 0.9, 0.1)", "scale_by_adam"),
    OptimizerRow("scale_by_rate(0.1)", "scale_by_rate"),
    OptimizerRow("scale_by_rate(cosine_decay(0.1, 3))", "scale_by_rate"),
    OptimizerRow("add_decayed_weights(0.5)", "add_decayed_weights", except_={"fixed_point": "matrices decay"}),
    OptimizerRow(
        "chain(scale_by_adam(), add_decayed_weights(0.1), scale_by_rate(0.1))", "chain",
        except_={"fixed_point": "matrices decay"},
    ),
    OptimizerRow("scaled({'**': 0.5})", "scaled"),
    OptimizerRow("scaled({'**': 0.0})", "scaled"),
    OptimizerRow("chain(adam(0.1), scaled({'**': 0.25}))", "chain"),
    OptimizerRow(
        "clip_by_global_norm(0.5)", "clip_by_global_norm", except_={"splits": "the norm is that of all leaves"}
    ),
    OptimizerRow(
        "chain(clip_by_global_norm(0.5), adam(0.1), clip_by_global_norm(0.1))", "chain",
        except_={"splits": "the norm is that of all leaves"},
    ),
    OptimizerRow("nesterov(0.1, 0.9)"),
    OptimizerRow("adagrad(0.1)"),
    OptimizerRow("rmsprop(0.1)"),
    OptimizerRow("rmsprop_momentum(0.1)"),
    OptimizerRow("adadelta()"),
    OptimizerRow("adamax(0.1)"),
    OptimizerRow("nadam(0.1)"),
    OptimizerRow("amsgrad(0.1)"),
    OptimizerRow("radam(0.1, b2=0.9)"),
    OptimizerRow("adabelief(0.1)"),
    OptimizerRow("sign_sgd(0.1)"),
    OptimizerRow("lion(0.1)"),
    OptimizerRow("rprop(0.1)"),
    OptimizerRow("lamb(0.1)"),
    OptimizerRow("lars(0.1)"),
    OptimizerRow("scale_by_trust_ratio()", part=True),
    OptimizerRow("scale_by_momentum(0.9, nesterov=True)", part=True),
    OptimizerRow("sm3(0.1)"),
    OptimizerRow("adafactor(0.1, factored_from=2)"),
    OptimizerRow("muon(0.1)"),
    OptimizerRow("scale(0.5)", part=True),
    OptimizerRow("clip(0.5)", part=True),
    OptimizerRow("by_label({'**': momentum(0.1, 0.5)})"),
    OptimizerRow("lookahead(sgd(0.1), every=2)"),
    OptimizerRow("set_to_zero()", part=True),
    OptimizerRow("scale_by_muon()", part=True),
    OptimizerRow("masked(scale(0.5), None)", part=True),
    OptimizerRow("ema(0.9)", part=True),
)
