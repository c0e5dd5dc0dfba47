"""Calls as other libraries have them: with one argument too many, or too few.

Every entry says our word for the function of that name. `{name}` is the name of the function that was called. Code in
an entry runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from funcnn.foreign.keywords import INPUTS
from funcnn.foreign.training import DATA

SURPLUS: Final[Mapping[str, str]] = {
    "Dense": "give the outputs alone, Dense(8): " + INPUTS,
    "LSTM": "give the units alone, LSTM(8): " + INPUTS,
    "GRU": "give the units alone, GRU(8): " + INPUTS,
    "RNN": "give the units alone, RNN(8): " + INPUTS,
    "Bilinear": "give the outputs alone, Bilinear(8): " + INPUTS,
    "Conv": "channels of the input are not given: Conv(8, (3, 3))",
    "BatchNorm": "it has no sizes, BatchNorm(): " + INPUTS,
    "LayerNorm": "it has no sizes, LayerNorm(): " + INPUTS,
    "RMSNorm": "it has no sizes, RMSNorm(): " + INPUTS,
    "InstanceNorm": "it has no sizes, InstanceNorm(): " + INPUTS,
    "GroupNorm": "give the groups alone, GroupNorm(4): " + INPUTS,
    "MultiHeadAttention": "give the heads alone, MultiHeadAttention(8): " + INPUTS,
    "Reshape": "sizes are one tuple: Reshape((7, 4))",
    "Transpose": "the order is one tuple, the batch in it: Transpose((0, 2, 1))",
    "sgd": "momentum is an optimizer of its own: momentum(1e-2, 0.9)",
    "fit": DATA,
    "train": DATA,
    "predict": "params and x alone: predict(net.apply, params, x)",
    "GRUCell": "give the units alone, GRUCell(8): " + INPUTS,
    "LSTMCell": "give the units alone, LSTMCell(8): " + INPUTS,
    "RNNCell": "give the units alone, RNNCell(8): " + INPUTS,
    "Loss.__call__": "options go by name: squared_error(prediction, target, reduce='sum')",
    "Init.__call__": "the dtype goes by name: net.init(key, shape, dtype=np.float64)",
    "f1": "it makes a metric, which is called: f1()(logits, labels)",
    "precision": "it makes a metric, which is called: precision()(logits, labels)",
    "recall": "it makes a metric, which is called: recall()(logits, labels)",
    "binary_accuracy": "it makes a metric, binary_accuracy(), which is called with logits and labels",
    "top_k_accuracy": "it makes a metric, which is called: top_k_accuracy(2)(logits, labels)",
    "summary": "the network and the shape of the input alone: summary(net, shape)",
    "PRelu": "it has no sizes, PRelu(): " + INPUTS,
}  # fmt: skip

MISSING: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal", "lecun_uniform"),
        "it is a function of (key, shape, dtype), and is given as it is, without (): Dense(8, W_init={name})",
    ),
    "grad": "it takes a loss and the apply of a network, grad(squared_error, net.apply); any function with its own "
            "pullback has one by vjp, and others by a bridge to a library that differentiates",
    "value_and_grad": "it takes a loss and the apply of a network, value_and_grad(squared_error, net.apply)",
    "Optimizer.step": "a step is a function of values: params, state = optimizer.step(grads, state, params)",
    "predict": "a network holds no params; they are given: predict(net.apply, params, x)",
    "evaluate": "a network holds no params; they are given: evaluate(net.apply, params, (x, labels), accuracy)",
    "fit": "it takes loss, net.apply, optimizer, params and the tuple (x, target)",
    "train": "it takes a loss, the network, an optimizer and the tuple (x, target): "
             "train(squared_error, net, optimizer, data, epochs=2)",
    "Loss.__call__": "a loss is given as it is, without (); its options are set by squared_error.bind(reduce='sum')",
    "Metric.__call__": "a metric is given as it is, without (): evaluate(net.apply, params, (x, labels), accuracy)",
    **dict.fromkeys(("adam", "sparse_adam", "sgd", "adamw", "rmsprop", "adagrad", "lion", "nadam", "radam", "momentum", "nesterov"),
                    "the rate comes first, and has no default: {name}(1e-3)"),
    "Apply.__call__": "a network holds no params; they are given: net.apply(params, x)",
    "Init.__call__": "it takes a key and the shape of the input, of which -1 is the batch: net.init(key, shape)",
    "Update.__call__": "params are the third argument, always: updates, state = optimizer.update(grads, state, params)",
    "Objective.__call__": "it takes params, x and target: loss, grads = objective(params, x, target)",
    "Key.split": "it takes how many there are to be: key.split(2)",
    "Embedding": "the number of tokens comes first, the size of a vector next: Embedding(1000, 64)",
    "TransformerBlock": "the width comes first, the number of heads next: TransformerBlock(64, 8)",
    "elementwise": "the derivative is given too: elementwise(np.sin, np.cos)",
    "ensemble": "it takes a network, and how many of it: ensemble(net, 5)",
    "freeze": "it takes a network, its params and which of them: freeze(net, params, 'dense_0/**')",
    "cosine_decay": "the rate comes first, and the number of steps next: cosine_decay(1e-3, 1000)",
    "exponential_decay": "it takes a rate, steps, and what these make of it: exponential_decay(1e-3, 100, 0.5)",
    "warmup": "it takes a number of steps and a rate, or a schedule: warmup(100, 1e-3)",
    "jacobian": "it takes an apply, params and an input: jacobian(net.apply, params, x)",
    "hvp": "it takes an objective, params, a direction and data: hvp(objective, params, vector, x, target)",
    "sample": "what is random is told its key: sample(logits, Key(0))",
    "load_state": "it takes the optimizer, and params like those: load_state(path, optimizer, like=params)",
    "load_checkpoint": "it takes the optimizer, and params like those: load_checkpoint(folder, optimizer, like=params)",
    "save_state": "the path comes first, a state next: save_state(path, state)",
    "save_checkpoint": "the folder comes first, a state next: save_checkpoint(folder, state)",
    "save_network": "the path comes first, network and params next: save_network(path, net, params)",
    "load_params": "it takes the path of a file: load_params(path)",
    "load_network": "it takes the path of a file: load_network(path)",
    "summary": "shapes are not known before there is an input: summary(net, shape)",
    "calibrate": "it takes the network, its params and batches of inputs: calibrate(net, params, [x])",
    "batches": "it takes a tuple of arrays and a size: batches((x, target), 32)",
    "save_params": "the path comes first, params next: save_params(path, params)",
}  # fmt: skip
