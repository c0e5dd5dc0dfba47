"""What stands behind a mask, NaN, inf and huge numbers too: it is as if 0 stood there, in every network of masks."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pytest

from funcnn import (
    GRU, LSTM, RNN, BatchNorm, Dense, Dropout, Embedding, FanInSum, FanOut, Gelu, GRUCell, Layer, LayerNorm, LSTMCell,
    MaxOver, MeanOver, MultiHeadAttention, RNNCell, RMSNorm, ShapeError, Tanh, TransformerBlock, ZeroMasked,
    bidirectional, decoder, first, keep, parallel, residual, scan, select, serial, vjp,
)  # fmt: skip
from funcnn.nested import arrays, mapped

RNG: Final = np.random.default_rng(0)
MASK: Final = np.array([[1, 1, 0, 1, 0], [0, 0, 0, 0, 0], [0, 1, 1, 1, 1]], np.bool_)
X, S = RNG.normal(size=(3, 5, 4)), RNG.normal(size=(3, 4))
ADDS: Final = serial(parallel(Dense(4), Dense(4)), FanInSum, Tanh, FanOut(2))
"""A cell of one's own."""

SEQUENCES: Final[dict[str, Layer[Any, Any]]] = {
    **{f"{make.__name__}, {last=}": make(4, masked=True, last=last) for make in (RNN, GRU, LSTM) for last in (False, True)},
    **{f"both ways {make.__name__}": bidirectional(make(4, masked=True)) for make in (RNN, GRU, LSTM)},
    **{
        f"attention, {causal=} {rotary=}": MultiHeadAttention(2, masked=True, causal=causal, rotary=rotary)
        for causal in (False, True) for rotary in (False, True)
    },
    **{
        f"block, {norm} {causal=}": TransformerBlock(4, 2, masked=True, causal=causal, norm=norm, hidden=3, drop=0.3)
        for norm in ("pre", "post") for causal in (False, True)
    },
    "blocks": serial(
        TransformerBlock(4, 2, masked=True), TransformerBlock(4, 1, masked=True, norm="post"), MeanOver(1, masked=True)
    ),
    "mean": MeanOver(1, masked=True),
    "max": MaxOver(1, masked=True),
    "zeros": ZeroMasked,
    "norms behind": serial(keep(GRU(4, masked=True)), first(LayerNorm()), first(BatchNorm()), MaxOver(1, masked=True)),
    "norms before": serial(ZeroMasked, first(LayerNorm()), first(Dense(3)), first(RMSNorm()), LSTM(2, masked=True)),
    "batch norm before": serial(ZeroMasked, first(BatchNorm()), keep(RNN(3, masked=True)), select(0)),
    "side by side": serial(FanOut(2), parallel(GRU(3, masked=True), MeanOver(1, masked=True))),
    "around": serial(keep(residual(MultiHeadAttention(2, masked=True), RNN(4, masked=True))), MeanOver(1, masked=True)),
    "picked": serial(select(0, 1), keep(MultiHeadAttention(2, masked=True)), first(Dense(3)), ZeroMasked),
}  # fmt: skip
STATES: Final[dict[str, tuple[Layer[Any, Any], Any]]] = {
    **{f"{make.__name__}": (make(4, masked=True, state=True), (X, MASK, S)) for make in (RNN, GRU)},
    "LSTM": (LSTM(4, masked=True, state=True), (X, MASK, (S, S))),
    **{
        f"scan {cell.__name__} {reverse=}": (scan(cell(4), masked=True, reverse=reverse), (X, S, MASK))
        for cell in (RNNCell, GRUCell) for reverse in (False, True)
    },
    "scan LSTMCell": (scan(LSTMCell(4), masked=True), (X, (S, S), MASK)),
    "scan of one's own": (scan(ADDS, masked=True), (X, S, MASK)),
    "scan of layers": (
        scan(serial(first(serial(LayerNorm(), Dense(4), Gelu, Dropout(0.3))), ADDS), masked=True), (X, S, MASK)
    ),
    "scan of pairs": (
        scan(serial(first(serial(parallel(Dense(4), Dense(4)), FanInSum)), ADDS), masked=True), ((X, 2 * X), S, MASK)
    ),
    "cross": (MultiHeadAttention(2, masked=True, cross=True), (S[:, None], X, MASK)),
}  # fmt: skip
CASES: Final = {**{name: (net, (X, MASK)) for name, net in SEQUENCES.items()}, **STATES}


def padded(tree: Any, padding: float) -> Any:
    """Other numbers behind the mask."""

    def put(a: Any) -> Any:
        return np.where(MASK[..., None], a, padding) if a.ndim == 3 and a.shape[:2] == MASK.shape else a

    return mapped(put, tree)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("padding", [np.nan, np.inf, -np.inf, 1e30, 1e200])
@pytest.mark.parametrize("name", CASES)
def test_padding_is_as_good_as_zeros(name: str, padding: float, training: bool) -> None:
    """Values and gradients are the same bits, and finite; what is not real gives 0 and gets none."""
    net, x = CASES[name]
    rng = 7 if training else None
    _, params = net.init(0, shape_of(x), dtype=np.float64)
    (y, pull) = vjp(net.apply, params, padded(x, 0), rng=rng)
    (z, back) = vjp(net.apply, params, padded(x, padding), rng=rng)
    dy = mapped(lambda a: a if a.dtype != np.bool_ else np.zeros(a.shape), padded(mapped(np.cos, y), 0))
    (g, dx), (h, dz) = pull(dy), back(dy)
    assert g == h
    for a, b in zip((*arrays(y), *arrays(dx)), (*arrays(z), *arrays(dz)), strict=True):
        assert np.array_equal(a, b)
        assert np.isfinite(b).all()
    assert np.isfinite([np.sum(h.at(path)) for path in h.paths()]).all()
    assert not any(d[~MASK].any() for d in arrays(dz) if d.ndim == 3 and d.shape[:2] == MASK.shape)



SEQUENCE_TO_SEQUENCE: Final = [
    *(f"{make.__name__}, last=False" for make in (RNN, GRU, LSTM)), *(f"both ways {n}" for n in ("RNN", "GRU", "LSTM")),
    *(name for name in SEQUENCES if name.startswith(("attention", "block, "))), "zeros", "norms before", "picked",
]  # fmt: skip


@pytest.mark.parametrize("name", SEQUENCE_TO_SEQUENCE)
def test_outputs_of_nothing_teach_nothing(name: str) -> None:
    """They are 0 whatever the params and the input are, so that a cotangent there gives none."""
    net, x = CASES[name]
    _, params = net.init(0, shape_of(x), dtype=np.float64)
    y, pull = vjp(net.apply, params, x)
    sequence, *_ = arrays(y)
    assert not sequence[~MASK].any()
    beside = (np.zeros(MASK.shape),) if isinstance(y, tuple) else ()
    dy = np.where(MASK[..., None], 0, np.ones_like(sequence))
    g, dx = pull((dy, *beside) if beside else dy)
    assert not any(d.any() for d in arrays(dx))
    assert not any(g.at(path).any() for path in g.paths())


def test_zeros_by_hand() -> None:
    """The leading axes of x are those of the mask, one or more; tokens stay tokens."""
    mask = np.array([[True, False], [False, True]])
    y, kept = ZeroMasked.apply({}, (np.array([[[1.0], [np.nan]], [[np.inf], [4.0]]]), mask))
    assert np.array_equal(y, [[[1], [0]], [[0], [4]]])
    assert np.array_equal(kept, mask)
    rows, _ = ZeroMasked.apply({}, (np.array([[1.0, 2.0], [3.0, 4.0]], np.float32), np.array([False, True])))
    assert np.array_equal(rows, [[0, 0], [3, 4]])
    assert rows.dtype == np.float32
    clean: Layer[Any, Any] = ZeroMasked
    net: Layer[Any, Any] = serial(clean, first(Embedding(9, 2)))
    _, params = net.init(0, ((2, 2), (2, 2)))
    looked, _ = net.apply(params, (np.array([[3, 77], [-5, 8]]), mask))
    w = params.at("first_0/embedding_0/w")
    assert np.array_equal(looked, w[[[3, 0], [0, 8]]])


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2, 3, 4), "ZeroMasked takes the tuple (x, mask), got one array of shape (2, 3, 4)"),
        (((2, 3, 4), (2, 5)), "ZeroMasked: its mask has a truth value for every place of the leading axes: expected (2, 3), got (2, 5)"),
        (((2, 3), (2, 3, 1)), "expected (2, 3), got (2, 3, 1)"),
    ],
)
def test_what_is_no_mask_is_refused(shape: Any, message: str) -> None:
    """With what would be one."""
    with pytest.raises(ShapeError) as caught:
        ZeroMasked.out_shape(shape)
    assert message in str(caught.value)


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_blocks_give_zero_where_nothing_is_real(norm: Any) -> None:
    """By the way around too; and what is asked of their outputs there teaches nothing."""
    net = TransformerBlock(4, 2, masked=True, norm=norm)
    _, params = net.init(0, (X.shape, MASK.shape), dtype=np.float64)
    (y, _), pull = vjp(net.apply, params, (X, MASK))
    assert not y[~MASK].any()
    assert y[MASK].all()
    g, (dx, _) = pull((np.where(MASK[..., None], 0, np.ones_like(X)), np.zeros(MASK.shape)))
    assert not dx.any()
    assert not any(g.at(path).any() for path in g.paths())


@pytest.mark.parametrize("padding", [np.nan, np.inf, 1e30])
def test_padding_is_as_good_as_zeros_step_by_step(padding: float) -> None:
    """Decoders remember nothing of it."""
    net = serial(
        ZeroMasked, first(Dense(4)), TransformerBlock(4, 2, masked=True, causal=True, rotary=True),
        keep(LSTM(4, masked=True)), first(Dense(2)),
    )  # fmt: skip
    _, params = net.init(0, (X.shape, MASK.shape), dtype=np.float64)
    step, memory = decoder(net), None
    wanted = net.apply(params, (padded(X, 0), MASK))[0]
    for at in (slice(0, 2), slice(2, 3), slice(3, 5)):
        (y, _), memory = step(params, (padded(X, padding)[:, at], MASK[:, at]), memory)
        assert np.allclose(y, wanted[:, at], rtol=1e-12, atol=1e-14)


def test_the_largest_of_real_steps_is_real() -> None:
    """Where that is -inf too, it comes of a real step and goes back there."""
    x, mask = np.array([[[7.0], [-np.inf], [3.0]]]), np.array([[False, True, False]])
    y, pull = vjp(MaxOver(1, masked=True).apply, {}, (x, mask))
    assert np.array_equal(y, [[-np.inf]])
    assert np.array_equal(pull(np.ones((1, 1)))[1][0], [[[0], [1], [0]]])


def shape_of(x: Any) -> Any:
    """The shape of an input, nested as it is."""
    return tuple(map(shape_of, x)) if isinstance(x, tuple) else x.shape
