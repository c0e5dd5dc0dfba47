"""Attributes that other libraries' results of training have, and what ours have instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from funcnn.foreign.attributes import GRADIENTS, STEP

_BESIDE: Final = "fit yields them beside it: for state, metrics in fit(...)"
_NETWORK: Final = "the network is a value beside it, which is called with its params: net.apply({name}.params, x)"
_PREDICT: Final = "predictions are predict(net.apply, {name}.params, x)"
_SCORES: Final = "metrics are evaluate(net.apply, {name}.params, (x, labels), accuracy)"
_RATE: Final = "the rate belongs to the optimizer: adam(cosine_decay(1e-3, 100)) changes it"
_FILES: Final = "it is saved by save_state(path, {name}), its params by save_params(path, {name}.params)"
_FOUND: Final = "it is what your loop finds out: evaluate(net.apply, state.params, (x, labels), accuracy)"
_COLUMN: Final = "a column is history['train_loss'], and history.columns are their names"


def _with_params(name: str, *own: str) -> dict[str, str]:
    """What is said of values of this name, which have params in them; `own` are words that they have themselves."""
    return {word: said.replace("{name}", name) for word, said in _WITH_PARAMS.items() if word not in own}


_WITH_PARAMS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("net", "model", "network", "apply_fn", "apply", "forward", "estimator"), _NETWORK),
    **dict.fromkeys(("predict", "predict_proba", "transform"), _PREDICT),
    **dict.fromkeys(("evaluate", "score", "accuracy"), _SCORES),
    **dict.fromkeys(("parameters", "weights", "get_weights", "variables", "best_params", "best_weights", "best_model"),
                    "its params are {name}.params, and {name}.params.paths() their paths"),
    "summary": "the table of layers is summary(net, shape)",
    **dict.fromkeys(("lr", "learning_rate", "rate"), _RATE),
}  # fmt: skip

STATE: Final[Mapping[str, str]] = {
    **_with_params("state"),
    **dict.fromkeys(("apply_gradients", "update"), STEP),
    **dict.fromkeys(("grads", "gradients"), GRADIENTS),
    **dict.fromkeys(("opt_state", "optimizer_state", "opt", "tx"), "the state of the optimizer is state.optimizer"),
    **dict.fromkeys(("replace", "create"), "it is a named tuple: state._replace(params=params)"),
    **dict.fromkeys(("loss", "metrics", "history", "accuracy"), _BESIDE),
    **dict.fromkeys(("rng", "rngs", "seed"), "the key of all that is random is state.key"),
    **dict.fromkeys(("save", "state_dict"), _FILES.replace("{name}", "state")),
    **dict.fromkeys(("load", "load_state_dict", "restore"), "it is read by load_state(path, optimizer, like=params)"),
    **dict.fromkeys(("batch_stats", "model_state", "extra"),
                    "nothing is kept beside params; statistics come from calibrate(net, state.params, [x])"),
    **dict.fromkeys(("iteration", "global_step"), "how many steps have been made is state.step"),
}  # fmt: skip

STEPS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("accuracy", "acc", "val_loss", "val_accuracy", "val_acc", "r2", "validation"), _FOUND),
    **dict.fromkeys(("lr", "learning_rate", "rate"), _RATE),
    **dict.fromkeys(("params", "state", "optimizer"),
                    "they are of the state beside it: for state, metrics in fit(...)"),
    **dict.fromkeys(("grads", "gradients", "grad_norm"), GRADIENTS),
    **dict.fromkeys(("item", "value"), "the loss is a Python float, metrics.loss"),
    **dict.fromkeys(("items", "keys", "values", "get"), "it is a named tuple: metrics._asdict()"),
    **dict.fromkeys(("batch", "batch_size", "rows"), "how many rows the batch had is metrics.examples"),
    **dict.fromkeys(("iteration", "global_step"), "how many steps have been made is metrics.step"),
}  # fmt: skip

TRAINED: Final[Mapping[str, str]] = {
    **_with_params("trained"),
    **dict.fromkeys(("loss", "losses", "best_loss", "best_score", "metrics", "val_loss"),
                    "the losses are columns, trained.history['train_loss'], and the best row trained.history.best"),
    **dict.fromkeys(("save", "save_weights", "state_dict"),
                    "its params are saved by save_params(path, trained.params), with the network by "
                    "save_network(path, net, trained.params)"),
    **dict.fromkeys(("optimizer", "opt_state"), "the state of the optimizer is trained.state.optimizer"),
    **dict.fromkeys(("epoch", "epochs", "best_epoch", "step"),
                    "the epochs are trained.history['epoch'], and trained.state.step the number of steps"),
    **dict.fromkeys(("key", "rng"), "the key of all that is random is trained.state.key"),
    **dict.fromkeys(("fit", "train"), "training goes on from start=trained.state, with more epochs"),
}  # fmt: skip

HISTORY: Final[Mapping[str, str]] = {
    **dict.fromkeys(("history", "loss", "val_loss", "accuracy", "val_accuracy", "acc", "val_acc", "epoch", "epochs",
                     "metrics", "get"), _COLUMN),
    **dict.fromkeys(("keys", "names"), _COLUMN),
    **dict.fromkeys(("items", "values", "to_dict", "iterrows", "itertuples"),
                    "its rows are history.rows, a mapping for every epoch, and history.columns the names"),
    **dict.fromkeys(("to_pandas", "to_frame", "DataFrame"), "its rows are history.rows, which data frames are made of"),
    **dict.fromkeys(("plot", "show"), "plotting.learning_curves(history) draws it"),
    **dict.fromkeys(("save", "to_file", "dump"), "files are written by history.to_csv('history.csv'), and to_json"),
    **dict.fromkeys(("best_epoch", "best_loss", "best_score", "min", "argmin"), "the best row is history.best, from 0"),
    **dict.fromkeys(("append", "add", "update"), "a history never changes; rows in a file are append_row(path, row)"),
}  # fmt: skip

METRIC: Final[Mapping[str, str]] = {
    **dict.fromkeys(("reset", "reset_state", "reset_states"), "it keeps nothing: the state is a value, metric.init()"),
    "update_state": "the state is a value: state = metric.update(metric.init(), logits, labels)",
    **dict.fromkeys(("result", "value", "item", "avg", "merge_state"),
                    "its value for one batch is metric(logits, labels), "
                    "for data evaluate(net.apply, params, (x, labels), metric)"),
    **dict.fromkeys(("forward", "call", "score", "evaluate"),
                    "over data it is evaluate(net.apply, params, (x, labels), accuracy)"),
    **dict.fromkeys(("to", "cuda", "device"), "everything is computed by NumPy on this machine"),
}  # fmt: skip

CHECKPOINT: Final[Mapping[str, str]] = {
    **_with_params("found.state", "score"),
    **dict.fromkeys(("params", "step", "epoch", "optimizer", "opt_state", "key"),
                    "they are those of its state: found.state.params, found.state.step, found.state.optimizer"),
    **dict.fromkeys(("loss", "metrics", "history"), "what was saved beside the state is found.notes"),
}  # fmt: skip

MINIMUM: Final[Mapping[str, str]] = {
    "x": "the params are minimum.params, and ravel(minimum.params) is one vector",
    "fun": "it is minimum.value",
    **dict.fromkeys(("success", "status"), "it is minimum.converged"),
    "message": "it is minimum.reason",
    **dict.fromkeys(("nit", "n_iter"), "it is minimum.steps"),
    **dict.fromkeys(("nfev", "njev"), "it is minimum.evaluations"),
    **dict.fromkeys(("jac", "grad"), "the size of the gradient is minimum.gradient_norm"),
    "loss": "it is minimum.value",
}  # fmt: skip

ESTIMATOR: Final[Mapping[str, str]] = {
    **dict.fromkeys(("coefs_", "intercepts_", "coef_", "intercept_", "weights", "get_weights", "parameters", "params",
                     "state_dict"),
                    "params are estimator.params_, one of them estimator.params_.at('dense_0/w')"),
    **dict.fromkeys(("n_iter_", "t_"),
                    "the number of epochs is len(estimator.history_), of steps estimator.state_.step"),
    **dict.fromkeys(("loss_", "best_loss_", "best_validation_score_", "validation_scores_", "best_score_", "history"),
                    "losses and scores of all epochs are estimator.history_, of training estimator.loss_curve_"),
    **dict.fromkeys(("n_layers_", "n_outputs_", "out_activation_", "model", "net", "network", "module_", "model_"),
                    "the network is estimator.net_"),
    **dict.fromkeys(("compile", "summary"), "the table of layers is summary(estimator.net_, shape)"),
    **dict.fromkeys(("save", "save_weights"), "save_network(path, estimator.net_, estimator.params_) writes both"),
    "evaluate": "the score is estimator.score(x, labels)",
}  # fmt: skip

RESULTS: Final[Mapping[str, Mapping[str, str]]] = {
    "TrainState": STATE,
    "StepMetrics": STEPS,
    "Trained": TRAINED,
    "History": HISTORY,
    "Metric": METRIC,
    "Checkpoint": CHECKPOINT,
    "Minimum": MINIMUM,
    "NetworkClassifier": ESTIMATOR,
    "NetworkRegressor": ESTIMATOR,
}
"""By the kind of the value."""
