"""scan, map_over and bidirectional are the loops they stand for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.differences import drawn_like
from tests.layers.test_recurrent import MASKS, X, drawn
from funcnn import (
    GRU, LSTM, RNN, BatchNorm, Dense, Dropout, Embedding, Flatten, GRUCell, Key, Layer, LSTMCell, Params, RNNCell,
    ShapeError, Tanh, bidirectional, calibrate, first, map_over, rebuild, scan, serial, vjp,
)  # fmt: skip

S = np.random.default_rng(4).normal(size=(3, 5))
PAIRS: dict[str, tuple[Any, Any, Any]] = {
    "RNN": (RNN, RNNCell, S), "GRU": (GRU, GRUCell, S), "LSTM": (LSTM, LSTMCell, (S, 2 * S)),
}  # fmt: skip


LONGER: Layer[Any, Any] = Layer.lift(lambda s: (s[0], (*s[1], 2)), lambda x: (x, lambda d: d))  # type: ignore[misc]


def shape_of(x: Any) -> Any:
    """Of nested tuples."""
    return tuple(shape_of(v) for v in x) if isinstance(x, tuple) else x.shape


def close(a: Any, b: Any) -> bool:
    """Nested tuples of nearly the same numbers."""
    if isinstance(a, tuple):
        return all(map(close, a, b))
    return bool(np.allclose(a, b, rtol=1e-12, atol=1e-14))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", PAIRS)
def test_scan_of_a_cell_is_the_fast_layer(name: str, masked: bool) -> None:
    """Values, states, gradients; with every mask."""
    layer, cell, start = PAIRS[name]
    fast = layer(5, masked=masked, state=True)
    slow: Layer[Any, Any] = scan(cell(5), masked=True) if masked else scan(cell(5))
    for mask in MASKS.values() if masked else [None]:
        given = (X, start) if mask is None else (X, mask, start)
        swapped = (X, start) if mask is None else (X, start, mask)
        params = drawn(fast, shape_of(given))
        child = cell(5).init.name + "_0"
        (y, pull), (z, back) = vjp(fast.apply, params, given), vjp(slow.apply, Params({child: params}), swapped)
        assert close(y, z)
        dy = drawn_like(y, np.random.default_rng(5))
        (g, dx), (h, dz) = pull(dy), back(dy)
        assert all(close(g.at(path), h.at(f"{child}/{path}")) for path in g.paths())
        assert close((dx[0], dx[-1]), dz[:2])


def test_scan_backwards_is_scan_of_the_reversed() -> None:
    """Outputs stand at the steps that they belong to."""
    there, back = scan(GRUCell(5)), scan(GRUCell(5), reverse=True)
    params = drawn(there, (X.shape, S.shape))
    (y, s), (z, r) = there.apply(params, (X[:, ::-1], S)), back.apply(params, (X, S))
    assert np.array_equal(y[:, ::-1], z)
    assert np.array_equal(s, r)


def test_scan_gives_every_step_its_key() -> None:
    """Dropout in a cell draws anew at every step, and the same key gives the same numbers."""
    net = scan(serial(first(Dropout(0.5)), RNNCell(5)))
    params = drawn(net, (X.shape, S.shape))
    ones = np.ones_like(X)
    cell = {"serial_0": {"rnn_cell_0": {"w": np.eye(4, 5), "u": np.zeros((5, 5)), "b": np.zeros(10)}}}
    y, _ = net.apply(cell, (ones, S), rng=Key(0))
    assert len({bytes(y[:, t]) for t in range(6)}) > 3
    assert np.array_equal(net.apply(params, (X, S), rng=1)[0], net.apply(params, (X, S), rng=1)[0])


def test_scan_of_no_steps() -> None:
    """No outputs, the state as it came, and no gradient."""
    net = scan(LSTMCell(5), masked=True)
    params = drawn(net, (X.shape, (S.shape, S.shape), (3, 6)))
    rule: Any = net.apply.rule
    (y, state), pull = rule(params.to_dict(), (X[:, :0], (S, S), MASKS["full"][:, :0]))
    assert y.shape == (3, 0, 5)
    assert close(state, (S, S))
    grads, dx = pull((y, (S, 2 * S)))
    assert {name: g.shape for name, g in grads["lstm_cell_0"].items()} == {"w": (4, 20), "u": (5, 20), "b": (40,)}
    assert not any(g.any() for g in grads["lstm_cell_0"].values())
    assert close(dx[1], (S, 2 * S))


def test_a_cell_of_ones_own() -> None:
    """Running sums: the state is the sum so far; its pullback is the sum from behind."""
    def rule(params: Any, x: Any) -> Any:
        total = x[0] + x[1]
        return (total, total), lambda d: ({}, (d[0] + d[1], d[0] + d[1]))

    Sum: Layer[Any, Any] = Layer.of(lambda shape: (shape[0], shape[0]), lambda shape: {}, rule)
    zero = np.zeros((3, 4))
    (y, s), pull = vjp(scan(Sum).apply, {}, (X, zero))
    assert np.allclose(y, np.cumsum(X, 1))
    assert np.allclose(s, X.sum(1))
    _, (dx, ds) = pull((X, zero))
    assert np.allclose(dx, np.cumsum(X[:, ::-1], 1)[:, ::-1])
    assert np.allclose(ds, X.sum(1))


def test_map_over_is_the_loop() -> None:
    """At every place of the axis, values and gradients."""
    f = serial(Dense(2), Tanh)
    images = np.random.default_rng(6).normal(size=(2, 3, 4, 5))
    for axis in (1, 2):
        net = map_over(f, axis)
        params = drawn(net, images.shape)
        y, pull = vjp(net.apply, params, images)
        dy = drawn_like(y, np.random.default_rng(7))
        g, dx = pull(dy)
        parts = [vjp(f.apply, params.sub("serial_0"), np.take(images, i, axis)) for i in range(images.shape[axis])]
        assert np.allclose(y, np.stack([z for z, _ in parts], axis), rtol=1e-13)
        pulled = [back(np.take(dy, i, axis)) for i, (_, back) in enumerate(parts)]
        assert np.allclose(dx, np.stack([dz for _, dz in pulled], axis), rtol=1e-13)
        assert np.allclose(g.at("serial_0/dense_0/w"), sum(h.at("dense_0/w") for h, _ in pulled), rtol=1e-12)


def test_map_over_takes_tokens() -> None:
    """They stay integers."""
    net = map_over(serial(Embedding(5, 3), Flatten))
    tokens = np.arange(12).reshape(2, 3, 2) % 5
    assert net.apply(net.init(0, tokens.shape)[1], tokens).shape == (2, 3, 6)


@pytest.mark.parametrize("mask", MASKS.values(), ids=list(MASKS))
@pytest.mark.parametrize("last", [False, True])
def test_bidirectional_turns_the_real_steps_round(mask: Any, last: bool) -> None:
    """Row by row: the backward half is the layer on the real steps alone, reversed, put back in their places."""
    net = bidirectional(GRU(5, masked=True, last=last))
    params = drawn(net, (X.shape, mask.shape))
    y = net.apply(params, (X, mask))
    assert np.array_equal(y[..., :5], GRU(5, masked=True, last=last).apply(params.sub("forward"), (X, mask)))
    for row in range(3):
        real = np.flatnonzero(mask[row])
        if not len(real):
            assert not y[row].any()
            continue
        alone = GRU(5, last=last).apply(params.sub("backward"), X[row : row + 1, real[::-1]])[0]
        assert np.allclose(y[row, 5:] if last else y[row, real[::-1], 5:], alone, rtol=1e-13)


def test_bidirectional_without_a_mask() -> None:
    """The second half is the layer on the reversed sequence, reversed."""
    net = bidirectional(LSTM(5))
    params = drawn(net, X.shape)
    y = net.apply(params, X)
    assert np.allclose(y[..., 5:], LSTM(5).apply(params.sub("backward"), X[:, ::-1])[:, ::-1], rtol=1e-14)


def test_bidirectional_padding_changes_nothing() -> None:
    """Values and gradients are the same bits."""
    net = bidirectional(LSTM(5, masked=True))
    mask = MASKS["gaps"]
    params = drawn(net, (X.shape, mask.shape))
    other = np.where(mask[..., None], X, 1e9)
    (y, pull), (z, back) = vjp(net.apply, params, (X, mask)), vjp(net.apply, params, (other, mask))
    dy = drawn_like(y, np.random.default_rng(8))
    assert np.array_equal(y, z)
    (g, (dx, _)), (h, (dz, _)) = pull(dy), back(dy)
    assert g == h
    assert np.array_equal(dx, dz)


def test_walks_reach_the_children() -> None:
    """Statistics inside are calibrated, and other layers can be put in their places."""
    net = scan(serial(first(BatchNorm()), RNNCell(5)))
    params = drawn(net, (X.shape, S.shape))
    found = calibrate(net, params, [(X, S)])
    assert np.allclose(found.at("serial_0/first_0/batch_norm_0/mean"), X.mean((0, 1)))
    for f in (scan(serial(first(Dense(2)), RNNCell(5))), bidirectional(serial(Dense(2), GRU(3))), map_over(Dense(2))):
        wide = rebuild(f, lambda path, layer: Dense(7) if layer == Dense(2) else layer)
        assert wide != f


@pytest.mark.parametrize(
    ("net", "shape", "message"),
    [
        (scan(GRUCell(3)), (4, 5, 2), "scan takes the tuple (xs, state), got one array of shape (4, 5, 2)"),
        (scan(GRUCell(3)), ((4, 5, 2), (4, 3), (4, 5)), "got a tuple of 3, ((4, 5, 2), (4, 3), (4, 5)); masked=True adds a mask"),
        (scan(GRUCell(3), masked=True), ((4, 5, 2), (4, 3), (4, 4)), "(batch, time): expected (4, 5), got (4, 4)"),
        (scan(GRUCell(3)), ((4, 5, 2), (4, 2)), "gru_cell_0 in scan: GRUCell: its state is (batch, units): expected (4, 3), got (4, 2)"),
        (scan(GRUCell(3)), ((4,), (4, 3)), "scan takes an array of at least 2 axes, got (4,)"),
        (scan(serial(RNNCell(3), LONGER)), ((4, 5, 2), (4, 3)),
         "scan of serial_0: the cell gives the state in the shape it takes: expected (4, 3), got (4, 3, 2)"),
        (scan(Dense(3)), ((4, 5, 2), (4, 3)), "dense_0 in scan: Dense takes"),  # type: ignore[arg-type]
        (map_over(Dense(3)), (4,), "map_over takes an array of at least 2 axes, got (4,)"),
        (map_over(Dense(3)), (4, 5), "map_over of dense_0: it gives an output for every place of the axis: expected (20,), got (3,)"),
        (map_over(Flatten, 3), (4, 5, 6, 7), "map_over puts back axis 3, but flatten_0 gives (28, 30)"),
        (bidirectional(LSTM(3)), (4, 5), "bidirectional takes (batch, time, features), got (4, 5)"),
        (bidirectional(LSTM(3, masked=True)), ((4, 5, 2), (4, 2)), "expected (4, 5), got (4, 2)"),
        (bidirectional(LSTM(3)), ((4, 5, 2), (4, 5)), "forward in bidirectional: LSTM takes one array x"),
        (bidirectional(GRU(3, state=True)), ((4, 5, 2), (4, 3)), "expected (4, 5), got (4, 3)"),  # type: ignore[arg-type]
    ],
    ids=repr,
)  # fmt: skip
def test_wrong_shapes_say_so(net: Layer[Any, Any], shape: Any, message: str) -> None:
    """What came, what was expected, where."""
    with pytest.raises(ShapeError) as caught:
        net.out_shape(shape)
    assert message in str(caught.value)
