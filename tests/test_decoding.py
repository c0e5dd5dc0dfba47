"""A network piece by piece is the network; what cannot be gone on with is named."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from funcnn import (
    GRU, LSTM, RNN, Array, Conv1D, Dense, Dropout, Embedding, Flatten, GRUCell, Key, Layer, LayerNorm, NonFiniteError,
    ShapeError, Softmax, Tanh, TransformerBlock, bidirectional, checkpoint, decoder, first, freeze, inference, map_over, repeat,
    residual, sample, scan, select, serial, shape_dependent, stop_gradient, tie, transposed,
)  # fmt: skip
from funcnn.authoring import Child, Combined

TOKENS = np.random.default_rng(0).integers(0, 7, (2, 9))


def piecewise(net: Layer[Any, Any], x: Any, *cuts: int) -> tuple[Array, Any]:
    """What the decoder gives for the pieces, one after the other, and the params."""
    _, params = net.init(0, x.shape, dtype=np.float64)
    step, memory, pieces = decoder(net), None, []
    for piece in np.split(x, cuts, axis=1):
        y, memory = step(params, piece, memory)
        pieces.append(y)
    return np.concatenate(pieces, 1), params


@pytest.mark.parametrize("cuts", [(), (4,), (1, 2, 3, 4, 5, 6, 7, 8), (2, 3, 8)])
@pytest.mark.parametrize(
    "net",
    [
        serial(Embedding(7, 4), LSTM(5), Dense(7)),
        serial(Embedding(7, 4), residual(GRU(4)), LayerNorm(), Dropout(0.5), RNN(3), Softmax),
        serial(Embedding(7, 4), map_over(Dense(3)), GRU(2)),
        serial(Embedding(7, 4), Conv1D(4, 2, padding="CAUSAL"), residual(Conv1D(4, 3, padding="CAUSAL", dilation=2))),
    ],
    ids=repr,
)  # fmt: skip
def test_pieces_are_the_whole(net: Layer[Any, Any], cuts: tuple[int, ...]) -> None:
    """However the sequence is cut."""
    y, params = piecewise(net, TOKENS, *cuts)
    assert np.allclose(y, net.apply(params, TOKENS), rtol=1e-13, atol=1e-15)


BLOCK = TransformerBlock(8, 2, causal=True, drop=0.1)
HEAD = Dense(7, bias=False).named("head")
AROUND: dict[str, Layer[Any, Any]] = {
    "tied": tie(serial(Embedding(7, 8), BLOCK, HEAD), {"head/w": transposed("embedding_0/w")}),
    "shared": serial(Embedding(7, 8), repeat(BLOCK, 3, shared=True), Dense(7)),
    "repeated": serial(Embedding(7, 8), repeat(serial(LSTM(8), BLOCK), 2), Dense(7)),
    "checkpointed": serial(Embedding(7, 8), checkpoint(BLOCK), stop_gradient(GRU(4)), inference(RNN(4))),
    "made later": serial(Embedding(7, 8), shape_dependent(lambda shape: LSTM(shape[-1] // 2)), Dense(7)),
}


@pytest.mark.parametrize("cuts", [(4,), (1, 2, 3, 4, 5, 6, 7, 8)])
@pytest.mark.parametrize("name", AROUND)
def test_what_stands_around_a_layer_knows_nothing_of_it(name: str, cuts: tuple[int, ...]) -> None:
    """Tied, shared, repeated, checkpointed, made when the shape is known."""
    y, params = piecewise(AROUND[name], TOKENS, *cuts)
    assert np.allclose(y, AROUND[name].apply(params, TOKENS), rtol=1e-12, atol=1e-14)


def test_frozen_networks_go_on() -> None:
    """Their params are theirs."""
    net = serial(Embedding(7, 8), BLOCK, GRU(4), Dense(7))
    _, params = net.init(0, TOKENS.shape, dtype=np.float64)
    frozen = freeze(net, params, "transformer_block_0/**")
    y, rest = piecewise(frozen, TOKENS, 3, 5)
    assert np.allclose(y, frozen.apply(rest, TOKENS), rtol=1e-12, atol=1e-14)


def test_states_and_last_outputs() -> None:
    """The state that comes in counts at the first call; the last output is that of the steps so far."""
    net = serial(first(Embedding(7, 4)), scan(GRUCell(5)), select(0))
    start = np.random.default_rng(1).normal(size=(2, 5))
    _, params = net.init(0, (TOKENS.shape, start.shape), dtype=np.float64)
    step = decoder(net)
    y, memory = step(params, (TOKENS[:, :4], start))
    z, _ = step(params, (TOKENS[:, 4:], 100 * start), memory)
    assert np.allclose(np.concatenate([y, z], 1), net.apply(params, (TOKENS, start)), rtol=1e-13)
    last = serial(Embedding(7, 4), LSTM(5, last=True), Dense(3))
    _, params = last.init(0, TOKENS.shape, dtype=np.float64)
    go = decoder(last)
    _, memory = go(params, TOKENS[:, :6])
    assert np.allclose(go(params, TOKENS[:, 6:], memory)[0], last.apply(params, TOKENS), rtol=1e-13)


def test_memories_are_values() -> None:
    """One may be gone on from twice, and is not changed by that."""
    net = serial(Embedding(7, 4), LSTM(5), Dense(7))
    _, params = net.init(0, TOKENS.shape)
    step = decoder(net)
    _, memory = step(params, TOKENS[:, :4])
    a, _ = step(params, TOKENS[:, 4:5], memory)
    b, _ = step(params, TOKENS[:, 4:5] * 0, memory)
    again, _ = step(params, TOKENS[:, 4:5], memory)
    assert np.array_equal(a, again)
    assert not np.array_equal(a, b)
    with pytest.raises(TypeError):
        memory["lstm_0"] = 0  # type: ignore[index]


def test_memories_of_others_are_refused() -> None:
    """Of another network, of another batch, or none at all; an equal network goes on."""
    net, other = serial(Embedding(7, 4), LSTM(4)), serial(Embedding(7, 4), GRU(4))
    (_, params), (_, foreign) = net.init(0, TOKENS.shape), other.init(0, TOKENS.shape)
    step = decoder(net)
    _, memory = step(params, TOKENS[:, :4])
    _, another = decoder(other)(foreign, TOKENS[:, :4])
    with pytest.raises(ValueError, match=r"memory is of another network: expected one of serial\(Embedding\(7, 4\), LSTM"):
        step(params, TOKENS[:, 4:], another)
    with pytest.raises(ShapeError, match="another batch: expected x with 2 examples, got 1; give x as many rows"):
        step(params, TOKENS[:1, 4:], memory)
    for thing in (params, {"lstm_0": None}, 3, {}, ()):
        with pytest.raises(TypeError, match="memory must be what a step returned, or None to begin, got"):
            step(params, TOKENS[:, 4:], thing)  # type: ignore[arg-type]
    equal = decoder(serial(Embedding(7, 4), LSTM(4)))
    assert np.array_equal(equal(params, TOKENS[:, 4:], memory)[0], step(params, TOKENS[:, 4:], memory)[0])


def test_threads_do_not_meet() -> None:
    """Several at once on one decoder, each with its own memory."""
    net = serial(Embedding(7, 4), LSTM(5), Dense(7))
    _, params = net.init(0, TOKENS.shape, dtype=np.float64)
    step, wanted, wrong = decoder(net), net.apply(params, TOKENS), []

    def work() -> None:
        for _ in range(10):
            memory, out = None, []
            for t in range(9):
                y, memory = step(params, TOKENS[:, t : t + 1], memory)
                out.append(y)
            if not np.allclose(np.concatenate(out, 1), wanted, rtol=1e-12):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_shared_weights_remember_for_each_place() -> None:
    """A layer called twice under one path has two memories."""
    lstm = LSTM(4)

    def build(child: Child) -> Combined:
        def value(params: Any, x: Any, rng: Any = None) -> Any:
            return child.value(params, child.value(params, x, rng), rng)

        return Combined(lambda shape, go: go(child, shape), lambda params, x: (value(params, x), None), value)

    twice: Layer[Array, Array] = Layer.over((lstm,), build, where="twice")
    x = np.random.default_rng(2).normal(size=(2, 9, 4))
    y, params = piecewise(twice, x, 1, 5)
    assert np.allclose(y, twice.apply(params, x), rtol=1e-13)


Reverse: Layer[Array, Array] = Layer.lift(lambda s: s, lambda x: (x[:, ::-1] * 1, lambda d: d[:, ::-1]))
Centred: Layer[Array, Array] = Layer.lift(lambda s: s, lambda x: (x - x.mean(1, keepdims=True), lambda d: d))
Mixed: Layer[Array, Array] = Layer.lift(lambda s: s, lambda x: (x + x.sum(1, keepdims=True), lambda d: d))


@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("layer", [Reverse.named("odd"), Centred.named("odd"), Mixed.named("odd")])
def test_what_looks_along_time_is_named(layer: Layer[Array, Array], n: int) -> None:
    """At the first call, of one step too: each half of the steps must give its half of the output."""
    net = serial(Embedding(7, 4), residual(serial(Tanh, layer)))
    _, params = net.init(0, TOKENS.shape)
    with pytest.raises(TypeError, match="residual_0/serial_0/odd does not treat steps alike"):
        decoder(net)(params, TOKENS[:, :n])


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (serial(Embedding(7, 4), bidirectional(LSTM(3))), "bidirectional_0 cannot go on step by step: it reads from both ends"),
        (serial(first(Embedding(7, 4)), scan(GRUCell(3), reverse=True)), "scan_0 cannot go on step by step: it goes from the last"),
    ],
    ids=["bidirectional", "reverse"],
)  # fmt: skip
def test_what_cannot_go_on_says_why(net: Layer[Any, Any], message: str) -> None:
    """Before any call."""
    with pytest.raises(TypeError, match=message):
        decoder(net)


def test_flatten_is_refused() -> None:
    """It joins the steps, which it gives no half of."""
    net = serial(Embedding(7, 4), Flatten)
    _, params = net.init(0, TOKENS.shape)
    with pytest.raises(TypeError, match="flatten_0 does not treat steps alike"):
        decoder(net)(params, TOKENS)


def test_errors_are_those_of_the_network() -> None:
    """Wrong params and inputs are told as by apply."""
    net = serial(Embedding(7, 4), LSTM(3))
    _, params = net.init(0, TOKENS.shape)
    with pytest.raises(ValueError, match="token 9 at index"):
        decoder(net)(params, np.full((1, 2), 9))
    with pytest.raises(TypeError, match="decoder takes layers"):
        decoder(Dense)  # type: ignore[arg-type]


# sample ---------------------------------------------------------------------------------------------------------------
def test_sample_draws_by_the_softmax() -> None:
    """Frequencies over many rows are the probabilities, at other temperatures too."""
    logits = np.log(np.array([0.1, 0.2, 0.3, 0.4]))
    many = np.broadcast_to(logits, (40_000, 4))
    for temperature in (1.0, 0.5, 2.0):
        p = np.exp(logits / temperature)
        found = np.bincount(sample(many, Key(0), temperature=temperature), minlength=4) / len(many)
        assert np.allclose(found, p / p.sum(), atol=0.01)


def test_sample_of_the_most_likely() -> None:
    """Temperature 0 and top_k=1 are the largest logit; top_k=2 gives no third; the same key the same tokens."""
    logits = np.random.default_rng(3).normal(size=(50, 3, 8)).astype(np.float32)
    assert np.array_equal(sample(logits, 0, temperature=0), logits.argmax(-1))
    assert np.array_equal(sample(logits, 0, top_k=1), logits.argmax(-1))
    two = sample(logits, 0, top_k=2, temperature=50.0)
    assert (np.take_along_axis(logits, two[..., None], -1)[..., 0] >= np.sort(logits, -1)[..., -2]).all()
    assert len({int(t) for t in sample(np.zeros((200, 4)), 0, top_k=2)}) == 2
    assert np.array_equal(sample(logits, Key(5)), sample(logits, Key(5)))
    assert np.array_equal(sample(logits, 5, top_k=99), sample(logits, 5))
    assert sample(logits, 0).shape == (50, 3)


@pytest.mark.parametrize(
    ("logits", "options", "error", "message"),
    [
        (np.ones(3), {"temperature": -1.0}, ValueError, "temperature must be a finite number of at least 0, got -1.0"),
        (np.ones(3), {"top_k": 0}, ValueError, "top_k must be an integer of at least 1, got 0"),
        (np.array(1.0), {}, ValueError, "logits are (..., vocabulary), got the shape ()"),
        (np.array([1.0, np.nan]), {}, NonFiniteError, "none may be NaN or inf"),
        (np.array([1.0, np.inf]), {}, NonFiniteError, "none may be NaN or inf"),
        (np.array([[0.0, 0.0], [-np.inf, -np.inf]]), {}, NonFiniteError, "every row of logits needs a finite one"),
    ],
    ids=repr,
)  # fmt: skip
def test_sample_refuses(logits: Array, options: Any, error: type[Exception], message: str) -> None:
    """By name, with the reason."""
    with pytest.raises(error) as caught:
        sample(logits, 0, **options)
    assert message in str(caught.value)
    with pytest.raises(TypeError, match="key must be a Key or an int seed"):
        sample(np.ones(3), None)  # type: ignore[arg-type]
