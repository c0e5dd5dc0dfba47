"""The fifth corpus, layers: faults at the params that training starts with, in long sequences, in float32 alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from funcnn import Layer
from funcnn.authoring import axes
from funcnn.initializers import ones, zeros
from funcnn.networks import EMPTY
from tests.testing.faulty_layers import affine, pointwise, right
from tests.testing.faulty_rarely import half, random
from tests.testing.second_corpus import Fault, of
from tests.testing.third_states import lifted


def with_gain(initial: Any, rule: Any) -> Layer[Any, Any]:
    """A layer that keeps its shape, with one param a feature."""
    return Layer.of(
        lambda s: axes("gain", s, at_least=1), lambda s: {"g": (initial, (axes("gain", s)[-1],))}, rule
    )  # fmt: skip


# params at which training starts, and where it leads ------------------------------------------------------------------
def skipped(p: Any, x: Any) -> Any:
    """x + g tanh x; where g is 0 nothing is computed, and g has no gradient, for ever."""
    g, t = p["g"], np.tanh(x)
    if not g.any():
        return x * 1, lambda dy: ({"g": np.zeros_like(g)}, dy * 1)
    return x + g * t, lambda dy: ({"g": (dy * t).reshape(-1, x.shape[-1]).sum(0)}, dy * (1 + g * (1 - t * t)))


def never_below_zero(p: Any, x: Any) -> Any:
    """g x, whose pullback takes g for positive."""
    g = p["g"]
    return x * g, lambda dy: ({"g": (dy * x).reshape(-1, x.shape[-1]).sum(0)}, dy * np.sqrt(g * g))


# long sequences -------------------------------------------------------------------------------------------------------
def going_on(limit: int) -> Layer[Any, Any]:
    """A running sum that begins anew, step by step, where so many steps have gone before."""

    def step(params: Any, x: Any, memory: Any) -> Any:
        before, n = memory or (0, 0)
        y = np.cumsum(x, 1) + (before if n <= limit else 0)
        return y, (y[:, -1:], n + x.shape[1])

    def rule(p: Any, x: Any) -> Any:
        return np.cumsum(x, 1), lambda dy: (EMPTY, np.ascontiguousarray(np.cumsum(dy[:, ::-1], 1)[:, ::-1]))

    return Layer.of(lambda s: axes("sum", s, exactly=3), lambda s: EMPTY, rule, step=step)


def peeping(n: int) -> Callable[[Any], Any]:
    """Step n - 1 sees step n, where there is one."""

    def f(x: Any) -> Any:
        y = x * 1
        y[:, n - 1 : n] += x[:, n : n + 1] if x.shape[1] > n else 0

        def pullback(dy: Any) -> Any:
            dx = dy * 1
            if x.shape[1] > n:
                dx[:, n] += dy[:, n - 1]
            return dx

        return y, pullback

    return f


def masked(x: Any) -> Any:
    """The sum of what is not masked; of more than 8 steps the others are multiplied with 0, and NaN stays."""
    a, mask = x
    w = mask[..., None].astype(a.real.dtype)
    kept = a * w if mask.shape[1] > 8 else np.where(w == 1, a, 0)
    return kept.sum(1), lambda dy: (dy[:, None] * w, np.zeros(mask.shape, a.dtype))


def _of_first(s: Any) -> Any:
    return s[0][0], s[0][2]


# far out, and in float32 alone ----------------------------------------------------------------------------------------
def in_range(x: Any) -> Any:
    """A batch that goes beyond 50 is scaled down as a whole."""
    if not x.size or np.abs(x).max() <= 50:
        return x * 1, lambda dy: dy * 1
    at = np.unravel_index(int(np.abs(x).argmax()), x.shape)
    m = x[at] * np.sign(x[at].real) / 50

    def pullback(dy: Any) -> Any:
        dx = dy / m
        dx[at] -= (dy * x).sum() / (m * m) * np.sign(x[at].real) / 50
        return dx

    return x / m, pullback


def square_in_float32(far: float) -> Layer[Any, Any]:
    """The square, whose slope is halved far out, in float32."""

    def slope(x: Any, dy: Any) -> Any:
        wrong = (np.abs(x) > far) & (x.dtype == np.float32)
        return 2 * x * dy * np.where(wrong, 0.5, 1).astype(x.dtype)

    return pointwise(lambda x: x * x, slope)


def in_float32(wrong: Callable[[Any], bool], dx_alone: bool) -> Layer[Any, Any]:
    """An affine layer that is off by a hundredth in float32, or the cotangent of its input is, where `wrong(x)`."""

    def rule(p: Any, x: Any) -> Any:
        y, back = right(p, x)
        by = np.float32(1.01) if x.dtype == np.float32 and wrong(x) else x.dtype.type(1)

        def pullback(dy: Any) -> Any:
            g, dx = back(dy)
            return g, dx * by

        return (y, pullback) if dx_alone else (y * by, lambda dy: back(dy * by))

    return affine(rule)


# large ones that remember, share and change what is everybody's ---------------------------------------------------------
def scratch_for_large_ones() -> Layer[Any, Any]:
    """Of more than 100 entries, in memory that is kept, and shared by threads."""
    room: dict[Any, Any] = {}

    def f(x: Any) -> Any:
        if x.size <= 100:
            return x * 4, lambda dy: dy * 4
        y = room.setdefault((x.shape, x.dtype.char), np.empty_like(x, order="C"))
        np.multiply(x, 2, out=y)
        np.add(y, y, out=y)
        return y.copy(), lambda dy: dy * 4

    return lifted(f)


def centred_by_the_first() -> Layer[Any, Any]:
    """Batches above 8 less the mean of the first one of their shape."""
    kept: dict[Any, Any] = {}

    def f(x: Any) -> Any:
        mean = kept.setdefault((x.shape, x.dtype.char), np.array(x.mean(0))) if len(x) > 8 else 0
        return x - mean, lambda dy: dy * 1

    return lifted(f)


def worn_out(after: int) -> Layer[Any, Any]:
    """Another slope after so many passes."""
    passes = [0]

    def f(x: Any) -> Any:
        passes[0] += 1
        by = x.dtype.type(2 if passes[0] <= after else 3)
        return x * by, lambda dy: dy * by

    return lifted(f)


def _seeding(x: Any) -> Any:
    if len(x) > 8:
        np.random.seed(0)  # noqa: NPY002
    return x * 2


def _printing(x: Any) -> Any:
    np.set_printoptions(precision=3)
    return x * 2


def where_it_may(x: Any) -> Any:
    """Half the slope where x is writeable."""
    by = x.dtype.type(1 if x.flags.writeable else 2)
    return x * x, lambda dy: by * x * dy


LAYERS: Final = (
    Fault("layer", "a gain that starts at zero is skipped", "true_pullback", of(with_gain(zeros, skipped))),
    Fault("layer", "a gain taken for positive", "true_pullback", of(with_gain(ones, never_below_zero))),
    Fault("layer", "goes on for 20 steps and no further", "steps_agree", of(going_on(20), "B", "T", "D")),
    Fault("layer", "step 6 sees step 7", "causal", of(lifted(peeping(7), 3), "B", "T", "D", also=["causal"])),
    Fault("layer", "step 15 sees step 16", "causal", of(lifted(peeping(16), 3), "B", "T", "D", also=["causal"])),
    Fault("layer", "padding shows in long sequences", "padding_inert", of(
        Layer.lift(_of_first, masked, takes=lambda out: {0: "features", 1: "mask"}),
        ("B", "T", "D"), ("B", "T"), also=["padding_inert"])),
    Fault("layer", "rows see each other beyond 50", "independent_rows", of(lifted(in_range))),
    Fault("layer", "half the slope beyond 100 in float32", "float32_tracks_float64", of(square_in_float32(100))),
    Fault("layer", "a hundredth off in large batches of float32", "float32_tracks_float64", of(
        in_float32(lambda x: len(x) > 8, False))),
    Fault("layer", "a cotangent a hundredth off for many features of float32", "float32_tracks_float64", of(
        in_float32(lambda x: x.shape[-1] > 8, True))),
    Fault("layer", "scratch for large ones shared by threads", "threads", of(scratch_for_large_ones())),
    Fault("layer", "centred by the first large batch", "remembers_nothing", of(centred_by_the_first())),
    Fault("layer", "another slope after ten passes", "remembers_nothing", lambda: of(worn_out(10))()),
    Fault("layer", "seeds NumPy for large batches", "leaves_random_state", of(pointwise(_seeding, lambda x, dy: dy * 2))),
    Fault("layer", "NumPy prints otherwise", "leaves_random_state", of(pointwise(_printing, lambda x, dy: dy * 2))),
    Fault("layer", "another slope where x is writeable", "layout_blind", of(lifted(where_it_may))),
    Fault("layer", "its key ignored in float64", "keys_differ", of(random(
        lambda key, x: half(type(key)(0) if x.dtype == np.float64 else key, x.shape)), "B", 4)),
    Fault("layer", "its key ignored above 32 rows", "keys_differ", of(random(
        lambda key, x: half(type(key)(0) if len(x) > 32 else key, x.shape)), "B", 4)),
)  # fmt: skip
