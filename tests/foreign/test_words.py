"""What people write who come from elsewhere, and what they are told."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import funcnn
from funcnn.estimators import NetworkClassifier
from funcnn.networks import layer as recorded_layer
from tests.refusals import refusal

f: Any = funcnn
NET = f.serial(f.Dense(3), f.Relu)
_, P = NET.init(0, (-1, 4))
X, T = np.ones((4, 4), np.float32), np.ones((4, 3), np.float32)
WHOLE = f.value_and_grad(f.squared_error, NET.apply)
STATE, METRICS = next(f.fit(f.squared_error, NET.apply, f.sgd(0.1), P, (X, T)))
TRAINED = f.train(f.squared_error, NET, f.sgd(0.1), (X, T), epochs=1, quiet=True)
Classifier: Any = NetworkClassifier

# fmt: off
CALLS: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "adam(lr=)": (lambda: f.adam(lr=1e-3), ("'lr'", "adam(1e-3)", "adam takes (rate, b1, b2, eps)")),
    "adam(learning_rate=)": (lambda: f.adam(learning_rate=1e-3), ("adam(1e-3)",)),
    "sgd(params, lr=)": (lambda: f.sgd(P, lr=1e-3), ("sgd(1e-3)",)),
    "sgd(momentum=)": (lambda: f.sgd(0.1, momentum=0.9), ("momentum(1e-2, 0.9)",)),
    "rmsprop(alpha=)": (lambda: f.rmsprop(0.1, alpha=0.9), ("gamma=",)),
    "adam(weight_decay=)": (lambda: f.adam(0.1, weight_decay=0.9), ("adamw(1e-3, weight_decay=1e-4)",)),
    "adam(clipnorm=)": (lambda: f.adam(0.1, clipnorm=1.0), ("clip_by_global_norm(1.0)",)),
    "cosine_decay(T_max=)": (lambda: f.cosine_decay(0.1, T_max=100), ("decay_steps=",)),
    "Dense(4, 8)": (lambda: f.Dense(4, 8), ("Dense(8)", "size of the input is seen")),
    "Dense(in_features=)": (lambda: f.Dense(in_features=4, out_features=8), ("net.init(key, shape)", "takes (units, *")),
    "Dense(8, activation=)": (lambda: f.Dense(8, activation="relu"), ("serial(Dense(8), Relu)",)),
    "Dense(use_bias=)": (lambda: f.Dense(8, use_bias=False), ("Dense(8, bias=False)",)),
    "Dense(kernel_initializer=)": (lambda: f.Dense(8, kernel_initializer="he_normal"), ("W_init=",)),
    "Dense(name=)": (lambda: f.Dense(8, name="head"), (".named",)),
    "Dense(units=, features=)": (lambda: f.Dense(features=8), ("Dense(8)",)),
    "Conv(stride=)": (lambda: f.Conv(8, (3, 3), stride=2), ("strides=(2, 2)",)),
    "Conv(kernel_size=)": (lambda: f.Conv(8, kernel_size=3), ("filter_shape=(3, 3)",)),
    "Conv(filters=)": (lambda: f.Conv(filters=8, kernel_size=3), ("Conv(8, (3, 3))",)),
    "Conv(features=)": (lambda: f.Conv(features=8, kernel_size=(3, 3)), ("Conv(8, (3, 3))",)),
    "MaxPool(kernel_size=)": (lambda: f.MaxPool(kernel_size=2), ("window_shape=",)),
    "BatchNorm(64)": (lambda: f.BatchNorm(64), ("BatchNorm()",)),
    "BatchNorm(momentum=)": (lambda: f.BatchNorm(momentum=0.9), ("calibrate(net, params, batches)",)),
    "Dropout(p=)": (lambda: f.Dropout(p=0.5), ("Dropout(0.5)",)),
    "leaky_relu(negative_slope=)": (lambda: f.leaky_relu(negative_slope=0.2), ("leaky_relu(0.2)",)),
    "LSTM(10, 20)": (lambda: f.LSTM(10, 20), ("LSTM(8)",)),
    "LSTM(return_sequences=)": (lambda: f.LSTM(10, return_sequences=True), ("last=",)),
    "MultiHeadAttention(512, 8)": (lambda: f.MultiHeadAttention(512, 8), ("MultiHeadAttention(8)",)),
    "TransformerBlock(d_model=)": (lambda: f.TransformerBlock(d_model=64, nhead=8), ("TransformerBlock(64, 8)",)),
    "mlp(hidden_layer_sizes=)": (lambda: f.mlp(hidden_layer_sizes=(3,)), ("mlp([32, 32, 3])",)),
    "he_normal()": (lambda: f.he_normal(), ("Dense(8, W_init=he_normal)",)),
    "glorot_uniform()": (lambda: f.glorot_uniform(), ("Dense(8, W_init=glorot_uniform)",)),
    "grad(f)": (lambda: f.grad(np.sin), ("grad(squared_error, net.apply)",)),
    "value_and_grad(has_aux=)": (lambda: f.value_and_grad(f.squared_error, NET.apply, has_aux=True),
     ("with_prediction",)),
    "fit(..., x, y)": (lambda: f.fit(f.squared_error, NET.apply, f.sgd(0.1), P, X, T), ("one tuple, (x, target)",)),
    "fit(..., x, y=y)": (lambda: f.fit(f.squared_error, NET.apply, f.sgd(0.1), P, X, y=T), ("one tuple",)),
    "fit(validation_data=)": (lambda: f.fit(f.squared_error, NET.apply, f.sgd(0.1), P, (X, T), validation_data=(X, T)),
     ("evaluate(net.apply, state.params",)),
    "train(validation_split=)": (lambda: f.train(f.squared_error, NET, f.sgd(0.1), (X, T), validation_split=0.2),
     ("validation=",)),
    "fit(verbose=)": (lambda: f.fit(f.squared_error, NET.apply, f.sgd(0.1), P, (X, T), verbose=1), ("progress",)),
    "predict(apply, x)": (lambda: f.predict(NET.apply, X), ("predict(net.apply, params, x)",)),
    "minimize(lr=)": (lambda: f.minimize(WHOLE, P, X, T, lr=0.1), ("a line search", "takes (objective, params, *data")),
    "minimize(maxiter=)": (lambda: f.minimize(WHOLE, P, X, T, maxiter=9), ("steps=",)),
    "minimize()": (lambda: f.minimize(WHOLE), ("missing 1 required positional argument",)),
    "sam(radius=)": (lambda: f.sam(WHOLE, radius=0.1), ("sam takes (objective, rho, *, adaptive)",)),
    "accumulate(steps=)": (lambda: f.accumulate(WHOLE, steps=4), ("accumulate takes (objective, n)",)),
    "hvp(key=)": (lambda: f.hvp(WHOLE, P, P, X, T, key=f.Key(0)), ("hvp takes (",)),
    "per_example_grads(key=)": (lambda: f.per_example_grads(WHOLE, P, X, T, key=0), ("per_example_grads takes (",)),
    "as_scipy(key=)": (lambda: f.as_scipy(WHOLE, P, X, T, key=f.Key(0)), ("as_scipy takes (",)),
    "calibrate(seed=)": (lambda: f.calibrate(NET, P, [X], seed=0), ("rng=Key(0)",)),
    "sample(seed=)": (lambda: f.sample(X, f.Key(0), seed=0), ("sample takes (logits, key, *",)),
    "optimizer.step()": (lambda: f.adam(0.1).step(), ("params, state = optimizer.step(grads, state, params)",)),
    "a loss, called for itself": (lambda: f.softmax_cross_entropy(), ("without ()",)),
    "loss(reduction=)": (lambda: f.squared_error(X, X, reduction="sum"), ("reduce=", "squared_error has no option")),
    "loss.bind(ignore_index=)": (lambda: f.softmax_cross_entropy.bind(ignore_index=-1), ("ignore=",)),
    "accuracy()": (lambda: f.accuracy(), ("without ()",)),
    "net(x)": (lambda: NET(X), (".apply(params, x)",)),
    "apply(x)": (lambda: NET.apply(X), ("missing the required argument 'x'", "net.apply(params, x)")),
    "apply(training=)": (lambda: NET.apply(P, X, training=True), ("'training'", "rng=key")),
    "apply(key=)": (lambda: NET.apply(P, X, key=f.Key(0)), ("rng=Key(0)",)),
    "apply(rngs=)": (lambda: NET.apply(P, X, rngs={}), ("rng=Key(0)",)),
    "apply(mutable=)": (lambda: NET.apply(P, X, mutable=[]), ("'mutable'", "training pass")),
    "init(x)": (lambda: NET.init(X), ("net.init(key, shape)",)),
    "init(key=, input_shape=)": (lambda: NET.init(f.Key(0), input_shape=(4,)), ("net.init(key, shape)",)),
    "optimizer.update(grads, state)": (lambda: f.adam(0.1).update(P, None),
     ("optimizer.update(grads, state, params)",)),
    "adam()": (lambda: f.adam(), ("adam(1e-3)",)),
    "objective(params, batch)": (lambda: WHOLE(P, (X, T)), ("loss, grads = objective(params, x, target)",)),
    "key.split()": (lambda: f.Key(0).split(), ("key.split(2)",)),
    "summary(net)": (lambda: f.summary(NET), ("summary(net, shape)",)),
    "summary(input_size=)": (lambda: f.summary(NET, input_shape=(4,)), ("takes (net, shape",)),
    "progress(desc=)": (lambda: f.progress([], desc="training"), ("beside=",)),
    "load_state(path)": (lambda: f.load_state("a.npz"), ("load_state(path, optimizer, like=params)",)),
    "load_checkpoint(folder)": (lambda: f.load_checkpoint("a"), ("load_checkpoint(folder, optimizer, like=params)",)),
    "save_network(net)": (lambda: f.save_network(NET, "a.npz"), ("save_network(path, net, params)",)),
    "fit(patience=)": (lambda: f.fit(f.squared_error, NET.apply, f.sgd(0.1), P, (X, T), patience=3), ("of train(",)),
    "fit(sample_weight=)": (lambda: f.fit(f.squared_error, NET.apply, f.sgd(0.1), P, (X, T), sample_weight=X),
     ("(x, target, weights)",)),
    "fit(gradient_accumulation_steps=)": (
        lambda: f.fit(f.squared_error, NET.apply, f.sgd(0.1), P, (X, T), gradient_accumulation_steps=4),
        ("accumulate(objective, 4)",)),
    "fit(scheduler=)": (lambda: f.fit(f.squared_error, NET.apply, f.sgd(0.1), P, (X, T), scheduler=4),
     ("cosine_decay",)),
    "fit(checkpoint_dir=)": (lambda: f.fit(f.squared_error, NET.apply, f.sgd(0.1), P, (X, T), checkpoint_dir="a"),
     ("save_checkpoint(folder, state)",)),
    "train(params=)": (lambda: f.train(f.squared_error, NET, f.sgd(0.1), (X, T), epochs=1, params=P),
     ("start=params",)),
    "train(shuffle=)": (lambda: f.train(f.squared_error, NET, f.sgd(0.1), (X, T), epochs=1, shuffle=False),
     ("new order in every epoch",)),
    "train(restore_best_weights=)": (
        lambda: f.train(f.squared_error, NET, f.sgd(0.1), (X, T), epochs=1, restore_best_weights=True),
        ("best epoch, always",)),
    "batches(batch_size=)": (lambda: f.batches((X, T), batch_size=3), ("batches((x, target), 32)",)),
    "batches(shuffle=)": (lambda: f.batches((X, T), 3, shuffle=True), ("key=Key(0)",)),
    "MLPClassifier(hidden_layer_sizes=)": (lambda: Classifier(hidden_layer_sizes=(8,)), ("hidden=(64, 64)",)),
    "MLPClassifier(max_iter=)": (lambda: Classifier(max_iter=8), ("it is epochs=",)),
    "MLPClassifier(early_stopping=)": (lambda: Classifier(early_stopping=True), ("patience=", "validation=")),
    "MLPClassifier(solver=)": (lambda: Classifier(solver="adam"), ("optimizer=adamw",)),
    "serial('relu')": (lambda: f.serial(f.Dense(3), "relu"), ("the word for it is Relu",)),
    "serial(np.tanh)": (lambda: f.serial(f.Dense(3), np.tanh), ("the word for it is Tanh",)),
    "serial(None)": (lambda: f.serial(f.Dense(3), None), ("Identity",)),
    "Dense(W_init='he_normal')": (lambda: f.Dense(3, W_init="he_normal").init(0, (-1, 2)),
     ("write he_normal, without quotes",)),
    "Dense(W_init='xavier_uniform')": (lambda: f.Dense(3, W_init="xavier_uniform").init(0, (-1, 2)),
     ("the word for it is glorot_uniform",)),
    "train('mse')": (lambda: f.train("mse", NET, f.sgd(0.1), (X, T), epochs=1), ("the word for it is squared_error",)),
    "Conv(padding='same')": (lambda: f.Conv(8, (3, 3), padding="same"), ("write 'SAME'",)),
    "chain([...])": (lambda: f.chain([f.adam(0.1)]), ("one by one",)),
    "by_label(adam)": (lambda: f.by_label({"**": f.adam}), ("call it, adam(1e-3)",)),
    "f1(y, t)": (lambda: f.f1(X, T), ("f1()(logits, labels)",)),
    "Embedding(10)": (lambda: f.Embedding(10), ("Embedding(1000, 64)",)),
    "cosine_decay(rate)": (lambda: f.cosine_decay(1e-3), ("cosine_decay(1e-3, 1000)",)),
    "elementwise('tanh')": (lambda: f.elementwise(np.tanh), ("elementwise(np.sin, np.cos)",)),
    "jacobian(apply)": (lambda: f.jacobian(NET.apply), ("jacobian(net.apply, params, x)",)),
    "init(key, shape, dtype)": (lambda: NET.init(0, (-1, 4), np.float64), ("dtype=np.float64",)),
    "loss(y, t, 'sum')": (lambda: f.squared_error(X, X, "sum"), ("reduce='sum'",)),
    "layer(net)": (lambda: f.layer(NET), ("constructors are functions",)),
    "History(columns)": (lambda: f.History({"loss": [1.0]}), ("a history is made of rows",)),
    "save_params(overwrite=)": (lambda: f.save_params("a.npz", P, overwrite=True), ("whole or not at all",)),
    "softmax(dim=)": (lambda: f.Softmax(dim=1), ("without ()",)),
    "Conv(3, 16, 3)": (lambda: f.Conv(3, 16, 3), ("write (16, 16)",)),
}
ATTRIBUTES: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "net.fit": (lambda: NET.fit(X, T), ("has no attribute 'fit'", "fit(loss, net.apply, optimizer, params, data)")),
    "net.predict": (lambda: NET.predict(X), ("predict(net.apply, params, x)",)),
    "model.compile": (lambda: NET.compile(optimizer="adam"), ("nothing is compiled",)),
    "net.parameters()": (lambda: NET.parameters(), ("net.init(key, shape)",)),
    "net.train()": (lambda: NET.train(), ("rng=key",)),
    "net.eval()": (lambda: NET.eval(), ("inference",)),
    "net.summary()": (lambda: NET.summary(), ("summary(net, shape)",)),
    "net.state_dict()": (lambda: NET.state_dict(), ("save_params(path, params)",)),
    "net.apply.cuda": (lambda: NET.apply.cuda(), ("Apply has no attribute 'cuda'", "NumPy")),
    "net.init.weights": (lambda: NET.init.weights, ("Init has no attribute 'weights'",)),
    "loss.backward()": (lambda: f.squared_error.backward(), ("value_and_grad(squared_error, net.apply)",)),
    "optimizer.zero_grad()": (lambda: f.adam(0.1).zero_grad(), ("nothing to clear",)),
    "optimizer.param_groups": (lambda: f.adam(0.1).param_groups, ("by_label",)),
    "state.apply_gradients": (lambda: STATE.apply_gradients(grads=P), ("optimizer.step(grads, state, params)",)),
    "params.dense_0": (lambda: P.dense_0, ("params['dense_0']",)),
    "key.normal": (lambda: f.Key(0).normal((3,)), ("key.generator().normal(size=3)",)),
    "key.fold_in": (lambda: f.Key(0).fold_in(3), ("key.fold(3)",)),
    "key.spawn": (lambda: f.Key(0).spawn(3), ("key.split(2)",)),
    "objective.backward()": (lambda: WHOLE.backward(), ("loss, grads = objective(params, x, target)",)),
    "objective.zero_grad()": (lambda: WHOLE.zero_grad(), ("nothing to clear",)),
    "state.params.parameters()": (lambda: STATE.params.parameters(), ("params.paths()",)),
    "state.predict": (lambda: STATE.predict(X), ("predict(net.apply, state.params, x)",)),
    "state.opt_state": (lambda: STATE.opt_state, ("state.optimizer",)),
    "metrics.accuracy": (lambda: METRICS.accuracy, ("evaluate(net.apply, state.params",)),
    "metrics.lr": (lambda: METRICS.lr, ("adam(cosine_decay(",)),
    "trained.model": (lambda: TRAINED.model.predict(X), ("net.apply(trained.params, x)",)),
    "trained.predict": (lambda: TRAINED.predict(X), ("predict(net.apply, trained.params, x)",)),
    "trained.history.history": (lambda: TRAINED.history.history, ("history['train_loss']",)),
    "history.plot()": (lambda: TRAINED.history.plot(), ("plotting.learning_curves(history)",)),
    "metric.update_state()": (lambda: f.accuracy.update_state(X, T), ("metric.update(metric.init(), logits, labels)",)),
    "metric.result()": (lambda: f.accuracy.result(), ("metric(logits, labels)",)),
    "checkpoint.params": (lambda: f.Checkpoint(STATE, {}, None, "").params, ("found.state.params",)),
    "minimum.x": (lambda: f.minimize(WHOLE, P, X, T).x, ("minimum.params",)),
    "classifier.coefs_": (lambda: Classifier(epochs=1).fit(X, [0, 1] * 2).coefs_, ("estimator.params_",)),
    "params.requires_grad": (lambda: P.requires_grad, ("freeze(net, params",)),
    "params.unknown": (lambda: P.unknown, ("Params has no attribute 'unknown'",)),
    "funcnn.Linear": (lambda: f.Linear, ("its word is Dense",)),
    "funcnn.nn": (lambda: f.nn.Linear(4, 8), ("from funcnn import Dense",)),
    "funcnn.layers.Dense": (lambda: f.layers.Dense, ("funcnn.layers has no 'Dense'; it stands in funcnn",)),
    "funcnn.optimizers.Adam": (lambda: f.optimizers.Adam(1e-3), ("its word is adam",)),
    "funcnn.nothing": (lambda: f.nothing, ("module 'funcnn' has no attribute 'nothing'",)),
}
# fmt: on


@pytest.mark.parametrize("call", CALLS)
def test_a_call_in_other_words(call: str) -> None:
    """Is a TypeError, or a ValueError of the argument, with our word."""
    act, words = CALLS[call]
    said = refusal(act, (TypeError, ValueError))
    assert [word for word in words if word not in said] == []


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_attribute_in_other_words(name: str) -> None:
    """Is an AttributeError, with our word."""
    act, words = ATTRIBUTES[name]
    said = refusal(act, AttributeError)
    assert [word for word in words if word not in said] == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("from funcnn import Linear", "its word is Dense"),
        ("from funcnn import Dense, CrossEntropyLoss", "its word is softmax_cross_entropy"),
        ("from funcnn.layers import Dense", "from funcnn import Dense"),
        ("from funcnn.optimizers import AdamW", "its word is adamw"),
        ("from funcnn import nothing_of_that_name", "cannot import name 'nothing_of_that_name' from 'funcnn'"),
    ],
)
def test_an_import_in_other_words(line: str, words: str) -> None:
    """Is an ImportError, with our word; of a name nobody has, it is Python's own."""
    assert words in refusal(lambda: exec(line), ImportError)


def test_modules_are_imported_as_ever() -> None:
    """Those that nobody has imported yet: asking for their name does not refuse them."""
    program = "from funcnn import hooks, testing; hooks, testing"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_what_is_not_there_is_not_there() -> None:
    """`hasattr` and `getattr` with a default go on to work, and so do copies and pickles."""
    values = f.Key(0), STATE, METRICS, TRAINED, TRAINED.history, f.accuracy, Classifier(net=NET), WHOLE
    for value in (NET, NET.apply, NET.init, f.adam(0.1), f.squared_error, P, f, *values):
        assert not hasattr(value, "fit_generator") and getattr(value, "cuda", 3) == 3
    for value in (NET, f.adam(0.1), f.squared_error, *values[:-3]):
        assert copy.copy(value) == value == pickle.loads(pickle.dumps(value))


def test_errors_from_inside_are_left_alone() -> None:
    """A TypeError of somebody's own code, in a constructor or in what it is given, is not one of the call."""

    @recorded_layer
    def Mine(units: int) -> Any:
        """A constructor with a fault in it."""
        return f.Dense(units, lr=3)

    said = refusal(lambda: Mine(3), TypeError)
    assert said.startswith("Dense() got an unexpected keyword argument 'lr'; Dense takes")
    fault = f.elementwise(lambda x: x.undefined(1), lambda x: x)
    assert "undefined" in refusal(lambda: f.predict(fault.apply, {}, X), AttributeError)


def test_a_constructor_of_ones_own_has_its_own_words() -> None:
    """It is told what it takes, and no word of ours."""

    @recorded_layer
    def Mine(units: int, *rest: int, scale: float = 1.0) -> Any:
        """A constructor."""
        return f.Dense(units)

    said = refusal(lambda: Mine(3, stride=2), TypeError)  # type: ignore[call-arg]
    assert said.endswith("unexpected keyword argument 'stride'; Mine takes (units, *rest, scale)")


def test_type_checkers_know_only_what_is_there(tmp_path: Path) -> None:
    """A name, an attribute and an argument of another library are errors for mypy, as they were."""
    file = tmp_path / "words.py"
    file.write_text(
        "import funcnn\nfrom funcnn import Dense, Linear, adam\n"
        "funcnn.nn\nDense(3).fit\nadam(1e-3).zero_grad\nadam(lr=1e-3)\nDense(4, 8)\nDense(3).apply.cuda\n"
    )
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-incremental", "--follow-imports=silent", str(file)],
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    lines = {line.split(":")[1] for line in run.stdout.splitlines() if ": error:" in line}
    assert lines == {"2", "3", "4", "5", "6", "7", "8"}, run.stdout
