"""Dropout, SpatialDropout and GaussianNoise: what is dropped, how often, and when nothing is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from funcnn import Array, Dense, Dropout, GaussianNoise, Key, Layer, ShapeError, SpatialDropout, serial, vjp


def test_inference_is_the_identity_without_a_copy() -> None:
    """Without a key nothing is dropped and nothing is copied."""
    x = np.ones((3, 4), np.float32)
    assert np.shares_memory(Dropout(0.5).apply({}, x), x)


def test_what_stays_is_scaled() -> None:
    """In a training pass every number is 0 or `x / (1 - drop)`."""
    y = Dropout(0.75).apply({}, np.full((50, 20), 3.0), rng=1)
    assert sorted(np.unique(y).tolist()) == [0.0, 12.0]


@pytest.mark.parametrize("drop", [0.1, 0.5, 0.9])
def test_the_share_that_is_dropped(drop: float) -> None:
    """Of 100000 numbers, `drop` become 0, within four standard deviations."""
    y = Dropout(drop).apply({}, np.ones((1000, 100), np.float32), rng=2)
    assert np.mean(y == 0) == pytest.approx(drop, abs=4 * (drop * (1 - drop) / 1e5) ** 0.5)


def test_the_mean_stays() -> None:
    """The scaling makes up for what is dropped."""
    y = Dropout(0.3).apply({}, np.ones((1000, 100)), rng=3)
    assert y.mean() == pytest.approx(1.0, abs=0.01)


def test_the_mask_is_a_function_of_the_key() -> None:
    """The same key drops the same, a folded one drops something else."""
    net, x, key = Dropout(0.5), np.ones((4, 8)), Key(0)
    first = net.apply({}, x, rng=key).tolist()
    assert net.apply({}, x, rng=key).tolist() == first
    assert net.apply({}, x, rng=key.fold(1)).tolist() != first


def test_float32_and_float64_drop_the_same() -> None:
    """The mask does not depend on the dtype, which is kept."""
    single, double = (Dropout(0.5).apply({}, np.ones((4, 8), t), rng=4) for t in (np.float32, np.float64))
    assert [single.dtype, double.dtype] == [np.dtype(np.float32), np.dtype(np.float64)]
    assert single.tolist() == double.tolist()


def test_the_pullback_drops_what_the_value_dropped() -> None:
    """`dx = dy m / (1 - drop)` with the same m, at every call."""
    y, pullback = vjp(Dropout(0.5).apply, {}, np.ones((4, 8)), rng=5)
    dy = np.full((4, 8), 3.0)
    assert pullback(dy)[1].tolist() == pullback(dy)[1].tolist() == (3 * y).tolist()
    assert dy.tolist() == np.full((4, 8), 3.0).tolist()


def test_nothing_is_dropped_with_probability_zero() -> None:
    """`Dropout(0)` is the identity in a training pass too."""
    x = np.random.default_rng(0).normal(size=(3, 4))
    assert Dropout(0).apply({}, x, rng=1).tolist() == x.tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nan_is_dropped_never_silently(dtype: npt.DTypeLike) -> None:
    """NaN in, NaN out: a dropped NaN is still one."""
    assert np.isnan(Dropout(0.5).apply({}, np.full((4, 4), np.nan, dtype), rng=0)).all()


@pytest.mark.parametrize("drop", [1.0, -0.1, 1.5, float("nan")])
def test_probabilities_are_checked(drop: float) -> None:
    """`drop` outside [0, 1) is a ValueError at construction, with name, value and range."""
    with pytest.raises(ValueError, match=rf"Dropout: drop must be in \[0, 1\), got {drop}"):
        Dropout(drop)


def test_a_tuple_is_refused() -> None:
    """Dropout takes one array."""
    with pytest.raises(ShapeError, match="Dropout takes an array .* got a tuple of 2"):
        Dropout(0.5).out_shape(((-1, 3), (-1, 4)))


def test_dropout_changes_no_other_initial_value() -> None:
    """Dropout as another child leaves the draws of the others alone."""
    _, plain = serial(Dense(3), Dense(2)).init(Key(0), (-1, 4))
    _, dropping = serial(Dense(3), Dropout(0.5), Dense(2)).init(Key(0), (-1, 4))
    assert plain == dropping


def test_children_drop_differently() -> None:
    """Two Dropouts in a row draw from keys of their own."""
    ones = np.ones((10, 10))
    both = serial(Dropout(0.5), Dropout(0.5)).apply({}, ones, rng=0)
    assert 0 < np.mean(both == 4) < 0.4


# whole channels, and noise --------------------------------------------------------------------------------------------
def test_spatial_dropout_drops_whole_channels() -> None:
    """A channel of an example is scaled at all places or 0 at all; the share is `drop`, examples differ."""
    y = SpatialDropout(0.25).apply({}, np.ones((200, 3, 5, 50)), rng=1)
    one = y[:, 0, 0]
    assert (y == one[:, None, None]).all() and sorted(np.unique(one).tolist()) == [0.0, 4 / 3]
    assert np.mean(one == 0) == pytest.approx(0.25, abs=4 * (0.25 * 0.75 / one.size) ** 0.5)
    assert not np.array_equal(one[0], one[1])


def test_spatial_dropout_pulls_back_through_its_mask() -> None:
    """`dx = dy m / (1 - drop)` with the m of the value."""
    x = np.ones((2, 4, 3))
    y, pullback = vjp(SpatialDropout(0.5).apply, {}, x, rng=3)
    assert pullback(2 * x)[1].tolist() == (2 * y).tolist()


def test_spatial_dropout_takes_channels() -> None:
    with pytest.raises(ShapeError, match="SpatialDropout takes an array of at least 2 axes"):
        SpatialDropout(0.5).out_shape((3,))


def test_gaussian_noise_is_normal() -> None:
    """Mean 0, the deviation that was asked for, two thirds within one of them; the cotangent passes."""
    y, pullback = vjp(GaussianNoise(0.5).apply, {}, np.full((100, 1000), 7.0), rng=2)
    noise = y - 7
    assert noise.mean() == pytest.approx(0, abs=4 * 0.5 / 1e5**0.5)
    assert noise.std() == pytest.approx(0.5, rel=0.02)
    assert np.mean(np.abs(noise) < 0.5) == pytest.approx(0.6827, abs=0.01)
    assert pullback(y)[1].tolist() == y.tolist()


@pytest.mark.parametrize("net", [GaussianNoise(0.5), SpatialDropout(0.5)], ids=repr)
def test_nothing_happens_in_inference(net: Layer[Array, Array]) -> None:
    """No key, no change, no copy; and the same key does the same."""
    x = np.ones((2, 3), np.float32)
    assert np.shares_memory(net.apply({}, x), x)
    assert net.apply({}, x, rng=4).tolist() == net.apply({}, x, rng=4).tolist() != net.apply({}, x, rng=5).tolist()
