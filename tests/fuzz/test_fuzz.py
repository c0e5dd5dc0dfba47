"""A short run of the fuzzer, the same cases every time; and what longer runs have found, each with its right value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import funcnn
from funcnn import Params
from tests.fuzz.cases import run
from tests.fuzz.judging import Finding, judge
from tests.refusals import refusal

f: Any = funcnn
X = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)


@pytest.mark.parametrize("seed", [101, 102, 103, 104, 105])
def test_a_short_run(seed: int) -> None:
    """Nothing is found in cases that are the same at every run."""
    for number in range(250):
        run(seed, number)


# the fuzzer finds what it looks for -----------------------------------------------------------------------------------
def _writes(x: Any) -> Any:
    x[...] = 0
    return x


def _raises(x: Any) -> Any:
    return f.tree_map(lambda leaf: leaf.nothing, {"w": x})


_SEEN: list[int] = []


def _counts(x: Any) -> float:
    _SEEN.append(1)
    return float(len(_SEEN))


FAULTS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "an input is written to": (_writes, "was written to"),
    "a raw error": (_raises, "an error that is not ours: AttributeError in params/"),
    "another result": (_counts, "twice, and not the same"),
    "nan": (lambda x: x * np.nan, "everything given was finite"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_found(fault: str) -> None:
    """Each of the things that must not be."""
    act, words = FAULTS[fault]
    with pytest.raises(Finding, match=words):
        judge(lambda: (act, [X.copy()], {}), strict=False)


def test_what_is_right_is_no_finding() -> None:
    """Values, our errors, and Python's own about arguments."""
    net, params = f.Dense(2), f.Dense(2).init(0, (-1, 2))[1]
    assert judge(lambda: (net.apply, [params, X.copy()], {}), strict=True)[0] == "value"
    for args in ([params, X[:, :1]], [X, params], [params], [params, X, X, X]):
        assert judge(lambda: (net.apply, args, {}), strict=True)[0] == "error"  # noqa: B023  (called at once)


# what was found -------------------------------------------------------------------------------------------------------
# fmt: off
FOUND: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: f.Dense(2, bias=X), ValueError, "Dense: bias must be True or False, got array("),
    (lambda: f.Dense(2, bias=0), ValueError, "Dense: bias must be True or False, got 0"),
    (lambda: f.LSTM(2, state=(X,)), ValueError, "LSTM: state must be True or False, got (array("),
    (lambda: f.GRU(2, masked=-1), ValueError, "GRU: masked must be True or False, got -1"),
    (lambda: f.scan(f.GRUCell(2), masked="a"), ValueError, "scan: masked must be True or False, got 'a'"),
    (lambda: f.scan(f.GRUCell(2), reverse=X), ValueError, "scan: reverse must be True or False, got array("),
    (lambda: f.MultiHeadAttention(1, causal=X), ValueError, "MultiHeadAttention: causal must be True or False"),
    (lambda: f.MaxOver(1, masked=X), ValueError, "MaxOver: masked must be True or False, got array("),
    (lambda: f.gelu(exact=X), ValueError, "gelu: exact must be True or False, got array("),
    (lambda: f.repeat(f.Tanh, 2, shared=None), ValueError, "repeat: shared must be True or False, got None"),
    (lambda: f.TransformerBlock(4, 2, drop=X), ValueError, "TransformerBlock: drop must be in [0, 1), got array("),
    (lambda: f.TransformerBlock(Params({}), 2), ValueError, "TransformerBlock: width must be an integer of at least 1"),
    (lambda: f.TransformerBlock(4, 2, norm=X), ValueError, "TransformerBlock: norm must be \"pre\" or \"post\""),
    (lambda: f.bidirectional(["a"]), TypeError, "bidirectional takes layers, argument 0 is list"),
    (lambda: f.residual(f.Tanh, X), TypeError, "residual takes layers, argument 1 is ndarray"),
    (lambda: f.Pad(((1, 1),), value="SAME"), ValueError, "Pad: value must be a number, got 'SAME'"),
    (lambda: f.Pad(((1, 1),), X), ValueError, "Pad: mode must be 'constant', 'reflect' or 'edge', got array("),
    (lambda: f.Upsample(2, X), ValueError, "Upsample: method must be 'nearest' or 'bilinear', got array("),
    (lambda: f.squared_error(X, X, reduce=X), ValueError, "reduce must be 'mean', 'sum', 'batch' or 'none', got arr"),
    (lambda: f.reinit((X, X), {}, "**", 0, (-1, 2)), TypeError, "reinit takes layers, argument 0 is tuple"),
    (lambda: f.sample(f.Key(0), 0), funcnn.DTypeError, "the array of logits is of type Key"),
    (lambda: f.sample("", 0), funcnn.DTypeError, "the array of logits has dtype <U"),
    (lambda: f.sample((X, X), 0), ValueError, "sample: logits are (..., vocabulary), got a tuple of 2"),
    (lambda: f.jacobian(f.Tanh.apply, {}, X, by=X), ValueError, "jacobian: by must be 'x' or 'params', got array("),
    (lambda: f.per_example_grads(f.value_and_grad(f.squared_error, f.Tanh.apply), {}, X, [[1], [1, 2]]),
     funcnn.DTypeError, "the target is ragged"),
    (lambda: f.per_example_grads(f.value_and_grad(f.squared_error, f.Tanh.apply), {}, X, (3.0, 2.0)),
     funcnn.ShapeError, "x has 2 rows, the target has not"),
    (lambda: f.softmax_cross_entropy.bind(class_weights=[[1], [1, 2]]), funcnn.DTypeError, "class_weights is ragged"),
    (lambda: f.Embedding(5, 3).apply(f.Embedding(5, 3).init(0, (-1,))[1], ()), funcnn.DTypeError, "a tuple of nothing"),
    (lambda: f.rebuild(f.Tanh, (1, 2)), TypeError, "rebuild takes a function (path, layer) -> layer, got (1, 2)"),
    (lambda: f.tree_map((None,), {"w": X}), TypeError, "tree_map takes a function of arrays first, got tuple"),
    (lambda: f.calibrate(f.BatchNorm(), f.BatchNorm().init(0, (-1, 2))[1], 3), TypeError,
     "calibrate takes batches of inputs, got 3; write [x] for a single one"),
    (lambda: f.count(X), funcnn.ParamsError, "params must be a nested mapping of arrays, got ndarray"),
    (lambda: f.count(X[:0]), funcnn.ParamsError, "params must be a nested mapping of arrays, got ndarray"),
    (lambda: f.astype({"w": X}, X), funcnn.DTypeError, "params are floating-point, got dtype array("),
    (lambda: f.ravel({"w": X})[1]([[1], [1, 2]]), funcnn.DTypeError, "the vector is ragged"),
    (lambda: f.value_and_grad(f.squared_error, f.Tanh.apply)({}, X, np.sin), funcnn.DTypeError, "of type ufunc"),
    (lambda: f.predict(f.ensemble(f.Dense(3), 2).apply, f.ensemble(f.Dense(3), 2).init(0, (-1, 2))[1], X),
     funcnn.ShapeError, "predict needs a network that gives one row for every row of x, got (2, ?, 3) for (-1, 2)"),
]
# fmt: on


@pytest.mark.parametrize(("call", "kind", "words"), FOUND, ids=range(len(FOUND)))
def test_what_was_found(call: Callable[[], Any], kind: type[Exception], words: str) -> None:
    """Is refused with our own words now."""
    said = refusal(call, kind)
    assert words in said


def test_switches_of_ones_own_constructors() -> None:
    """What the annotations of a constructor call bool is True or False, wherever it is given; NumPy's are Python's."""

    @funcnn.layer
    def Mine(a: int, on: bool = False, *, off: bool = True) -> Any:
        return f.Dense(a, bias=on)

    loose: Any = Mine
    assert loose(1, np.bool_(True), off=np.False_) == Mine(1, True, off=False) and repr(Mine(1)).endswith("Mine(1)")
    for call in (lambda: loose(1, 2), lambda: loose(1, on=None), lambda: loose(1, off=X), lambda: loose(a=1, off=0)):
        assert "must be True or False" in refusal(call, ValueError)


def test_layouts_of_cotangents() -> None:
    """A cotangent in any layout gives the same bits."""
    net = f.serial(f.MultiHeadAttention(2, causal=True), f.Dense(4))
    _, params = net.init(0, (-1, 3, 4))
    x = np.random.default_rng(0).normal(size=(3, 3, 4)).astype(np.float32)
    y, pullback = f.vjp(net.apply, params, x)
    plain, plain_dx = pullback(y)
    strided = np.empty((*y.shape, 2), y.dtype)[..., 0]
    strided[...] = y
    for dy in (np.asfortranarray(y), strided, y[::-1].copy()[::-1], y.astype(">f4")):
        grads, dx = pullback(dy)
        assert grads == plain and dx.tobytes() == plain_dx.tobytes()


def test_gradients_of_examples_through_turned_ties() -> None:
    """Turn the weights of each example, and not the examples: they sum to the gradient, with as many rows as units too."""
    net = f.tie(f.serial(f.Dense(4), f.Tanh, f.Dense(4).named("head")), {"head/w": f.transposed("dense_0/w")})
    _, params = net.init(0, (-1, 4))
    params = f.astype(params, np.float64)
    x, t = np.random.default_rng(0).normal(size=(2, 4, 4))
    objective = f.value_and_grad(f.squared_error.bind(reduce="batch"), net.apply)
    each = f.per_example_grads(objective, params, x, t)
    for i in range(4):
        _, alone = objective(params, x[i : i + 1], t[i : i + 1])
        assert np.allclose(each.at("dense_0/w")[i], alone.at("dense_0/w"), rtol=1e-12, atol=1e-14)


def test_a_complex_step_through_the_offset_of_a_norm_alone() -> None:
    """Is exact: `hvp` where the offset is all that moves."""
    net = f.BatchNorm(axis=0, scale=False)
    _, params = net.init(0, (-1, 3))
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    objective = f.value_and_grad(f.sum_squared_error, net.apply)
    moved = f.Params({**params, "offset": np.array([1, 2, 3], np.float32)})
    product = f.hvp(objective, params, f.Gradients(moved), x, np.zeros_like(x), rng=0)
    assert np.allclose(product.at("offset"), [10, 20, 30], rtol=1e-6)  # of sum (h + b)^2 over five rows: 2 x 5 x db


def test_lists_without_params() -> None:
    """Are float32 in `predict` as in `apply`."""
    assert f.predict(f.Tanh.apply, {}, [[0.1], [0.2]]).dtype == np.float32 == f.Tanh.apply({}, [[0.1]]).dtype
    assert f.predict(f.Tanh.apply, {}, X.astype(float)).dtype == np.float64
