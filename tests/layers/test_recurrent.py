"""Recurrent layers: values by hand, masks, states, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from funcnn import (
    GRU, LSTM, RNN, Array, Dense, GRUCell, Layer, LSTMCell, Params, RNNCell, ShapeError, serial, vjp,
)  # fmt: skip
from funcnn.promises import leaves_in
from funcnn.shapes import shape_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 6, 4))
UNITS = 5
LAYERS: dict[str, Any] = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}
MASKS = {
    "full": np.ones((3, 6), np.bool_),
    "nothing": np.zeros((3, 6), np.bool_),
    "one step": np.arange(6) < np.ones((3, 1)),
    "uneven": np.arange(6) < np.array([[6], [2], [0]]),
    "gaps": np.array([[1, 0, 1, 1, 0, 1], [0, 1, 0, 0, 1, 0], [0, 0, 0, 1, 1, 1]]) != 0,
}


def sigmoid(z: Array) -> Array:
    """As in books."""
    found: Array = 1 / (1 + np.exp(-z))
    return found


def by_hand(name: str, params: Params, x: Array, state: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...]]:
    """One step, written gate by gate."""
    w, u, b = params.at("w"), params.at("u"), params.at("b")
    h, n, rows = state[0], len(u), u.shape[1]
    p, q = x @ w + b[:rows], h @ u + b[rows:]
    if name == "RNN":
        new = np.tanh(p + q)
        return new, (new,)
    if name == "GRU":
        r, z = sigmoid(p[:, :n] + q[:, :n]), sigmoid(p[:, n : 2 * n] + q[:, n : 2 * n])
        new = (1 - z) * np.tanh(p[:, 2 * n :] + r * q[:, 2 * n :]) + z * h
        return new, (new,)
    i, f, g, o = np.split(p + q, 4, axis=1)
    c = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(g)
    new = sigmoid(o) * np.tanh(c)
    return new, (new, c)


def run_by_hand(
    name: str, params: Params, x: Array, mask: npt.NDArray[np.bool_], state: tuple[Array, ...]
) -> tuple[Array, tuple[Array, ...]]:
    """A loop over rows and steps: no step that is not real is ever looked at."""
    y = np.zeros((len(x), x.shape[1], state[0].shape[1]))
    finals = [s.copy() for s in state]
    for row in range(len(x)):
        here = tuple(s[row : row + 1] for s in state)
        for t in np.flatnonzero(mask[row]):
            out, here = by_hand(name, params, x[row : row + 1, t], here)
            y[row, t] = out[0]
        for final, s in zip(finals, here, strict=True):
            final[row] = s[0]
    return y, tuple(finals)


def states(name: str) -> tuple[Array, ...]:
    """An initial state that is not zero."""
    rng = np.random.default_rng(1)
    return tuple(rng.normal(size=(3, UNITS)) for _ in range(2 if name == "LSTM" else 1))


def as_state(parts: tuple[Any, ...]) -> Any:
    """Alone where there is one."""
    return parts if len(parts) > 1 else parts[0]


def arrays(state: Any) -> tuple[Array, ...]:
    """Of a state."""
    return state if isinstance(state, tuple) else (state,)


def drawn(net: Layer[Any, Any], shape: Any) -> Params:
    """float64 params, biases too."""
    _, params = net.init(0, shape, dtype=np.float64)
    for path in params.paths():
        if path.endswith("b"):
            params = params.set(path, np.random.default_rng(2).normal(size=params.at(path).shape))
    return params


@pytest.mark.parametrize("mask", MASKS.values(), ids=list(MASKS))
@pytest.mark.parametrize("name", LAYERS)
def test_values_are_those_by_hand(name: str, mask: npt.NDArray[np.bool_]) -> None:
    """Gate by gate, row by row, over the real steps alone: outputs of all steps, the last one, and final states."""
    make, start = LAYERS[name], states(name)
    whole = make(UNITS, masked=True, state=True)
    shape = ((3, 6, 4), (3, 6), as_state(tuple(s.shape for s in start)))
    params = drawn(whole, shape)
    wanted, finals = run_by_hand(name, params, X, mask, start)
    y, state = whole.apply(params, (X, mask, as_state(start)))
    assert np.allclose(y, wanted, rtol=1e-13, atol=1e-15)
    for got, final in zip(arrays(state), finals, strict=True):
        assert np.allclose(got, final, rtol=1e-13, atol=1e-15)
    last, _ = make(UNITS, masked=True, state=True, last=True).apply(params, (X, mask, as_state(start)))
    assert np.allclose(last, finals[0], rtol=1e-13, atol=1e-15)
    nothing = ~mask.any(axis=1)
    assert np.array_equal(last[nothing], start[0][nothing])
    zeros = tuple(np.zeros_like(s) for s in start)
    plain = make(UNITS, masked=True).apply(params, (X, mask))
    assert np.allclose(plain, run_by_hand(name, params, X, mask, zeros)[0], rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", LAYERS)
def test_a_full_mask_is_no_mask(name: str) -> None:
    """Bit for bit, values and gradients."""
    plain, masked = LAYERS[name](UNITS), LAYERS[name](UNITS, masked=True)
    params = drawn(plain, X.shape)
    (y, pull), (z, other) = vjp(plain.apply, params, X), vjp(masked.apply, params, (X, MASKS["full"]))
    assert np.array_equal(y, z)
    (g, dx), (h, (dz, _)) = pull(y), other(y)
    assert g == h
    assert np.array_equal(dx, dz)


@pytest.mark.parametrize("mask", MASKS.values(), ids=list(MASKS))
@pytest.mark.parametrize("padding", [7.0, 1e30, np.nan])
@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("last", [False, True])
def test_padding_changes_nothing(name: str, mask: npt.NDArray[np.bool_], padding: float, last: bool) -> None:
    """Whatever stands where nothing is real: outputs and gradients are the same bits, and there they are zero."""
    net = LAYERS[name](UNITS, masked=True, last=last)
    params = drawn(net, (X.shape, mask.shape))
    other = np.where(mask[..., None], X, padding)
    (y, pull), (z, back) = vjp(net.apply, params, (X, mask)), vjp(net.apply, params, (other, mask))
    assert np.array_equal(y, z)
    dy = np.random.default_rng(3).normal(size=y.shape)
    (g, (dx, _)), (h, (dz, _)) = pull(dy), back(dy)
    assert g == h
    assert np.array_equal(dx, dz)
    assert not dx[~mask].any()
    assert last or not y[~mask].any()


@pytest.mark.parametrize("name", LAYERS)
def test_what_is_behind_the_last_real_step_is_as_if_cut_off(name: str) -> None:
    """A short row in a long batch is the short row alone, but for rounding."""
    net = LAYERS[name](UNITS, masked=True, last=True)
    params = drawn(net, (X.shape, (3, 6)))
    mask = MASKS["uneven"]
    y, pull = vjp(net.apply, params, (X, mask))
    alone, back = vjp(LAYERS[name](UNITS, last=True).apply, params, X[1:2, :2])
    assert np.allclose(y[1:2], alone, rtol=1e-14)
    dy = np.zeros_like(y)
    dy[1] = 1
    (g, (dx, _)), (h, dz) = pull(dy), back(dy[1:2])
    assert np.allclose(dx[1:2, :2], dz, rtol=1e-13)
    assert all(np.allclose(g.at(path), h.at(path), rtol=1e-12, atol=1e-15) for path in g.paths())


@pytest.mark.parametrize("name", LAYERS)
def test_the_state_carries_on(name: str) -> None:
    """Two halves one after the other are the whole, bit for bit."""
    net = LAYERS[name](UNITS, state=True)
    start = as_state(states(name))
    params = drawn(net, (X.shape, as_state(tuple((3, UNITS) for _ in states(name)))))
    y, final = net.apply(params, (X, start))
    first, between = net.apply(params, (X[:, :2], start))
    second, after = net.apply(params, (X[:, 2:], between))
    assert np.allclose(np.concatenate([first, second], 1), y, rtol=1e-14)
    assert all(map(np.allclose, arrays(after), arrays(final)))


@pytest.mark.parametrize(("layer", "cell"), [(RNN, RNNCell), (GRU, GRUCell), (LSTM, LSTMCell)], ids=list(LAYERS))
def test_a_cell_is_the_first_step(layer: Any, cell: Any) -> None:
    """The same params, the same numbers."""
    one, net = cell(UNITS), layer(UNITS, state=True)
    start = as_state(states(layer.__name__))
    shape = as_state(tuple((3, UNITS) for _ in states(layer.__name__)))
    params = drawn(one, ((3, 4), shape))
    y, _ = one.apply(params, (X[:, 0], start))
    ys, _ = net.apply(params, (X[:, :1], start))
    assert np.array_equal(y, ys[:, 0])


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize(("batch", "time", "features", "units"), [(1, 1, 1, 1), (1, 5, 1, 2), (4, 1, 3, 1), (0, 3, 2, 2)])
def test_small_sizes(name: str, batch: int, time: int, features: int, units: int) -> None:
    """Width one, batch one, one step, no rows."""
    net = LAYERS[name](units)
    params = drawn(net, (1, time, features))
    x = RNG.normal(size=(batch, time, features))
    zeros = tuple(np.zeros((batch, units)) for _ in states(name))
    wanted, _ = run_by_hand(name, params, x, np.ones((batch, time), np.bool_), zeros)
    y, pull = vjp(net.apply, params, x)
    assert np.allclose(y, wanted, rtol=1e-13, atol=1e-15)
    assert pull(y)[1].shape == x.shape


@pytest.mark.parametrize("name", LAYERS)
def test_no_steps(name: str) -> None:
    """The rules take them too: no output, and the state as it was."""
    net = LAYERS[name](UNITS, state=True)
    start = as_state(states(name))
    params = drawn(net, (X.shape, as_state(tuple((3, UNITS) for _ in states(name)))))
    (y, final), pull = net.apply.rule(params.to_dict(), (X[:, :0], start))
    assert y.shape == (3, 0, UNITS)
    dparams, dx = pull((y, start))
    assert all(not g.any() for g in dparams.values())
    for same in (final, dx.now()[1]):
        assert all(map(np.array_equal, arrays(same), states(name)))


def test_layers_stand_in_a_row() -> None:
    """Stacked recurrent layers are a serial."""
    net = serial(LSTM(8), GRU(3), RNN(4, last=True), Dense(2))
    assert net.out_shape((-1, 20, 5)) == (-1, 2)
    assert net.init(0, (-1, 20, 5))[1].at("lstm_0/u").shape == (8, 32)


def test_params_are_counted_as_peers_count_them() -> None:
    """Two biases for every gate."""
    for make, blocks in ((RNN, 1), (GRU, 3), (LSTM, 4)):
        _, params = make(5).init(0, (1, 1, 4))
        assert sum(params.at(path).size for path in params.paths()) == blocks * 5 * (4 + 5 + 2)


@pytest.mark.parametrize(
    ("net", "shape", "message"),
    [
        (LSTM(3), (4, 5), "LSTM takes (batch, time, features), got (4, 5)"),
        (LSTM(3), ((4, 5, 2), (4, 5)), "LSTM takes one array x, got a tuple of 2, ((4, 5, 2), (4, 5)); masked=True adds a mask, state=True adds a state"),
        (LSTM(3, masked=True), (4, 5, 2), "LSTM takes the tuple (x, mask), got one array of shape (4, 5, 2); masked=True wants a mask"),
        (GRU(3, masked=True), ((4, 5, 2), (4, 6)), "GRU: its mask has one truth value a step, (batch, time): expected (4, 5), got (4, 6)"),
        (GRU(3, masked=True), ((4, 5, 2), (4, 5, 1)), "expected (4, 5), got (4, 5, 1)"),
        (RNN(3, state=True), ((4, 5, 2), (4, 2)), "RNN: its state is (batch, units): expected (4, 3), got (4, 2)"),
        (LSTM(3, state=True), ((4, 5, 2), (4, 3)), "LSTM: its state is (batch, units): expected ((4, 3), (4, 3)), got (4, 3)"),
        (LSTM(3, masked=True, state=True), ((4, 5, 2), (4, 5)), "LSTM takes the tuple (x, mask, state), got a tuple of 2"),
        (serial(Dense(2), LSTM(3)), (4, 5), "lstm_0 in serial: LSTM takes (batch, time, features), got (4, 2)"),
        (GRUCell(3), ((4, 2), (4, 2)), "GRUCell: its state is (batch, units): expected (4, 3), got (4, 2)"),
        (RNNCell(3), (4, 2), "RNNCell takes the tuple (x, state), got one array of shape (4, 2)"),
        (LSTMCell(3), ((4, 5, 2), ((4, 3), (4, 3))), "LSTMCell takes x (batch, features) and a state, got (4, 5, 2)"),
    ],
    ids=repr,
)  # fmt: skip
def test_wrong_shapes_say_so(net: Layer[Any, Any], shape: Any, message: str) -> None:
    """What came, what was expected, and the argument that would be right."""
    with pytest.raises(ShapeError) as caught:
        net.out_shape(shape)
    assert message in str(caught.value)


@pytest.mark.parametrize("make", [*LAYERS.values(), RNNCell, GRUCell, LSTMCell])
def test_units_are_positive(make: Any) -> None:
    """At construction."""
    with pytest.raises(ValueError, match="units must be an integer of at least 1, got 0"):
        make(0)


def test_masks_are_booleans() -> None:
    """Numbers are refused, with the fix."""
    net = LSTM(2, masked=True)
    _, params = net.init(0, ((1, 2, 3), (1, 2)))
    with pytest.raises(TypeError, match="mask != 0"):
        net.apply(params, (np.ones((1, 2, 3)), np.ones((1, 2))))  # type: ignore[arg-type]




@pytest.mark.parametrize("make", [*LAYERS.values(), RNNCell, GRUCell, LSTMCell])
def test_without_bias(make: Any) -> None:
    """It is the layer whose biases are 0: values, and the gradients of the others."""
    net, full, name = make(UNITS, bias=False), make(UNITS), make.__name__
    x: Any = (X[:, 0], as_state(states(name.removesuffix("Cell")))) if name.endswith("Cell") else X
    _, params = net.init(0, shape_of(x), dtype=np.float64)
    assert params.paths() == ("u", "w")
    whole = {**params.to_dict(), "b": np.zeros(2 * params.at("u").shape[1])}
    (y, pullback), (wanted, back) = vjp(net.apply, params, x), vjp(full.apply, whole, x)
    (dparams, dx), (all_, dw) = pullback(y), back(wanted)
    for found, other in zip(leaves_in((y, dx)), leaves_in((wanted, dw)), strict=True):
        np.testing.assert_allclose(found, other, rtol=1e-13, atol=1e-15)
    for path in ("u", "w"):
        np.testing.assert_allclose(dparams.at(path), all_.at(path), rtol=1e-13, atol=1e-14)
