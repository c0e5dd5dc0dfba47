"""Arguments of training that other libraries name otherwise; see `keywords`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_PARAMS: Final = "an optimizer meets the params later: optimizer.init(params)"
CLIP: Final = "clipping stands in front, chain(clip_by_global_norm(1.0), adam(1e-3))"
DATA: Final = "data is one tuple, (x, target) or (x, target, weights)"
_BODY: Final = "a callback is what you write in the body of the loop: for state, metrics in fit(...)"
_VALIDATION: Final = (
    "validation is evaluate(net.apply, state.params, (x, labels), accuracy) in the body of the loop, or all of "
    "train(squared_error, net, optimizer, data, epochs=2, validation=0.5)"
)
_STATE: Final = "randomness is a key: rng=Key(0)"
_START: Final = (
    "params to begin with, or a state, are start=: train(squared_error, net, optimizer, data, epochs=2, start=params)"
)
_BEST: Final = "with validation data the params that come out are those of the best epoch, always; leave it out"
_OF_TRAIN: Final = "it is an argument of train(squared_error, net, optimizer, data, epochs=2)"
_PARTS: Final = "batches are taken in parts by an objective: fit(accumulate(objective, 4), optimizer, params, data)"
ROWS: Final = "weights of rows are the third array of the data, (x, target, weights)"
_SAVING: Final = "checkpoints are save_checkpoint(folder, state) in the body of the loop"
_WHOLE: Final = "a file that is there is replaced, whole or not at all; leave it out"
_SCHEDULE: Final = "a schedule goes where the rate goes: adam(cosine_decay(1e-3, 100))"

ARGUMENTS: Final[Mapping[str, Mapping[str, str]]] = {
    "x": {"fit": DATA, "evaluate": DATA, "train": DATA},
    "y": {"fit": DATA, "evaluate": DATA, "train": DATA},
    "target": {"fit": DATA, "evaluate": DATA, "train": DATA},
    "sample_weights": {"fit": ROWS, "train": ROWS, "evaluate": ROWS},
    "weights": {"fit": ROWS, "train": ROWS, "evaluate": ROWS},
    "callbacks": {"training": _BODY},
    "validation_data": {"train": "it is validation=, data or a share of the rows", "training": _VALIDATION},
    "validation_split": {"train": "it is validation=, data or a share of the rows", "training": _VALIDATION},
    "early_stopping": {"train": "it is patience=, a number of epochs", "training": _BODY,
                       "estimators": "it is patience=, a number of epochs, with validation=, a fraction of the rows"},
    **dict.fromkeys(("n_iter_no_change", "min_delta"), {"train": "it is patience=", "estimators": "it is patience="}),
    "validation_fraction": {"train": "it is validation=", "estimators": "it is validation="},
    **dict.fromkeys(("checkpoint_dir", "checkpoint", "checkpoint_path", "save_dir", "ckpt_path"),
                    {"train": "it is folder=", "fit": _SAVING}),
    "folder": {"fit": _SAVING},
    **dict.fromkeys(("patience", "monitor", "validation", "mode"), {"fit": _OF_TRAIN}),
    "quiet": {"fit": "nothing is shown; who wants a line writes progress(fit(...))"},
    "progress": {"train": "it is quiet=True where nothing is to be shown"},
    "shuffle": {"train": "rows come in a new order in every epoch; a function of the epoch as data gives others",
                "batches": "rows are shuffled by a key: batches((x, target), 32, key=Key(0))"},
    **dict.fromkeys(("init_params", "initial_params", "restore_from", "resume"), {"train": _START}),
    "params": {"train": _START, "optimizers": _PARAMS},
    "parameters": {"optimizers": _PARAMS},
    **dict.fromkeys(("restore_best_weights", "save_best_only", "keep_best"), {"train": _BEST}),
    **dict.fromkeys(("accumulate", "gradient_accumulation_steps", "accumulate_grad_batches", "accumulation_steps"),
                    {"training": _PARTS}),
    **dict.fromkeys(("clip", "clip_norm", "gradient_clip_val", "grad_clip"), {"training": CLIP}),
    **dict.fromkeys(("scheduler", "lr_scheduler", "schedule"), {"training": _SCHEDULE}),
    **dict.fromkeys(("transform", "augmentation", "preprocess"),
                    {"training": "it is augment=, a function (x, key) -> x"}),
    **dict.fromkeys(("steps_per_epoch", "validation_steps", "max_steps"),
                    {"training": "an epoch is all of the data; a function of the epoch gives the batches it likes"}),
    **dict.fromkeys(("loss_fn", "criterion"), {"train": "the loss comes first, by position"}),
    **dict.fromkeys(("overwrite", "force", "exist_ok"), {"checkpoints": _WHOLE, "training": _WHOLE, "files": _WHOLE}),
    "desc": {"progress": "what else the line shows is beside=, a function that gives numbers by name"},
    "metrics": {"fit": _VALIDATION,
                "evaluate": "metrics come one by one: evaluate(net.apply, params, (x, labels), accuracy)"},
    "n_epochs": {"training": "it is epochs="},
    "max_epochs": {"training": "it is epochs="},
    "max_iter": {"training": "it is epochs=", "estimators": "it is epochs=", "minimize": "it is steps="},
    "maxiter": {"minimize": "it is steps="},
    "tol": {"minimize": "it is tolerance="},
    "gtol": {"minimize": "it is tolerance="},
    "history_size": {"minimize": "it is memory="},
    "maxcor": {"minimize": "it is memory="},
    "num_epochs": {"training": "it is epochs="},
    "initial_epoch": {"training": "give the state that was reached in place of the params; fit goes on from it"},
    "bs": {"training": "it is batch_size="},
    "batch_size": {"batches": "it is size: batches((x, target), 32)"},
    "hidden_layer_sizes": {"estimators": "it is hidden=: NetworkClassifier(hidden=(64, 64))"},
    **dict.fromkeys(("learning_rate_init", "learning_rate", "lr"), {"estimators": "it is rate="}),
    "solver": {"estimators": "it is optimizer=, a function of the rate: NetworkClassifier(optimizer=adamw)"},
    "alpha": {"estimators": "it is penalties=: NetworkClassifier(penalties=[l2(1e-4)])"},
    "warm_start": {"estimators": "fit begins anew, always; partial_fit goes on"},
    "module": {"estimators": "it is net, a network or a function that makes one: NetworkClassifier(mlp([64, 2]))"},
    **dict.fromkeys(("momentum", "nesterovs_momentum", "beta_1", "beta_2", "epsilon", "power_t"),
                    {"estimators": "it belongs to an optimizer: NetworkClassifier(optimizer=adam(1e-3, b1=0.8))"}),
    "verbose": {"estimators": "nothing is shown; losses are in history_",
                "train": "it is quiet=True where nothing is to be shown",
                "training": "a line is shown by progress(fit(...))"},
    "seed": {"": _STATE},
    "rng": {"batches": "it is key=: batches((x, target), 32, key=Key(0))"},
    **dict.fromkeys(("rngs", "prng", "prng_key"), {"training": _STATE, "networks": _STATE}),
    "key": {"training": _STATE, "networks": _STATE},
    "random_state": {"": _STATE},
    "n_iter": {"training": "it is epochs="},
    "num_workers": {"": "batches are taken where they are wanted, without workers; leave it out"},
    "argnums": {"derivatives": "gradients are those of the params; for all arguments take vjp(net.apply, params, x)"},
    "has_aux": {"derivatives": "the prediction comes with objective.with_prediction(params, x, target)"},
    "create_graph": {"derivatives": "second derivatives are hvp, jacobian and ggn_vp"},
    "retain_graph": {"derivatives": "a pullback may be called any number of times; leave it out"},
}  # fmt: skip
