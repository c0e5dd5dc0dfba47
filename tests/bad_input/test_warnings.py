"""What works and is most likely not meant: probabilities where a loss takes logits, statistics of no data."""

from __future__ import annotations

import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import funcnn
from funcnn import FuncnnWarning
from funcnn.layers.pointwise import row_of_value

f: Any = funcnn
X = np.random.default_rng(0).normal(2.0, 3.0, (32, 4)).astype(np.float32)
LABELS = np.arange(32) % 3
CE, BCE = f.softmax_cross_entropy, f.sigmoid_binary_cross_entropy


def warned(act: Callable[[], object]) -> list[str]:
    """What is said while `act` runs."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        act()
    assert {warning.category for warning in seen} <= {FuncnnWarning}
    assert {warning.filename for warning in seen} <= {__file__}  # the user's line
    return [str(warning.message) for warning in seen]


# probabilities before a loss of logits --------------------------------------------------------------------------------
@funcnn.layer
def Classifier(classes: int) -> Any:
    """A composite that ends with probabilities."""
    return f.serial(f.Dense(8), f.Relu, f.serial(f.Dense(classes), f.Softmax))


def weighted(net: Any) -> Any:
    """The network with a frozen first layer."""
    _, params = net.init(0, (-1, 4))
    return f.freeze(net, params, "dense_0/**")


TWO = (f.FanOut(2), f.parallel(f.Dense(3), f.serial(f.Dense(3), f.Softmax)))
SUSPICIOUS: dict[str, tuple[Any, Any, str, str]] = {
    "Softmax": (CE, f.serial(f.Dense(3), f.Softmax), "softmax_0", "probabilities"),
    ">>": (CE, f.Dense(3) >> f.Softmax, "softmax_0", "Softmax.apply({}, logits)"),
    "alone": (CE, f.Softmax, "softmax", "leave Softmax out"),
    "LogSoftmax": (CE, f.serial(f.Dense(3), f.LogSoftmax), "log_softmax_0", "logarithms of probabilities"),
    "Sigmoid": (BCE, f.serial(f.Dense(3), f.Sigmoid), "sigmoid_0", "leave Sigmoid out"),
    "Sigmoid, classes": (CE, f.serial(f.Dense(3), f.Sigmoid), "sigmoid_0", "softmax_cross_entropy takes logits"),
    "LogSigmoid": (BCE, f.serial(f.Dense(3), f.LogSigmoid), "log_sigmoid_0", "LogSigmoid"),
    "Sparsemax": (CE, f.serial(f.Dense(3), f.Sparsemax), "sparsemax_0", "Sparsemax"),
    "Softmin": (f.kl_divergence, f.serial(f.Dense(3), f.Softmin), "softmin_0", "kl_divergence takes logits"),
    "HardSigmoid": (f.focal, f.serial(f.Dense(3), f.HardSigmoid), "hard_sigmoid_0", "focal takes logits"),
    "ctc": (f.ctc, f.serial(f.Dense(3), f.LogSoftmax), "log_softmax_0", "ctc takes logits"),
    "named": (CE, f.serial(f.Dense(3), f.Softmax.named("out")), "ends with out,", "Softmax"),
    "bound": (CE.bind(label_smoothing=0.1), f.serial(f.Dense(3), f.Softmax), "bind(label_smoothing=0.1)", "softmax_0"),
    "nested": (CE, f.serial(f.Dense(3), f.serial(f.Relu, f.serial(f.Softmax))), "serial_0/serial_0/softmax_0", "Soft"),
    "a composite": (CE, Classifier(3), "serial_0/softmax_0", "Softmax"),
    "a composite in a row": (CE, f.serial(f.Dense(3), Classifier(3)), "classifier_0/serial_0/softmax_0", "Softmax"),
    "mlp": (CE, f.mlp((4, 3)) >> f.Softmax, "softmax_0", "Softmax"),
    "inference": (CE, f.serial(f.Dense(3), f.inference(f.Softmax)), "softmax_0", "Softmax"),
    "checkpoint": (CE, f.checkpoint(f.serial(f.Dense(3), f.Softmax)), "softmax_0", "Softmax"),
    "frozen": (CE, weighted(f.serial(f.Dense(3), f.Dense(3), f.Softmax)), "softmax_0", "Softmax"),
    "unpickled": (CE, pickle.loads(pickle.dumps(f.serial(f.Dense(3), f.Softmax))), "softmax_0", "Softmax"),
    "one of two": (f.joint(f.squared_error, CE), f.serial(*TWO), "parallel_0/serial_0/softmax_0", "Softmax"),
    "on an item": (f.on_item(1, CE), f.serial(*TWO), "parallel_0/serial_0/softmax_0", "Softmax"),
}


@pytest.mark.parametrize("case", SUSPICIOUS)
def test_probabilities_before_a_loss_of_logits(case: str) -> None:
    """Are warned of when the objective is made, once, with the path of the layer and the fix."""
    loss, net, *words = SUSPICIOUS[case]
    (said,) = warned(lambda: f.value_and_grad(loss, net.apply))
    assert [word for word in words if word not in said] == []


Mine = row_of_value("Softmax", __name__, lambda x: x, lambda y, dy: dy)  # called so, and something else
RIGHT: dict[str, tuple[Any, Any]] = {
    "logits": (CE, f.serial(f.Dense(3), f.Relu)),
    "Softmax within": (CE, f.serial(f.Softmax, f.Dense(3))),
    "a loss of probabilities": (f.squared_error, f.serial(f.Dense(3), f.Softmax)),
    "of the same name": (CE, f.serial(f.Dense(3), Mine)),
    "a layer named so": (CE, f.serial(f.Dense(3).named("softmax_0"))),
    "added to what came in": (CE, f.serial(f.Dense(4), f.residual(f.Softmax))),
    "a gate": (CE, f.serial(f.FanOut(2), f.parallel(f.Dense(3), f.Sigmoid), f.FanInProduct)),
    "the other item": (f.joint(CE, f.squared_error), f.serial(*TWO)),
    "the other item alone": (f.on_item(0, CE), f.serial(*TWO)),
    "kept beside": (CE, f.serial(f.FanOut(2), f.first(f.Softmax), f.FanInSum)),
    "a loss of one's own": (f.loss(lambda prediction, target: (prediction, lambda d: (d, d))), f.Softmax),
    "tanh": (BCE, f.serial(f.Dense(3), f.Tanh)),
    "attention": (CE, f.serial(f.Dense(4), f.MultiHeadAttention(2))),
}


@pytest.mark.parametrize("case", RIGHT)
def test_what_only_looks_alike(case: str) -> None:
    """Is not warned of."""
    loss, net = RIGHT[case]
    assert warned(lambda: f.value_and_grad(loss, net.apply)) == []


def test_a_combinator_of_ones_own_is_not_looked_into() -> None:
    """It may compute with what its child gives."""

    def halved(child: funcnn.networks.Child) -> funcnn.networks.Combined:
        def rule(params: Any, x: Any) -> Any:
            y, back = child.pull(params, x, None)
            return y / 2, lambda dy: (child.grads(back(dy / 2)[0]), back(dy / 2)[1])

        return funcnn.networks.Combined(lambda shape, go: go(child, shape), rule)

    own = funcnn.Layer.over([funcnn.Softmax], halved)
    assert warned(lambda: f.value_and_grad(CE, f.serial(f.Dense(3), own).apply)) == []


@pytest.mark.parametrize("call", ["grad", "fit"])
def test_whoever_makes_an_objective(call: str) -> None:
    """Warns too, at the line of the user."""
    net = f.serial(f.Dense(3), f.Softmax)
    _, params = net.init(0, (-1, 4))
    calls = {
        "grad": lambda: f.grad(CE, net.apply),
        "fit": lambda: f.fit(CE, net.apply, f.sgd(0.1), params, (X, LABELS)),
    }
    assert len(warned(calls[call])) == 1


# statistics of no data ------------------------------------------------------------------------------------------------
NORMED = f.serial(f.Dense(5), f.BatchNorm(), f.Relu, f.residual(f.serial(f.Dense(5), f.BatchNorm())))
_, DRAWN = NORMED.init(0, (-1, 4))
CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "predict": lambda net, params: f.predict(net.apply, params, X),
    "evaluate": lambda net, params: f.evaluate(net.apply, params, (X, X @ np.ones((4, 5))), f.mean_squared_error),
}


@pytest.mark.parametrize("call", CALLS)
def test_statistics_of_no_data(call: str) -> None:
    """Are warned of once, with the first layer that has some, until `calibrate` has been called; training changes
    nothing about it.
    """
    act = CALLS[call]
    steps = f.fit(f.squared_error, NORMED.apply, f.sgd(0.01), DRAWN, (X, X @ np.ones((4, 5))), rng=0)
    for params in (DRAWN, [state.params for state, _ in steps][-1]):
        (said,) = warned(lambda: act(NORMED, params))  # noqa: B023  (called at once)
        assert said.startswith(f"{call}: ") and "batch_norm_0 was never calibrated, its mean and var are" in said
        assert "params = calibrate(net, params, [x])" in said
        assert warned(lambda: act(NORMED, f.calibrate(NORMED, params, [X]))) == []  # noqa: B023


def test_one_of_several_that_has_seen_none() -> None:
    """Is found too, wherever it is."""
    seen = f.calibrate(NORMED, DRAWN, [X])
    inner = "residual_0/serial_0/batch_norm_0"
    one = seen.set(f"{inner}/mean", np.zeros(5, np.float32)).set(f"{inner}/var", np.ones(5, np.float32))
    (said,) = warned(lambda: f.predict(NORMED.apply, one, X))
    assert f"{inner} was never calibrated" in said
    assert warned(lambda: f.predict(NORMED.apply, one.set(f"{inner}/var", np.full(5, 2, np.float32)), X)) == []


def test_statistics_that_are_used_in_training_too() -> None:
    """Those inside of `inference`, and frozen ones, are as they were meant; and without statistics nothing is said."""
    inside = f.serial(f.Dense(5), f.inference(f.BatchNorm()))
    frozen = f.freeze(NORMED, DRAWN, "**/batch_norm_0/**")
    rest = f.partition(DRAWN, "**/batch_norm_0/**")[1]
    others = ((net, net.init(0, (-1, 4))[1]) for net in (inside, f.LayerNorm()))
    for net, params in (*others, (frozen, rest)):
        assert warned(lambda: f.predict(net.apply, params, X)) == []  # noqa: B023


@pytest.mark.parametrize("net", [f.ensemble(NORMED, 3), f.repeat(f.BatchNorm(), 2)], ids=["three", "two"])
def test_statistics_of_several(net: Any) -> None:
    """Stacked ones are looked at like others."""
    rows = f.metric(lambda target, prediction: len(target), name="rows")
    _, params = net.init(0, (-1, 4))
    (said,) = warned(lambda: f.evaluate(net.apply, params, (X, X), rows))
    assert "never calibrated" in said


def test_it_is_said_once_for_a_line() -> None:
    """By Python's own rule, in a loop too."""
    program = (
        "import numpy as np, funcnn as f\nnet = f.serial(f.Dense(3), f.BatchNorm())\n_, p = net.init(0, (-1, 2))\n"
        "for _ in range(3):\n    f.predict(net.apply, p, np.ones((4, 2)))\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stderr.count("never calibrated") == 1
    assert "<string>:5: FuncnnWarning: predict: batch_norm_0" in run.stderr


@pytest.mark.parametrize("layer", [funcnn.BatchNorm(), funcnn.BatchNorm(axis=(0, 1))], ids=repr)
def test_what_statistics_are_first(layer: Any) -> None:
    """The numbers that a definition tells are those that `init` draws."""
    kept = layer.definition.statistics
    _, params = layer.init(3, (7, 5, 4))
    assert [float(params.at(name).min()) for name in kept.leaves] == list(kept.first)
    assert [float(params.at(name).max()) for name in kept.leaves] == list(kept.first)
