"""Third corpus, layers that remember, draw, and look elsewhere."""

from __future__ import annotations

import datetime
import os
from time import time as now
from typing import Any, Final

import numpy as np

from funcnn import Key, Layer, layer
from funcnn.authoring import axes
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
    return x * (1 + int(now()) // 3600 % 7)


STATE_FAULTS: Final = (
    Fault("layer", "kept by the identity of weights", "true_pullback", of(by_identity_of_weights())),
    Fault("layer", "kept by address", "remembers_nothing", of(by_address())),
    Fault("layer", "kept by shape", "remembers_nothing", of(by_shape())),
    Fault("layer", "kept by bytes of half precision", "full_jacobian", of(by_rounded_bytes())),
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
)  # fmt: skip
