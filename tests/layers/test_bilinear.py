"""Bilinear and EinsumDense: loops, closed forms, fans, biases, messages."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from funcnn import Array, Bilinear, Dense, EinsumDense, Key, Params, ShapeError, Tree, vjp
from funcnn.initializers import variance_scaling

RNG = np.random.default_rng(5)


def drawn(*shape: int) -> Array:
    return RNG.normal(size=shape)


def test_bilinear_by_hand() -> None:
    """`(1, 2) [[3, 0], [1, -1]] (5, 7)^T + 1 = 15 + 10 - 14 + 1`."""
    params = {"w": np.array([[3.0, 0.0], [1.0, -1.0]])[..., None], "b": np.ones(1)}
    y, pullback = vjp(Bilinear(1).apply, params, (np.array([[1.0, 2.0]]), np.array([[5.0, 7.0]])))
    assert y.tolist() == [[12.0]]
    dparams, (du, dv) = pullback(np.ones((1, 1)))
    assert dparams.at("w")[..., 0].tolist() == [[5.0, 7.0], [10.0, 14.0]] and dparams.at("b").tolist() == [1.0]
    assert (du.tolist(), dv.tolist()) == ([[15.0, -2.0]], [[5.0, -2.0]])


@pytest.mark.parametrize("batch", [(4,), (2, 3), (), (0,)])
def test_bilinear_is_the_loop(batch: tuple[int, ...]) -> None:
    """Over rows, outputs and both inputs, value and cotangents; without rows too."""
    u, v, w, dy = drawn(*batch, 3), drawn(*batch, 2), drawn(3, 2, 4), drawn(*batch, 4)
    y, pullback = vjp(Bilinear(4, bias=False).apply, {"w": w}, (u, v))
    dparams, (du, dv) = pullback(dy)
    wanted, dw, wanted_u, wanted_v = np.zeros(dy.shape), np.zeros(w.shape), np.zeros(u.shape), np.zeros(v.shape)
    for row in np.ndindex(*batch):
        for i, j, k in itertools.product(range(3), range(2), range(4)):
            wanted[(*row, k)] += u[(*row, i)] * w[i, j, k] * v[(*row, j)]
            dw[i, j, k] += u[(*row, i)] * v[(*row, j)] * dy[(*row, k)]
            wanted_u[(*row, i)] += w[i, j, k] * v[(*row, j)] * dy[(*row, k)]
            wanted_v[(*row, j)] += w[i, j, k] * u[(*row, i)] * dy[(*row, k)]
    for found, loop in ((y, wanted), (dparams.at("w"), dw), (du, wanted_u), (dv, wanted_v)):
        assert found == pytest.approx(loop, rel=1e-13, abs=1e-13)


def test_bilinear_wants_two_inputs_of_one_batch() -> None:
    """One array, three, another batch: refused with what is wanted."""
    with pytest.raises(ShapeError, match="Bilinear takes a tuple of 2, got one array"):
        Bilinear(3).out_shape((2, 3))
    with pytest.raises(ShapeError, match=r"same batch axes, got \(\(2, 3\), \(4, 3\)\)"):
        Bilinear(3).out_shape(((2, 3), (4, 3)))
    with pytest.raises(ShapeError, match="same batch axes"):
        Bilinear(3).out_shape(((2, 3), (2, 5, 3)))
    assert Bilinear(3).out_shape(((-1, 3), (4, 2))) == (4, 3)


# EinsumDense ----------------------------------------------------------------------------------------------------------
EQUATIONS = [
    ("...d,dhk->...hk", {"h": 2, "k": 3}, (4, 5, 6)),
    ("...d,dhk->...hk", {"h": 2, "k": 3}, (6,)),
    ("bthk,hkd->btd", {"d": 3}, (2, 4, 2, 5)),
    ("btd,de->bet", {"e": 3}, (2, 4, 5)),
    ("bhd,hde->bhe", {"e": 4}, (3, 2, 5)),
    ("bhd,dhe->ebh", {"e": 4}, (3, 2, 5)),
    ("...hd,hde->...eh", {"e": 4}, (3, 2, 2, 5)),
    ("bd,de->be", {"e": 2}, (0, 5)),
    ("bd,d->bd", {}, (3, 5)),
]


@pytest.mark.parametrize(("equation", "sizes", "shape"), EQUATIONS)
def test_einsum_dense_is_einsum(equation: str, sizes: dict[str, Any], shape: tuple[int, ...]) -> None:
    """Value and cotangents are NumPy's einsum, which looks for no matrix product here, and the bias is broadcast."""
    net = EinsumDense(equation, **sizes)
    _, drawn_params = net.init(Key(0), shape, dtype=np.float64)
    params: Tree = {name: drawn(*drawn_params.at(name).shape) for name in ("w", "b")}
    x, w, b = drawn(*shape), params["w"], params["b"]
    assert isinstance(w, np.ndarray) and isinstance(b, np.ndarray)
    y, pullback = vjp(net.apply, params, x)
    batch = "xyz"[: len(shape) + 3 - len(equation.split(",")[0])]  # what the dots stand for
    equation = equation.replace("...", batch)
    x_, w_, y_ = equation.replace("->", ",").split(",")
    letters = [a for a in y_ if a in w_]
    full = b.reshape([b.shape[letters.index(a)] if a in letters else 1 for a in y_])
    assert y == pytest.approx(np.einsum(equation, x, w) + full, rel=1e-13, abs=1e-13)
    dy = drawn(*y.shape)
    dparams, dx = pullback(dy)
    assert dparams.at("w") == pytest.approx(np.einsum(f"{x_},{y_}->{w_}", x, dy), rel=1e-13, abs=1e-13)
    assert dx == pytest.approx(np.einsum(f"{y_},{w_}->{x_}", dy, w), rel=1e-13, abs=1e-13)
    assert dparams.at("b") == pytest.approx(np.einsum(f"{y_}->{''.join(letters)}", dy), rel=1e-13, abs=1e-13)
    assert net.out_shape(shape) == y.shape


def test_einsum_dense_of_matrices_is_dense() -> None:
    """The same params, drawn from the same key, and the same value."""
    net, dense = EinsumDense("...d,de->...e", e=7), Dense(7)
    _, params = net.init(Key(3), (4, 5))
    assert params == dense.init(Key(3), (4, 5))[1]
    x = drawn(2, 4, 5).astype(np.float32)
    assert net.apply(params, x) == pytest.approx(dense.apply(params, x), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize(
    ("equation", "sizes", "shape", "fan_in"),
    [
        ("...d,dhk->...hk", {"h": 8, "k": 25}, (2, 100), 100),
        ("bhd,hde->bhe", {"e": 100}, (2, 8, 50), 50),
        ("bhk,khd->bd", {"d": 30}, (2, 8, 50), 400),
    ],
)
def test_einsum_dense_draws_by_what_is_summed_over(
    equation: str, sizes: dict[str, Any], shape: tuple[int, ...], fan_in: int
) -> None:
    """The variance of an initializer of fan-in is one over the number of terms of an output."""
    net = EinsumDense(equation, W_init=variance_scaling(1.0, "fan_in", "normal"), **sizes)
    _, params = net.init(Key(0), shape, dtype=np.float64)
    assert float(params.at("w").var()) * fan_in == pytest.approx(1.0, rel=0.05)


def test_einsum_dense_draws_other_weights_at_every_place() -> None:
    """Of a letter that all terms have."""
    _, params = EinsumDense("bhd,hde->bhe", e=3).init(Key(0), (1, 2, 4))
    w = params.at("w")
    assert not np.array_equal(w[0], w[1])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EinsumDense("bd,dde->be", e=2), "no letter may stand twice in a term, got 'dde'"),
        (lambda: EinsumDense("bd,df->be", f=2), "every letter must stand in two terms at least, 'e' of"),
        (lambda: EinsumDense("bd,de->e", e=2), "every letter must stand in two terms at least, 'b' of"),
        (lambda: EinsumDense("bd,dhk->bhk", h=2), "sizes are wanted for the letters that x has not, h, k of .*, got h"),
        (lambda: EinsumDense("bd,de->be", d=2, e=2), "wanted for the letters that x has not, e of .*, got d, e"),
        (lambda: EinsumDense("bd,d->bd", e=2), "x has not, none of .*, got e"),
    ],
)
def test_einsum_dense_refuses_other_equations(make: Callable[[], object], message: str) -> None:
    """At construction, with what is wanted."""
    with pytest.raises(ValueError, match=message):
        make()


def test_einsum_dense_refuses_other_ranks_and_sizes() -> None:
    """The message says the equation; params of another size are told of by path."""
    net = EinsumDense("btd,de->bte", e=2)
    with pytest.raises(ShapeError, match=r"EinsumDense\('btd,de->bte'\) takes an array of 3 axes, got \(2, 3\)"):
        net.out_shape((2, 3))
    params = Params({"w": np.ones((5, 2)), "b": np.ones(2)})
    with pytest.raises(ShapeError):
        net.apply(params, np.ones((1, 2, 4)))
