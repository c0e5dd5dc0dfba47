"""Arrays of kinds that are no numbers, or not NumPy's: handled, or refused in words that lead on."""

from __future__ import annotations

import datetime
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import funcnn
from funcnn import (
    Dense, DTypeError, Embedding, Key, Params, ParamsError, accuracy, elementwise, serial, softmax_cross_entropy,
    squared_error, vjp,
)  # fmt: skip
from tests.bad_input import foreign_arrays as foreign
from tests.realistic import NESTED, SIDES, TOKENS
from tests.refusals import refusal

sparse: Any = importlib.import_module("scipy.sparse")  # it has no types
f: Any = funcnn  # whatever is called, as from an untyped program
loose: Any = NESTED
NET, P, X = loose
T = np.zeros((4, 2), np.float32)
WORDS = np.array(["a", "b"])

# every way in for features or targets ---------------------------------------------------------------------------------
SGD = f.sgd(0.1)
_, PULLBACK = f.vjp(NET.apply, P, X)
NORM: dict[str, Any] = dict(f.serial(NET, f.BatchNorm()).init(0, (-1, 3))[1])
# fmt: off
WAYS: dict[str, Callable[[Any], Any]] = {
    "apply": lambda x: NET.apply(P, x),
    "vjp": lambda x: f.vjp(NET.apply, P, x),
    "pullback": lambda x: PULLBACK(x),
    "objective, x": lambda x: f.value_and_grad(f.squared_error, NET.apply)(P, x, T, rng=0),
    "objective, target": lambda x: f.value_and_grad(f.squared_error, NET.apply)(P, X, x, rng=0),
    "objective, weights": lambda x: f.value_and_grad(f.squared_error, NET.apply)(P, X, T, weights=x, rng=0),
    "a loss, prediction": lambda x: f.squared_error(x, T),
    "a loss, target": lambda x: f.squared_error(T, x),
    "a loss, weights": lambda x: f.squared_error(T, T, weights=x),
    "a metric, prediction": lambda x: f.r2(x, T),
    "a metric, target": lambda x: f.r2(T, x),
    "predict": lambda x: f.predict(NET.apply, P, x),
    "batches": lambda x: next(f.batches((x,), 2)),
    "fit, x": lambda x: next(f.fit(f.squared_error, NET.apply, SGD, P, (x, T), rng=0)),
    "fit, target": lambda x: next(f.fit(f.squared_error, NET.apply, SGD, P, (X, x), rng=0)),
    "fit, weights": lambda x: next(f.fit(f.squared_error, NET.apply, SGD, P, (X, T, x), rng=0)),
    "evaluate, x": lambda x: f.evaluate(NET.apply, P, (x, T), f.r2),
    "evaluate, target": lambda x: f.evaluate(NET.apply, P, (X, x), f.r2),
    "calibrate": lambda x: f.calibrate(f.serial(NET, f.BatchNorm()), {**NORM, "serial_0": P}, [x]),
    "trace": lambda x: f.trace(NET)(P, x),
}
# fmt: on
TEXT = "np.unique(x, return_inverse=True)"
KINDS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "complex": (X * 1j, ("dtype complex64", ".real and .imag")),
    "text": (X.astype("U2"), ("dtype <U2", TEXT)),
    "bytes": (X.astype("S2"), ("dtype |S2", TEXT)),
    "StringDType": (X.astype("U2").astype(np.dtypes.StringDType()), ("dtype StringDType()", TEXT)),
    "objects": (X.astype(object), ("dtype object", ".astype(np.float32)")),
    "objects, a hole": (np.array([[1, 2, None]] * 4), ("its item [0, 2] is None of type NoneType; say what stands",)),
    "objects, text": (np.array([[1, 2, "c"]] * 4, object), (TEXT,)),
    "objects, dates": (np.array([[1, 2, datetime.date(2020, 1, 1)]] * 4), ("its item [0, 2] is datetime.date(",)),
    "objects, arrays": (np.array([X, X[:3], None], object)[:2], ("its item [0] is an array", "np.stack")),
    "objects, sparse": (np.array([sparse.csr_array(X), 0], object), ("its item [0] is sparse", ".toarray()")),
    "dates": (np.zeros((4, 3), "M8[s]"), ("dtype datetime64[s]", "(x - x.min()) / np.timedelta64(1, 's')")),
    "durations": (np.zeros((4, 3), "m8[s]"), ("dtype timedelta64[s]", "x / np.timedelta64(1, 's')")),
    "structured": (np.zeros(4, [("a", "f4")]), ("x[name]", "structured_to_unstructured")),
    "records": (np.zeros(4, [("a", "f4")]).view(np.recarray), ("x[name]", "structured_to_unstructured")),
    "raw bytes": (np.zeros((4, 3), "V2"), ("dtype |V2", ".view(dtype)")),
    "bfloat16": (np.zeros((4, 3), foreign.BFLOAT16), (".astype(np.float32)",)),
    "masked": (np.ma.masked_array(X), ("is a masked array", ".filled(value)")),
    "masked, a list": (list(np.ma.masked_array(X)), ("is a masked array", ".filled(value)")),
    "masked, in lists": ([[np.ma.masked, 1.0, 2.0]] * 4, ("is a masked array", ".filled(value)")),
    "masked, in a list of tuples": ([tuple(np.ma.masked_array(X))] * 4, ("is a masked array", ".filled(value)")),
    "sparse": (sparse.csr_array(X), ("is sparse (csr_array)", ".toarray()")),
    "sparse, a list": ([sparse.csr_array(X[:1])] * 4, ("is sparse (csr_array)", ".toarray()")),
    "ragged": ([[1.0, 2.0, 3.0], [1.0, 2.0], [1.0], []], ("is ragged", "pad them to one")),
    "ragged arrays": ([X[0], X[0, :2], X[0], X[0]], ("is ragged", "pad them", "write tuple(...)")),
    "lists without end": (foreign, ()),
    "params": (P, ("is of type Params", "give an array")),
    "a dict": ({"x": X}, ("is of type dict", "give an array")),
    "a set": ({1.0}, ("is of type set",)),
    "a generator": ((row for row in X), ("is of type generator",)),
    "a parameter of PyTorch": (foreign.Parameter(X), ("of type Parameter", "np.asarray(value.detach().cpu())")),
    "bfloat16 of PyTorch": (foreign.BFloat16(X), ("BFloat16)", "write np.asarray(value.detach().cpu()")),
    "on another device": (foreign.OnGpu(X), ("of type ndarray, which does not become", "write value.get()")),
    "a list of parameters": ([foreign.Parameter(r) for r in X], ("of type list", "np.asarray(value.detach().cpu())")),
    "a column with holes": (foreign.Series([1, None, 2, 3]), ("of type Series", "to_numpy(np.float32, na_value=")),
}
KINDS["lists without end"] = ([], ("do not end",))
KINDS["lists without end"][0].append(KINDS["lists without end"][0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS)
def test_other_kinds(way: str, kind: str) -> None:
    """Are refused at every way in, with the kind and what to write; the value is not touched."""
    x, words = KINDS[kind]
    said = refusal(lambda: WAYS[way](x), (DTypeError, funcnn.ShapeError))
    if "x has 4 rows and target has" not in said:  # rows are counted before they are looked at
        assert [word for word in words if word not in said] == []


HANDLED: dict[str, Any] = {
    "a list": X.tolist(),
    "a list of rows": list(X),
    "a tuple of rows in a list": [tuple(row) for row in X.tolist()],
    "a matrix": np.matrix(X),
    "a memoryview": memoryview(X),
    "other byte order": X.astype(">f4"),
    "float64": X.astype(float),
    "a tensor of PyTorch": foreign.Tensor(X),
    "an array of JAX": foreign.ArrayImpl(X),
    "a tensor of TensorFlow": foreign.EagerTensor(X),
    "a list of tensors": [foreign.Tensor(row) for row in X],
    "records as numbers": X.view(np.recarray),
}


@pytest.mark.parametrize("kind", HANDLED)
def test_what_becomes_an_array(kind: str) -> None:
    """Gives what the array gives: alone, in training, and in batches."""
    x = HANDLED[kind]
    assert np.array_equal(NET.apply(P, x), NET.apply(P, X))
    assert np.array_equal(f.predict(NET.apply, P, x, batch_size=3), f.predict(NET.apply, P, X, batch_size=3))
    runs = [list(f.fit(f.squared_error, NET.apply, SGD, P, (v, T), batch_size=3, rng=0)) for v in (x, X)]
    assert runs[0][-1][0].params == runs[1][-1][0].params
    assert f.evaluate(NET.apply, P, (x, T), f.mean_of(f.squared_error)) == f.evaluate(
        NET.apply, P, (X, T), f.mean_of(f.squared_error)
    )


@pytest.mark.parametrize("order", [">f4", "<f4", ">f8", ">i2"])
def test_memory_maps_of_other_byte_order(tmp_path: Path, order: str) -> None:
    """Are read as what they hold, and stay as they are."""
    disk = np.memmap(tmp_path / "x", order, "w+", shape=(4, 3))
    disk[:] = np.round(3 * X)
    disk.flush()
    before = (tmp_path / "x").read_bytes()
    same = np.array(disk, np.float32)
    assert np.array_equal(NET.apply(P, disk), NET.apply(P, same))
    assert np.array_equal(f.predict(NET.apply, P, disk, batch_size=3), f.predict(NET.apply, P, same, batch_size=3))
    assert next(f.batches((disk,), 2))[0].dtype.isnative and (tmp_path / "x").read_bytes() == before


# tokens and labels ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("words", [WORDS, WORDS.astype("S1"), WORDS.astype(np.dtypes.StringDType()), ["a", "b"]])
def test_strings_as_tokens(words: Any) -> None:
    """They want numbers, which their places in the sorted vocabulary are."""
    net: Any = Embedding(3, 2)
    _, params = net.init(Key(0), (-1,))
    assert TEXT in refusal(lambda: net.apply(params, words), DTypeError)


@pytest.mark.parametrize("score", [softmax_cross_entropy, accuracy], ids=repr)
@pytest.mark.parametrize("words", [WORDS, WORDS.astype("S1"), WORDS.astype(np.dtypes.StringDType()), ["a", "b"]])
def test_strings_as_labels(score: Any, words: Any) -> None:
    """Likewise."""
    logits = np.zeros((2, 3))
    said = refusal(lambda: score(logits, words), DTypeError)
    assert TEXT in said and "the target" in said
    number, places = np.unique(words, return_inverse=True)
    assert len(number) == 2 and score(logits, places) >= 0


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (TOKENS.x.astype(float), ".astype(np.int64)"),
        (np.zeros((4, 6), "M8[D]"), "np.timedelta64"),
        (np.full((4, 6), None), "its item [0, 0] is None"),
        (np.ma.masked_array(TOKENS.x), ".filled(value)"),
        (TOKENS.x.astype(foreign.BFLOAT16), ".astype(np.int64)"),
        (sparse.csr_array(TOKENS.x), ".toarray()"),
    ],
)  # fmt: skip
def test_other_kinds_of_tokens(tokens: Any, words: str) -> None:
    """Are refused with what makes integers of them."""
    assert words in refusal(lambda: TOKENS.net.apply(TOKENS.params, tokens), DTypeError)


# lists where tuples are meant -----------------------------------------------------------------------------------------
SIDE: Any = SIDES
# fmt: off
LISTS: dict[str, Callable[[], Any]] = {
    "apply": lambda: SIDE.net.apply(SIDE.params, list(SIDE.x)),
    "vjp": lambda: f.vjp(SIDE.net.apply, SIDE.params, list(SIDE.x)),
    "predict": lambda: f.predict(SIDE.net.apply, SIDE.params, list(SIDE.x)),
    "fit": lambda: f.fit(f.squared_error, SIDE.net.apply, SGD, SIDE.params, (list(SIDE.x), T)),
    "evaluate": lambda: f.evaluate(SIDE.net.apply, SIDE.params, (list(SIDE.x), T), f.r2),
    "trace": lambda: f.trace(SIDE.net)(SIDE.params, list(SIDE.x)),
    "calibrate": lambda: f.calibrate(SIDE.net, SIDE.params, [list(SIDE.x)]),
    "same shapes": lambda: f.parallel(f.Tanh, f.Tanh).apply({}, [X, X]),
    "FanInSum": lambda: f.FanInSum.apply({}, [X, X]),
    "FanInConcat": lambda: f.FanInConcat().apply({}, [X, X[:, :2]]),
    "batches": lambda: f.batches([X, T], 2),
    "fit, data": lambda: f.fit(f.squared_error, NET.apply, SGD, P, [X, T]),
    "evaluate, data": lambda: f.evaluate(NET.apply, P, [X, T], f.r2),
    "joint": lambda: f.joint(f.squared_error, f.squared_error)([T, T], (T, T)),
    "joint, target": lambda: f.joint(f.squared_error, f.squared_error)((T, T), [T, T]),
    "pullback": lambda: f.vjp(f.parallel(f.Tanh, f.Tanh).apply, {}, (X, X))[1]([X, X]),
}
# fmt: on


@pytest.mark.parametrize("call", LISTS.values(), ids=LISTS)
def test_lists_for_tuples(call: Callable[[], Any]) -> None:
    """The habit of stax is told what is meant: a tuple."""
    said = refusal(call, (DTypeError, funcnn.ShapeError, TypeError))
    assert "tuple" in said and "pad them to one" not in said.split(";")[-1]


# leaves ---------------------------------------------------------------------------------------------------------------
LEAF = X.T[:3, :3].copy()
LEAVES: dict[str, tuple[Any, tuple[str, ...]]] = {
    **{name: (value, words) for name, (value, words) in KINDS.items() if isinstance(value, np.ndarray)},
    "integers": (LEAF.astype(int), ("dtype int64", ".astype(np.float32)")),
    "a list": ([1.0], ("got list; write np.array(value, np.float32)",)),
    "a number": (1.0, ("got float; write np.array(value, np.float32)",)),
    "None": (None, ("got NoneType",)),
    "sparse": (sparse.csr_array(LEAF), ("got csr_array; write value.toarray()",)),
    "PyTorch": (foreign.Tensor(LEAF), ("got Tensor; write np.asarray(value.detach().cpu())",)),
    "PyTorch's parameters": (foreign.Parameter(LEAF), ("got Parameter; write np.asarray(value.detach().cpu())",)),
    "JAX": (foreign.ArrayImpl(LEAF), ("got ArrayImpl; write np.asarray(value)",)),
    "TensorFlow": (foreign.EagerTensor(LEAF), ("got EagerTensor; write np.asarray(value)",)),
    "pandas": (foreign.Series([1.0]), ("got Series; write value.to_numpy(np.float32, na_value=np.nan)",)),
}
_TREE: Any = P.to_dict()


@pytest.mark.parametrize("kind", LEAVES)
def test_leaves_of_other_kinds(kind: str) -> None:
    """Are refused where params are made, with the path and what to write."""
    leaf, words = LEAVES[kind]
    said = refusal(lambda: Params({"dense_0": {"w": leaf}}), (DTypeError, ParamsError))
    assert said.startswith("dense_0/w ") and [word for word in words if word not in said] == []


@pytest.mark.parametrize("kind", [kind for kind in LEAVES if kind not in ("complex", "integers")])
def test_leaves_of_other_kinds_in_calls(kind: str) -> None:
    """And where they are used, in plain dicts: nothing is computed with them."""
    tree = {**_TREE, "dense_0": {**_TREE["dense_0"], "w": LEAVES[kind][0]}}
    state = SGD.init(P)
    for call in (
        lambda: NET.apply(tree, X), lambda: f.vjp(NET.apply, tree, X), lambda: SGD.init(tree), lambda: f.l2(0.1)(tree),
        lambda: SGD.update(tree, state, P), lambda: f.apply_updates(P, tree), lambda: f.astype(tree, np.float32),
        lambda: f.save_params("nowhere.npz", tree), lambda: P.set("dense_0/w", LEAVES[kind][0]) and 1 / 0,
    ):  # fmt: skip
        assert "dense_0/w" in refusal(call, (DTypeError, ParamsError))


@pytest.mark.parametrize("make", [foreign.Tensor, foreign.ArrayImpl, np.ndarray.tolist, foreign.EagerTensor])
def test_set_takes_what_becomes_an_array(make: Any) -> None:
    """As long as dtype and shape are those that are there."""
    params = Params({"w": np.ones((3, 3))})
    assert params.set("w", make(np.eye(3))).at("w").tolist() == np.eye(3).tolist()


# functions ------------------------------------------------------------------------------------------------------------
def test_ufuncs_of_one_array_as_derivatives() -> None:
    """`np.cos(x, y)` would write into y."""
    wave = elementwise(np.sin, np.cos)
    x = np.array([0.5, 2.0])
    y, pullback = vjp(serial(wave, wave).apply, {}, x)
    assert y == pytest.approx(np.sin(np.sin(x)), rel=1e-15)
    assert pullback(np.ones(2))[1] == pytest.approx(np.cos(np.sin(x)) * np.cos(x), rel=1e-15)
    assert repr(wave) == "elementwise(sin, cos)"
