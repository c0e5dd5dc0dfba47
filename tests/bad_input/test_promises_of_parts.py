"""Losses, penalties and optimizers of people's own that are wrong: reported by name, where it shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pytest

from funcnn import (
    Dense, DTypeError, FuncnnError, Key, Loss, Optimizer, Params, ParamsError, Relu, chain, differentiable, evaluate,
    fit, joint, l2, loss, mean_of, serial, sgd, squared_error, value_and_grad, vjp,
)  # fmt: skip
from funcnn.authoring import Later
from tests.refusals import refusal

NET: Final = serial(Dense(5), Relu, Dense(1))
_, PARAMS = NET.init(Key(0), (-1, 3))
X: Final = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
T: Final = np.random.default_rng(1).normal(size=(4, 1)).astype(np.float32)
WIDE: Final = "NumPy's own numbers and integer arrays make float64 of float32"


def made(rule: Callable[[Any, Any], Any]) -> Loss[Any, Any]:
    """The loss of a rule, by the name of `mine`."""
    rule.__name__ = "mine"
    return loss(rule)


def right(y: Any, t: Any) -> Any:
    """The rule without a fault, half the square."""
    return (y - t) ** 2 / 2, lambda d: (d * (y - t), d * (t - y))


def back(change: Callable[[Any, Any], Any]) -> Loss[Any, Any]:
    """The right rule, with another pair out of the pullback."""
    return made(lambda y, t: (right(y, t)[0], lambda d: change(*right(y, t)[1](d))))


def terms(change: Callable[[Any], Any]) -> Loss[Any, Any]:
    """The right rule, with other terms."""
    return made(lambda y, t: (change(right(y, t)[0]), right(y, t)[1]))


# losses ---------------------------------------------------------------------------------------------------------------
RULE: Final = "mine: the rule must return "
PULL: Final = "mine: the pullback must return "
# fmt: off
IN_VALUE: Final = {
    "terms alone": (made(lambda y, t: (y - t) ** 2), RULE + "the pair (terms, pullback), got float32 of shape (4, 1)"),
    "nothing": (made(lambda y, t: None), RULE + "the pair (terms, pullback), got NoneType"),
    "no pullback": (made(lambda y, t: (y, t)), RULE + "the pair (terms, pullback), got a tuple of 2"),
    "a float": (terms(lambda a: float(a.mean())), RULE + "an array of terms, got float"),
    "a list": (terms(lambda a: a.tolist()), RULE + "an array of terms, got list"),
    "no terms": (terms(lambda a: None), RULE + "an array of terms, got NoneType"),
    "masked terms": (terms(np.ma.masked_invalid), RULE + "an array of terms, got float32 of shape (4, 1)"),
    "NumPy's constant": (terms(lambda a: a * np.sqrt(2.0)), "mine: the terms must be float32, like the prediction, got float64 of shape (4, 1); "),
    "hits": (terms(lambda a: a > 0), "mine: the terms must be float32, like the prediction, got bool of shape (4, 1); "),
}
IN_PULLBACK: Final = {
    "None": (made(lambda y, t: (right(y, t)[0], lambda d: None)), PULL + "the pair (dprediction, dtarget), got NoneType"),
    "a number": (made(lambda y, t: (right(y, t)[0], lambda d: 1.0)), PULL + "the pair (dprediction, dtarget), got float"),
    "one": (back(lambda dy, dt: dy), PULL + "the pair (dprediction, dtarget), got float32 of shape (4, 1)"),
    "dy None": (back(lambda dy, dt: (None, dt)), PULL + "as dprediction float32 of shape (4, 1), like the prediction, got NoneType"),
    "dy a number": (back(lambda dy, dt: (0.5, dt)), PULL + "as dprediction float32 of shape (4, 1), like the prediction, got float"),
    "dy without its axis": (back(lambda dy, dt: (dy[:, 0], dt)), PULL + "as dprediction float32 of shape (4, 1), like the prediction, got float32 of shape (4,)"),
    "dy a row": (back(lambda dy, dt: (Later(lambda: dy[:1]), dt)), PULL + "as dprediction float32 of shape (4, 1), like the prediction, got float32 of shape (1, 1)"),
    "dy in float64": (back(lambda dy, dt: (dy * np.sqrt(2.0), dt)), PULL + f"as dprediction float32 of shape (4, 1), like the prediction, got float64 of shape (4, 1); {WIDE}"),
    "dy a tuple": (back(lambda dy, dt: ((dy,), dt)), PULL + "as dprediction float32 of shape (4, 1), like the prediction, got a tuple of 1"),
    "dt None": (back(lambda dy, dt: (dy, None)), PULL + "as dtarget float32 of shape (4, 1), like the target, got NoneType"),
    "dt a row": (back(lambda dy, dt: (dy, dt[:1])), PULL + "as dtarget float32 of shape (4, 1), like the target, got float32 of shape (1, 1)"),
}
# fmt: on
WAYS: Final[dict[str, Callable[[Loss[Any, Any]], object]]] = {
    "called": lambda f: f(X[:, :1], T),
    "pulled": lambda f: vjp(f, X[:, :1], T)[1](1.0),
    "weighted": lambda f: vjp(f, X[:, :1], T, weights=np.ones(4))[1](1.0),
    "trained": lambda f: value_and_grad(f, NET.apply)(PARAMS, X, T),
    "fitted": lambda f: list(fit(f, NET.apply, sgd(0.1), PARAMS, (X, T))),
    "evaluated": lambda f: evaluate(NET.apply, PARAMS, (X, T), mean_of(f)),
    "joined": lambda f: vjp(joint(f, f), (X[:, :1], X[:, :1]), (T, T))[1](1.0),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", IN_VALUE)
def test_wrong_terms_are_reported(name: str, way: str) -> None:
    """Under the name of the loss, in the forward pass."""
    f, said = IN_VALUE[name]
    assert refusal(lambda: WAYS[way](f), ParamsError).startswith(said)


@pytest.mark.parametrize("way", ["pulled", "weighted", "trained", "fitted", "joined"])
@pytest.mark.parametrize("name", IN_PULLBACK)
def test_wrong_cotangents_are_reported(name: str, way: str) -> None:
    """Under the name of the loss; the value alone is right."""
    f, said = IN_PULLBACK[name]
    assert f(X[:, :1], T) == pytest.approx(float(((X[:, :1] - T) ** 2).mean() / 2))
    assert refusal(lambda: WAYS[way](f), ParamsError).startswith(said)


def test_targets_in_float64_are_converted_once() -> None:
    """As features are: a float32 network keeps float32 gradients."""
    mine = made(right)
    value, gradients = value_and_grad(mine, NET.apply)(PARAMS, X, T.astype(float))
    wanted, same = value_and_grad(mine, NET.apply)(PARAMS, X, T)
    assert value == wanted and gradients == same
    for target in (T.astype(">f8"), T.astype(np.float16).astype(float)):
        assert value_and_grad(mine, NET.apply)(PARAMS, X, target)[1].at("dense_0/w").dtype == np.float32


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8])
def test_targets_that_are_integers_stay(dtype: Any) -> None:
    """They may be labels; where they make float64 of the terms, the loss is named, with the fix."""
    target = np.arange(4).astype(dtype)[:, None]
    if dtype != np.uint8:  # float32 holds these
        said = refusal(lambda: value_and_grad(made(right), NET.apply)(PARAMS, X, target), ParamsError)
        assert said.startswith("mine: the terms must be float32, like the prediction, got float64 of shape (4, 1); ")
        assert "target.astype(prediction.dtype)" in said
    converting = made(lambda y, t: right(y, t.astype(y.dtype)))
    assert value_and_grad(converting, NET.apply)(PARAMS, X, target)[1].at("dense_0/w").dtype == np.float32


def test_a_loss_without_target() -> None:
    """None is no array, and neither is its cotangent."""
    size = made(lambda y, t: (y * y, lambda d: (2 * d * y, None)))
    value, pullback = size.pull(X, None)
    assert value == pytest.approx(float((X * X).mean()))
    assert np.allclose(pullback(1.0)[0], 2 * X / X.size)


def test_masked_targets_are_refused() -> None:
    """By the fix."""
    said = refusal(lambda: made(right)(X[:, :1], np.ma.masked_array(T)), DTypeError)
    assert said == "the target is a masked array; say what stands for the missing values with .filled(value)"


# penalties ------------------------------------------------------------------------------------------------------------
def penalty(value: Any, gradients: Callable[[Any], Any]) -> Any:
    """A penalty by these."""

    @differentiable
    def mine(params: Any) -> Any:
        return value, lambda d: gradients(params)

    return mine


def zeros(params: Any) -> dict[str, Any]:
    """No gradient."""
    return {name: {leaf: np.zeros_like(a) for leaf, a in layer.items()} for name, layer in params.items()}


PENALTIES: Final = {
    "no value": (penalty(None, lambda p: (zeros(p),)), "mine: the value of a penalty is one real number, got NoneType"),
    "an array": (
        penalty(np.ones(2), lambda p: (zeros(p),)),
        "mine: the value of a penalty is one real number, got float64 of shape (2,)",
    ),
    "no tuple": (
        penalty(0.5, zeros),
        "mine: the pullback must return a tuple of one tree, (dparams,), got dict",
    ),
    "no gradients": (
        penalty(0.5, lambda p: (None,)),
        "mine: the pullback must return a tuple of one tree, (dparams,), got NoneType",
    ),
    "a leaf too few": (
        penalty(0.5, lambda p: ({**zeros(p), "dense_1": {"w": np.zeros((5, 1), np.float32)}},)),
        "dense_1: the gradients of mine are no tree like the params: missing b",
    ),
    "another shape": (
        penalty(0.5, lambda p: ({**zeros(p), "dense_1": {"w": np.zeros(5, np.float32), "b": p["dense_1"]["b"]}},)),
        "dense_1: the gradient of mine for w must be float32 of shape (5, 1), got float32 of shape (5,)",
    ),
    "another dtype": (
        penalty(0.5, lambda p: ({**zeros(p), "dense_1": {"w": np.zeros((5, 1)), "b": p["dense_1"]["b"]}},)),
        "dense_1: the gradient of mine for w must be float32 of shape (5, 1), got float64 of shape (5, 1)",
    ),
    "a subtree": (
        penalty(0.5, lambda p: ({**zeros(p), "dense_1": {"w": {"w": p["dense_1"]["w"]}, "b": p["dense_1"]["b"]}},)),
        "dense_1: the gradient of mine for w must be float32 of shape (5, 1), got a subtree",
    ),
    "numbers": (
        penalty(0.5, lambda p: ({**zeros(p), "dense_1": {"w": 0.0, "b": p["dense_1"]["b"]}},)),
        "dense_1/w must be an array or a mapping, got float",
    ),
}


@pytest.mark.parametrize("name", PENALTIES)
def test_wrong_penalties_are_reported(name: str) -> None:
    """By name."""
    bad, said = PENALTIES[name]
    found = refusal(lambda: value_and_grad(squared_error, NET.apply, bad)(PARAMS, X, T), ParamsError)
    assert found.endswith(said) or found.startswith(said)


@pytest.mark.parametrize("value", [0.5, 1, np.float32(0.5), np.float64(0.5), np.array(0.5)])
def test_a_penalty_may_be_any_real_number(value: Any) -> None:
    """The value of the objective is a Python float."""
    found, _ = value_and_grad(squared_error, NET.apply, penalty(value, lambda p: (zeros(p),)))(PARAMS, X, T)
    assert type(found) is float
    assert found == pytest.approx(value_and_grad(squared_error, NET.apply, l2(0.0))(PARAMS, X, T)[0] + float(value))


# optimizers -----------------------------------------------------------------------------------------------------------
def stepping(update: Callable[[Any, Any, Any], Any]) -> Optimizer[Any]:
    """An optimizer with this update."""
    return Optimizer(lambda params: 0, update)


def changed(path: str, leaf: Any) -> Callable[[Any, Any, Any], Any]:
    """Gradients as updates, with another leaf."""
    return lambda grads, state, params: ({**grads, path: {**grads[path], "w": leaf}}, state)


# fmt: off
OPTIMIZERS: Final[dict[str, tuple[Callable[[Any, Any, Any], Any], type[FuncnnError], str]]] = {
    "updates alone": (lambda g, s, p: g, ParamsError, "must return the pair (updates, state), got "),
    "nothing": (lambda g, s, p: None, ParamsError, "must return the pair (updates, state), got NoneType"),
    "no updates": (lambda g, s, p: (None, s), ParamsError, "must return a tree of updates like the params first, got NoneType"),
    "state first": (lambda g, s, p: (s, g), ParamsError, "must return a tree of updates like the params first, got int"),
    "another shape": (
        changed("dense_0", np.ones(3, np.float32)), ParamsError,
        "trees of one structure are needed: dense_0/w (3,) for (3, 5)",
    ),
    "a leaf too few": (
        lambda g, s, p: ({"dense_0": g["dense_0"]}, s), ParamsError,
        "trees of one structure are needed: missing dense_1/b, missing dense_1/w",
    ),
    "another dtype": (lambda g, s, p: ({k: {n: a.astype(float) for n, a in v.items()} for k, v in g.items()}, s), DTypeError,
                      "the params are float32, got float64; convert with astype(..., np.float32)"),
}
# fmt: on


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_wrong_updates_are_reported(name: str) -> None:
    """By the optimizer, with paths: in fit, in a step, and in a chain."""
    update, kind, said = OPTIMIZERS[name]
    mine = stepping(update)
    _, gradients = value_and_grad(squared_error, NET.apply)(PARAMS, X, T)
    assert said in refusal(lambda: mine.step(gradients, mine.init(PARAMS), PARAMS), kind)
    assert said in refusal(lambda: list(fit(squared_error, NET.apply, mine, PARAMS, (X, T))), kind)
    for row in (chain(mine, sgd(0.1)), chain(sgd(0.1), mine)):
        assert said in refusal(lambda row=row: row.step(gradients, row.init(PARAMS), PARAMS), kind)  # type: ignore[misc]
    assert "Optimizer(init=" in refusal(lambda: mine.step(gradients, mine.init(PARAMS), PARAMS), kind)


def test_an_optimizer_of_plain_dicts_works() -> None:
    """Updates may be any mapping of arrays like the params."""
    mine = stepping(lambda g, s, p: ({k: {n: -a for n, a in v.items()} for k, v in g.items()}, s + 1))
    _, gradients = value_and_grad(squared_error, NET.apply)(PARAMS, X, T)
    params, state = mine.step(gradients, mine.init(PARAMS), PARAMS)
    assert state == 1 and isinstance(params, Params)
    assert np.allclose(params.at("dense_0/w"), PARAMS.at("dense_0/w") - gradients.at("dense_0/w"))
