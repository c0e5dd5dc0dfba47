"""Calls as clumsy people make them: arguments swapped, nets in place of applies, constructors not called. Each is
refused with a message of the library's own, never with an error from inside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import funcnn
from tests.realistic import IMAGES, NESTED, SIDES
from tests.refusals import refusal

f: Any = funcnn  # whatever is called, as from an untyped program
loose: Any = NESTED
NET, P, X = loose
T = np.zeros((4, 2), np.float32)
KEY = f.Key(0)
G = f.Gradients(f.tree_map(np.ones_like, P))
ADAM, SGD = f.adam(1e-3), f.sgd(0.1)
Y, PULLBACK = f.vjp(NET.apply, P, X)
SIDES_Y, SIDES_PULLBACK = f.vjp(f.parallel(f.Tanh, f.Tanh).apply, {}, SIDES.x)


# fmt: off
CALLS: dict[str, tuple[Callable[[], Any], type[Exception], tuple[str, ...]]] = {
    # arguments in another order
    "apply(x, params)": (lambda: NET.apply(X, P), f.ParamsError, ("got ndarray", "apply(params, x)")),
    "init(shape, key)": (lambda: NET.init((-1, 3), KEY),
     TypeError, ("rng must be a Key or an int seed, got tuple", "Key(0)")),
    "vjp(net, ...)": (lambda: f.vjp(NET, P, X), TypeError, ("got Layer", "take its .apply")),
    "vjp(apply, x, params)": (lambda: f.vjp(NET.apply, X, P), f.ParamsError, ("apply(params, x)",)),
    "vjp of a function": (lambda: f.vjp(np.tanh, X), TypeError, ("got ufunc", "@differentiable")),
    "value_and_grad(apply, loss)": (lambda: f.value_and_grad(NET.apply, f.squared_error),
     TypeError, ("takes a loss first, got Apply",)),
    "value_and_grad(loss, net)": (lambda: f.value_and_grad(f.squared_error, NET),
     TypeError, ("got Layer; take its .apply",)),
    "value_and_grad, params": (lambda: f.value_and_grad(f.squared_error, NET.apply, P),
     TypeError, ("l2(1e-4), got Params",)),
    "value_and_grad, uncalled": (lambda: f.value_and_grad(f.squared_error, NET.apply, f.l2),
     TypeError, ("l2(1e-4), got <function l2",)),
    "fit(apply, loss)": (lambda: f.fit(NET.apply, f.squared_error, SGD, P, (X, T)), TypeError, ("takes a loss first",)),
    "fit(loss, net)": (lambda: f.fit(f.squared_error, NET, SGD, P, (X, T)), TypeError, ("take its .apply",)),
    "fit, sgd": (lambda: f.fit(f.squared_error, NET.apply, f.sgd, P, (X, T)),
     TypeError, ("takes an optimizer, got function", "adam(1e-3)")),
    "fit, a rate": (lambda: f.fit(f.squared_error, NET.apply, 0.1, P, (X, T)),
     TypeError, ("takes an optimizer, got float 0.1",)),
    "fit(params, optimizer)": (lambda: f.fit(f.squared_error, NET.apply, P, SGD, (X, T)),
     TypeError, ("takes an optimizer, got Params",)),
    "fit(data, params)": (lambda: f.fit(f.squared_error, NET.apply, SGD, (X, T), P), f.ParamsError, ("got tuple",)),
    "fit, the pair": (lambda: f.fit(f.squared_error, NET.apply, SGD, NET.init(0, (-1, 3)), (X, T)),
     f.ParamsError, ("unpack it",)),
    "fit, a list": (lambda: f.fit(f.squared_error, NET.apply, SGD, P, [X, T]),
     TypeError, ("a tuple (x, target)", "got list")),
    "fit, a list of sides": (lambda: f.fit(f.squared_error, SIDES.net.apply, SGD, SIDES.params, (list(SIDES.x), T)),
     f.DTypeError, ("x is a list", "tuple(")),
    "fit, one penalty": (lambda: f.fit(f.squared_error, NET.apply, SGD, P, (X, T), penalties=f.l2(0.1)),
     TypeError, ("penalties must be a list", "l2(0.1)")),
    "fit, epochs": (lambda: f.fit(f.squared_error, NET.apply, SGD, P, (X, T), epochs=np.array([1])),
     ValueError, ("epochs must be an integer of at least 0",)),
    "fit, a step": (lambda: f.fit(f.squared_error, NET.apply, SGD, f.TrainState(0.5, P, SGD.init(P), KEY), (X, T)),
     ValueError, ("the step of a state", "0.5")),
    "fit, no params": (lambda: f.fit(f.squared_error, NET.apply, SGD, f.TrainState(0, None, None, KEY), (X, T)),
     f.ParamsError, ("got NoneType",)),
    "predict(net)": (lambda: f.predict(NET, P, X),
     TypeError, ("predict takes the apply of a network, got Layer; take its .apply",)),
    "predict(function)": (lambda: f.predict(lambda p, x: x, P, X), TypeError, ("got function",)),
    "predict(x, params)": (lambda: f.predict(NET.apply, X, P), f.ParamsError, ("apply(params, x)",)),
    "evaluate(net)": (lambda: f.evaluate(NET, P, (X, T), f.r2),
     TypeError, ("evaluate takes the apply", "take its .apply")),
    "evaluate, a loss": (lambda: f.evaluate(NET.apply, P, (X, T), f.squared_error), TypeError, ("mean_of(loss)",)),
    "calibrate(apply)": (lambda: f.calibrate(NET.apply, P, [X]),
     TypeError, ("calibrate takes layers, argument 0 is Apply", "give the whole layer")),
    "calibrate, one batch": (lambda: f.calibrate(NET, P, X), TypeError, ("write [x]",)),
    "summary(shape, net)": (lambda: f.summary((-1, 3), NET), TypeError, ("summary takes layers, argument 0 is tuple",)),
    "trace(params)": (lambda: f.trace(P), TypeError, ("trace takes layers, argument 0 is Params",)),
    "rebuild(params)": (lambda: f.rebuild(P, lambda path, layer: layer),
     TypeError, ("rebuild takes layers, argument 0 is Params",)),
    "rebuild to None": (lambda: f.rebuild(NET, lambda path, layer: None),
     TypeError, ("f must return a layer, for dense_0 it gave None",)),
    "save(params, path)": (lambda: f.save_params(P, "params.npz"), f.ParamsError, ("got str",)),
    # cotangents
    "dy, a number": (lambda: PULLBACK(1.0), f.ShapeError, ("(4, 2), got ()",)),
    "dy, None": (lambda: PULLBACK(None), f.DTypeError, ("the cotangent is of type NoneType",)),
    "dy of a pair": (lambda: SIDES_PULLBACK(SIDES_Y[::-1]),
     f.ShapeError, ("item 0 of the cotangent", "(4, 3), got (4, 2)")),
    "d of a loss, None": (lambda: f.vjp(f.squared_error, T, T)[1](None),
     f.ShapeError, ("one number", "got None; write 1.0")),
    "d of a loss, an array": (lambda: f.vjp(f.squared_error, T, T)[1](T),
     f.ShapeError, ("one number", "shape (4, 2)", "write 1.0")),
    # optimizers
    "update, params as state": (lambda: ADAM.update(G, P, P), TypeError, ("adam takes the AdamState", "got Params")),
    "update, another state": (lambda: ADAM.update(G, SGD.init(P), P),
     TypeError, ("adam takes the AdamState", "got SgdState SgdState(step=0)")),
    "update, no state": (lambda: SGD.update(G, None, P), TypeError, ("sgd takes the SgdState", "got NoneType None")),
    "update, momentum": (lambda: f.momentum(0.1, 0.9).update(G, SGD.init(P), P),
     TypeError, ("momentum takes the MomentumState",)),
    "update, a chain": (lambda: f.chain(SGD, SGD).update(G, None, P),
     ValueError, ("2 parts, got None; make it with init",)),
    "update, the value": (lambda: SGD.update((0.5, G), SGD.init(P), P), f.ParamsError, ("unpack it",)),
    "update, other grads": (lambda: SGD.update(f.Gradients(SIDES.params), SGD.init(P), P),
     f.ParamsError, ("grads: ", "missing body/", "unexpected parallel_0/")),
    "update, swapped": (lambda: SGD.update(P, SGD.init(P), G),
     f.ParamsError, ("got Gradients where params belong", "update(grads, state, params)")),
    "update, params for grads": (lambda: ADAM.update(P, ADAM.init(P), P),
     f.ParamsError, ("got Params where gradients belong, update(grads, state, params)", "Gradients(params) makes")),
    "step, updates as params": (lambda: ADAM.step(G, ADAM.init(P), f.Updates(G)),
     f.ParamsError, ("got Updates where params belong", "Params(updates) makes params of them")),
    "init(grads)": (lambda: SGD.init(G), f.ParamsError, ("got Gradients where params belong, init(params)",)),
    "fit, gradients": (lambda: f.fit(f.squared_error, NET.apply, SGD, G, (X, T)),
     f.ParamsError, ("got Gradients where params belong, fit(loss, apply, optimizer, params, data)",)),
    "apply_updates, gradients": (lambda: f.apply_updates(P, G),
     f.ParamsError, ("got Gradients where updates belong, apply_updates(params, updates)", "Updates(gradients)")),
    "apply_updates, swapped": (lambda: f.apply_updates(f.Updates(G), P),
     f.ParamsError, ("got Updates where params belong, apply_updates(params, updates)",)),
    "apply_updates, params": (lambda: f.apply_updates(P, P), f.ParamsError, ("got Params where updates belong",)),
    "apply_updates, a pair": (lambda: f.apply_updates(P, SGD.update(G, SGD.init(P), P)),
     f.ParamsError, ("updates: ", "got tuple")),
    "chain, uncalled": (lambda: f.chain(f.adam), TypeError, ("call it, adam(...)",)),
    "a schedule of None": (lambda: f.sgd(lambda step: None).update(G, SGD.init(P), P),
     TypeError, ("at step 0 it gave None",)),
    "where, a list": (lambda: f.l2(0.1, where=["w"])(P), TypeError, ("l2: where must be a pattern", "got ['w']")),
    # params
    "at a number": (lambda: P.at(0), f.ParamsError, ("a path is a string, 'dense_0/w', got 0",)),
    "at a subtree": (lambda: P.at("body"), f.ParamsError, (".sub('body')",)),
    "by a path": (lambda: P["dense_0/w"],
     KeyError, ("there is no 'dense_0/w'", "dense_0, body, dense_1", ".at('dense_0/w')")),
    "set, ragged": (lambda: P.set("dense_0/w", [[1.0], [1.0, 2.0]]), f.DTypeError, ("dense_0/w is ragged",)),
    "set, the other way": (lambda: P.set(X, "dense_0/w"), f.ParamsError, ("a path is a string",)),
    "set, another shape": (lambda: P.set("dense_0/w", T), f.ParamsError, ("(3, 8)", "(4, 2)", ".reshape")),
    "assign": (lambda: P.__setitem__("dense_0", X), f.ImmutableError, (".set('dense_0', array)",)),
    "astype, none": (lambda: f.astype(P, None), f.DTypeError, ("got dtype None", "np.float32")),
    "astype, a name": (lambda: f.astype(P, "float"[:3]), f.DTypeError, ("got dtype 'flo'",)),
    "init, dtype": (lambda: NET.init(0, (-1, 3), dtype=None), f.DTypeError, ("got dtype None", "np.float32")),
    # networks
    "called": (lambda: f.Relu(X), TypeError, ("Relu is a layer, and no function", ".apply(params, x)", "without ()")),
    "called, large": (lambda: NET(P, X), TypeError, ("serial is a layer", ".apply(params, x)")),
    "uncalled": (lambda: f.serial(f.Dense(3), f.Dropout),
     TypeError, ("argument 1 is function", "call it, Dropout(...)")),
    "uncalled, >>": (lambda: f.Dense(3) >> f.Dropout, TypeError, ("argument 1 is function", "call it, Dropout(...)")),
    "a list": (lambda: f.serial([f.Dense(3), f.Relu]), TypeError, ("argument 0 is list", "one argument each")),
    ">> a list": (lambda: f.Dense(3) >> [f.Relu], TypeError, ("argument 1 is list", "one argument each")),
    "an apply": (lambda: f.serial(f.Relu.apply), TypeError, ("argument 0 is Apply", "give the whole layer")),
    "a pair apart": (lambda: f.serial(*f.Relu), TypeError, ("argument 0 is Init", "give the whole layer")),
    "None": (lambda: f.parallel(f.Relu, None), TypeError, ("parallel takes layers, argument 1 is NoneType None",)),
    "two of a name": (lambda: f.serial(f.Relu.named("a"), f.Tanh.named("a")),
     ValueError, ("two children are named 'a'", ".named")),
    "elementwise of layers": (lambda: f.elementwise(f.Relu, f.Relu),
     TypeError, ("f must be a function of arrays, got Layer", ">>")),
    "mlp, a function": (lambda: f.mlp((3, 2), np.tanh),
     TypeError, ("mlp: activation must be a layer, like Tanh", "tanh")),
    "no loss": (lambda: f.loss(3), TypeError, ("loss takes a rule", "got 3")),
    "joint of nothing": (lambda: f.joint(), ValueError, ("at least one loss",)),
}
# fmt: on


@pytest.mark.parametrize("call", CALLS)
def test_a_clumsy_call(call: str) -> None:
    """The type of the exception, and what its message has."""
    act, kind, said = CALLS[call]
    message = refusal(act, kind)
    assert [words for words in said if words not in message] == []


def test_a_forgotten_key_names_the_layer() -> None:
    """The worst silent error, on nested networks: the path of the first layer that wants a key, and `rng=`."""
    for case, path in ((NESTED, "body/parallel_0/serial_0/dropout_0"), (IMAGES, "batch_norm_0")):
        objective = f.value_and_grad(f.squared_error, case.net.apply)
        said = refusal(lambda: objective(case.params, case.x, T), TypeError)  # noqa: B023  (called at once)
        assert said.startswith(f"{path} takes a key in training: give rng=")


@pytest.mark.parametrize("dx", [lambda dy: dy, lambda dy: None, lambda dy: ({}, dy, dy)], ids=["dx", "none", "three"])
def test_a_pullback_that_returns_no_pair(dx: Callable[[Any], Any]) -> None:
    """Whoever wrote it is told what a pullback returns."""
    odd = f.Layer.of(lambda shape: shape, lambda shape: {}, lambda params, x: (x, dx))
    said = refusal(lambda: f.vjp(odd.apply, {}, X)[1](X), f.ParamsError)
    assert said.startswith("the pullback must return the pair (dparams, dx), got ")


def test_a_shape_rule_that_returns_no_shape() -> None:
    """Nor one for `init`."""
    odd = f.Layer.of(lambda shape: 3, lambda shape: {}, lambda params, x: (x, lambda dy: ({}, dy)))
    for call in (lambda: odd.out_shape((1, 2)), lambda: odd.init(0, (1, 2))):
        assert refusal(call, f.ShapeError) == "a shape rule must return a tuple of sizes, it returned 3"
