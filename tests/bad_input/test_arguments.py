"""Arguments out of range: what constructors, calls and keys say of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import funcnn
from funcnn import initializers, schedules
from tests.realistic import NESTED
from tests.refusals import refusal

f: Any = funcnn  # whatever is called, as from an untyped program
loose: Any = NESTED
NET, P, X = loose
T = np.zeros((4, 2), np.float32)
SGD = f.sgd(0.1)

INTEGER, UNIT, FINITE = "an integer of at least 1", "in [0, 1)", "a positive finite number"
NO_SIZES: tuple[Any, ...] = (0, -1, 3.0, "3", None, True, (3,), np.float32(3), np.array(3), np.array([3]))
NO_UNITS: tuple[Any, ...] = (1, -0.1, float("nan"), "0.5", None, True, [0.5], 0.5j, np.array([0.5]))
NO_NUMBERS: tuple[Any, ...] = (0, -1.0, float("nan"), float("inf"), "a", None, True, [1.0], 1j, np.array([1.0]))
# fmt: off
ARGUMENTS: list[tuple[str, Callable[[Any], Any], str, tuple[Any, ...]]] = [
    ("Dense: units", lambda v: f.Dense(v), INTEGER, NO_SIZES),
    ("Bilinear: units", lambda v: f.Bilinear(v), INTEGER, NO_SIZES),
    ("EinsumDense: e", lambda v: f.EinsumDense("bd,de->be", e=v), INTEGER, NO_SIZES),
    ("EinsumDense: the equation", lambda v: f.EinsumDense(v, e=2), "of the form '...d,dhk->...hk'",
     ("bd,de", "bd->be", "...d,de->e", 3, None, "b d;de->be", "")),
    ("Maxout: pieces", lambda v: f.Maxout(v), INTEGER, NO_SIZES),
    ("GroupNorm: groups", lambda v: f.GroupNorm(v), INTEGER, NO_SIZES),
    ("GroupNorm: eps", lambda v: f.GroupNorm(2, eps=v), FINITE, NO_NUMBERS),
    ("InstanceNorm: eps", lambda v: f.InstanceNorm(eps=v), FINITE, NO_NUMBERS),
    ("RMSNorm: eps", lambda v: f.RMSNorm(eps=v), FINITE, NO_NUMBERS),
    ("SpatialDropout: drop", lambda v: f.SpatialDropout(v), UNIT, NO_UNITS),
    ("GaussianNoise: stddev", lambda v: f.GaussianNoise(v), FINITE, NO_NUMBERS),
    ("Reshape: sizes", lambda v: f.Reshape(v), "a tuple of integers", (12, "12", None, [3, 4], (3.0,), (True,))),
    ("Reshape: sizes", lambda v: f.Reshape(v), "integers of at least 1, one of them -1 at most",
     ((0,), (-1, -1), (3, -2))),
    ("Transpose: order", lambda v: f.Transpose(v), "a tuple of integers", (1, None, [0, 1], (0, 1.0))),
    ("Transpose: order", lambda v: f.Transpose(v), "a permutation of 0, 1, 2, ...", ((), (1, 2), (0, 0), (0, -1))),
    ("Squeeze: axis", lambda v: f.Squeeze(v), "an integer other than 0", (0, 1.0, "1", None, True, (1,))),
    ("split: parts", lambda v: f.split(v), INTEGER, (0, -2)),
    ("split: parts", lambda v: f.split(v), "an integer, or a tuple of sizes", (2.0, "2", None, True, [2, 3])),
    ("split: parts[1]", lambda v: f.split((2, v)), INTEGER, (0, -1)),
    ("split: axis", lambda v: f.split(2, axis=v), "an integer", (1.0, "1", None, True, [1])),
    ("leaky_relu: slope", lambda v: f.leaky_relu(v), "a finite number", NO_NUMBERS[2:]),
    ("elu: alpha", lambda v: f.elu(v), FINITE, NO_NUMBERS),
    ("celu: alpha", lambda v: f.celu(v), FINITE, NO_NUMBERS),
    ("Conv: channels", lambda v: f.Conv(v, (3, 3)), INTEGER, NO_SIZES),
    ("Conv: filter_shape", lambda v: f.Conv(2, (v, 3)), "two integers of at least 1", NO_SIZES),
    ("Conv: strides", lambda v: f.Conv(2, (3, 3), (1, v)), "two integers of at least 1", NO_SIZES),
    ("Conv: padding", lambda v: f.Conv(2, (3, 3), padding=v), "'VALID' or 'SAME'", ("same", 1, None, (1, 1))),
    ("MaxPool: window_shape", lambda v: f.MaxPool(v), "two integers of at least 1",
     (2, (), "22", None, [2, 2], (2, 0))),
    ("Embedding: vocabulary", lambda v: f.Embedding(v, 2), INTEGER, NO_SIZES),
    ("Embedding: units", lambda v: f.Embedding(2, v), INTEGER, NO_SIZES),
    ("Dropout: drop", lambda v: f.Dropout(v), UNIT, NO_UNITS),
    ("LayerNorm: eps", lambda v: f.LayerNorm(eps=v), FINITE, NO_NUMBERS),
    ("BatchNorm: eps", lambda v: f.BatchNorm(eps=v), FINITE, NO_NUMBERS),
    ("BatchNorm: axis", lambda v: f.BatchNorm(axis=v), "an integer, a tuple of integers, or None",
     (1.5, "x", [0, 1], True, (0, None))),
    ("FanOut: n", lambda v: f.FanOut(v), INTEGER, NO_SIZES),
    ("FanInConcat: axis", lambda v: f.FanInConcat(v), "an integer", (1.0, "1", None, True, [1])),
    ("mlp: widths", lambda v: f.mlp(v), "a tuple of integers", (3, None, (), "34", np.array([3, 4]))),
    ("mlp: widths[1]", lambda v: f.mlp((3, v)), INTEGER, NO_SIZES),
    ("sgd: rate", lambda v: f.sgd(v), FINITE, (0, -1, float("nan"), float("inf"))),
    ("momentum: mass", lambda v: f.momentum(0.1, v), UNIT, NO_UNITS),
    ("adam: b1", lambda v: f.adam(0.1, v), UNIT, NO_UNITS),
    ("adam: eps", lambda v: f.adam(0.1, eps=v), FINITE, NO_NUMBERS),
    ("adamw: weight_decay", lambda v: f.adamw(0.1, weight_decay=v), "in [0, inf)", NO_NUMBERS[1:]),
    ("clip_by_global_norm: max_norm", lambda v: f.clip_by_global_norm(v), FINITE, NO_NUMBERS),
    ("exponential_decay: decay_rate", lambda v: f.exponential_decay(0.1, 9, v), "in (0, 1]", NO_NUMBERS),
    ("exponential_decay: decay_steps", lambda v: f.exponential_decay(0.1, v, 0.5), INTEGER, NO_SIZES),
    ("cosine_decay: final", lambda v: f.cosine_decay(0.1, 9, final=v), "in [0, rate]", NO_NUMBERS[1:]),
    ("warmup: steps", lambda v: f.warmup(v, 0.1), INTEGER, NO_SIZES),
    ("constant: rate", schedules.constant, FINITE, NO_NUMBERS),
    ("constant: value", initializers.constant, "a finite number", NO_NUMBERS[2:]),
    ("identity: scale", initializers.identity, FINITE, NO_NUMBERS),
    ("normal: stddev", initializers.normal, FINITE, NO_NUMBERS),
    ("l2: rate", lambda v: f.l2(v), "a finite number of at least 0", NO_NUMBERS[1:]),
    ("joint: scales", lambda v: f.joint(f.squared_error, scales=v), "a tuple of finite numbers", (1, "a",
     ("a",), (float("nan"),))),
    ("predict: batch_size", lambda v: f.predict(NET.apply, P, X, batch_size=v), INTEGER, NO_SIZES),
    ("fit: batch_size", lambda v: f.fit(f.squared_error, NET.apply, SGD, P, (X, T), batch_size=v), INTEGER, NO_SIZES),
    ("fit: epochs", lambda v: f.fit(f.squared_error, NET.apply, SGD, P, (X, T), epochs=v),
     "an integer of at least 0", NO_SIZES[1:]),
    ("batches: size", lambda v: f.batches((X,), v), INTEGER, NO_SIZES),
]
# fmt: on


@pytest.mark.parametrize(("name", "make", "wanted", "values"), ARGUMENTS, ids=[row[0] for row in ARGUMENTS])
def test_an_argument_out_of_range(name: str, make: Callable[[Any], Any], wanted: str, values: tuple[Any, ...]) -> None:
    """A ValueError, at construction, with the name, what it must be, and the value."""
    for value in values:
        said = refusal(lambda: make(value), ValueError)  # noqa: B023  (called at once)
        assert said.startswith(f"{name} must be {wanted}") and "got " in said


@pytest.mark.parametrize("rng", [None, 0.5, "0", True, [0], np.random.RandomState(0), np.random, np.array([0])])
def test_what_is_no_key(rng: Any) -> None:
    """In `init`, and in a training pass; None there means inference."""
    calls: list[Callable[[], Any]] = [lambda: f.serial(NET).init(rng, (-1, 3))]
    if rng is not None:
        calls += [lambda: NET.apply(P, X, rng=rng), lambda: f.vjp(NET.apply, P, X, rng=rng)]
        calls += [lambda: f.value_and_grad(f.squared_error, NET.apply)(P, X, T, rng=rng)]
    for call in calls:
        said = refusal(call, TypeError)
        assert said.startswith("rng must be a Key or an int seed, got ") and said.endswith("; write Key(0)")
