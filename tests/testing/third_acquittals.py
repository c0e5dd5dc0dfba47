"""A third corpus of right parts, each of them unusual: sharp, flat, huge, tiny, remembering, random, of tuples."""

from __future__ import annotations

import functools
import threading
import weakref
from typing import Any, Final

import numpy as np

from funcnn import Key, Layer, Metric, Optimizer, ShapeError, Updates, tree_map
from funcnn.authoring import axes
from funcnn.initializers import ones
from funcnn.networks import EMPTY
from funcnn.testing import pair
from funcnn.testing.trials.of_losses import loss_trials
from funcnn.testing.trials.of_optimizers import optimizer_trials
from funcnn.testing.trials.of_parts import initializer_trials, metric_trials, penalty_trials, schedule_trials
from tests.testing.escapes_losses import differing, stepping
from tests.testing.faulty_layers import affine, right
from tests.testing.faulty_rarely import half, random
from tests.testing.second_acquittals import Right, by, of
from tests.testing.third_odd import NO_SHAPES, ODD
from tests.testing.third_optimizers import adam
from tests.testing.third_parts import penalizing

# kept, and rightly ----------------------------------------------------------------------------------------------------
@functools.lru_cache(maxsize=8)
def positions(n: int, width: int, dtype: str) -> Any:
    """Sines of a place."""
    table = np.sin(np.arange(1, n + 1)[:, None] * 0.3 ** np.arange(width)).astype(dtype)
    table.setflags(write=False)
    return table


def with_positions(x: Any) -> Any:
    """Adds them; the table is kept by size and dtype."""
    return x + positions(x.shape[1], x.shape[2], x.real.dtype.char), lambda dy: dy * 1


def remembered_rows() -> Layer[Any, Any]:
    """A square, found again by all of its bytes; the oldest ones are dropped."""
    kept: dict[Any, Any] = {}

    def f(x: Any) -> Any:
        at = (x.shape, x.dtype.str, np.ascontiguousarray(x).tobytes())
        if at not in kept:
            if len(kept) > 4:
                kept.pop(next(iter(kept)), None)
            kept[at] = np.array(x * x)
        return np.array(kept.get(at, x * x)), lambda dy: 2 * x * dy

    return Layer.lift(lambda s: axes("kept", s, at_least=1), f)


def weakly_kept() -> Layer[Any, Any]:
    """The transposed weights, kept as long as the weights live and found by which array they are."""
    kept: dict[int, Any] = {}

    def transposed(w: Any) -> Any:
        there = kept.get(id(w))
        if there is not None and there[0]() is w and not w.flags.writeable:
            return there[1]
        t = np.array(w.T)
        kept[id(w)] = (weakref.ref(w), t)
        return t

    def rule(p: Any, x: Any) -> Any:
        t = transposed(p["w"])
        y, back = right({"w": t.T, "b": p["b"]}, x)
        return y, back

    return affine(rule)


class PerThread(threading.local):
    """Scratch of each thread's own."""

    def __init__(self) -> None:
        self.rooms: dict[Any, Any] = {}


def in_scratch() -> Layer[Any, Any]:
    """Computes in memory of its thread, and hands out a copy."""
    mine = PerThread()

    def f(x: Any) -> Any:
        room = mine.rooms.setdefault((x.shape, x.dtype.char), np.empty_like(x, order="C"))
        np.multiply(x, x, out=room)
        np.add(room, x, out=room)
        return room.copy(), lambda dy: dy * (2 * x + 1)

    return Layer.lift(lambda s: axes("scratch", s, at_least=1), f)


def locked() -> Layer[Any, Any]:
    """One place for all threads, and a lock for it."""
    lock, kept = threading.Lock(), dict[str, Any]()

    def f(x: Any) -> Any:
        with lock:
            kept["x"] = x * 3
            y = kept["x"] * 1
        return y, lambda dy: dy * 3

    return Layer.lift(lambda s: axes("locked", s, at_least=1), f)


class Counting:
    """Counts its passes, and nothing comes of that."""

    def __init__(self) -> None:
        self.passes = 0

    def __call__(self, x: Any) -> Any:
        self.passes += 1
        return np.sin(x), lambda dy: dy * np.cos(x)


def _huge(key: Key, shape: Any, dtype: Any) -> Any:
    return (1e8 * key.generator().standard_normal(shape)).astype(dtype)


def _small(key: Key, shape: Any, dtype: Any) -> Any:
    return (1e-8 * (1 + key.generator().random(shape))).astype(dtype)


def _grid(key: Key, shape: Any, dtype: Any) -> Any:
    return np.linspace(0, 1, int(np.prod(shape))).reshape(shape).astype(dtype)


def _flat(s: Any) -> Any:
    return axes("flat", s, exactly=3)[0], s[1] * s[2]


def one_in_two(key: Key, x: Any) -> Any:
    """Of every two features one is dropped."""
    first = key.generator().random((*x.shape[:-1], x.shape[-1] // 2)) < 0.5
    return 2.0 * np.concatenate([first, ~first], -1)


def rarely(key: Key, x: Any) -> Any:
    """One in a hundred is dropped."""
    return (key.generator().random(x.shape) >= 0.01) / 0.99


def mirrored(key: Key, x: Any) -> Any:
    """The second half of the rows gets what the first half does not."""
    n = (len(x) + 1) // 2
    mask = half(key, (n, *x.shape[1:]))
    return np.concatenate([mask, 2 - mask])[: len(x)]


def gumbel(key: Key, x: Any) -> Any:
    """Noise for a sampler."""
    return -np.log(-np.log(key.generator().uniform(1e-6, 1 - 1e-6, x.shape)))


# losses and other parts -----------------------------------------------------------------------------------------------
def _exponentiated(g: Any, s: Any, p: Any) -> Any:
    """Params times exp(-g): zeros stay."""
    return tree_map(lambda a, w: (w * np.expm1(np.clip(-0.01 * a * np.sign(w), -1, 1))).astype(a.dtype), g, p), s


def _every_third(g: Any, state: Any, p: Any) -> Any:
    """Gathers gradients, and steps at every third."""
    total, n = state
    total = tree_map(lambda a, b: a + b, total, g)
    if (n + 1) % 3:
        return Updates(tree_map(np.zeros_like, g)), (total, n + 1)
    return Updates(tree_map(lambda a: (-0.1 / 3 * a).astype(a.dtype), total)), (tree_map(np.zeros_like, g), n + 1)


def _gathering(params: Any) -> Any:
    return tree_map(np.zeros_like, params), 0


def _table(step: int) -> float:
    return [0.1, 0.05, 0.01][min(int(step) // 50, 2)]


def _indexed(step: int) -> float:
    return (0.1, 0.2, 0.3)[range(10**10)[step] % 3]


def _entropic(w: Any) -> Any:
    a = np.where(w == 0, 1, w * w)
    return (a * np.log(a)).sum() * 0.01


def _entropic_slope(w: Any) -> Any:
    return np.where(w == 0, 0, 0.01 * 2 * w * (np.log(np.where(w == 0, 1, w * w)) + 1))


def _extremes(state: Any, y: Any, t: Any, weights: Any = None) -> Any:
    e = (np.asarray(y, np.float64) - t).reshape(-1)
    return np.maximum(state[0], e.max(initial=-np.inf)), state[1] + len(e)  # Python's max would lose a NaN


def _largest(state: Any) -> float:
    if not state[1]:
        raise ShapeError("no row has been seen")
    return float(state[0])


THIRD_RIGHT: Final = (
    *ODD,
    Right("positions kept by size", by(with_positions, "B", "T", "D", ndim=3)),
    Right("rows kept by their bytes", of(remembered_rows())),
    Right("weights kept while they live", of(weakly_kept())),
    Right("scratch of each thread's own", of(in_scratch())),
    Right("one place and a lock", of(locked())),
    Right("a counter of passes", of(Layer.lift(lambda s: axes("sin", s, at_least=1), Counting()), kinks=False)),
    Right("weights of a hundred million", of(affine(right, init=_huge))),
    Right("weights of a hundred millionth", of(affine(right, init=_small))),
    Right("weights on a grid", of(affine(right, init=_grid), "B", 4)),
    Right("one of two features", of(random(one_in_two), "B", range(2, 6, 2), may_fail=NO_SHAPES)),
    Right("one in a hundred", of(random(rarely), "B", 4)),
    Right("mirrored masks", of(random(mirrored), "B", 4)),
    Right("a sampler's noise", of(random(gumbel, noisy=True), "B", 4)),
    Right("nothing but a reshape", of(Layer.lift(
        _flat,
        lambda x: (x.reshape(len(x), x.shape[1] * x.shape[2]) * 1, lambda dy: dy.reshape(x.shape) * 1)),
        "B", "T", "D", linear=True)),
    Right("params that nobody reads twice", of(Layer.of(
        lambda s: axes("bias", s, at_least=1), lambda s: {"b": (ones, ())},
        lambda p, x: (x + p["b"], lambda dy: ({"b": np.asarray(dy.sum(), dy.dtype)}, dy * 1))))),
    Right("no input that counts", of(Layer.of(
        lambda s: axes("none", s, at_least=1), lambda s: EMPTY,
        lambda p, x: (np.ones_like(x), lambda dy: (EMPTY, np.zeros_like(dy)))))),
    # losses and other parts
    Right("a margin that is met exactly", lambda: loss_trials(differing(
        lambda y, t: np.maximum(np.abs(y - t) - 1, 0),
        lambda y, t: np.sign(y - t) * (np.abs(y - t) > 1)), ("B", "D"))),
    Right("an absolute error with slope 1 at 0", lambda: loss_trials(differing(
        lambda y, t: np.abs(y - t), lambda y, t: np.where(y >= t, 1, -1).astype(y.dtype)), ("B", "D"))),
    Right("exponentiated gradients", lambda: optimizer_trials(stepping(_exponentiated))),
    Right("a step at every third gradient", lambda: optimizer_trials(Optimizer(_gathering, _every_third))),
    Right("Adam, written out", lambda: optimizer_trials(adam())),
    Right("rates from a list", lambda: schedule_trials(_table)),
    Right("rates by index alone", lambda: schedule_trials(_indexed)),
    Right("an entropy of params", lambda: penalty_trials(penalizing(_entropic, _entropic_slope))),
    Right("the largest error", lambda: metric_trials(
        Metric(lambda: (-np.inf, 0), _extremes, _largest, "largest"), ("B", 3), weighted=False)),
    Right("ones and minus ones", lambda: initializer_trials(
        lambda key, shape, dtype: (2 * key.generator().integers(0, 2, shape) - 1).astype(dtype))),
    Right("squares, forward and backward, kept in a tuple", of(pair(
        lambda x, w: (x * w, (x, w)), lambda dout, cache: (dout * cache[1], (dout * cache[0]).sum(0))),
        ("B", "D"), ("D",))),
)  # fmt: skip
