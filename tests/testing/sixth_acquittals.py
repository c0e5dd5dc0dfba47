"""The sixth corpus of what is right and odd: steep points, narrow domains, other axes, one draw for a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from funcnn import Dropout, Key, Layer, ShapeError
from funcnn.authoring import axes, branches, leaves
from funcnn.initializers import normal, ones
from funcnn.networks import EMPTY
from funcnn.testing import positive_definite
from tests.testing.second_acquittals import Right, by, of
from tests.testing.sixth_right_parts import RIGHT_PARTS


# steep ----------------------------------------------------------------------------------------------------------------
def by_length(x: Any) -> Any:
    """Rows by their length, of at least 1e-12."""
    length = np.sqrt((x * x).sum(-1, keepdims=True))
    by = np.maximum(length, 1e-12)
    y = x / by
    return y, lambda dy: (dy - y * (dy * y).sum(-1, keepdims=True) * (length > 1e-12)) / by


def steep(k: float) -> Callable[[Any], Any]:
    """tanh, of k times as much."""

    def f(x: Any) -> Any:
        t = np.tanh(k * x)
        return t, lambda dy: dy * k * (1 - t * t)

    return f


@dataclass(frozen=True, slots=True)
class Settings:
    """Nobody writes into them."""

    by: float = 2.0


SETTINGS: Final = Settings()


def by_settings(x: Any) -> Any:
    """Times a number of the settings, as of an object and as of their class."""
    by = x.dtype.type(SETTINGS.by * Settings().by)
    return x * by, lambda dy: dy * by


# narrow domains -------------------------------------------------------------------------------------------------------
def arcsin(x: Any) -> Any:
    """Of numbers from -1 to 1, and no others."""
    if (np.abs(x) > 1).any():
        raise ValueError("arcsin takes numbers from -1 to 1")
    return np.arcsin(x), lambda dy: dy / np.sqrt(1 - x * x)


def entropy(p: Any) -> Any:
    """Of rows that sum to 1, and no others."""
    if (np.abs(p.sum(-1) - 1) > 1e-3).any():
        raise ValueError("entropy takes rows that sum to 1")
    return -(p * np.log(p)).sum(-1), lambda dy: -dy[..., None] * (np.log(p) + 1)


def simplex(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Rows that sum to 1."""
    w = rng.uniform(0.1, 1, shape)
    return w / w.sum(-1, keepdims=True)


COVARIANCE: Final = np.array([[1, 0.5, 0], [0.5, 1, 0], [0, 0, 2.0]])


def measured(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Of three features, and no others."""
    return rng.standard_normal(shape) @ COVARIANCE


def decay(x: Any) -> Any:
    """exp(-x / 5e-7), of lengths in metres, and not of complex numbers."""
    y = np.exp(-np.asarray(np.real(x)) / 5e-7)
    return y.astype(x.dtype), lambda dy: -dy * y / 5e-7


def looked_up() -> Layer[Any, Any]:
    """Between the numbers of a table, of numbers from 0 to 1 and no others."""

    def rule(params: Any, x: Any) -> Any:
        (v,) = leaves(params, "v")
        i = np.floor(x * 8).astype(np.int64)
        f = (x * 8 - i).astype(x.dtype)

        def pullback(dy: Any) -> Any:
            dv = np.zeros_like(v)
            np.add.at(dv, i, dy * (1 - f))
            np.add.at(dv, i + 1, dy * f)
            return {"v": dv}, dy * (v[i + 1] - v[i]) * 8

        return v[i] * (1 - f) + v[i + 1] * f, pullback

    return Layer.of(lambda s: axes("looked_up", s, at_least=1), lambda s: {"v": (normal(1.0), (9,))}, rule)


def trace(x: Any) -> Any:
    """Of matrices of any shape."""
    return np.trace(x, axis1=-2, axis2=-1), lambda dy: dy[..., None, None] * np.eye(*x.shape[-2:], dtype=x.dtype)


# other axes -----------------------------------------------------------------------------------------------------------
def pooled() -> Layer[Any, Any]:
    """Two steps at a time, of (batch, channels, time), with a factor for every channel; one left over is dropped."""

    def out_shape(s: Any) -> Any:
        b, c, t = axes("pooled", s, exactly=3)
        return b, c, t // 2

    def rule(params: Any, x: Any) -> Any:
        (g,) = leaves(params, "g")
        n = x.shape[2] // 2
        h = (x[:, :, 0 : 2 * n : 2] + x[:, :, 1 : 2 * n : 2]) / 2

        def pullback(dy: Any) -> Any:
            dx = np.zeros_like(x)
            dx[:, :, 0 : 2 * n : 2] = dx[:, :, 1 : 2 * n : 2] = dy * g[:, None] / 2
            return {"g": (dy * h).sum((0, 2))}, dx

        return h * g[:, None], pullback

    return Layer.of(out_shape, lambda s: {"g": (ones, (axes("pooled", s, exactly=3)[1],))}, rule)


def time_mean() -> Layer[Any, Any]:
    """Of (time, batch, features), over time."""
    return Layer.lift(
        lambda s: axes("time_mean", s, exactly=3)[1:],
        lambda x: (x.mean(0), lambda dy: np.repeat(dy[None] / len(x), len(x), 0)),
    )


def masked_time_mean() -> Layer[Any, Any]:
    """Of (time, batch, features), over the steps that count, divided by all."""

    def out_shape(s: Any) -> Any:
        a, m = branches("masked_time_mean", s, 2)
        if axes("masked_time_mean", a, exactly=3)[:2] != axes("masked_time_mean", m, exactly=2):
            raise ShapeError("masked_time_mean takes a mask of the steps and the batch")
        return a[1:]

    def f(z: Any) -> Any:
        x, m = z
        on = m[..., None] / x.dtype.type(len(x))
        return (x * on).sum(0), lambda dy: (dy[None] * on, np.zeros(m.shape, x.dtype))

    return Layer.lift(out_shape, f, takes=lambda out: {0: "features", 1: "mask"})


def same(k: int) -> Layer[Any, Any]:
    """A convolution along time, padded on both sides."""
    h = k // 2

    def rule(params: Any, x: Any) -> Any:
        (w,) = leaves(params, "w")
        t, padded = x.shape[1], np.pad(x, ((0, 0), (h, h), (0, 0)))

        def pullback(dy: Any) -> Any:
            dp, dw = np.zeros_like(padded), np.zeros_like(w)
            for j in range(k):
                dp[:, j : j + t] += dy @ w[j].T
                dw[j] = np.einsum("btd,bte->de", padded[:, j : j + t], dy)
            return {"w": dw}, dp[:, h : h + t] * 1

        return np.sum([padded[:, j : j + t] @ w[j] for j in range(k)], 0), pullback

    return Layer.of(
        lambda s: axes("same", s, exactly=3), lambda s: {"w": (normal(0.4), (k, *axes("same", s)[2:] * 2))}, rule
    )


# several inputs -------------------------------------------------------------------------------------------------------
def _of_two(s: Any) -> Any:
    a, b = branches("of_two", s, 2)
    if a != b:
        raise ShapeError("of_two takes two of one shape")
    return a


def larger(z: Any) -> Any:
    """Of two."""
    a, b = z
    on = a >= b
    return np.where(on, a, b), lambda dy: (dy * on, dy * ~on)


def masked_sum() -> Layer[Any, Any]:
    """Over the steps that count."""

    def out_shape(s: Any) -> Any:
        a, m = branches("masked_sum", s, 2)
        a, m = axes("masked_sum", a, exactly=3), axes("masked_sum", m, exactly=2)
        if a[:2] != m:
            raise ShapeError("masked_sum takes a mask of the batch and the steps")
        return a[0], a[2]

    def f(z: Any) -> Any:
        x, m = z

        def pullback(dy: Any) -> Any:
            return np.where(m[..., None], dy[:, None], 0).astype(x.dtype), np.zeros(m.shape, x.dtype)

        return np.where(m[..., None], x, 0).sum(1), pullback

    return Layer.lift(out_shape, f, takes=lambda out: {0: "features", 1: "mask"})


# what is drawn --------------------------------------------------------------------------------------------------------
def for_all(draw: Callable[[np.random.Generator], float], *, relu: bool = False) -> Layer[Any, Any]:
    """Times one number for the whole batch."""

    def rule(params: Any, x: Any, rng: Key | None) -> Any:
        by = 1.0 if rng is None else draw(rng.generator())
        on = (x > 0).astype(x.dtype) if relu else 1
        return x * on * by, lambda dy: (EMPTY, dy * on * by)

    return Layer.of(lambda s: axes("for_all", s, at_least=1), lambda s: EMPTY, rule)


SIZES_COMPARED: Final = {"shape_rule": "it compares sizes"}
PAIR: Final[Any] = (("B", "D"), ("B", "D"))

SIXTH_RIGHT: Final[tuple[Right, ...]] = (
    Right("rows by their length, of at least 1e-12", by(by_length)),
    Right("a tanh as steep as a step", by(steep(1e9))),
    Right("settings that are frozen", by(by_settings, linear=True)),
    Right("arcsin that looks at its domain", by(arcsin, domain=(-1.0, 1.0))),
    Right("an entropy that looks at its domain", of(Layer.lift(
        lambda s: axes("entropy", s, at_least=1)[:-1], entropy), "B", 3, domain=simplex, kinks=False)),
    Right("a table that ends at its domain", of(looked_up(), domain=(0.0, 1.0))),
    Right("what is drawn of three features alone", by(
        lambda x: (np.tanh(x), lambda dy: dy * (1 - np.tanh(x) ** 2)), "B", 3, domain=measured)),
    Right("a trace of matrices that are drawn", of(Layer.lift(
        lambda s: axes("trace", s, at_least=2)[:-2], trace), "B", 3, 3, domain=positive_definite)),
    Right("a domain of small numbers", by(decay, domain=(0.0, 1e-6))),
    Right("channels first, and a step dropped", of(pooled(), "B", "C", range(2, 7))),
    Right("time first, and gone", of(time_mean(), "T", "B", "D", batch_axis=1, linear=True)),
    Right("time first, with a mask, and gone", of(masked_time_mean(), ("T", "B", "D"), ("T", "B"), batch_axis=(1, 1),
        linear=True, may_fail=SIZES_COMPARED)),
    Right("a wide kernel with borders", of(same(7), "B", range(8, 16), "D", also=["translation_equivariant"])),
    Right("the larger of two", of(Layer.lift(_of_two, larger), *PAIR, kinks=True, may_fail=SIZES_COMPARED)),
    Right("a masked sum, linear", of(
        masked_sum(), ("B", "T", "D"), ("B", "T"), linear=True,
        also=["permutation_invariant", "padding_inert"], may_fail=SIZES_COMPARED)),
    Right("dropped as a whole", of(for_all(lambda rng: float(rng.random() >= 0.3) / 0.7))),
    Right("one number for all, and zeros", of(for_all(lambda rng: rng.uniform(0.5, 1.5), relu=True))),
    Right("dropped once in 250 times", of(Dropout(0.004), "B", ..., "D", also=["unbiased"])),
    *RIGHT_PARTS,
)  # fmt: skip
