"""Initializers: variances against theory, fans, dtypes, initializers as values, messages."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest

import funcnn
from funcnn import Array, Conv, Dense, Initializer, Key, ShapeError, initializers, serial
from funcnn.initializers import (
    constant,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    identity,
    lecun_normal,
    lecun_uniform,
    normal,
    ones,
    orthogonal,
    truncated_normal,
    uniform,
    variance_scaling,
    zeros,
)
from funcnn.initializers.scaling import fans

MATRIX, KERNEL = (120, 200), (3, 3, 24, 40)
CUT = 0.87962566103423978

# the variance of what each draws, given the fans
VARIANCES: list[tuple[Initializer, Any]] = [
    (glorot_uniform, lambda i, o: 2 / (i + o)),
    (glorot_normal, lambda i, o: 2 / (i + o)),
    (he_uniform, lambda i, o: 2 / i),
    (he_normal, lambda i, o: 2 / i),
    (lecun_uniform, lambda i, o: 1 / i),
    (lecun_normal, lambda i, o: 1 / i),
    (variance_scaling(3.0, "fan_out", "normal"), lambda i, o: 3 / o),
    (variance_scaling(3.0, "fan_avg", "truncated_normal"), lambda i, o: 6 / (i + o)),
    (variance_scaling(0.5, "fan_in", "uniform"), lambda i, o: 0.5 / i),
    (normal(0.3), lambda i, o: 0.09),
    (truncated_normal(0.3), lambda i, o: (0.3 * CUT) ** 2),
    (uniform(0.3), lambda i, o: 0.03),
]
DRAWING = [f for f, _ in VARIANCES] + [orthogonal(), orthogonal(2.0)]
ALL = [*DRAWING, zeros, ones, constant(0.5)]
MADE = [f for f in ALL if not hasattr(f, "__name__")]


def draw(f: Initializer, shape: tuple[int, ...], dtype: Any = np.float32, seed: int = 0) -> Array:
    """What an initializer gives."""
    return f(Key(seed), shape, np.dtype(dtype))


def name(f: Any) -> str:
    """A name for a test."""
    return str(getattr(f, "__name__", repr(f)))


# what is drawn --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [MATRIX, KERNEL], ids=str)
@pytest.mark.parametrize(("f", "variance"), VARIANCES, ids=[name(f) for f, _ in VARIANCES])
def test_variance_is_that_of_theory(f: Initializer, variance: Any, shape: tuple[int, ...], dtype: Any) -> None:
    """Mean zero and the variance of the source, within five standard errors."""
    x = draw(f, shape, dtype).astype(np.float64)
    expected = variance(*fans(shape))
    assert abs(x.mean()) < 5 * math.sqrt(expected / x.size)
    assert x.var() == pytest.approx(expected, rel=5 * math.sqrt(2 / x.size))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((), (1, 1)), ((7,), (7, 7)), ((3, 5), (3, 5)), ((4, 3, 5), (12, 20)), ((2, 3, 4, 5), (24, 30))],
)
def test_fans(shape: tuple[int, ...], expected: tuple[int, int]) -> None:
    """The last two axes are inputs and outputs, those before them the receptive field; a vector has both fans alike."""
    assert fans(shape) == expected


def test_uniform_values_keep_to_the_limit() -> None:
    """Within [-scale, scale], and close to both ends."""
    x = draw(uniform(0.5), MATRIX)
    assert -0.5 <= x.min() < -0.499 and 0.499 < x.max() <= 0.5


def test_truncated_values_are_cut_at_two_standard_deviations() -> None:
    """None beyond, and some close to it."""
    x = draw(truncated_normal(0.5), MATRIX)
    assert 0.99 < np.abs(x).max() <= 1.0


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (2, 3, 4)], ids=str)
def test_orthogonal_has_orthonormal_rows_or_columns(shape: tuple[int, ...]) -> None:
    """Of the matrix whose rows are all axes but the last."""
    w = draw(orthogonal(2.0), shape, np.float64).reshape(-1, shape[-1])
    gram = w.T @ w if w.shape[0] >= w.shape[1] else w @ w.T
    np.testing.assert_allclose(gram, 4 * np.eye(len(gram)), atol=1e-14)


def test_orthogonal_is_uniform() -> None:
    """The sign of the first entry is a fair coin; a plain QR would always give the same."""
    signs = [draw(orthogonal(), (3, 3), seed=seed)[0, 0] > 0 for seed in range(100)]
    assert 30 < sum(signs) < 70


@pytest.mark.parametrize(("f", "value"), [(zeros, 0.0), (ones, 1.0), (constant(0.5), 0.5)])
def test_constants_are_constant(f: Initializer, value: float) -> None:
    """The same value everywhere, whatever the key."""
    assert draw(f, (2, 3), seed=1).tolist() == [[value] * 3] * 2


def test_the_six_are_cases_of_variance_scaling() -> None:
    """Bit for bit."""
    pairs: list[tuple[Initializer, Initializer]] = [
        (glorot_uniform, variance_scaling(1.0, "fan_avg", "uniform")),
        (glorot_normal, variance_scaling(1.0, "fan_avg", "normal")),
        (he_uniform, variance_scaling(2.0, "fan_in", "uniform")),
        (he_normal, variance_scaling(2.0, "fan_in", "normal")),
        (lecun_uniform, variance_scaling(1.0, "fan_in", "uniform")),
        (lecun_normal, variance_scaling(1.0, "fan_in", "normal")),
    ]
    assert [draw(f, KERNEL).tobytes() == draw(g, KERNEL).tobytes() for f, g in pairs] == [True] * 6


# the contract ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("f", ALL, ids=name)
def test_shape_and_dtype_are_those_asked_for(f: Initializer, dtype: Any) -> None:
    """An array of the shape, in the dtype."""
    x = draw(f, (2, 3), dtype)
    assert (type(x), x.shape, x.dtype) == (np.ndarray, (2, 3), np.dtype(dtype))


@pytest.mark.parametrize("shape", [(), (1,), (5,), (0, 3)], ids=str)
@pytest.mark.parametrize("f", [f for f in ALL if "orthogonal" not in repr(f)], ids=name)
def test_small_shapes_are_welcome(f: Initializer, shape: tuple[int, ...]) -> None:
    """Scalars, vectors, and nothing at all."""
    x = draw(f, shape)
    assert x.shape == shape and np.isfinite(x).all()


@pytest.mark.parametrize("f", DRAWING, ids=name)
def test_the_key_decides(f: Initializer) -> None:
    """The same key gives the same values, another key others."""
    assert draw(f, (4, 5)).tobytes() == draw(f, (4, 5)).tobytes()
    assert not np.array_equal(draw(f, (4, 5)), draw(f, (4, 5), seed=1))


@pytest.mark.parametrize("f", [f for f in DRAWING if "orthogonal" not in repr(f)], ids=name)
def test_float32_is_drawn_in_float32(f: Initializer) -> None:
    """float32 values are no rounded float64 values: they come from NumPy's float32 stream."""
    assert not np.allclose(draw(f, (4, 5)), draw(f, (4, 5), np.float64), rtol=1e-4)


# initializers as values -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("f", ALL, ids=name)
def test_initializers_pickle(f: Initializer) -> None:
    """A pickled initializer comes back equal and draws the same."""
    again = pickle.loads(pickle.dumps(f))
    assert again == f and hash(again) == hash(f)
    assert draw(again, (2, 3)).tobytes() == draw(f, (2, 3)).tobytes()


@pytest.mark.parametrize("f", MADE, ids=repr)
def test_made_initializers_print_as_source(f: Initializer) -> None:
    """What one prints evaluates to an equal one."""
    assert eval(repr(f), vars(initializers)) == f


def test_initializers_compare_by_their_call() -> None:
    """Other arguments, or another constructor, make another initializer."""
    assert len({*MADE, *MADE}) == len(MADE)


@pytest.mark.parametrize("f", ALL, ids=name)
def test_networks_print_their_initializers_as_source(f: Initializer) -> None:
    """A network with any of them evaluates to an equal one, among the names of the package and of this module."""
    net = serial(Dense(3, W_init=f), Dense(2, b_init=f))
    names = {k: getattr(module, k) for module in (funcnn, initializers) for k in module.__all__}
    assert eval(repr(net), names) == net


def test_ambiguous_names_stay_in_the_module() -> None:
    """What NumPy or the schedules have too is no name of the package, everything else is."""
    in_module = {"constant", "identity", "normal", "ones", "uniform", "zeros"}
    assert set(initializers.__all__) - set(funcnn.__all__) == in_module


# messages -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (normal, "stddev"),
        (truncated_normal, "stddev"),
        (uniform, "scale"),
        (orthogonal, "scale"),
        (lambda value: variance_scaling(value, "fan_in", "normal"), "scale"),
    ],
)
def test_widths_must_be_positive(make: Any, argument: str, value: float) -> None:
    """Refused at construction, with name, range and value."""
    with pytest.raises(ValueError, match=f"{argument} must be a positive finite number, got {value}"):
        make(value)


def test_constants_must_be_finite() -> None:
    """Params full of NaN are refused at construction."""
    with pytest.raises(ValueError, match="constant: value must be a finite number, got nan"):
        constant(math.nan)


def test_modes_and_distributions_are_checked() -> None:
    """The message lists those there are."""
    with pytest.raises(ValueError, match="mode must be one of fan_in, fan_out, fan_avg, got 'in'"):
        variance_scaling(1.0, "in", "normal")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="distribution must be one of uniform, normal, truncated_normal, got 'gauss'"):
        variance_scaling(1.0, "fan_in", "gauss")  # type: ignore[arg-type]


def test_orthogonal_wants_a_matrix() -> None:
    """The message says so, and the network's adds where."""
    with pytest.raises(ShapeError, match=r"orthogonal takes a shape of at least 2 axes, got \(3,\)"):
        Dense(3, b_init=orthogonal()).init(Key(0), (-1, 2))


def test_identity_hands_features_on() -> None:
    """A Dense that starts so gives its input; a Conv of an odd window gives its channels; the rest is 0."""
    x = np.random.default_rng(0).normal(size=(2, 5, 4, 3)).astype(np.float32)
    conv = Conv(4, (3, 5), padding="SAME", W_init=identity(2.0))
    y = conv.apply(conv.init(0, x.shape)[1], x)
    assert (y[..., :3] == 2 * x).all() and not y[..., 3].any()
    dense = Dense(2, W_init=identity())
    assert dense.apply(dense.init(0, (-1, 3))[1], x[:, 0, 0]).tolist() == x[:, 0, 0, :2].tolist()
    with pytest.raises(ShapeError, match=r"identity initializes arrays of at least two axes, got \(3,\)"):
        identity()(Key(0), (3,), np.dtype(np.float32))
