"""A fifth corpus of right parts: params that have to be positive, kinks of params, long memories, odd shapes."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from funcnn import Layer, layer
from funcnn.authoring import axes
from funcnn.initializers import normal, ones, zeros
from funcnn.networks import EMPTY
from funcnn.testing import pair
from tests.testing.faulty_rarely import random
from tests.testing.fifth_right_parts import PARTS
from tests.testing.second_acquittals import Right, by, of, with_params
from tests.testing.third_odd import NO_SHAPES


# params ---------------------------------------------------------------------------------------------------------------
def rows(a: Any) -> Any:
    """The sum over all but the last axis."""
    return a.reshape(-1, a.shape[-1]).sum(0)


def by_deviation(p: Any, x: Any) -> Any:
    """x over the root of a variance, which has to be positive."""
    s = np.sqrt(p["v"])
    return x / s, lambda dy: ({"v": -rows(dy * x) / (2 * s * p["v"])}, dy / s)


def plus_logarithm(p: Any, x: Any) -> Any:
    """x + log v."""
    return x + np.log(p["v"]), lambda dy: ({"v": rows(dy) / p["v"]}, dy * 1)


def by_size(p: Any, x: Any) -> Any:
    """x |g|, which has a kink where g is 0."""
    g = p["g"]
    return x * np.abs(g), lambda dy: ({"g": rows(dy * x) * np.sign(g).astype(x.dtype)}, dy * np.abs(g))


def leaking(p: Any, x: Any) -> Any:
    """A slope below zero that is learned, and starts at 0."""
    up = x > 0
    return np.where(up, x, p["a"] * x), lambda dy: ({"a": rows(dy * np.where(up, 0, x))}, dy * np.where(up, 1, p["a"]))


def opening(p: Any, x: Any) -> Any:
    """x + g tanh x, and g starts at 0."""
    g, t = p["g"], np.tanh(x)
    return x + g * t, lambda dy: ({"g": rows(dy * t)}, dy * (1 + g * (1 - t * t)))


def thrice_the_identity(key: Any, shape: Any, dtype: Any) -> Any:
    """Where a matrix starts that is to stay positive definite."""
    return (3 * np.eye(*shape)).astype(dtype)


def by_factor(p: Any, x: Any) -> Any:
    """x L, where L L' is a param. NumPy reads its lower triangle alone.

    Source: Murray, Differentiation of the Cholesky decomposition (2016), equation 10.
    """
    low = np.linalg.cholesky(p["a"])
    i = np.arange(len(low))

    def pullback(dy: Any) -> Any:
        d = np.tril(low.T @ np.tril(x.reshape(-1, len(low)).T @ dy.reshape(-1, len(low))))
        d[i, i] /= 2
        back = np.linalg.inv(low)
        s = back.T @ d @ back
        da = np.tril(s + s.T)
        da[i, i] = s[i, i]
        return {"a": da.astype(x.dtype)}, dy @ low.T

    return x @ low, pullback


# what is kept, and rightly --------------------------------------------------------------------------------------------
@functools.lru_cache(maxsize=64)
def cosines(n: int, dtype: str) -> Any:
    """A matrix by its size."""
    m = np.cos(np.pi * (np.arange(n)[:, None] + 0.5) * np.arange(n) / max(n, 1)).astype(dtype)
    m.setflags(write=False)
    return m


def transformed(x: Any) -> Any:
    """A cosine transform."""
    m = cosines(x.shape[-1], x.real.dtype.str)
    return x @ m, lambda dy: dy @ m.T


class Rooms(threading.local):
    """Memory of each thread's own."""

    def __init__(self) -> None:
        self.held: dict[Any, Any] = {}


ROOMS: Final = Rooms()


def in_a_room(x: Any) -> Any:
    """tanh^2, computed in it."""
    t = np.tanh(x)
    room = ROOMS.held.setdefault((x.shape, x.dtype.str), np.empty(x.shape, x.dtype))
    np.multiply(t, t, out=room)
    return room * 1, lambda dy: 2 * dy * t * (1 - t * t)


@layer
def Times(number: tuple[float, ...]) -> Layer[Any, Any]:
    """A number times x."""
    return Layer.lift(lambda s: axes("Times", s, at_least=1), lambda x: (x * number[0], lambda dy: dy * number[0]))


def nameless() -> Any:
    """Of a class that no pickle finds."""

    class Number(NamedTuple):
        by: float

    return Number(3.0)


# functions ------------------------------------------------------------------------------------------------------------
def spline(x: Any) -> Any:
    """A cubic up to 2, straight beyond, with one slope where they meet."""
    a, inside = np.abs(x), np.abs(x) < 2
    y = np.where(inside, x**3 / 12, np.sign(x) * (a - 4 / 3)).astype(x.dtype)
    return y, lambda dy: dy * np.where(inside, x * x / 4, 1).astype(x.dtype)


def hard_swish(x: Any) -> Any:
    """x times a ramp."""
    ramp = np.clip(x + 3, 0, 6)
    return x * ramp / 6, lambda dy: dy * (ramp + x * (np.abs(x) < 3)) / 6


def maxout(x: Any) -> Any:
    """The larger one of two neighbours."""
    a, b = x[..., 0::2], x[..., 1::2]
    first = a >= b

    def pullback(dy: Any) -> Any:
        dx = np.zeros_like(x)
        dx[..., 0::2], dx[..., 1::2] = dy * first, dy * ~first
        return dx

    return np.where(first, a, b), pullback


def largest_two(x: Any) -> Any:
    """In order."""
    at = np.argsort(-x, -1, kind="stable")[..., :2]

    def pullback(dy: Any) -> Any:
        dx = np.zeros_like(x)
        np.put_along_axis(dx, at, dy, -1)
        return dx

    return np.take_along_axis(x, at, -1), pullback


def running_logsumexp(x: Any) -> Any:
    """Along the features."""
    y = np.logaddexp.accumulate(x, -1)

    def pullback(dy: Any) -> Any:
        each = [(dy[..., i:] * np.exp(x[..., i : i + 1] - y[..., i:])).sum(-1) for i in range(x.shape[-1])]
        return np.stack(each, -1).astype(x.dtype) if each else np.zeros_like(x)

    return y, pullback


def in_half_precision(x: Any) -> Any:
    """Rounded, and handed through."""
    return x.astype(np.float16).astype(x.dtype), lambda dy: dy * 1


def on_the_sphere(x: Any) -> Any:
    """One vector over one more than its squares."""
    n = 1 + (x * x).sum()
    return x / n, lambda dy: dy / n - 2 * x * (dy * x).sum() / n**2


def cumulative(axis: int) -> Callable[[Any], Any]:
    """Sums along an axis."""

    def f(x: Any) -> Any:
        return np.cumsum(x, axis, dtype=x.dtype), lambda dy: np.flip(np.cumsum(np.flip(dy, axis), axis), axis) * 1

    return f


def past_mean(x: Any) -> Any:
    """Of all steps so far."""
    n = np.arange(1, x.shape[1] + 1, dtype=x.real.dtype)[:, None]
    return np.cumsum(x, 1) / n, lambda dy: cumulative(1)(dy / n)[1](dy / n)


def going_on(p: Any, x: Any, memory: Any) -> Any:
    """A running sum that knows what has come before."""
    y = np.cumsum(x, 1) + (0 if memory is None else memory)
    return y, y[:, -1:]


def masked_mean(x: Any) -> Any:
    """What is masked is not looked at."""
    a, mask = x
    w = mask[..., None]
    n = np.maximum(mask.sum(1), 1)[:, None].astype(a.real.dtype)
    return np.where(w, a, 0).sum(1) / n, lambda dy: (
        np.where(w, (dy / n)[:, None], 0) + np.zeros(a.shape, dy.dtype), np.zeros(mask.shape, a.dtype))  # fmt: skip


def channels(key: Any, x: Any) -> Any:
    """One draw for all steps of a channel."""
    drawn = (key.generator().random((*x.shape[:-2], 1, x.shape[-1])) < 0.5) * 2.0
    return np.repeat(drawn, x.shape[-2], -2)


def _half_as_wide(s: Any) -> Any:
    return *axes("maxout", s, at_least=1)[:-1], s[-1] // 2


def _of_masked(s: Any) -> Any:
    return s[0][0], s[0][2]


FIFTH_RIGHT: Final = (
    Right("a variance that is to be positive", with_params(lambda n: {"v": (ones, (n,))}, by_deviation)),
    Right("the logarithm of a param", with_params(lambda n: {"v": (ones, (n,))}, plus_logarithm)),
    Right("the size of a param", with_params(lambda n: {"g": (ones, (n,))}, by_size)),
    Right("a leak that starts at zero", with_params(lambda n: {"a": (zeros, (n,))}, leaking)),
    Right("a gain that starts at zero", with_params(lambda n: {"g": (zeros, (n,))}, opening)),
    Right("Cholesky's factor of a param", with_params(
        lambda n: {"a": (thrice_the_identity, (n, n))}, by_factor, "B", range(1, 4))),
    Right("cosines kept by size", by(transformed, linear=True)),
    Right("memory of a thread, known by its name", by(in_a_room, kinks=False)),
    Right("an argument of a class within a function", of(Times(nameless()), linear=True)),
    Right("a spline", by(spline, kinks=False)),
    Right("a ramp", by(hard_swish, kinks=True)),
    Right("a fast wave", by(lambda x: (np.sin(30 * x), lambda dy: 30 * dy * np.cos(30 * x)), kinks=False)),
    Right("the larger one of two", of(Layer.lift(_half_as_wide, maxout), "B", range(2, 7, 2), may_fail=NO_SHAPES)),
    Right("the two largest", of(Layer.lift(
        lambda s: (*axes("top", s, at_least=1)[:-1], 2), largest_two), "B", range(2, 6), may_fail=NO_SHAPES)),
    Right("a running logarithm of sums", by(running_logsumexp)),
    Right("float16, and said so", by(in_half_precision, may_fail=dict.fromkeys(
        ("true_pullback", "full_jacobian", "at_ties", "full_precision", "float32_tracks_float64", "finite",
         "remembers_nothing"), "it rounds"))),
    Right("nothing out", of(Layer.lift(
        lambda s: (*axes("none", s, at_least=1)[:-1], 0), lambda x: (x[..., :0] * 1, lambda dy: np.zeros_like(x))))),
    Right("three out", of(Layer.lift(
        lambda s: (s, s, s) if axes("three", s) else s, lambda x: ((x * 1, x * 2, -x), lambda d: d[0] + 2 * d[1] - d[2])))),
    Right("one vector and no batch", of(Layer.lift(
        lambda s: axes("vector", s, exactly=1), on_the_sphere), "D", batch_axis=None)),
    Right("time first", of(Layer.lift(
        lambda s: axes("time", s, exactly=3), cumulative(0)), "T", "B", "D", batch_axis=1, linear=True)),
    Right("a mean of the past", by(past_mean, "B", "T", "D", ndim=3, also=["causal"])),
    Right("a running sum that goes on", of(Layer.of(
        lambda s: axes("sum", s, exactly=3), lambda s: EMPTY,
        lambda p, x: (np.cumsum(x, 1), lambda dy: (EMPTY, cumulative(1)(dy)[1](dy))), step=going_on),
        "B", "T", "D", linear=True, also=["causal"])),
    Right("a mean that looks at no padding", of(Layer.lift(
        _of_masked, masked_mean, takes=lambda out: {0: "features", 1: "mask"}),
        ("B", "T", "D"), ("B", "T"), also=["padding_inert"], may_fail=NO_SHAPES)),
    Right("channels dropped as a whole", of(random(channels), "B", "T", 4, also=["unbiased"])),
    *PARTS,
    Right("a form of two arguments", of(pair(
        lambda x, w: (np.einsum("bi,ij,bj->b", x, w, x), (x, w)),
        lambda dy, c: (dy[:, None] * (c[0] @ (c[1] + c[1].T)), np.einsum("b,bi,bj->ij", dy, c[0], c[0]))),
        ("B", 3), (3, 3))),
    Right("a table of its own", with_params(
        lambda n: {"w": (normal(1.0), (n,))}, lambda p, x: (x * p["w"], lambda dy: ({"w": rows(dy * x)}, dy * p["w"])),
        linear=True)),
)  # fmt: skip
