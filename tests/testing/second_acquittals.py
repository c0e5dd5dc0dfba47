"""A second corpus of right layers, losses and parts, each of them odd in some way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from funcnn import Key, Layer, Metric, ShapeError, tree_map
from funcnn.authoring import axes
from funcnn.initializers import normal, ones, zeros
from funcnn.networks import EMPTY
from funcnn.testing import Trial, pair, positive_definite
from funcnn.testing.trials.of_layers import trials
from funcnn.testing.trials.of_losses import loss_trials
from funcnn.testing.trials.of_optimizers import optimizer_trials
from funcnn.testing.trials.of_parts import initializer_trials, metric_trials, schedule_trials
from tests.testing.escapes_losses import differing, stepping
from tests.testing.faulty_rarely import random

Tried = Callable[[], dict[str, Trial]]


class Right(NamedTuple):
    """Something right and odd, and the trials."""

    what: str
    tried: Tried


def of(layer: Layer[Any, Any], *shape: Any, **claims: Any) -> Tried:
    """The trials of a layer."""
    return lambda: trials(layer, shape or ("B", "D"), **claims)


def by(f: Callable[[Any], Any], *shape: Any, ndim: int | None = None, **claims: Any) -> Tried:
    """The trials of a layer without params that keeps its shape, `x -> (y, pullback)`."""

    def out_shape(s: Any) -> Any:
        return axes("odd", s, at_least=1) if ndim is None else axes("odd", s, exactly=ndim)

    return of(Layer.lift(out_shape, f), *shape, **claims)


def with_params(spec: Callable[[Any], Any], rule: Any, *shape: Any, **claims: Any) -> Tried:
    """The trials of a layer that keeps its shape and has params by its last axis, `spec(n)`."""
    made: Layer[Any, Any] = Layer.of(
        lambda s: axes("odd", s, at_least=1), lambda s: spec(axes("odd", s)[-1]), rule
    )  # fmt: skip
    return of(made, *shape, **claims)


def median(x: Any) -> Any:
    """The mean of the two in the middle."""
    n = x.shape[-1]
    order = np.argsort(x, -1, kind="stable")
    pick = order[..., [(n - 1) // 2, n // 2]]
    y = np.take_along_axis(x, pick, -1).mean(-1, keepdims=True, dtype=x.dtype)

    def pullback(dy: Any) -> Any:
        dx = np.zeros_like(x)
        for i in range(2):
            at = pick[..., i : i + 1]
            np.put_along_axis(dx, at, np.take_along_axis(dx, at, -1) + dy / 2, -1)
        return dx

    return y, pullback


def sort(x: Any) -> Any:
    order = np.argsort(x, -1, kind="stable")

    def pullback(dy: Any) -> Any:
        dx = np.zeros_like(dy, order="C")
        np.put_along_axis(dx, order, dy, -1)
        return dx

    return np.take_along_axis(x, order, -1), pullback


def running_maximum(x: Any) -> Any:
    y = np.maximum.accumulate(x, -1)
    index = np.broadcast_to(np.arange(x.shape[-1]), x.shape)
    first = np.maximum.accumulate(np.where((x == y) & (np.diff(y, axis=-1, prepend=-np.inf) > 0), index, 0), -1)

    def pullback(dy: Any) -> Any:
        dx = np.zeros_like(x)
        np.add.at(dx, (*np.indices(x.shape)[:-1], first), dy)
        return dx

    return y, pullback


def inverse(x: Any) -> Any:
    y = np.linalg.inv(x)
    return y, lambda dy: -(y.swapaxes(-1, -2) @ dy @ y.swapaxes(-1, -2))


def logsumexp(x: Any) -> Any:
    m = x.max(-1, keepdims=True)
    e = np.exp(x - m)
    s = e.sum(-1, keepdims=True)
    return m + np.log(s), lambda dy: dy * e / s


def spectrum(x: Any) -> Any:
    """The real part of the Fourier transform, a symmetric matrix."""
    n = np.arange(x.shape[-1])
    c = np.cos(2 * np.pi * np.outer(n, n) / len(n)).astype(x.real.dtype)
    return x @ c, lambda dy: dy @ c


def safe_sinc(x: Any) -> Any:
    near = np.abs(x) < 1e-2
    z = np.where(near, 1, x)
    y = np.where(near, 1 - x * x / 6 + x**4 / 120, np.sin(z) / z)
    d = np.where(near, -x / 3 + x**3 / 30, (np.cos(z) - np.sin(z) / z) / z)
    return y.astype(x.dtype), lambda dy: (dy * d).astype(x.dtype)


def cells(p: Any, x: Any) -> Any:
    """Bumps at centres that may be anywhere."""
    e = np.exp(-((x - p["c"]) ** 2) / 2)

    def pullback(dy: Any) -> Any:
        d = dy * e * (x - p["c"])
        return {"c": d.reshape(-1, x.shape[-1]).sum(0)}, -d

    return e, pullback


def scaled(p: Any, x: Any) -> Any:
    return x * p["s"], lambda dy: ({"s": np.asarray((dy * x).sum(), x.dtype)}, dy * p["s"])


def ignoring(p: Any, x: Any) -> Any:
    """What it gives are its params alone."""
    return np.zeros_like(x) + p["b"], lambda dy: ({"b": dy.reshape(-1, x.shape[-1]).sum(0)}, np.zeros_like(x))


def thresholds(p: Any, x: Any) -> Any:
    """Clipped from below at params."""
    above = x > p["t"]
    return np.where(above, x, p["t"]), lambda dy: (
        {"t": (dy * ~above).reshape(-1, x.shape[-1]).sum(0)}, dy * above)  # fmt: skip


def large(key: Key, shape: Any, dtype: Any) -> Any:
    return (1e6 * key.generator().standard_normal(shape)).astype(dtype)


def unit_matrix(key: Key, shape: Any, dtype: Any) -> Any:
    return np.eye(*shape, dtype=dtype)


def diagonal(p: Any, x: Any) -> Any:
    return x @ p["w"], lambda dy: (
        {"w": x.reshape(-1, x.shape[-1]).T @ dy.reshape(-1, x.shape[-1])}, dy @ p["w"].T)  # fmt: skip


def masked_mean(x: Any) -> Any:
    a, mask = x
    n = np.maximum(mask.sum(1, keepdims=True), 1).astype(a.dtype)
    w = mask / n
    return (a * w[..., None]).sum(1), lambda dy: (w[..., None] * dy[:, None], np.zeros(mask.shape, a.dtype))


def _of_masked(s: Any) -> Any:
    return s[0][0], s[0][2]


def _of_first(s: Any) -> Any:
    return s[0]


def counted(x: Any) -> Any:
    """How often each token comes, which has no derivative."""
    y = (x[..., None] == np.arange(5)).sum(-2)
    return y.astype(np.float32), lambda dy: np.zeros(x.shape, dy.dtype)


def two_ways(x: Any) -> Any:
    return (np.sin(x), np.cos(x)), lambda d: d[0] * np.cos(x) - d[1] * np.sin(x)


def crossed(x: Any) -> Any:
    a, b = x
    return (b * 1, a * b), lambda d: (d[1] * b, d[0] + d[1] * a)


def smaller(x: Any) -> Any:
    a, b = x
    first = a <= b
    return np.where(first, a, b), lambda dy: (dy * first, dy * ~first)


def signed(key: Key, x: Any) -> Any:
    return key.generator().choice(np.array([-1.0, 1.0]), (len(x), *[1] * (x.ndim - 1)))


def loud(key: Key, x: Any) -> Any:
    return 1 + 0.1 * key.generator().standard_normal(x.shape)


def depth(key: Key, x: Any) -> Any:
    return (key.generator().random((len(x), *[1] * (x.ndim - 1))) < 0.5) * 2.0


def _near(y: Any, t: Any) -> Any:
    e = y - t
    return np.where(e > 0, 0.3 * e, -0.7 * e).astype(y.dtype)


def _is_up(y: Any, t: Any) -> Any:
    return np.where(y > t, 0.3, np.where(y == t, 0, -0.7)).astype(y.dtype)


def _log_cosh(y: Any, t: Any) -> Any:
    e = np.where(np.real(y - t) < 0, t - y, y - t)
    return e + np.log1p(np.exp(-2 * e)) - np.log(np.asarray(2, np.real(y).dtype))


def lossy(terms: Any, slope: Any, /, **options: Any) -> Tried:
    return lambda: loss_trials(differing(terms, slope), ("B", "D"), **options)


def _middle(state: Any, y: Any, t: Any, weights: Any = None) -> Any:
    return (*state, *np.abs(np.asarray(y, np.float64) - t).reshape(-1).tolist())


def _half_of(state: Any) -> float:
    if not state:
        raise ShapeError("no row has been seen")
    return float(np.median(state))


def sparse(key: Key, shape: Any, dtype: Any) -> Any:
    rng = key.generator()
    return (rng.standard_normal(shape) * (rng.random(shape) < 0.1)).astype(dtype)


def _sign(g: Any, s: Any, p: Any) -> Any:
    return tree_map(lambda a: (-0.01 * np.sign(a)).astype(a.dtype), g), s


def _vector(n: int) -> Any:
    return {"b": (zeros, (n,))}


SECOND_RIGHT: Final = (
    Right("the median of a row", of(Layer.lift(lambda s: (*axes("median", s, at_least=1)[:-1], 1), median))),
    Right("sorted rows", by(sort, kinks=True)),
    Right("a running maximum", by(running_maximum)),
    Right("x log x", by(lambda x: (x * np.log(x), lambda dy: dy * (np.log(x) + 1)), domain=(0.01, 10))),
    Right("a root near zero", by(lambda x: (np.sqrt(x), lambda dy: dy / (2 * np.sqrt(x))), domain=(1e-3, 4))),
    Right("one over x", by(lambda x: (1 / x, lambda dy: -dy / (x * x)), domain=(-3, -0.1))),
    Right("an inverse", by(inverse, "B", 3, 3, ndim=3, domain=positive_definite,
          may_fail={"refuses_wrong_shapes": "LAPACK refuses what is not square"})),
    Right("the logarithm of a sum of exponentials", of(
        Layer.lift(lambda s: (*axes("lse", s, at_least=1)[:-1], 1), logsumexp), kinks=False)),
    Right("a spectrum", by(spectrum, linear=True, analytic=True)),
    Right("sin x / x", by(safe_sinc)),
    Right("a fifth power", by(lambda x: (x**5, lambda dy: 5 * x**4 * dy))),
    Right("a square of relu", by(lambda x: (np.maximum(x, 0) ** 2, lambda dy: 2 * dy * np.maximum(x, 0)))),
    Right("soft shrinking", by(
        lambda x: (np.sign(x) * np.maximum(np.abs(x) - 0.5, 0), lambda dy: dy * (np.abs(x) > 0.5)))),
    Right("hard shrinking", by(lambda x: (x * (np.abs(x) > 0.5), lambda dy: dy * (np.abs(x) > 0.5)))),
    Right("a step of Heaviside", by(lambda x: ((x > 0).astype(x.dtype), lambda dy: np.zeros_like(x)))),
    Right("eighths", by(lambda x: (np.round(x * 8) / 8, lambda dy: np.zeros_like(x)))),
    Right("numbers near the smallest", by(lambda x: (x * x.dtype.type(1e-38), lambda dy: dy * x.dtype.type(1e-38)))),
    Right("a flat tangent", by(lambda x: (1e6 * np.tanh(1e-6 * x), lambda dy: dy * (1 - np.tanh(1e-6 * x) ** 2)))),
    Right("circular", by(lambda x: (np.roll(x, 1, -1), lambda dy: np.roll(dy, -1, -1)), linear=True)),
    Right("rows of length one, with a floor", by(
        lambda x: (x / np.sqrt((x * x).sum(-1, keepdims=True) + 0.01), lambda dy: (
            dy - x * (dy * x).sum(-1, keepdims=True) / ((x * x).sum(-1, keepdims=True) + 0.01)) / np.sqrt(
            (x * x).sum(-1, keepdims=True) + 0.01)))),
    Right("vectors", by(lambda x: (x * 2, lambda dy: dy * 2), "B")),
    Right("a number a row", of(Layer.lift(
        lambda s: axes("sum", s, exactly=2)[:1],
        lambda x: (x.sum(1), lambda dy: np.repeat(dy[:, None], x.shape[1], 1))), linear=True)),
    Right("the last step", of(Layer.lift(
        lambda s: (axes("last", s, exactly=3)[0], s[2]), lambda x: (x[:, -1] * 1, lambda dy: np.concatenate(
            [np.zeros_like(x[:, 1:]), dy[:, None]], 1))), "B", "T", "D", linear=True)),
    Right("bumps far away", with_params(lambda n: {"c": (normal(1000.0), (n,))}, cells)),
    Right("bumps", with_params(lambda n: {"c": (normal(1.0), (n,))}, cells, kinks=False)),
    Right("a factor that starts at a million", with_params(lambda n: {"s": (large, ())}, scaled)),
    Right("one number for a param", with_params(lambda n: {"s": (ones, ())}, scaled, linear=True)),
    Right("params alone", with_params(_vector, ignoring, linear=True)),
    Right("floors that are learned", with_params(lambda n: {"t": (normal(1.0), (n,))}, thresholds)),
    Right("a matrix that starts as the identity", with_params(lambda n: {"w": (unit_matrix, (n, n))}, diagonal)),
    Right("a mean where a mask is true", of(Layer.lift(
        _of_masked, masked_mean, takes=lambda out: {0: "features", 1: "mask"}),
        ("B", "T", "D"), ("B", "T"), may_fail={"refuses_wrong_shapes": "shapes are not looked at"})),
    Right("counts of tokens", of(Layer.lift(lambda s: (*axes("counts", s, at_least=1)[:-1], 5), counted,
          takes=lambda out: "tokens"), "B", "T", tokens=5, dtypes=("float32",))),
    Right("two values", of(Layer.lift(lambda s: (s, s) if axes("two", s) else s, two_ways))),
    Right("two inputs, two values", of(Layer.lift(lambda s: (s[1], s[0]), crossed), ("B", "D"), ("B", "D"),
          may_fail={"refuses_wrong_shapes": "shapes are not looked at"})),
    Right("the smaller of two", of(Layer.lift(_of_first, smaller), ("B", "D"), ("B", "D"),
          may_fail={"refuses_wrong_shapes": "shapes are not looked at"})),
    Right("a sign for every row", of(random(signed), "B", 4, may_fail={"rows_differ": "a sign for a row"})),
    Right("noise that multiplies", of(random(loud), "B", 4)),
    Right("rows dropped as a whole", of(random(depth), "B", 4)),
    Right("noise that is added", of(
        random(lambda key, x: key.generator().standard_normal(x.shape), noisy=True), "B", 4)),
    Right("nothing at all", of(Layer.of(
        lambda s: s, lambda s: EMPTY, lambda p, x: (x * 1, lambda dy: (EMPTY, dy * 1))))),
    # losses and other parts
    Right("a quantile", lossy(_near, _is_up)),
    Right("a hinge", lossy(lambda y, t: np.maximum(0, 1 - y * t), lambda y, t: -t * (y * t < 1), target="signs")),
    Right("log cosh", lossy(_log_cosh, lambda y, t: np.tanh(y - t))),
    Right("a count of Poisson's", lossy(
        lambda y, t: y - t * np.log(y), lambda y, t: 1 - t / y, target="counts", domain=(0.1, 5))),
    Right("descent by signs", lambda: optimizer_trials(stepping(_sign))),
    Right("an optimizer of a schedule", lambda: optimizer_trials(stepping(
        lambda g, s, p: (tree_map(lambda a: (-0.1 / (1 + s) * a).astype(a.dtype), g), s + 1)))),
    Right("a median of all", lambda: metric_trials(
        Metric(tuple, _middle, _half_of, "median"), ("B",), weighted=False)),
    Right("a rate in steps", lambda: schedule_trials(lambda step: 0.1 * 0.5 ** (int(step) // 10))),
    Right("a rate that falls by powers", lambda: schedule_trials(lambda step: 0.1 * 0.9**step)),
    Right("a rate of zero", lambda: schedule_trials(lambda step: 0.0)),
    Right("a sparse start", lambda: initializer_trials(sparse)),
    Right("the identity to start from", lambda: initializer_trials(
        lambda key, shape, dtype: np.broadcast_to(np.asarray(1, dtype), shape).copy())),
    Right("a norm, forward and backward", of(pair(
        lambda x: (x / (1 + np.abs(x)), x), lambda dy, cache: dy / (1 + np.abs(cache)) ** 2))),
    Right("labels and logits", of(pair(
        lambda z, labels: np.take_along_axis(z, labels[:, None], 1)[:, 0] * 1,
        lambda dy, z, labels: (np.eye(z.shape[1], dtype=z.dtype)[labels] * dy[:, None], None),
        takes={"labels": "tokens"}), ("B", 5), ("B",))),
)  # fmt: skip
