"""A second corpus of planted faults, of every kind of part, by people who write layers and not laws."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from funcnn import Dense, Dropout, Key, Layer, Metric, Optimizer, ShapeError, Tanh, Updates, he_normal, tree_map
from funcnn.authoring import axes
from funcnn.testing import Trial, pair
from funcnn.testing.trials.of_combinators import combinator_trials
from funcnn.testing.trials.of_layers import trials
from funcnn.testing.trials.of_losses import loss_trials
from funcnn.testing.trials.of_optimizers import optimizer_trials
from funcnn.testing.trials.of_parts import initializer_trials, metric_trials, schedule_trials
from tests import closed_forms
from tests.testing.escapes_losses import differing, stepping
from tests.testing.faulty_combinators import two
from tests.testing.faulty_layers import affine, pointwise, right, with_gradients
from tests.testing.faulty_rarely import biased, half, misled, random

Tried = Callable[[], dict[str, Trial]]


class Fault(NamedTuple):
    """A planted fault, the law that finds it at default effort, and the trials."""

    kind: str
    fault: str
    law: str
    tried: Tried


def of(layer: Layer[Any, Any], *shape: Any, **claims: Any) -> Tried:
    """The trials of a layer."""
    return lambda: trials(layer, shape or ("B", "D"), **claims)


# layers ---------------------------------------------------------------------------------------------------------------
def cumulative(x: Any) -> tuple[Any, Callable[[Any], Any]]:
    """A running sum whose pullback runs the same way."""
    return np.cumsum(x, -1, dtype=x.dtype), lambda dy: np.cumsum(dy, -1, dtype=dy.dtype)


def smallest(x: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Every tie gets the cotangent."""
    y = x.min(-1, keepdims=True)
    return y, lambda dy: dy * (x == y)


def norm_without_mean(x: Any) -> tuple[Any, Callable[[Any], Any]]:
    """The pullback forgets that the mean depends on x."""
    scale = 1 / np.sqrt(((x - x.mean(-1, keepdims=True)) ** 2).mean(-1, keepdims=True) + x.dtype.type(0.1))
    n = (x - x.mean(-1, keepdims=True)) * scale
    return n, lambda dy: scale * (dy - n * (dy * n).mean(-1, keepdims=True))


def unscaled_attention(x: Any) -> tuple[Any, Callable[[Any], Any]]:
    """The pullback forgets to divide by the root of the width."""
    by = x.dtype.type(x.shape[-1] ** -0.5)
    s = by * (x @ x.swapaxes(1, 2))
    e = np.exp(s - s.max(-1, keepdims=True))
    a = e / e.sum(-1, keepdims=True)

    def pullback(dy: Any) -> Any:
        da = dy @ x.swapaxes(1, 2)
        ds = a * (da - (da * a).sum(-1, keepdims=True))
        return a.swapaxes(1, 2) @ dy + ds @ x + ds.swapaxes(1, 2) @ x

    return a @ x, pullback


def squeezed(x: Any) -> tuple[Any, Callable[[Any], Any]]:
    """A batch of one loses its axis."""
    return np.squeeze(x * 2), lambda dy: 2 * np.reshape(dy, x.shape)


def _flags(x: Any) -> Any:
    np.seterr(all="ignore")
    return x * 2


def _decaying(p: Any, x: Any) -> Any:
    y, back = right(p, x)

    def pullback(dy: Any) -> Any:
        g = back(dy)
        if p["w"].flags.writeable:
            p["w"][...] *= 0.5
        return g

    return y, pullback


_first: dict[Any, Any] = {}


def _first_params(p: Any, x: Any) -> Any:
    kept = _first.setdefault((p["w"].shape, p["w"].dtype.char), p)
    return right(kept, x)


_rooms: dict[Any, Any] = {}


def _shared_gradient(dw: Any, db: Any, dx: Any, *_: Any) -> Any:
    room = _rooms.setdefault((dw.shape, dw.dtype.char), np.empty_like(dw))
    room[...] = dw
    return room, db, dx


def ticking(x: Any) -> Any:
    """Another function in every hour."""
    return x * (1 + 1e-2 * (time.localtime().tm_hour % 24))


def row_dropped(key: Key, x: Any) -> Any:
    """One mask for a batch."""
    return half(key, (1, *x.shape[1:]))


def half_keyed(key: Key, x: Any) -> Any:
    """Whatever the key is."""
    return half(Key(0), x.shape)


LAYER_FAULTS: Final = (
    Fault("layer", "the rows beyond 16 have no part in dw", "true_pullback", of(affine(with_gradients(
        lambda dw, db, dx, dy, x, p: (x[:16].T @ dy[:16], db, dx))))),
    Fault("layer", "wrong for batches above 24", "true_pullback", of(misled(lambda x, dy: len(x) > 24))),
    Fault("layer", "wrong for batches of one", "true_pullback", of(biased(lambda x, dy: len(x) == 1))),
    Fault("layer", "a cotangent clipped at 1000", "linear_pullback", of(pointwise(
        lambda x: x * 2, lambda x, dy: 2 * np.clip(dy, -1000, 1000)))),
    Fault("layer", "relu'(0) = 2", "at_ties", of(pointwise(
        lambda x: x * (x > 0), lambda x, dy: dy * np.where(x > 0, 1, 2 * (x == 0)).astype(x.dtype)))),
    Fault("layer", "abs'(0) = -3", "at_ties", of(pointwise(
        np.abs, lambda x, dy: dy * np.where(x == 0, -3, np.sign(x)).astype(x.dtype)))),
    Fault("layer", "the smallest, to every tie", "at_ties", of(Layer.lift(
        lambda s: (*axes("smallest", s, at_least=1)[:-1], 1), smallest), "B", range(2, 5))),
    Fault("layer", "no gradient beyond 300", "true_pullback", of(pointwise(
        lambda x: x * 3, lambda x, dy: 3 * dy * (np.abs(x) < 300)))),
    Fault("layer", "no gradient below 1/1000", "true_pullback", of(pointwise(
        lambda x: x * 3, lambda x, dy: 3 * dy * (np.abs(x) > 1e-3)))),
    Fault("layer", "a fast value far out", "value_of_rule", of(Layer.lift(
        lambda s: axes("fast", s, at_least=1), lambda x: (x / (1 + np.abs(x)), lambda dy: dy / (1 + np.abs(x)) ** 2),
        value=lambda x: np.where(np.abs(x) > 50, np.sign(x), x / (1 + np.abs(x))).astype(x.dtype)))),
    Fault("layer", "softplus overflows", "finite", of(pointwise(
        lambda x: np.log1p(np.exp(x)), lambda x, dy: dy / (1 + np.exp(-x))))),
    Fault("layer", "a running sum backwards", "true_pullback", of(Layer.lift(
        lambda s: axes("cumulative", s, at_least=1), cumulative))),
    Fault("layer", "the mean of a norm forgotten", "true_pullback", of(Layer.lift(
        lambda s: axes("norm", s, at_least=1), norm_without_mean))),
    Fault("layer", "a scale of attention forgotten", "true_pullback", of(Layer.lift(
        lambda s: axes("attention", s, exactly=3), unscaled_attention), "B", "T", range(2, 5))),
    Fault("layer", "a batch of one squeezed", "declared_shape", of(Layer.lift(
        lambda s: axes("squeezed", s, exactly=2), squeezed))),
    Fault("layer", "NumPy's settings changed", "leaves_random_state", of(pointwise(_flags, lambda x, dy: dy * 2))),
    Fault("layer", "params decayed where they may be", "writes_nothing", of(affine(_decaying))),
    Fault("layer", "the params of the first pass", "remembers_nothing", of(affine(_first_params))),
    Fault("layer", "one array for all dw", "pure", of(affine(with_gradients(_shared_gradient)))),
    Fault("layer", "by the hour", "blind_to_the_clock", of(pointwise(
        ticking, lambda x, dy: dy * (1 + 1e-2 * (time.localtime().tm_hour % 24))))),
    Fault("layer", "one mask for a batch", "rows_differ", of(random(row_dropped), "B", 4)),
    Fault("layer", "one mask for ever", "keys_differ", of(random(half_keyed), "B", 4)),
    Fault("layer", "float32 inside", "true_pullback", of(affine(with_gradients(
        lambda dw, db, dx, *_: (dw.astype(np.float32).astype(dw.dtype), db, dx))))),
    Fault("layer", "the softmax over another axis", "plain_value", of(Layer.lift(
        lambda s: axes("softmax", s, exactly=3), lambda x: (np.exp(x - x.max(1, keepdims=True)) / np.exp(
            x - x.max(1, keepdims=True)).sum(1, keepdims=True), lambda dy: dy)), "B", range(2, 4), range(2, 4),
        value=lambda p, x: np.exp(x) / np.exp(x).sum(-1, keepdims=True), only=["plain_value"], also=[])),
)  # fmt: skip


# losses ---------------------------------------------------------------------------------------------------------------
def _half_square(y: Any, t: Any) -> Any:
    return (y - t) ** 2 / 2


def _writing(y: Any, t: Any) -> Any:
    e = y - t
    if y.flags.writeable:
        y[...] = 0
    return e * e / 2


_losses: dict[Any, Any] = {}


def _remembered(y: Any, t: Any) -> Any:
    return _losses.setdefault((y.shape, y.dtype.char, round(float(np.real(y).sum()), 1)), _half_square(y, t))


def _seeded(y: Any, t: Any) -> Any:
    np.random.seed(1)  # noqa: NPY002
    return _half_square(y, t)


def lossy(terms: Any, slope: Any, /, **options: Any) -> Tried:
    """The trials of a loss by its terms and their slope."""
    return lambda: loss_trials(differing(terms, slope), ("B", "D"), **options)


LOSS_FAULTS: Final = (
    Fault("loss", "huber's slope is not clipped", "true_pullback", lossy(
        lambda y, t: np.where(np.abs(y - t) < 1, (y - t) ** 2 / 2, np.abs(y - t) - 0.5).astype(y.dtype),
        lambda y, t: y - t)),
    Fault("loss", "weights by place", "any_order", lossy(
        lambda y, t: _half_square(y, t) * np.arange(len(y)).reshape(-1, *[1] * (y.ndim - 1)).astype(y.dtype),
        lambda y, t: (y - t) * np.arange(len(y)).reshape(-1, *[1] * (y.ndim - 1)).astype(y.dtype))),
    Fault("loss", "log cosh overflows", "finite", lossy(
        lambda y, t: np.log(np.cosh(y - t)), lambda y, t: np.tanh(y - t))),
    Fault("loss", "the sigmoid of a logit overflows", "finite", lossy(
        lambda y, t: np.log(1 + np.exp(-y)) + (1 - t) * y, lambda y, t: 1 / (1 + np.exp(-y)) - t, target="binary")),
    Fault("loss", "half the slope of errors above 50", "true_pullback", lossy(
        _half_square, lambda y, t: (y - t) * np.where(np.abs(y - t) > 50, 0.5, 1).astype(y.dtype))),
    Fault("loss", "twice the value above 20 rows", "plain_value", lossy(
        lambda y, t: _half_square(y, t) * (1 + (len(y) > 20)), lambda y, t: (y - t) * (1 + (len(y) > 20)),
        value=_half_square)),
    Fault("loss", "a mean taken twice where there is one row", "weights_are_copies", lossy(
        lambda y, t: _half_square(y, t) / (2 if len(y) == 1 else 1), lambda y, t: (y - t) / (2 if len(y) == 1 else 1))),
    Fault("loss", "writes into predictions where it may", "pure", lossy(_writing, lambda y, t: y - t)),
    Fault("loss", "remembered by a rounded sum", "true_pullback", lossy(_remembered, lambda y, t: y - t)),
    Fault("loss", "seeds NumPy", "pure", lossy(_seeded, lambda y, t: y - t)),
    Fault("loss", "a slope in float64", "dtype_kept", lossy(
        _half_square, lambda y, t: (y - t) * np.float64(1) if y.dtype == np.float64 else (y - t).astype(np.float64))),
)  # fmt: skip


# optimizers -----------------------------------------------------------------------------------------------------------
def descending(change: Callable[[Any, int], Any]) -> Optimizer[Any]:
    """Descent whose gradients, and steps so far, are passed through `change`."""
    return stepping(lambda g, s, p: (tree_map(lambda a: (-0.1 * change(a, s)).astype(a.dtype), g), s + 1))


def _sgd(optimizer: Any) -> Any:
    return closed_forms.sgd(0.1)


def optimizing(made: Optimizer[Any], **options: Any) -> Tried:
    """The trials of an optimizer."""
    return lambda: optimizer_trials(made, **options)


def _steps_in_place(params: Any) -> Any:
    return {"n": 0}


def _counting_in_place(g: Any, s: Any, p: Any) -> Any:
    s["n"] += 1
    return Updates(tree_map(lambda a: (-0.1 / s["n"] * a).astype(a.dtype), g)), s


OPTIMIZER_FAULTS: Final = (
    Fault("optimizer", "NaN at the third step", "closed_form", optimizing(
        descending(lambda a, s: a * (np.nan if s == 2 else 1)), steps=_sgd)),
    Fault("optimizer", "NaN at the third step, no formula", "descends", optimizing(
        descending(lambda a, s: a * (np.nan if s == 2 else 1)))),
    Fault("optimizer", "ascent of vectors", "descends", optimizing(descending(lambda a, s: a if a.ndim > 1 else -a))),
    Fault("optimizer", "a state that changes", "plain_state", optimizing(
        Optimizer(_steps_in_place, _counting_in_place))),
    Fault("optimizer", "the sign at every fifth step", "closed_form", optimizing(
        descending(lambda a, s: -a if s % 5 == 4 else a), steps=_sgd)),
    Fault("optimizer", "the root of the gradient where it is small", "closed_form", optimizing(
        descending(lambda a, s: np.where(np.abs(a) < 1e-2, 2 * a, a)), steps=_sgd)),
    Fault("optimizer", "scaled by the number of entries", "closed_form", optimizing(
        descending(lambda a, s: a / max(a.size, 1)), steps=_sgd)),
    Fault("optimizer", "noise of its own", "pure", optimizing(
        descending(lambda a, s: a + np.random.default_rng().standard_normal(a.shape)))),
)  # fmt: skip


# metrics, schedules, initializers -------------------------------------------------------------------------------------
def _errors(y: Any, t: Any, w: Any = None) -> Any:
    by = np.ones(len(y)) if w is None else np.asarray(w, np.float64)
    return (np.abs(np.asarray(y, np.float64) - t).reshape(len(y), -1).mean(1) * by).sum(), by.sum()


def _mean(state: Any) -> float:
    if not state[1]:
        raise ShapeError("no row has been seen")
    return float(state[0] / state[1])


def measuring(update: Any, compute: Any = _mean, init: Any = lambda: (0.0, 0.0), **options: Any) -> Tried:
    """The trials of a metric."""
    return lambda: metric_trials(Metric(init, update, compute, "mutant"), ("B", 3), **options)


def _last_batch(state: Any, y: Any, t: Any, weights: Any = None) -> Any:
    return _errors(y, t, weights) if len(y) else state


def _even_rows(state: Any, y: Any, t: Any, weights: Any = None) -> Any:
    n = len(y) // 2 * 2
    total, count = _errors(y[:n], t[:n], None if weights is None else weights[:n])
    return state[0] + total, state[1] + count


def _root_of_each(state: Any, y: Any, t: Any, weights: Any = None) -> Any:
    total, count = _errors(y, t, weights)
    return state[0] + np.sqrt(total), state[1] + count


def _clearing(state: Any, y: Any, t: Any, weights: Any = None) -> Any:
    total, count = _errors(y, t, weights)
    if y.flags.writeable:
        y[...] = 0
    return state[0] + total, state[1] + count


def _added(state: Any, y: Any, t: Any, weights: Any = None) -> Any:
    total, count = _errors(y, t, weights)
    return state[0] + total, state[1] + count


PART_FAULTS: Final = (
    Fault("metric", "the last batch alone", "batches_agree", measuring(_last_batch)),
    Fault("metric", "rows in pairs", "batches_agree", measuring(_even_rows)),
    Fault("metric", "a root of each batch", "batches_agree", measuring(_root_of_each)),
    Fault("metric", "clears predictions where it may", "pure", measuring(_clearing)),
    Fault("metric", "a maximum from zero", "plain_value", measuring(
        lambda s, y, t, weights=None: max(s, float((y - t).max(initial=-np.inf))), lambda s: s, lambda: 0.0,
        value=lambda y, t: (y - t).max(), weighted=False)),
    Fault("metric", "weights squared", "weights_are_copies", measuring(
        lambda s, y, t, weights=None: _added(s, y, t, None if weights is None else np.square(weights)))),
    Fault("schedule", "an integer at first", "a_rate", lambda: schedule_trials(
        lambda step: 1 if not step else 1 / step)),
    Fault("schedule", "divides by the step", "a_rate", lambda: schedule_trials(lambda step: 1 / step)),
    Fault("schedule", "too large in the end", "a_rate", lambda: schedule_trials(lambda step: 1e-3 * 1.5**step)),
    Fault("schedule", "one step late", "plain_value", lambda: schedule_trials(
        lambda step: 0.1 / (step + 2), lambda step: 0.1 / (step + 1))),
    Fault("initializer", "no vectors", "as_asked", lambda: initializer_trials(
        lambda key, shape, dtype: (key.generator().standard_normal(shape) / shape[-2]).astype(dtype))),
    Fault("initializer", "a uniform distribution of another width", "scale_by_fan", lambda: initializer_trials(
        lambda key, shape, dtype: key.generator().uniform(-1, 1, shape).astype(dtype), variance=lambda n, m: 2 / n)),
    Fault("initializer", "the receptive field left out", "scale_by_fan", lambda: initializer_trials(
        lambda key, shape, dtype: (key.generator().standard_normal(shape) * (2 / shape[-2]) ** 0.5).astype(dtype),
        variance=lambda n, m: 2 / n)),
    Fault("initializer", "another draw every time", "repeatable", lambda: initializer_trials(
        lambda key, shape, dtype: np.random.default_rng().standard_normal(shape).astype(dtype))),
    Fault("initializer", "infinite for sizes of one", "as_asked", lambda: initializer_trials(
        lambda key, shape, dtype: he_normal(key, shape, dtype) / dtype.type(max(shape[0] - 3, 0) or np.nan))),
)  # fmt: skip


# combinators and pairs ------------------------------------------------------------------------------------------------
def one_keyless() -> Layer[Any, Any]:
    """The second of two children that draw never gets a key."""
    return two(
        Dropout(0.5).named("left"), Dropout(0.25).named("right"), key=lambda rng, i: None if i else rng
    )


OTHER_FAULTS: Final = (
    Fault("combinator", "one of two children never trains", "own_keys", of(one_keyless(), "B", 4)),
    Fault("combinator", "gradients under one name", "true_pullback", lambda: combinator_trials(
        lambda f, g: two(f, g, names=(0, 0)), ("B", "D"), [Dense(3), Dense(3) >> Tanh])),
    Fault("combinator", "one child hears nothing", "true_pullback", lambda: combinator_trials(
        lambda f, g: two(f, g, add=False), ("B", "D"))),
    Fault("pair", "the cotangent of a sum of rows", "true_pullback", of(pair(
        lambda x, b: x + b, lambda dy, x, b: (dy * 1, dy[0])), ("B", "D"), ("D",))),
    Fault("pair", "a product that forgets itself", "true_pullback", of(pair(
        lambda x: x * x, lambda dy, x: dy * x), "B", "D")),
    Fault("pair", "rows beyond 8", "true_pullback", of(pair(
        lambda x, w: (x @ w, (x, w)), lambda dout, cache: (dout @ cache[1].T, cache[0][:8].T @ dout[:8])),
        ("B", "D"), ("D", 3))),
)  # fmt: skip
SECOND: Final = (*LAYER_FAULTS, *LOSS_FAULTS, *OPTIMIZER_FAULTS, *PART_FAULTS, *OTHER_FAULTS)
