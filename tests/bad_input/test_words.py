"""What is said of params where people take them for something else, and of something else where params belong."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import funcnn
from funcnn import FuncnnError, ImmutableError, Params, ParamsError, ShapeError, load_params, save_params
from tests.realistic import NESTED
from tests.refusals import refusal

f: Any = funcnn
loose: Any = NESTED
NET, P, X = loose
T = np.zeros((4, 2), np.float32)
SGD = f.sgd(0.1)
ADAM_STATE = f.adam(0.1).init(P)
STEP = next(f.fit(f.squared_error, NET.apply, SGD, P, (X, T), rng=0))
PAIR: Any = Params({"w": np.ones((3, 2), np.float32), "b": np.zeros(2, np.float32)})


# what is no params ----------------------------------------------------------------------------------------------------
LOOP = ("got generator", "for state, metrics in fit(...)", "state.params")
DRAWN = ("out_shape, params = net.init(key, shape)",)
NO_PARAMS: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "a state": (lambda: STEP[0], ("got TrainState", "take its .params")),
    "what fit yields": (lambda: STEP, ("the pair (state, metrics)", "state.params")),
    "a fit": (lambda: f.fit(f.squared_error, NET.apply, SGD, P, (X, T), rng=0), LOOP),
    "a network": (lambda: NET, ("got Layer", *DRAWN)),
    "the pair of a network": (lambda: (NET.init, NET.apply), ("got tuple", *DRAWN)),
    "its apply": (lambda: NET.apply, ("got Apply", *DRAWN)),
    "its init": (lambda: NET.init, ("got Init", *DRAWN)),
    "what init returns": (lambda: NET.init(0, (-1, 3)), ("the pair (shape, params)", "unpack")),
    "what an objective returns": (
        lambda: f.value_and_grad(f.squared_error, NET.apply)(P, X, T, rng=0),
        ("the pair (value, gradients)", "unpack"),
    ),
    "an optimizer": (lambda: SGD, ("got Optimizer",)),
    "its state": (lambda: ADAM_STATE, ("got AdamState",)),
    "an array": (lambda: X, ("got ndarray", "apply(params, x)")),
    "a list": (lambda: [X], ("got list",)),
    "a path": (lambda: "params.npz", ("got str",)),
    "nothing": (lambda: None, ("got NoneType",)),
}
CALLS: dict[str, Callable[[Any], Any]] = {
    "apply": lambda p: NET.apply(p, X),
    "vjp": lambda p: f.vjp(NET.apply, p, X),
    "an objective": lambda p: f.value_and_grad(f.squared_error, NET.apply)(p, X, T, rng=0),
    "predict": lambda p: f.predict(NET.apply, p, X),
    "evaluate": lambda p: f.evaluate(NET.apply, p, (X, T), f.r2),
    "calibrate": lambda p: f.calibrate(f.serial(NET, f.BatchNorm()), p, [X]),
    "trace": lambda p: f.trace(NET)(p, X),
    "init of an optimizer": lambda p: f.adam(0.1).init(p),
    "update": lambda p: SGD.update(P, SGD.init(P), p),
    "apply_updates": lambda p: f.apply_updates(p, P),
    "a penalty": lambda p: f.l2(0.1)(p),
    "astype": lambda p: f.astype(p, np.float64),
    "ravel": lambda p: f.ravel(p),
    "tree_map": lambda p: f.tree_map(np.abs, p),
    "save_params": lambda p: f.save_params("nowhere.npz", p),
    "Params": lambda p: Params(p),
}


@pytest.mark.parametrize("value", NO_PARAMS)
@pytest.mark.parametrize("call", CALLS)
def test_what_is_given_for_params(call: str, value: str) -> None:
    """Says what was given and what to take, wherever params belong."""
    make, words = NO_PARAMS[value]
    given = make()
    said = refusal(lambda: CALLS[call](given), ParamsError)
    assert [word for word in words if word not in said] == []


# params as something else ---------------------------------------------------------------------------------------------
COMPUTED: dict[str, Callable[[Any], Any]] = {
    "x @ w": lambda w: X @ w,
    "w @ x": lambda w: w @ X,
    "x + w": lambda w: X + w,
    "w - x": lambda w: w - X,
    "2 / w": lambda w: 2 / w,
    "0.5 * w": lambda w: 0.5 * w,
    "w * x": lambda w: w * X,
    "w ** 2": lambda w: w**2,
    "-w": lambda w: -w,
    "w + 1.0": lambda w: w + 1.0,
    "1.0 + w": lambda w: 1.0 + w,
    "float(w)": float,
}


@pytest.mark.parametrize("compute", COMPUTED.values(), ids=COMPUTED)
def test_names_are_no_arrays(compute: Callable[[Any], Any]) -> None:
    """`w, b = params` gives names, and who computes with one is told."""
    w, b = PAIR
    assert (w, b) == ("w", "b")
    said = refusal(lambda: compute(w), ParamsError)
    assert said == "'w' is a name, not an array: a loop over params gives names; take params.at('w')"


def test_names_are_strings() -> None:
    """In everything else: they join, sort, hash, and go into files and other mappings."""
    names = list(PAIR)
    assert names == ["w", "b"] and sorted(names) == ["b", "w"] and set(names) == {"w", "b"} == set(PAIR.keys())
    assert "-".join(names) == "w-b" and names[0] + "/x" == "w/x" and "x/" + names[0] == "x/w" and names[0] * 2 == "ww"
    assert json.dumps(dict.fromkeys(PAIR)) == '{"w": null, "b": null}' and repr(names) == "['w', 'b']"
    assert type(pickle.loads(pickle.dumps(names))[0]) is str
    assert Params(dict(PAIR)) == PAIR == Params({**PAIR}) and dict(PAIR.items()).keys() == {"w", "b"}


# fmt: off
CHANGES: dict[str, tuple[Callable[[Any], Any], type[Exception], tuple[str, ...]]] = {
    "item": (lambda p: p.__setitem__("dense_0", 1), ImmutableError, (".set('dense_0', array)",)),
    "item of a subtree": (lambda p: p["dense_0"].__setitem__("w", 1), ImmutableError, (".set('w', array)",)),
    "del item": (lambda p: p.__delitem__("dense_0"), ImmutableError, (".set('dense_0', array)",)),
    "attribute": (lambda p: setattr(p, "dense_0", 1), ImmutableError, (".set('dense_0', array)",)),
    "del attribute": (lambda p: delattr(p, "dense_0"), ImmutableError, (".set('dense_0', array)",)),
    "value of a leaf": (lambda p: p.at("dense_0/w").__setitem__(0, 1), ValueError, ("read-only",)),
    "update": (lambda p: p.update({}), ImmutableError, ("params | {...}", ".set(path, array)")),
    "setdefault": (lambda p: p.setdefault("a", X), ImmutableError, ("params | {...}",)),
    "pop": (lambda p: p.pop("dense_0"), ImmutableError, ("Params({...})",)),
    "popitem": (lambda p: p.popitem(), ImmutableError, ("Params({...})",)),
    "clear": (lambda p: p.clear(), ImmutableError, ("Params({})",)),
    "copy": (lambda p: p.copy(), AttributeError, ("no copies", ".to_dict()")),
    "read an entry": (lambda p: p.dense_0, AttributeError, ("params['dense_0']", ".at(path)")),
    "shape": (lambda p: p.shape, AttributeError, (".at(path)", "tree_map")),
    "another attribute": (lambda p: p.state_dict, AttributeError, ("Params has no attribute 'state_dict'",)),
    "set a subtree": (lambda p: p.set("body", X), ParamsError,
     ("'body' is a subtree", ".set('body/parallel_0/dense_0/b', array)", "params | {...}")),
    "set a tree": (lambda p: p.set("dense_0", {"w": X}), ParamsError, (".set('dense_0/b', array)", "params | {...}")),
    "set by a mapping": (lambda p: p.set("dense_0/w", {"w": X}), FuncnnError, ("dense_0/w is of type dict",)),
    "set nothing": (lambda p: p.set("dense_0/w", None), FuncnnError, ("dense_0/w is of type NoneType",)),
    "set a path that is not there": (lambda p: p.set("w", X), ParamsError, ("there is no 'w'", "dense_0/w")),
    "at a subtree": (lambda p: p.at("body"), ParamsError, ("'body' is a subtree", ".sub('body')")),
    "sub of a leaf": (lambda p: p.sub("dense_0/w"), ParamsError, ("is a leaf", ".at('dense_0/w')")),
    "item by path": (lambda p: p["dense_0/w"], KeyError, (".at('dense_0/w')",)),
}
# fmt: on


@pytest.mark.parametrize("case", CHANGES)
def test_changes(case: str) -> None:
    """Are refused with what to write instead, of params as of gradients, and nothing is changed."""
    act, kind, words = CHANGES[case]
    before = f.tree_map(np.array, P)
    for tree in (P, f.Gradients(P)):
        said = refusal(lambda: act(tree), kind)  # noqa: B023  (called at once)
        name = type(tree).__name__
        told = [word.replace("Params", name).replace("params", name.lower()) for word in words]
        assert [word for word in told if word not in said] == []
    assert before == P and not hasattr(P, "update") and not hasattr(P, "dense_0")


def test_what_changes_are_made_of() -> None:
    """What the words say does what was wanted."""
    other = {"body": {"parallel_0": {"dense_0": {"b": np.ones(6, np.float32)}}}}
    assert (P | other).at("body/parallel_0/dense_0/b").tolist() == [1] * 6
    assert P.set("body/parallel_0/dense_0/b", np.ones(6, np.float32)) == P | other


# names from somebody else's file --------------------------------------------------------------------------------------
EVIL = "w\x1b[2J\x1b]0;title\x07\r\n\u202e\u2028x"


def test_names_are_printed_with_escapes(tmp_path: Any) -> None:
    """A file cannot write to the terminal of who prints its params, or lists how they differ."""
    save_params(tmp_path / "evil.npz", {"a": {EVIL: np.ones(2, np.float32)}, "w": np.ones(1, np.float32)})
    loaded = load_params(tmp_path / "evil.npz")
    with pytest.raises(KeyError) as missing:
        loaded["x"]
    told = [repr(loaded), str(loaded), loaded._repr_html_(), str(missing.value)]
    for call in (
        lambda: NET.apply(loaded, X), lambda: loaded.at("x"), lambda: loaded.at("a"), lambda: loaded.set("a", X),
        lambda: load_params(tmp_path / "evil.npz", like=P), lambda: f.apply_updates(P, loaded),
        lambda: loaded | {"a": X},
        lambda: f.Params({"a": {EVIL: None}}), lambda: Params({"a": {EVIL + "/": X}}), lambda: loaded.sub(f"a/{EVIL}"),
        lambda: f.ravel({**loaded, "b": np.ones(2)}),
    ):  # fmt: skip
        told.append(refusal(call, FuncnnError))
    for text in told:
        assert [c for c in text if not c.isprintable() and c != "\n"] == []
    assert sum("x1b[2J" in text for text in told) == len(told) - 3  # some name other leaves alone
    assert len(repr(loaded).splitlines()) == 3 and loaded.paths()[0] == f"a/{EVIL}"


# weights --------------------------------------------------------------------------------------------------------------
def test_a_batch_whose_weights_are_zero() -> None:
    """Is an empty one, and `fit` says which it was; the states before it are as they were."""
    weights = np.array([1.0, 1.0, 0.0, 0.0])
    steps = f.fit(f.squared_error, f.Dense(2).apply, SGD, PAIR, (X, T, weights), batch_size=2, epochs=2, shuffle=False)
    state, _ = next(steps)
    kept = f.tree_map(np.array, state.params)
    said = refusal(lambda: next(steps), ShapeError)
    assert said.startswith("step 2, batch 1 of epoch 0: empty batch: the weights sum to 0.0") and state.params == kept


def test_errors_of_a_step_say_which() -> None:
    """Other errors of a loss too, labels that are out of range say."""
    net = f.serial(f.Dense(3))
    _, params = net.init(0, (-1, 3))
    labels = np.array([0, 1, 2, 3])
    steps = f.fit(f.softmax_cross_entropy, net.apply, SGD, params, (X, labels), batch_size=2, shuffle=False)
    next(steps)
    said = refusal(lambda: next(steps), funcnn.LabelError)
    assert "step 2, batch 1 of epoch 0: " in said and "label 3 at index 1" in said
