"""Third corpus, layers that remember, draw, and look elsewhere; and mathematics that is nearly right."""

from __future__ import annotations

import datetime
import os
from time import time as now
from typing import Any, Final

import numpy as np

from funcnn import Key, Layer, layer
from funcnn.authoring import axes
from funcnn.networks import EMPTY
from tests.testing.faulty_layers import affine, pointwise, right
from tests.testing.faulty_rarely import half, random
from tests.testing.second_corpus import Fault, of


def lifted(f: Any, ndim: int | None = None) -> Layer[Any, Any]:
    """A layer without params that keeps its shape."""
    if ndim is None:
        return Layer.lift(lambda s: axes("third", s, at_least=1), f)
    return Layer.lift(lambda s: axes("third", s, exactly=ndim), f)


# what is remembered ---------------------------------------------------------------------------------------------------
def by_identity_of_weights() -> Layer[Any, Any]:
    """The transposed weights are kept, and found by the identity of the weights."""
    kept: dict[Any, Any] = {}

    def rule(p: Any, x: Any) -> Any:
        w = p["w"]
        t = kept.setdefault((id(w), w.shape, w.dtype.char), np.array(w.T))
        return right({"w": t.T, "b": p["b"]}, x)

    return affine(rule)


def by_address() -> Layer[Any, Any]:
    """Squares of x, found by where x lies."""
    kept: dict[Any, Any] = {}

    def f(x: Any) -> Any:
        at = (x.__array_interface__["data"][0], x.shape, x.dtype.char)
        s = kept.setdefault(at, x * x)
        return s, lambda dy: 2 * x * dy

    return lifted(f)


def by_shape() -> Layer[Any, Any]:
    """Divides by the largest of the first batch of every shape."""
    kept: dict[Any, Any] = {}

    def f(x: Any) -> Any:
        s = kept.setdefault((x.shape, x.dtype.char), 1 + np.abs(x).max() if x.size else 1)
        return x / s, lambda dy: dy / s

    return lifted(f)


def by_rounded_bytes() -> Layer[Any, Any]:
    """Found again by the bytes of x in half precision."""
    kept: dict[Any, Any] = {}

    def f(x: Any) -> Any:
        with np.errstate(all="ignore"):
            at = (x.shape, x.dtype.char, np.real(x).astype(np.float16).tobytes())
        z = kept.setdefault(at, np.array(x))
        return np.tanh(z), lambda dy: dy * (1 - np.tanh(z) ** 2)

    return lifted(f)


def warming_up() -> Layer[Any, Any]:
    """Learns the scale of its input in the first passes over large batches."""
    seen: list[float] = []

    def f(x: Any) -> Any:
        if len(x) > 8 and len(seen) < 10**6:
            seen.append(float(np.abs(x).mean()))
        by = x.dtype.type(1 / (1 + (sum(seen) / len(seen) if len(x) > 8 else 0)))
        return x * by, lambda dy: dy * by

    return lifted(f, 2)


def thinning() -> Layer[Any, Any]:
    """Its gradient comes at every second pullback only: gradients are accumulated, one thinks."""
    turn = [0]

    def rule(p: Any, x: Any) -> Any:
        y, back = right(p, x)

        def pullback(dy: Any) -> Any:
            turn[0] += 1
            g, dx = back(dy)
            return ({k: 2 * a for k, a in g.items()} if turn[0] % 2 else {k: 0 * a for k, a in g.items()}), dx

        return y, pullback

    return affine(rule)


def scratch_for_threads() -> Layer[Any, Any]:
    """Computes in one array for each shape, and hands out a copy."""
    rooms: dict[Any, Any] = {}

    def f(x: Any) -> Any:
        room = rooms.setdefault((x.shape, x.dtype.char), np.empty_like(x, order="C", subok=False))
        np.multiply(x, x, out=room)
        for _ in range(3):
            np.add(room, x, out=room)
        y = room.copy()
        return y, lambda dy: dy * (2 * x + 3)

    return lifted(f)


def slope_in_the_layer() -> Layer[Any, Any]:
    """The forward pass of a thread leaves its slope where that of another finds it."""
    kept: dict[str, Any] = {}

    def f(x: Any) -> Any:
        kept["t"] = np.tanh(x)
        y = kept["t"] * 1
        t = kept["t"]
        return y, lambda dy: dy * (1 - t * t)

    return lifted(f)


def saving_memory(x: Any) -> Any:
    """In place, where x is large and may be written to."""
    y = x
    if x.size > 100 and x.flags.writeable:
        np.maximum(x, 0, out=x)
    else:
        y = np.where(x > 0, x, 0)
    return y * 1, lambda dy: dy * (y > 0)


def into_weights(p: Any, x: Any) -> Any:
    """Adds the gradient to the weights where it may, and the pass is large."""
    y, back = right(p, x)

    def pullback(dy: Any) -> Any:
        g, dx = back(dy)
        if len(x) > 8 and p["b"].flags.writeable:
            p["b"][...] -= g["b"]
        return g, dx

    return y, pullback


# what is drawn --------------------------------------------------------------------------------------------------------
_generators: dict[Key, Any] = {}


def going_on(key: Key, x: Any) -> Any:
    """The generator of a key is kept, and goes on."""
    generator = _generators.setdefault(key, key.generator())
    return (generator.random(x.shape) < 0.5) * 2.0


def tiled(key: Key, x: Any) -> Any:
    """A mask of four rows, again and again."""
    mask = half(key, (4, *x.shape[1:]))
    return np.concatenate([mask] * (len(x) // 4 + 1))[: len(x)]


def twice_the_key(key: Key, x: Any) -> Any:
    """Two masks of one key are one."""
    return half(key, x.shape) * half(key, x.shape)


def first_bits(key: Key, x: Any) -> Any:
    """Of the key one bit is left."""
    return half(Key(int(key.generator().integers(2)) * 0), x.shape)


def seeded_by_sum(key: Key, x: Any) -> Any:
    """Draws by what it is given."""
    return (np.random.default_rng(int(abs(float(np.real(x).sum())) * 1e6)).random(x.shape) < 0.5) * 2.0


def with_global(key: Key, x: Any) -> Any:
    """NumPy's own state, after the key has had its say."""
    return (np.random.random(x.shape) < key.generator().uniform(0.4, 0.6)) * 2.0  # noqa: NPY002


@layer
def ByHash() -> Layer[Any, Any]:
    """A projection whose seed is the hash of a name."""
    seed = hash("projection") % 2**32

    def f(x: Any) -> Any:
        w = np.random.default_rng(seed).standard_normal((x.shape[-1], x.shape[-1])).astype(np.real(x).dtype)
        return x @ w, lambda dy: dy @ w.T

    return lifted(f)


@layer
def ByProcess() -> Layer[Any, Any]:
    """Another one in every process."""
    return pointwise(lambda x: x * (1 + os.getpid() % 97), lambda x, dy: dy * (1 + os.getpid() % 97))


def _today(x: Any) -> Any:
    return x * (1 + datetime.date.today().toordinal() % 9)


def _from_time(x: Any) -> Any:
    return x * (1 + int(now()) // 3600 % 9)


# mathematics ----------------------------------------------------------------------------------------------------------
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


def nothing(shape: Any) -> Any:
    """No params."""
    return EMPTY


STATE_FAULTS: Final = (
    Fault("layer", "kept by the identity of weights", "remembers_nothing", of(by_identity_of_weights())),
    Fault("layer", "kept by address", "remembers_nothing", of(by_address())),
    Fault("layer", "kept by shape", "remembers_nothing", of(by_shape())),
    Fault("layer", "kept by bytes of half precision", "true_pullback", of(by_rounded_bytes())),
    Fault("layer", "scales learned from large batches", "pure", of(warming_up())),
    Fault("layer", "gradients at every second pullback", "pure", of(thinning())),
    Fault("layer", "scratch for all threads", "threads", of(scratch_for_threads())),
    Fault("layer", "a slope where another thread finds it", "threads", of(slope_in_the_layer())),
    Fault("layer", "in place where x is large", "writes_nothing", of(lifted(saving_memory))),
    Fault("layer", "biases moved in large passes", "writes_nothing", of(affine(into_weights))),
    Fault("layer", "a generator that goes on", "key_decides", of(random(going_on), "B", 4)),
    Fault("layer", "a mask of four rows, again and again", "rows_differ", of(random(tiled), "B", 4)),
    Fault("layer", "two masks of one key", "unbiased", of(random(twice_the_key), "B", 4, also=["unbiased"])),
    Fault("layer", "one bit of the key", "keys_differ", of(random(first_bits), "B", 4)),
    Fault("layer", "draws by its input", "keys_differ", of(random(seeded_by_sum), "B", 4)),
    Fault("layer", "NumPy's own state beside the key", "leaves_random_state", of(random(with_global), "B", 4)),
    Fault("layer", "the hash of a name", "blind_to_hashes", of(ByHash())),
    Fault("layer", "another one in every process", "blind_to_hashes", of(ByProcess())),
    Fault("layer", "another one every day", "blind_to_the_clock", of(pointwise(_today, lambda x, dy: _today(dy)))),
    Fault("layer", "a clock under another name", "blind_to_the_clock", of(pointwise(
        _from_time, lambda x, dy: _from_time(dy)))),
    Fault("layer", "a permutation made twice", "true_pullback", of(lifted(shuffled))),
    Fault("layer", "a running product that divides", "finite", of(lifted(cumulative_product))),
    Fault("layer", "half a spectrum", "true_pullback", of(Layer.lift(
        lambda s: (*axes("spectrum", s, at_least=1)[:-1], s[-1] // 2 + 1), power_spectrum))),
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
