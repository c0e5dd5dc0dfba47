"""Winograd's convolution and its pullbacks against the direct sum in float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funcnn import Array
from funcnn.kernels import choice, correlation, winograd, winograd_matrices
from funcnn.kernels.windows import Pads, Windows

ERROR = 3e-5  # relative to the largest entry: what the kernel's documentation states, with room for unlucky draws

pads = st.tuples(st.tuples(st.integers(0, 2), st.integers(0, 2)), st.tuples(st.integers(0, 2), st.integers(0, 2)))


both_windows = pytest.mark.parametrize("window", winograd_matrices.POINTS)


def direct(x: Array, w: Array, pads: Pads) -> Array:
    """The sum over the offsets, in float64."""
    x = np.pad(x.astype(np.float64), ((0, 0), *pads, (0, 0)))
    h, k = x.shape[1] - len(w) + 1, x.shape[2] - len(w) + 1
    total: Array = np.zeros((len(x), h, k, w.shape[3]))
    for i in range(len(w)):
        for j in range(len(w)):
            total = total + x[:, i : i + h, j : j + k] @ w[i, j].astype(np.float64)
    return total


def direct_pullback(x: Array, w: Array, dy: Array, pads: Pads) -> tuple[Array, Array]:
    """The cotangents of windows and images, term by term, in float64."""
    (top, _), (left, _) = pads
    padded = np.pad(x.astype(np.float64), ((0, 0), *pads, (0, 0)))
    dw, dx, d = np.zeros(w.shape), np.zeros(padded.shape), dy.astype(np.float64)
    h, k = d.shape[1:3]
    for i in range(len(w)):
        for j in range(len(w)):
            dw[i, j] = np.einsum("nhwc,nhwo->co", padded[:, i : i + h, j : j + k], d)
            dx[:, i : i + h, j : j + k] += d @ w[i, j].astype(np.float64).T
    return dw, dx[:, top : top + x.shape[1], left : left + x.shape[2]]


def off(found: Array, wanted: Array) -> float:
    """The error relative to the largest entry."""
    assert found.shape == wanted.shape and found.dtype == np.float32
    return float(np.max(np.abs(found - wanted), initial=0) / (np.max(np.abs(wanted), initial=0) + 1e-30))


def check_all_passes(n: int, h: int, k: int, w_shape: tuple[int, ...], pads: Pads, seed: int) -> None:
    """Value and pullbacks for images n x h x k are within the stated error."""
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=(n, h, k, w_shape[2])).astype(np.float32), rng.normal(size=w_shape).astype(np.float32)
    y = direct(x, w, pads)
    dy = rng.normal(size=y.shape).astype(np.float32)
    dw, dx = direct_pullback(x, w, dy, pads)
    assert off(winograd.convolve(x, w, pads), y) < ERROR
    assert off(winograd.convolve_params(x, dy, pads)[0], dw) < ERROR
    assert np.allclose(winograd.convolve_params(x, dy, pads)[1], dy.sum((0, 1, 2)), atol=1e-3)
    assert off(winograd.convolve_input(dy, w, x.shape, pads), dx) < ERROR


@both_windows
@given(
    n=st.integers(1, 7), h=st.integers(0, 12), k=st.integers(0, 12), c=st.integers(1, 5), o=st.integers(1, 5),
    pads=pads, seed=st.integers(0, 1000),
)  # fmt: skip
def test_all_three_passes_are_within_the_stated_error(
    window: int, n: int, h: int, k: int, c: int, o: int, pads: Pads, seed: int
) -> None:
    """For every size, number of channels and padding, whole tiles or not."""
    check_all_passes(n, window + h, window + k, (window, window, c, o), pads, seed)


@both_windows
def test_wide_layers_are_within_the_stated_error(window: int) -> None:
    """Many channels, several blocks, the last one not full."""
    check_all_passes(9, 16, 16, (window, window, 96, 64), ((1, 1), (1, 1)), seed=0)


@both_windows
def test_the_formula_of_one_tile(window: int) -> None:
    """`A^T [(G g G^T) * (B^T d B)] A` is the direct sum, here of small whole numbers and in float64."""
    f, rng = winograd_matrices.form(window), np.random.default_rng(window)
    d, g = (rng.integers(-4, 5, (n, n)).astype(np.float64) for n in (f.size, window))
    at, bt, gg = (matrix.astype(np.float64) for matrix in (f.at, f.bt, f.gg))
    y = at @ ((gg @ g.ravel()).reshape(d.shape) * (bt @ d @ bt.T)) @ at.T
    wanted = direct(d[None, :, :, None], g[:, :, None, None], ((0, 0), (0, 0)))[0, :, :, 0]
    assert y.round(3).tolist() == wanted.tolist()


@both_windows
def test_the_bias_is_added(window: int) -> None:
    """To every output of its channel."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 5, 6, 3)).astype(np.float32)
    w = rng.normal(size=(window, window, 3, 4)).astype(np.float32)
    b, pads = np.arange(4, dtype=np.float32), ((0, 0), (0, 0))
    assert off(winograd.convolve(x, w, pads, b), direct(x, w, pads) + b) < ERROR


@pytest.mark.parametrize("layout", ["fortran", "strided", "reversed"])
def test_any_memory_layout_will_do(layout: str) -> None:
    """Input and cotangent need not be contiguous, and are left alone."""
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(4, 6, 6, 3)).astype(np.float32), rng.normal(size=(3, 3, 3, 2)).astype(np.float32)
    dy, pads = rng.normal(size=(4, 4, 4, 2)).astype(np.float32), ((0, 0), (0, 0))

    def laid(a: Array) -> Array:
        if layout == "fortran":
            return np.asfortranarray(a)
        return np.repeat(a, 2, axis=-1)[..., ::2] if layout == "strided" else np.ascontiguousarray(a[::-1])[::-1]

    before = x.copy(), dy.copy()
    assert np.array_equal(winograd.convolve(laid(x), laid(w), pads), winograd.convolve(x, w, pads))
    assert np.array_equal(
        winograd.convolve_params(laid(x), laid(dy), pads)[0], winograd.convolve_params(x, dy, pads)[0]
    )
    found = winograd.convolve_input(laid(dy), laid(w), x.shape, pads)
    assert np.array_equal(found, winograd.convolve_input(dy, w, x.shape, pads))
    assert np.array_equal(x, before[0]) and np.array_equal(dy, before[1])


@both_windows
@given(
    n=st.integers(1, 4), h=st.integers(0, 9), k=st.integers(0, 9), groups=st.integers(2, 4), c=st.integers(1, 3),
    o=st.integers(1, 3), pads=pads, seed=st.integers(0, 1000),
)  # fmt: skip
def test_groups_are_convolutions_side_by_side(
    window: int, n: int, h: int, k: int, groups: int, c: int, o: int, pads: Pads, seed: int
) -> None:
    """Each is the convolution of its channels alone, in all three passes, and turned round too."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, window + h, window + k, groups * c)).astype(np.float32)
    w = rng.normal(size=(window, window, c, groups * o)).astype(np.float32)
    ins, outs = (np.split(np.arange(groups * many), groups) for many in (c, o))
    ys = [direct(x[..., i], w[..., j], pads) for i, j in zip(ins, outs, strict=True)]
    y = np.concatenate(ys, -1)
    dy = rng.normal(size=y.shape).astype(np.float32)
    back = [direct_pullback(x[..., i], w[..., j], dy[..., j], pads) for i, j in zip(ins, outs, strict=True)]
    dw, dx = (np.concatenate(parts, -1) for parts in zip(*back, strict=True))
    assert off(winograd.convolve(x, w, pads, groups=groups), y) < ERROR
    assert off(winograd.convolve_params(x, dy, pads, groups)[0], dw) < ERROR
    assert off(winograd.convolve_input(dy, w, x.shape, pads, groups=groups), dx) < ERROR
    turned = winograd.turned(w, groups)
    assert turned.shape == (window, window, o, groups * c)
    for i, j in zip(ins, outs, strict=True):
        np.testing.assert_array_equal(turned[..., i], winograd.turned(w[..., j]))


@pytest.mark.parametrize("size", [15, 90])
def test_groups_of_several_channels_go_by_it(size: int) -> None:
    """In float32, small images and bands of large ones; single channels do not."""
    rng = np.random.default_rng(0)
    how = Windows((3, 3), (1, 1), (1, 1), ((1, 1), (1, 1)))
    x, w = rng.normal(size=(2, size, size, 24)), rng.normal(size=(3, 3, 8, 6))
    dy, b = rng.normal(size=(2, size, size, 6)), rng.normal(size=6)
    single = np.dtype(np.float32)
    assert choice.grouped(x.shape, w.shape, (1, 1), ((1, 1), (1, 1)), single)
    assert not choice.grouped(x.shape, (3, 3, 1, 24), (1, 1), ((1, 1), (1, 1)), single)
    found = _passes(*(a.astype(np.float32) for a in (x, w, dy, b)), how=how)
    wanted = _passes(*(a.astype(np.float32).astype(np.float64) for a in (x, w, dy, b)), how=how)
    for some, exact in zip(found, wanted, strict=True):
        assert off(some, exact) < ERROR


def _passes(*arrays: Array, how: Windows) -> tuple[Array, ...]:
    x, w, dy, b = arrays
    return (
        correlation.correlate(x, w, how, 3, b), *correlation.correlate_params(x, dy, how, 3),
        correlation.correlate_input(dy, w, x.shape, how, 3),
    )  # fmt: skip
