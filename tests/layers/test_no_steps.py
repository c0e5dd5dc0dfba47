"""Sequences of no steps: what layers over time make of them, through the public door, forward and back.

A recurrence gives its initial state, attention to nothing gives 0, what is step by step gives nothing, and a mean or a
maximum of nothing is refused by name. No gradient comes of nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import funcnn
from funcnn import (
    LSTM,
    BatchNorm,
    Conv1D,
    Dense,
    Dropout,
    Embedding,
    FanInSum,
    FanOut,
    Layer,
    LayerNorm,
    LSTMCell,
    MaxOver,
    MeanOver,
    MultiHeadAttention,
    PositionalEmbedding,
    Relu,
    RMSNorm,
    RotaryEmbedding,
    ShapeError,
    SinusoidalEncoding,
    Softmax,
    TransformerBlock,
    accuracy,
    bidirectional,
    decoder,
    map_over,
    parallel,
    predict,
    r2,
    residual,
    scan,
    serial,
    softmax_cross_entropy,
    summary,
    value_and_grad,
    vjp,
)
from funcnn.nested import mapped
from funcnn.shapes import shape_of
from tests.refusals import refusal

f: Any = funcnn
X = np.zeros((2, 0, 4), np.float32)
MASK = np.zeros((2, 0), bool)
STATE = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], np.float32)
THERE = np.ones((2, 3, 4), np.float32)


def passed(layer: Layer[Any, Any], x: Any) -> Any:
    """The value, after what goes back has been looked at: of the shape of the input, and no gradient at all."""
    out, params = layer.init(0, shape_of(x))
    keyed = {"rng": 1} if layer.apply.random else {}
    y, back = vjp(layer.apply, params, x, **keyed)
    dparams, dx = back(mapped(np.ones_like, y))
    assert shape_of(y) == out and shape_of(dx) == shape_of(x)
    assert shape_of(layer.apply(params, x)) == out
    assert not any(dparams.at(path).any() for path in dparams.paths())
    return y


STEPWISE = (
    Dense(3), Relu, Softmax, LayerNorm(), RMSNorm(), BatchNorm(), Dropout(0.5), map_over(Dense(3)),
    serial(FanOut(2), parallel(Dense(3), Dense(3)), FanInSum), residual(Dense(4)),
    PositionalEmbedding(5), SinusoidalEncoding(), RotaryEmbedding(),
    Conv1D(3, 2, padding="CAUSAL"), Conv1D(3, 2, 2, "SAME"), Conv1D(4, 3, padding="CAUSAL", dilation=2, groups=2),
    Conv1D(4, 3, padding="SAME", groups=4), Conv1D(3, 1, padding="SAME"),
    MultiHeadAttention(2), MultiHeadAttention(2, causal=True, rotary=True), MultiHeadAttention(2, drop=0.5),
    TransformerBlock(4, 2), TransformerBlock(4, 2, causal=True, norm="post"),
    *(make(3) for make in (f.RNN, f.GRU, f.LSTM)), *(bidirectional(make(3)) for make in (f.RNN, f.GRU, f.LSTM)),
)  # fmt: skip


@pytest.mark.parametrize("layer", STEPWISE, ids=repr)
def test_of_no_steps_there_are_none(layer: Layer[Any, Any]) -> None:
    """Batch and features are there."""
    y = passed(layer, X)
    assert y.shape[:2] == (2, 0) and y.ndim == 3 and y.dtype == np.float32


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("name", ["RNN", "GRU", "LSTM"])
def test_a_recurrence_gives_its_initial_state(name: str, last: bool, masked: bool) -> None:
    """And its cotangent is that of the final one, and of the output where that is the last state."""
    state = (STATE, -STATE) if name == "LSTM" else STATE
    layer = getattr(f, name)(3, last=last, masked=masked, state=True)
    x = (X, *(MASK,) * masked, state)
    y, final = passed(layer, x)
    assert np.array_equal(y, STATE) if last else y.shape == (2, 0, 3)
    assert np.array_equal(np.stack(list(final)), np.stack(list(state)))
    _, back = vjp(layer.apply, layer.init(0, shape_of(x))[1], x)
    dstate = back((np.ones_like(y), mapped(np.ones_like, final)))[1][-1]
    first = dstate[0] if name == "LSTM" else dstate
    assert np.array_equal(first, np.full((2, 3), 2.0 if last else 1.0))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
def test_a_scan_gives_its_initial_state(reverse: bool, masked: bool) -> None:
    """Outputs have the features that the cell gives."""
    ys, state = passed(scan(LSTMCell(3), reverse=reverse, masked=masked), (X, (STATE, -STATE), *(MASK,) * masked))
    assert ys.shape == (2, 0, 3) and np.array_equal(state[0], STATE) and np.array_equal(state[1], -STATE)


def test_the_last_state_of_nothing_is_zero() -> None:
    """What stands behind it is a function of its bias alone."""
    assert not passed(LSTM(3, last=True), X).any() and not passed(bidirectional(LSTM(3, last=True)), X).any()
    net = serial(Embedding(9, 4), LSTM(4, last=True), Dense(5))
    _, params = net.init(0, (2, 3))
    value, grads = value_and_grad(softmax_cross_entropy, net.apply)(params, np.zeros((2, 0), int), np.array([0, 0]))
    assert value == pytest.approx(np.log(5)) and not grads.at("lstm_0/w").any()
    assert np.allclose(grads.at("dense_0/b"), [-0.8, 0.2, 0.2, 0.2, 0.2])


@pytest.mark.parametrize("masked", [False, True])
def test_attention_to_nothing_gives_zero(masked: bool) -> None:
    """With its bias, and in a decoder too."""
    layer = MultiHeadAttention(2, cross=True, masked=masked)
    x = (THERE, X, *(MASK,) * masked)
    assert passed(layer, x).tolist() == np.zeros((2, 3, 4)).tolist()
    params = layer.init(0, shape_of(x))[1].set("bo", np.ones(4, np.float32))
    assert not layer.apply(params, x).any()
    step = decoder(layer)
    y, memory = step(params, (THERE[:, :1], *x[1:]), None)
    assert not y.any() and not step(params, (THERE[:, 1:], *x[1:]), memory)[0].any()


def test_nobody_asks_a_memory() -> None:
    """Queries may be none as well."""
    assert passed(MultiHeadAttention(2, cross=True), (X, THERE)).shape == (2, 0, 4)


@pytest.mark.parametrize("over", [MeanOver, MaxOver])
def test_the_mean_of_nothing_is_refused(over: Any) -> None:
    """It is 0 where a mask says that nothing is real, as everywhere; another axis than the empty one is as always."""
    said = f"{over.__name__} goes over axis 1, which is empty: got (2, 0, 4); masked=True gives 0"
    assert refusal(lambda: over(1).init(0, X.shape), ShapeError) == said
    assert refusal(lambda: over(1).apply({}, X), ShapeError) == said
    assert passed(over(1, masked=True), (X, MASK)).tolist() == np.zeros((2, 4)).tolist()
    assert passed(over(-1), X).shape == (2, 0)


@pytest.mark.parametrize("name", ["GlobalAvgPool", "GlobalMaxPool", "Last", "Flatten"])
def test_what_needs_a_step_says_so(name: str) -> None:
    """By name."""
    said = refusal(lambda: getattr(f, name).init(0, X.shape), ShapeError)
    assert said == f"{name}: dimension 1 of the shape (2, 0, 4) is 0; only the leading (batch) axis may be empty"


@pytest.mark.parametrize("layer", [Conv1D(3, 2), f.Conv1DTranspose(3, 2), f.GroupNorm(2), f.InstanceNorm()], ids=repr)
def test_windows_and_groups_need_a_step(layer: Any) -> None:
    """So do they."""
    assert "dimension 1 of the shape (2, 0, 4) is 0; only the leading (batch) axis may be empty" in refusal(
        lambda: layer.init(0, X.shape), ShapeError
    )


@pytest.mark.parametrize(
    "net",
    [
        LSTM(4), f.GRU(4), f.RNN(4), TransformerBlock(4, 2, causal=True), Conv1D(4, 3, padding="CAUSAL", dilation=2),
        serial(PositionalEmbedding(9), MultiHeadAttention(2, causal=True, rotary=True)), SinusoidalEncoding(),
    ],
    ids=repr,
)  # fmt: skip
def test_a_decoder_may_wait(net: Layer[Any, Any]) -> None:
    """Pieces of no steps, first and in between, change nothing."""
    x = np.random.default_rng(0).normal(size=(2, 5, 4))
    _, params = net.init(0, x.shape, dtype=np.float64)
    step, memory, ys = decoder(net), None, list[Any]()
    for start, end in ((0, 0), (0, 2), (2, 2), (2, 5)):
        y, memory = step(params, x[:, start:end], memory)
        assert y.shape == (2, end - start, 4)
        ys.append(y)
    assert np.allclose(np.concatenate(ys, 1), net.apply(params, x), rtol=0, atol=1e-12)


def test_losses_and_metrics_of_no_steps() -> None:
    """A sum is 0, a mean is that of an empty batch, and a metric has seen nothing."""
    logits, labels = np.zeros((2, 0, 5)), np.zeros((2, 0), int)
    assert softmax_cross_entropy(logits, labels, reduce="sum") == 0
    assert softmax_cross_entropy(logits, labels, reduce="none").shape == (2, 0)
    assert "empty batch" in refusal(lambda: softmax_cross_entropy(logits, labels), ShapeError)
    assert "empty batch" in refusal(lambda: accuracy(logits, labels), ShapeError)
    assert "empty batch" in refusal(lambda: r2(logits, logits), ShapeError)
    net = serial(Embedding(9, 4), Dense(5))
    _, params = net.init(0, (2, 3))
    objective = value_and_grad(softmax_cross_entropy, net.apply)
    assert "empty batch" in refusal(lambda: objective(params, labels, labels), ShapeError)


def test_no_alignment_and_no_steps() -> None:
    """The empty alignment is certain; of blanks alone it is their product; of labels without steps there is none."""
    assert f.ctc(np.zeros((2, 0, 5)), np.zeros((2, 0), int)) == 0
    assert f.ctc(np.zeros((2, 4, 5)), np.zeros((2, 0), int)) == pytest.approx(4 * np.log(5))
    assert "give it more steps" in refusal(lambda: f.ctc(np.zeros((2, 0, 5)), np.ones((2, 1), int)), ValueError)


def test_networks_of_no_steps_are_told_of() -> None:
    """`out_shape`, `summary` and `predict` know them."""
    net = serial(Embedding(9, 4), LSTM(4), Dense(5))
    assert net.out_shape((2, 0)) == (2, 0, 5) and "(2, 0, 5)" in str(summary(net, (2, 0)))
    assert predict(net.apply, net.init(0, (2, 3))[1], np.zeros((5, 0), int)).shape == (5, 0, 5)
