"""Attention: values by hand, every mask, causality, padding, decoding, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.differences import drawn_like
from funcnn import (
    Array, Dense, Embedding, Key, Layer, LayerNorm, MultiHeadAttention, Params, PositionalEmbedding, RotaryEmbedding,
    ShapeError, SinusoidalEncoding, TransformerBlock, decoder, first, parallel, residual, select, serial, vjp,
)  # fmt: skip

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 5, 4))
MEMORY = RNG.normal(size=(3, 6, 7))
MASKS = {
    "none": None,
    "full": np.ones((3, 5), np.bool_),
    "padding": np.arange(5) < np.array([[5], [3], [1]]),
    "left": np.arange(5) >= np.array([[0], [2], [4]]),
    "gaps": np.array([[1, 0, 1, 0, 1], [0, 1, 1, 0, 0], [0, 0, 1, 0, 0]]) != 0,
    "nothing": np.array([[1, 1, 1, 1, 1], [0, 0, 0, 0, 0], [0, 1, 0, 0, 0]]) != 0,
}
BoolArray = npt.NDArray[np.bool_]


def drawn(net: Layer[Any, Any], shape: Any) -> Params:
    """float64 params, biases too."""
    _, params = net.init(0, shape, dtype=np.float64)
    rng = np.random.default_rng(1)
    for path in params.paths():
        if params.at(path).ndim == 1:
            params = params.set(path, rng.normal(size=params.at(path).shape))
    return params


def turned(x: Array, t: int) -> Array:
    """A vector with its pairs turned by the position, written with complex numbers."""
    z = (x[0::2] + 1j * x[1::2]) * np.exp(1j * t * 10000.0 ** (-np.arange(0, len(x), 2) / len(x)))
    return np.stack([z.real, z.imag], -1).reshape(-1)


def by_hand(
    p: Params, x: Array, memory: Array, mask: BoolArray | None, *, heads: int, causal: bool = False, rotary: bool = False
) -> Array:
    """One query, one head and one key after the other."""
    n = x.shape[2] // heads
    y = np.zeros(x.shape)
    for b in range(len(x)):
        for t in range(x.shape[1]):
            if mask is not None and memory is x and not mask[b, t]:
                continue
            seen = [s for s in range(memory.shape[1]) if (mask is None or mask[b, s]) and (not causal or s <= t)]
            if not seen:
                continue
            joined = []
            for h in range(heads):
                part = slice(h * n, (h + 1) * n)
                q = (x[b, t] @ p.at("wq") + p.at("bq"))[part]
                keys = [(memory[b, s] @ p.at("wk") + p.at("bk"))[part] for s in seen]
                values = [(memory[b, s] @ p.at("wv") + p.at("bv"))[part] for s in seen]
                if rotary:
                    q, keys = turned(q, t), [turned(k, s) for k, s in zip(keys, seen, strict=True)]
                scores = np.exp([q @ k / np.sqrt(n) for k in keys])
                joined.append(sum(a * v for a, v in zip(scores / scores.sum(), values, strict=True)))
            y[b, t] = np.concatenate(joined) @ p.at("wo") + p.at("bo")
    return y


@pytest.mark.parametrize("rotary", [False, True])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("mask", MASKS.values(), ids=list(MASKS))
def test_values_are_those_by_hand(mask: BoolArray | None, heads: int, causal: bool, rotary: bool) -> None:
    """Within one sequence: no mask, causal, padding, both, rows with nothing."""
    options: Any = {"causal": causal, "rotary": rotary}
    masked: Any = MultiHeadAttention(heads, masked=True, **options)
    net: Any = MultiHeadAttention(heads, **options) if mask is None else masked
    given: Any = X if mask is None else (X, mask)
    params = drawn(net, X.shape if mask is None else (X.shape, mask.shape))
    y = net.apply(params, given)
    assert np.allclose(y, by_hand(params, X, X, mask, heads=heads, **options), rtol=1e-12, atol=1e-14)
    if mask is not None:
        assert not y[~mask].any()


@pytest.mark.parametrize("keys", [None, np.ones((3, 6), np.bool_), np.arange(6) < np.array([[6], [2], [0]])])
def test_values_from_another_sequence(keys: BoolArray | None) -> None:
    """A memory of other length and width; a row whose memory is empty gives 0."""
    net: Any = MultiHeadAttention(2, cross=True) if keys is None else MultiHeadAttention(2, cross=True, masked=True)
    given = (X, MEMORY) if keys is None else (X, MEMORY, keys)
    params = drawn(net, tuple(a.shape for a in given))
    y = net.apply(params, given)
    assert np.allclose(y, by_hand(params, X, MEMORY, keys, heads=2), rtol=1e-12, atol=1e-14)
    if keys is not None:
        assert not y[~keys.any(1)].any()


def test_without_bias() -> None:
    """Four matrices, and 0 for what is 0."""
    net = MultiHeadAttention(2, bias=False)
    _, params = net.init(0, X.shape)
    assert params.paths() == ("wk", "wo", "wq", "wv")
    assert not net.apply(params, 0 * X).any()


@pytest.mark.parametrize("rotary", [False, True])
def test_causal_attention_never_sees_the_future(rotary: bool) -> None:
    """Other later steps change no bit of what is before them, and get nothing back from it."""
    net = serial(TransformerBlock(4, 2, causal=True, rotary=rotary), TransformerBlock(4, 1, causal=True, norm="post"))
    params = drawn(net, X.shape)
    for t in range(1, 5):
        other = X.copy()
        other[:, t:] = RNG.normal(size=other[:, t:].shape) * 100
        y, pull = vjp(net.apply, params, X)
        assert np.array_equal(y[:, :t], net.apply(params, other)[:, :t])
        dy = drawn_like(y, np.random.default_rng(2))
        early = np.where(np.arange(5)[:, None] < t, dy, 0)
        assert not pull(early)[1][:, t:].any()
        assert pull(early)[1][:, :t].any()


def networks(mask: BoolArray) -> dict[str, tuple[Layer[Any, Any], Any]]:
    """Networks that carry a mask along, and the shape of their input."""
    shape = (X.shape, mask.shape)
    return {
        "attention": (MultiHeadAttention(2, masked=True), shape),
        "causal": (MultiHeadAttention(2, masked=True, causal=True, rotary=True), shape),
        "blocks": (serial(TransformerBlock(4, 2, masked=True), TransformerBlock(4, 1, masked=True), select(0)), shape),
        "post": (serial(TransformerBlock(4, 2, masked=True, causal=True, norm="post"), select(0)), shape),
        "positions": (serial(first(PositionalEmbedding(9)), TransformerBlock(4, 2, masked=True), select(0)), shape),
    }


@pytest.mark.parametrize("name", ["attention", "causal", "blocks", "post", "positions"])
@pytest.mark.parametrize("mask", [m for m in MASKS.values() if m is not None], ids=[n for n, m in MASKS.items() if m is not None])
def test_padding_changes_nothing(mask: BoolArray, name: str) -> None:
    """Whatever stands where nothing is real, real outputs and all gradients are the same bits."""
    net, shape = networks(mask)[name]
    params = drawn(net, shape)
    other = np.where(mask[..., None], X, RNG.normal(size=X.shape) * 1e3)
    (y, pull), (z, back) = vjp(net.apply, params, (X, mask)), vjp(net.apply, params, (other, mask))
    assert np.array_equal(y[mask], z[mask])
    dy = drawn_like(y, np.random.default_rng(3)) * mask[..., None]
    (g, (dx, _)), (h, (dz, _)) = pull(dy), back(dy)
    assert g == h
    assert np.array_equal(dx, dz)
    assert not dx[~mask].any()


def test_padding_may_be_anything_at_all() -> None:
    """NaN too: it is never looked at."""
    mask = MASKS["gaps"]
    assert mask is not None
    net = MultiHeadAttention(2, masked=True)
    params = drawn(net, (X.shape, mask.shape))
    y, pull = vjp(net.apply, params, (np.where(mask[..., None], X, np.nan), mask))
    assert np.array_equal(y, net.apply(params, (X, mask)))
    grads, (dx, _) = pull(y)
    assert all(np.isfinite(grads.at(path)).all() for path in grads.paths())
    assert np.isfinite(dx).all()


def test_a_short_row_in_a_long_batch_is_the_short_row_alone() -> None:
    """But for rounding."""
    mask = MASKS["padding"]
    assert mask is not None
    net, plain = MultiHeadAttention(2, masked=True), MultiHeadAttention(2)
    params = drawn(plain, X.shape)
    assert np.allclose(net.apply(params, (X, mask))[1, :3], plain.apply(params, X[1:2, :3])[0], rtol=1e-13)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 4), (2, 1, 1), (1, 7, 1), (0, 3, 2)])
def test_small_sizes(shape: tuple[int, int, int]) -> None:
    """One step, one feature, one row, none: of a single step, the value itself."""
    net = MultiHeadAttention(1, causal=True)
    params = drawn(net, (1, *shape[1:]))
    x = RNG.normal(size=shape)
    y, pull = vjp(net.apply, params, x)
    assert np.allclose(y, by_hand(params, x, x, None, heads=1, causal=True), rtol=1e-12, atol=1e-14)
    assert pull(y)[1].shape == shape


def test_dropout_drops_weights() -> None:
    """In a training pass: the mean over many keys is the value without, and each key drops others."""
    net, whole = MultiHeadAttention(2, drop=0.5, bias=False), MultiHeadAttention(2, bias=False)
    params = drawn(whole, X.shape)
    y = whole.apply(params, X)
    assert np.array_equal(net.apply(params, X), y)
    drawn_values = np.stack([net.apply(params, X, rng=Key(i)) for i in range(3000)])
    assert np.allclose(drawn_values.mean(0), y, atol=6 * float((drawn_values.std(0) / 3000**0.5).max()))
    assert np.array_equal(net.apply(params, X, rng=1), net.apply(params, X, rng=1))
    assert not np.array_equal(net.apply(params, X, rng=1), net.apply(params, X, rng=2))


def test_large_scores_do_not_overflow() -> None:
    """In float32, where exp overflows beyond 88: the most alike takes all."""
    net = MultiHeadAttention(1, bias=False)
    eye = np.eye(4, dtype=np.float32)
    x = (100 * eye)[None]
    y = net.apply({"wq": eye, "wk": eye, "wv": eye, "wo": eye}, x)
    assert np.array_equal(y, x)


# decoding -------------------------------------------------------------------------------------------------------------
TOKENS = np.random.default_rng(4).integers(0, 9, (2, 12))
MODELS: dict[str, Layer[Any, Any]] = {
    "learned": serial(
        Embedding(9, 8), PositionalEmbedding(12), *[TransformerBlock(8, 2, causal=True, drop=0.1)] * 3, LayerNorm(), Dense(9)
    ),
    "rotary": serial(Embedding(9, 8), *[TransformerBlock(8, 2, causal=True, rotary=True, norm="post")] * 2, Dense(9)),
    "sinusoidal": serial(Embedding(9, 8), SinusoidalEncoding(), residual(MultiHeadAttention(4, causal=True)), Dense(9)),
    "turned": serial(Embedding(9, 8), RotaryEmbedding(), TransformerBlock(8, 1, causal=True), Dense(9)),
}


@pytest.mark.parametrize("cuts", [(5,), tuple(range(1, 12)), (1, 4, 5, 11)])
@pytest.mark.parametrize("name", MODELS)
def test_cached_decoding_is_the_full_pass(name: str, cuts: tuple[int, ...]) -> None:
    """However the sequence is cut, to 2e-14."""
    net = MODELS[name]
    params = drawn(net, TOKENS.shape)
    step, memory, pieces = decoder(net), None, []
    for piece in np.split(TOKENS, cuts, axis=1):
        y, memory = step(params, piece, memory)
        pieces.append(y)
    assert np.allclose(np.concatenate(pieces, 1), net.apply(params, TOKENS), rtol=1e-11, atol=2e-14)


@pytest.mark.parametrize("mask", [np.arange(12) >= np.array([[0], [5]]), RNG.random((2, 12)) < 0.6], ids=["left", "gaps"])
def test_decoding_with_a_mask(mask: BoolArray) -> None:
    """The mask of the new steps comes with them; that of the others is remembered."""
    net = serial(
        first(Embedding(9, 8)), *[TransformerBlock(8, 2, causal=True, rotary=True, masked=True)] * 2, select(0), Dense(9)
    )
    params = drawn(net, (TOKENS.shape, mask.shape))
    step, memory, pieces = decoder(net), None, []
    for t in (slice(0, 6), *(slice(t, t + 1) for t in range(6, 12))):
        y, memory = step(params, (TOKENS[:, t], mask[:, t]), memory)
        pieces.append(y)
    assert np.allclose(np.concatenate(pieces, 1), net.apply(params, (TOKENS, mask)), rtol=1e-11, atol=2e-14)


def test_decoding_with_another_sequence() -> None:
    """What is looked at counts at the first call, and its keys and values are made there alone."""
    net = serial(parallel(serial(Embedding(9, 4), residual(MultiHeadAttention(1, causal=True))), Dense(3)),
                 MultiHeadAttention(2, cross=True))  # fmt: skip
    memory_of = RNG.normal(size=(2, 7, 5))
    params = drawn(net, (TOKENS.shape, memory_of.shape))
    step = decoder(net)
    y, memory = step(params, (TOKENS[:, :5], memory_of))
    z, memory = step(params, (TOKENS[:, 5:], 0 * memory_of), memory)
    assert np.allclose(np.concatenate([y, z], 1), net.apply(params, (TOKENS, memory_of)), rtol=1e-11, atol=1e-14)


def test_old_memories_stay_what_they_were() -> None:
    """Beams: several go on from one memory, in any order, and none hears of the others."""
    net = MODELS["rotary"]
    params = drawn(net, TOKENS.shape)
    step = decoder(net)
    _, root = step(params, TOKENS[:, :3])
    beams = [step(params, TOKENS[:, i : i + 1], root)[1] for i in range(3, 7)]
    deeper = [step(params, TOKENS[:, 7:9], beam)[0] for beam in beams]
    for i, got in zip(range(3, 7), deeper, strict=True):
        line = np.concatenate([TOKENS[:, :3], TOKENS[:, i : i + 1], TOKENS[:, 7:9]], 1)
        assert np.allclose(got, net.apply(params, line)[:, -2:], rtol=1e-11, atol=1e-14)


def test_attention_that_looks_ahead_cannot_go_on() -> None:
    """With what to do."""
    with pytest.raises(TypeError, match="multi_head_attention_0 cannot go on step by step: .*; give it causal=True"):
        decoder(serial(Dense(3), MultiHeadAttention(1)))


# messages -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("net", "shape", "message"),
    [
        (MultiHeadAttention(4), (2, 5, 6), "MultiHeadAttention(4) divides the features by its heads, got 6 features"),
        (MultiHeadAttention(2, rotary=True), (2, 5, 6), "divides the features by its heads, in pairs of features, got 6"),
        (MultiHeadAttention(2), (2, 6), "MultiHeadAttention takes (batch, time, features), got (2, 6)"),
        (MultiHeadAttention(2), ((2, 5, 6), (2, 5)), "takes one array x, got a tuple of 2, ((2, 5, 6), (2, 5)); cross=True adds a memory, masked=True adds a mask"),
        (MultiHeadAttention(2, masked=True), ((2, 5, 6), (2, 4)), "its mask has one truth value a step, (batch, time): expected (2, 5), got (2, 4)"),
        (MultiHeadAttention(2, masked=True, cross=True), ((2, 5, 6), (2, 4, 3), (2, 5)), "(batch, keys): expected (2, 4), got (2, 5)"),
        (MultiHeadAttention(2, cross=True), (2, 5, 6), "takes the tuple (x, memory), got one array of shape (2, 5, 6); cross=True wants a memory"),
        (MultiHeadAttention(2, cross=True), ((2, 5, 6), (3, 4, 3)), "x and the memory are of one batch: expected (2,), got (3,)"),
        (serial(Dense(6), TransformerBlock(8, 2)), (2, 5, 3), "transformer_block_0/residual_1 in serial: residual adds arrays of one shape, got (2, 5, 8) and (2, 5, 6)"),
    ],
    ids=repr,
)  # fmt: skip
def test_wrong_shapes_say_so(net: Layer[Any, Any], shape: Any, message: str) -> None:
    """What came, what was expected, and the argument that would be right."""
    with pytest.raises(ShapeError) as caught:
        net.out_shape(shape)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MultiHeadAttention(0), "heads must be an integer of at least 1, got 0"),
        (lambda: MultiHeadAttention(2, drop=1.0), "drop must be in [0, 1), got 1.0"),
        (lambda: MultiHeadAttention(2, cross=True, causal=True), "causal=True compares positions of one sequence"),
        (lambda: MultiHeadAttention(2, cross=True, rotary=True), "rotary=True compares positions of one sequence"),
    ],
)
def test_wrong_arguments_are_refused(make: Any, message: str) -> None:
    """At construction."""
    with pytest.raises(ValueError) as caught:
        make()
    assert message in str(caught.value)
