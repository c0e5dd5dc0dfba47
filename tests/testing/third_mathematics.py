"""Third corpus, layers whose mathematics is nearly right."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from funcnn import Key, Layer
from funcnn.authoring import axes
from tests.testing.second_corpus import Fault, of
from tests.testing.third_states import lifted


def shuffled(x: Any) -> Any:
    """Features in another order, which the pullback makes twice and not undone."""
    order = np.roll(np.arange(x.shape[-1]), 1)
    return x[..., order] * 1, lambda dy: dy[..., order] * 1


def cumulative_product(x: Any) -> Any:
    """Whose pullback divides."""
    y = np.cumprod(x, -1, dtype=x.dtype)
    return y, lambda dy: np.cumsum((dy * y)[..., ::-1], -1, dtype=x.dtype)[..., ::-1] / x


def power_spectrum(x: Any) -> Any:
    """The squares of the Fourier coefficients, whose negative frequencies are forgotten on the way back."""
    n = x.shape[-1]
    k = np.arange(n // 2 + 1)
    angle = 2 * np.pi * np.outer(np.arange(n), k) / max(n, 1)
    c, s = np.cos(angle).astype(x.real.dtype), np.sin(angle).astype(x.real.dtype)
    a, b = x @ c, x @ s
    last = np.ones(len(k), x.real.dtype)
    last[1:-1] = 0.5
    return a * a + b * b, lambda dy: 2 * ((dy * last * a) @ c.T + (dy * last * b) @ s.T)


def _half_of(s: Any) -> Any:
    return *axes("spectrum", s, at_least=1)[:-1], s[-1] // 2 + 1


def interpolated(p: Any, x: Any) -> Any:
    """Between five knots, straight on beyond them; beyond them the knots get nothing."""
    w = p["w"]
    at = np.clip(np.floor(np.real(x)).astype(int), -2, 1)
    t = x - at
    y = w[at + 2] * (1 - t) + w[at + 3] * t

    def pullback(dy: Any) -> Any:
        inside = (np.abs(x) <= 2).astype(x.dtype)
        dw = np.zeros_like(w)
        np.add.at(dw, at + 2, dy * (1 - t) * inside)
        np.add.at(dw, at + 3, dy * t * inside)
        return {"w": dw}, dy * (w[at + 3] - w[at + 2])

    return y, pullback


def straight_through(x: Any) -> Any:
    """Rounds, and says it does not."""
    return np.round(x * 2) / 2, lambda dy: dy * 1


def causal_attention(x: Any) -> Any:
    """Masked in the value; the pullback of the scores is masked nowhere, and shifted by a mean of all."""
    n = x.shape[1]
    s = x @ x.swapaxes(1, 2)
    mask = np.tril(np.ones((n, n), bool))
    e = np.where(mask, np.exp(np.where(mask, s - np.where(mask, s, -np.inf).max(-1, keepdims=True), 0)), 0)
    a = e / e.sum(-1, keepdims=True)

    def pullback(dy: Any) -> Any:
        da = dy @ x.swapaxes(1, 2)
        ds = a * (da - (da * a).mean(-1, keepdims=True))
        return a.swapaxes(1, 2) @ dy + ds @ x + ds.swapaxes(1, 2) @ x

    return a @ x, pullback


def log_softmax(x: Any) -> Any:
    """Whose pullback takes the mean of the cotangents for their sum."""
    z = x - x.max(-1, keepdims=True)
    y = z - np.log(np.exp(z).sum(-1, keepdims=True))
    return y, lambda dy: dy - np.exp(y) * dy.mean(-1, keepdims=True)


def convolution(p: Any, x: Any) -> Any:
    """Three steps wide, "same"; the pullback of x does not turn the kernel round."""
    w, n = p["w"], x.shape[1]
    wide = np.pad(x, ((0, 0), (1, 1), (0, 0)))
    y = np.zeros_like(x)
    for k in range(3):
        y = y + wide[:, k : k + n] * w[k]

    def pullback(dy: Any) -> Any:
        dw = np.stack([(dy * wide[:, k : k + n]).sum((0, 1)) for k in range(3)])
        padded = np.pad(dy, ((0, 0), (1, 1), (0, 0)))
        dx = np.zeros_like(x)
        for k in range(3):
            dx = dx + padded[:, k : k + n] * w[k]
        return {"w": dw}, dx

    return y, pullback


def table(p: Any, x: Any) -> Any:
    """Rows of a table, whose last one never learns: it was the padding once."""
    w = p["w"]

    def pullback(dy: Any) -> Any:
        dw = np.zeros_like(w)
        np.add.at(dw, x, dy)
        dw[-1] = 0
        return {"w": dw}, np.zeros(x.shape, w.dtype)

    return w[x], pullback


def _normal(key: Key, shape: Any, dtype: Any) -> Any:
    return key.generator().standard_normal(shape).astype(dtype)


MATHEMATICS: Final = (
    Fault("layer", "a permutation made twice", "true_pullback", of(lifted(shuffled))),
    Fault("layer", "a running product that divides", "finite", of(lifted(cumulative_product))),
    Fault("layer", "half a spectrum", "true_pullback", of(Layer.lift(
        _half_of, power_spectrum))),
    Fault("layer", "knots beyond the ends", "true_pullback", of(Layer.of(
        lambda s: axes("knots", s, at_least=1), lambda s: {"w": (_normal, (5,))}, interpolated))),
    Fault("layer", "straight through, and not said", "true_pullback", of(lifted(straight_through))),
    Fault("layer", "a mean where a sum is", "true_pullback", of(lifted(causal_attention, 3), "B", "T", "D")),
    Fault("layer", "a mean of cotangents", "true_pullback", of(lifted(log_softmax))),
    Fault("layer", "a kernel that is not turned", "true_pullback", of(Layer.of(
        lambda s: axes("conv", s, exactly=3), lambda s: {"w": (_normal, (3, axes("conv", s)[-1]))}, convolution),
        "B", "T", "D")),
    Fault("layer", "a last row that never learns", "true_pullback", of(Layer.of(
        lambda s: (*axes("table", s, at_least=1), 3), lambda s: {"w": (_normal, (5, 3))}, table,
        takes=lambda out: "tokens"), "B", "T", tokens=5)),
)  # fmt: skip
