"""Attributes that other libraries' networks, optimizers, params and losses have, and what ours have instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_DRAW: Final = "params are a value beside the network: out_shape, params = net.init(key, shape)"
_FIT: Final = (
    "training is train(loss, net, optimizer, data, epochs=2), or a loop over "
    "fit(loss, net.apply, optimizer, params, data)"
)
_CALL: Final = "the value is net.apply(params, x)"
_MODES: Final = "a network has no modes: net.apply(params, x) is inference, with rng=key it is a training pass"
_SAVE: Final = "params are saved by save_params(path, params), with the network by save_network(path, net, params)"
_LOAD: Final = "params are loaded by load_params(path)"
GRADIENTS: Final = "gradients are values: loss, grads = value_and_grad(squared_error, net.apply)(params, x, target)"
_DEVICE: Final = (
    "everything is computed by NumPy on this machine; "
    "the dtype of params changes by astype(params, np.float64)"
)
_FROZEN: Final = "what is not to be trained is frozen: freeze(net, params, 'dense_0/**')"
STEP: Final = "a step is a function of values: params, state = optimizer.step(grads, state, params)"
_STATE: Final = "the state of an optimizer is a value beside it: state = optimizer.init(params)"
_PIECES: Final = (
    "a network prints as source; trace(net) gives what every layer gives, "
    "summary(net, shape) what it costs"
)

LAYER: Final[Mapping[str, str]] = {
    **dict.fromkeys(("fit", "fit_generator", "train_step", "train_on_batch", "partial_fit"), _FIT),
    **dict.fromkeys(("predict", "predict_on_batch", "predict_classes"),
                    "predictions are predict(net.apply, params, x)"),
    "predict_proba": "probabilities are those of the logits: Softmax.apply({}, net.apply(params, x))",
    **dict.fromkeys(("evaluate", "score", "test_on_batch"),
                    "metrics are evaluate(net.apply, params, (x, labels), accuracy)"),
    "compile": "nothing is compiled: loss and optimizer are given to fit(loss, net.apply, optimizer, params, data)",
    **dict.fromkeys(("parameters", "named_parameters", "params", "weights", "get_weights", "variables",
                     "trainable_variables", "trainable_weights", "weight", "bias", "kernel", "coefs_", "buffers"),
                     _DRAW),
    **dict.fromkeys(("state_dict", "save", "save_weights", "to_json", "get_config"), _SAVE),
    **dict.fromkeys(("load_state_dict", "load_weights", "set_weights", "from_pretrained"), _LOAD),
    **dict.fromkeys(("train", "eval", "training"), _MODES),
    **dict.fromkeys(("forward", "call", "apply_fn"), _CALL),
    **dict.fromkeys(("backward", "zero_grad", "grad", "gradients"), GRADIENTS),
    **dict.fromkeys(("requires_grad_", "requires_grad", "trainable"), _FROZEN),
    **dict.fromkeys(("to", "cuda", "cpu", "half", "double", "float", "device", "dtype"), _DEVICE),
    **dict.fromkeys(("summary", "count_params", "num_parameters", "tabulate"),
                    "the table of layers is summary(net, shape), the number of params count(params)"),
    **dict.fromkeys(("add", "append", "extend", "insert", "add_module"),
                    "networks never change: net >> Relu is another one, with one layer more"),
    **dict.fromkeys(("layers", "children", "modules", "named_modules", "named_children", "get_layer", "submodules"),
                    _PIECES),
    **dict.fromkeys(("register_forward_hook", "register_backward_hook", "register_hook", "capture_intermediates"),
                    "what every layer gives comes from trace(net)(params, x)"),
    **dict.fromkeys(("build", "reset_parameters", "init_weights", "initialize", "lazy_init"), _DRAW),
    **dict.fromkeys(("output_shape", "input_shape", "shape", "output"),
                    "the shape of the output is net.out_shape(shape)"),
    **dict.fromkeys(("clone", "copy"), "networks never change, and need no copies"),
    "bind": "params are given with every call: net.apply(params, x)",
    "optimizer": "an optimizer is a value beside the network: adam(1e-3)",
    "loss": "a loss is a function beside the network: squared_error(net.apply(params, x), target)",
}  # fmt: skip

OPTIMIZER: Final[Mapping[str, str]] = {
    **dict.fromkeys(("zero_grad", "compute_gradients"), "there is nothing to clear; " + GRADIENTS),
    **dict.fromkeys(("minimize", "apply_gradients", "apply", "apply_updates"), STEP),
    **dict.fromkeys(("state", "state_dict", "load_state_dict", "get_config", "get_weights", "set_weights",
                     "variables", "iterations", "build"), _STATE),
    **dict.fromkeys(("lr", "learning_rate", "rate", "schedule", "param_groups", "add_param_group"),
                    "the rate is fixed when the optimizer is made; one that changes is a schedule, "
                    "adam(cosine_decay(1e-3, 100)), and groups are by_label({'head/**': adam(1e-3), '**': frozen})"),
    "target": _STATE,
}  # fmt: skip

TREE: Final[Mapping[str, str]] = {
    **dict.fromkeys(("requires_grad", "requires_grad_", "trainable"), _FROZEN),
    **dict.fromkeys(("grad", "backward", "zero_grad"), GRADIENTS),
    **dict.fromkeys(("state_dict", "save"), "they are saved by save_params(path, params)"),
    **dict.fromkeys(("load", "load_state_dict"), _LOAD),
    **dict.fromkeys(("numpy", "unfreeze", "detach"),
                    "the arrays are NumPy's: params.at('dense_0/w'), or params.to_dict() for all"),
    **dict.fromkeys(("to", "cuda", "cpu"), _DEVICE),
    **dict.fromkeys(("flatten", "ravel", "parameters_to_vector"), "one vector of all is ravel(params)"),
    **dict.fromkeys(("replace", "_replace", "at_set"), "another array at a path is params.set('dense_0/w', array)"),
    **dict.fromkeys(("parameters", "leaves", "named_parameters"),
                    "the paths are params.paths(), an array params.at('dense_0/w')"),
    **dict.fromkeys(("map", "apply", "tree_map"), "a function of every array is tree_map(np.sign, params)"),
    **dict.fromkeys(("count", "numel", "nbytes", "num_parameters"), "the number of params is count(params)"),
    **dict.fromkeys(("clone", "deepcopy"), "they never change, and need no copies"),
}  # fmt: skip

LOSS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("backward", "grad", "gradient"), GRADIENTS),
    **dict.fromkeys(("forward", "call"), "a loss is called: squared_error(prediction, target)"),
    **dict.fromkeys(("item", "numpy", "detach"),
                    "the value of a loss is a Python float: squared_error(prediction, target)"),
    "reduction": "how terms become one number is .reduce, set by squared_error.bind(reduce='sum')",
    **dict.fromkeys(("to", "cuda", "cpu"), _DEVICE),
}  # fmt: skip

KEY: Final[Mapping[str, str]] = {
    **dict.fromkeys(("normal", "uniform", "randint", "integers", "random", "standard_normal", "bernoulli", "choice",
                     "permutation", "shuffle", "categorical", "truncated_normal", "rand", "randn"),
                    "a generator of NumPy draws numbers, the same at every call: key.generator().normal(size=3)"),
    "fold_in": "the key of a step, or of a name, is key.fold(3)",
    **dict.fromkeys(("next", "next_key", "next_rng", "spawn", "jumped", "advance", "params", "dropout"),
                    "a key never changes; another one is key.fold(3), two are key.split(2)"),
    **dict.fromkeys(("seed", "manual_seed", "set_seed", "initial_seed"), "a key is made of its seed: Key(0)"),
    **dict.fromkeys(("get_state", "set_state", "state", "bit_generator"), "a key is its state: bytes(key)"),
}  # fmt: skip

OBJECTIVE: Final[Mapping[str, str]] = {
    **dict.fromkeys(("backward", "grad", "gradients", "value", "item", "forward", "value_and_grad"),
                    "an objective is called, and gives both: loss, grads = objective(params, x, target)"),
    **dict.fromkeys(("step", "optimize", "fit", "train"), "steps are made by fit(objective, optimizer, params, data)"),
    "minimize": "it is a function: minimize(objective, params, x, target)",
    **dict.fromkeys(("params", "parameters", "weights"),
                    "params are given with every call: objective(params, x, target)"),
    **dict.fromkeys(("zero_grad", "clear"), "there is nothing to clear; " + GRADIENTS),
    **dict.fromkeys(("net", "model", "network", "criterion", "loss_fn"),
                    "an objective is made of a loss and an apply, objective.loss and objective.apply"),
    **dict.fromkeys(("hessian", "hvp"), "products with the Hessian are hvp(objective, params, vector, x, target)"),
}  # fmt: skip

ATTRIBUTES: Final[Mapping[str, Mapping[str, str]]] = {
    "Layer": LAYER,
    "Apply": LAYER,
    "Init": LAYER,
    "Optimizer": OPTIMIZER,
    "Loss": LOSS,
    "Params": TREE,
    "Gradients": TREE,
    "Updates": TREE,
    "Key": KEY,
    "Objective": OBJECTIVE,
}
"""By the kind of the value; those of what training gives are in `results`."""
