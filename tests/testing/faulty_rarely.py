"""Layers whose faults show rarely: at large sizes and inputs, at ties and zeros, by what they remember."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from funcnn import Key, Layer, glorot_uniform, layer
from funcnn.authoring import axes, leaves
from funcnn.initializers import zeros
from funcnn.networks import EMPTY
from tests.testing.faulty_layers import Rule, affine, pointwise, right, with_gradients


def biased(fault: Callable[[Any, Any], bool], by: float = 0.5) -> Layer[Any, Any]:
    """An affine layer whose bias gets `by` times its gradient where `fault(x, dy)` says so."""
    return affine(with_gradients(lambda dw, db, dx, dy, x, p: (dw, db * (by if fault(x, dy) else 1), dx)))


def misled(fault: Callable[[Any, Any], bool]) -> Layer[Any, Any]:
    """An affine layer whose input gets its cotangents in the other order of features where `fault(x, dy)` says so."""
    return affine(with_gradients(lambda dw, db, dx, dy, x, p: (dw, db, dx[..., ::-1] if fault(x, dy) else dx)))


def quickly(fault: Callable[[Any], bool]) -> Layer[Any, Any]:
    """The tangent, whose `value=` is another function where `fault(x)` says so."""
    return Layer.lift(
        lambda shape: axes("mutant", shape, exactly=2),
        lambda x: (np.tanh(x), lambda dy: dy * (1 - np.tanh(x) ** 2)),
        value=lambda x: np.tanh(x) * (1 + 1e-3 * fault(x)),
    )


def seeing_others(fault: Callable[[Any], bool]) -> Layer[Any, Any]:
    """Subtracts the batch's mean where `fault(x)` says so, and says so in its pullback."""

    def mean(x: Any) -> Any:
        return x.sum(0) / len(x) if fault(x) else 0

    return pointwise(lambda x: x - mean(x), lambda x, dy: dy - mean(dy))


def clipped(at: float) -> Layer[Any, Any]:
    """Clips, and its pullback does not."""
    return pointwise(lambda x: np.clip(x.real, -at, at) + 1j * x.imag * (abs(x.real) < at) if x.dtype.kind == "c"
                     else np.clip(x, -at, at), lambda x, dy: dy * 1)


def straight_beyond(at: float) -> Layer[Any, Any]:
    """The square, whose pullback forgets to double far out."""
    return pointwise(lambda x: x * x, lambda x, dy: dy * x * np.where(np.abs(x) > at, 1, 2).astype(x.dtype))


def largest(*, shared: bool, pick: Callable[[Any], Any] | None = None) -> Layer[Any, Any]:
    """The largest of a row; `shared` sends the cotangent to every entry that is tied."""

    def f(x: Any) -> Any:
        m = x.max(-1, keepdims=True)
        mask = x == m
        if not shared:
            mask = mask & (np.cumsum(mask, -1) == 1)
        return m, lambda dy: dy * mask

    return Layer.lift(lambda shape: (*axes("largest", shape, at_least=1)[:-1], 1), f)


def relu(at_zero: float) -> Layer[Any, Any]:
    """Whose derivative at 0 is this."""
    return pointwise(
        lambda x: x * (x > 0), lambda x, dy: dy * np.where(x > 0, 1, np.where(x == 0, at_zero, 0)).astype(x.dtype)
    )


def remembering(key: Callable[[Any, Any], Any], rule: Rule = right) -> Layer[Any, Any]:
    """Keeps every pass, and finds it again by `key(params, x)`."""
    passes: dict[Any, Any] = {}

    def cached(p: Mapping[str, Any], x: Any) -> Any:
        at = (x.shape, x.dtype.char, key(p, x))
        if at not in passes:
            passes[at] = rule(p, np.array(x))
        return passes[at]

    return affine(cached)


def random(draw: Callable[[Key, Any], Any], *, noisy: bool = False) -> Layer[Any, Any]:
    """In training, times `draw(key, x)`; or plus that."""

    def rule(p: Mapping[str, Any], x: Any, rng: Key | None) -> tuple[Any, Callable[[Any], Any]]:
        if rng is None:
            return x * 1, lambda dy: (EMPTY, dy * 1)
        mask = np.broadcast_to(draw(rng, x), x.shape).astype(np.real(x).dtype)
        if noisy:
            return x + mask, lambda dy: (EMPTY, dy * 1)
        return x * mask, lambda dy: (EMPTY, dy * mask)

    return Layer.of(lambda shape: shape, lambda shape: EMPTY, rule)


def half(key: Key, shape: tuple[int, ...]) -> Any:
    """Twice a half of ones."""
    return (key.generator().random(shape) < 0.5) * 2.0


def first_features(n: int) -> Layer[Any, Any]:
    """Takes the first `n` features, however many there are."""

    def rule(p: Mapping[str, Any], x: Any) -> tuple[Any, Callable[[Any], Any]]:
        w, b = leaves(p, "w", "b")
        y, back = right({"w": w, "b": b}, x[..., :n])

        def pullback(dy: Any) -> Any:
            g, dx = back(dy)
            wide = np.zeros(x.shape, dx.dtype)
            wide[..., :n] = dx
            return g, wide

        return y, pullback

    return Layer.of(
        lambda shape: (*axes("first", shape, at_least=2)[:-1], 3),
        lambda shape: {"w": (glorot_uniform, (n, 3)), "b": (zeros, (3,))},
        rule,
    )


@layer
def ByASet() -> Layer[Any, Any]:
    """A factor for every order that a set of names may have."""
    names = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta"]
    places = [names.index(name) for name in {*names}]
    by = float(np.dot(places, 7.0 ** np.arange(7)) / 7.0**7)
    return pointwise(lambda x: x * by, lambda x, dy: dy * by)


def by_the_clock(x: Any) -> Any:
    """Another function in every second."""
    return x * (1 + 1e-3 * (int(time.time()) % 60))


def deaf(least: float) -> Layer[Any, Any]:
    """Does not hear cotangents below this."""
    return pointwise(lambda x: x * 2, lambda x, dy: 2 * dy * (np.abs(dy) >= least))


def wide_key(key: Key, shape: tuple[int, ...], dtype: Any) -> Any:
    """An initializer that draws in float64, whatever is asked."""
    return key.generator().standard_normal(shape)


def naive_norm(x: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Rows of mean 0 and variance 1; the variance is E[x^2] - E[x]^2."""
    mean = x.mean(-1, keepdims=True)
    scale = 1 / np.sqrt((x * x).mean(-1, keepdims=True) - mean * mean + x.dtype.type(1e-3))
    n = (x - mean) * scale

    def pullback(dy: Any) -> Any:
        return scale * (dy - dy.mean(-1, keepdims=True) - n * (dy * n).mean(-1, keepdims=True))

    return n, pullback
