"""Attention against einsum, its pullback against differences; what float32 keeps far out."""

from __future__ import annotations

from typing import Any
from unittest import mock

import numpy as np
import pytest

from funcnn import Array
from funcnn.kernels import attention_blocks, threads
from funcnn.kernels.attention import (
    attend, attend_pullback, earlier, heads_apart, heads_joined,
)  # fmt: skip
from funcnn.kernels.attention_blocks import attend_in_blocks, blocks_pullback

RNG = np.random.default_rng(0)
Q, K, V = (RNG.normal(size=(2, 3, t, 4)) for t in (5, 6, 6))
MASKS: dict[str, Any] = {
    "none": None,
    "causal": earlier(5, 6),
    "rows": RNG.random((2, 1, 5, 6)) < 0.5,
    "nothing": np.zeros((1, 1, 1, 6), np.bool_),
}


def reference(q: Array, k: Array, v: Array, mask: Any) -> Array:
    """The equation, in float64."""
    scores = np.exp(np.einsum("bhqd,bhkd->bhqk", q, k) / np.sqrt(q.shape[-1]))
    scores = scores if mask is None else scores * mask
    sums = scores.sum(-1, keepdims=True)
    found: Array = np.einsum("bhqk,bhkd->bhqd", scores / np.where(sums == 0, 1, sums), v)
    return found


@pytest.mark.parametrize("mask", MASKS.values(), ids=list(MASKS))
def test_values_are_those_of_the_equation(mask: Any) -> None:
    """With every mask; nothing to look at gives 0."""
    np.testing.assert_allclose(attend(Q, K, V, mask).value, reference(Q, K, V, mask), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kept", [None, 2.0 * (RNG.random((2, 3, 5, 6)) < 0.5)], ids=["whole", "dropped"])
@pytest.mark.parametrize("mask", MASKS.values(), ids=list(MASKS))
def test_the_pullback_is_the_derivative(mask: Any, kept: Any) -> None:
    """By complex step, along a direction for each of q, k and v."""
    done = attend(Q, K, V, mask, kept)
    dh = RNG.normal(size=done.value.shape)
    found = attend_pullback(Q, K, V, done, dh)
    for i, d in enumerate(found):
        direction = RNG.normal(size=d.shape)
        moved = [a + 1e-30j * direction if i == j else a.astype(complex) for j, a in enumerate((Q, K, V))]
        step = attend(moved[0], moved[1], moved[2], mask, kept)
        slope = float((step.value.imag * dh).sum() / 1e-30)
        assert float((d * direction).sum()) == pytest.approx(slope, rel=1e-11, abs=1e-12)


def test_what_values_have_in_common_costs_no_digits() -> None:
    """In float32, of values of 10000 and a little: gradients of the scores are those of the little alone."""
    q, k, v = (a.astype(np.float32) for a in (Q, K, V))
    dh = RNG.normal(size=Q.shape).astype(np.float32)
    far = (v + np.float32(1e4)).astype(np.float32)
    near = (far - np.float32(1e4)).astype(np.float32)
    found, wanted = (attend_pullback(q, k, u, attend(q, k, u, None), dh) for u in (far, near))
    np.testing.assert_allclose(found.q, wanted.q, rtol=0, atol=2e-3 * float(np.abs(wanted.q).max()))
    np.testing.assert_allclose(found.k, wanted.k, rtol=0, atol=2e-3 * float(np.abs(wanted.k).max()))


def test_a_query_that_looks_at_one_key_gives_scores_nothing() -> None:
    """Exactly: no rounding is left over."""
    alone = np.eye(5, 6, dtype=np.bool_)
    found = attend_pullback(Q, 100 * K, 1e6 * V, attend(Q, 100 * K, 1e6 * V, alone), np.ones_like(Q))
    assert not found.q.any()
    assert not found.k.any()


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("queries", "keys"), [(64, 64), (65, 65), (150, 150), (70, 200), (1, 90), (0, 5)])
def test_blocks_are_the_whole(queries: int, keys: int, masked: bool) -> None:
    """Causal attention of long sequences, values and cotangents, with masks and dropped weights."""
    q, k, v = (RNG.normal(size=(2, 2, t, 3)) for t in (queries, keys, keys))
    real = RNG.random((2, 1, 1, keys)) < 0.7 if masked else None
    kept = 2.0 * (RNG.random((2, 2, queries, keys)) < 0.5)
    before = earlier(queries, keys)
    whole = attend(q, k, v, before if real is None else before & real, kept)
    value, blocks = attend_in_blocks(q, k, v, real, kept, causal=True)
    assert [len(group) for group in blocks] == [max(1, -(-queries // 64))]
    np.testing.assert_allclose(value, whole.value, rtol=1e-12, atol=1e-14)
    dh = RNG.normal(size=value.shape)
    for a, b in zip(blocks_pullback(q, k, v, blocks, dh), attend_pullback(q, k, v, whole, dh), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("cores", [1, 3])
@pytest.mark.parametrize("scores", [1, 40, 500, 1 << 20])
@pytest.mark.parametrize("causal", [False, True])
def test_examples_and_heads_come_in_blocks(causal: bool, scores: int, cores: int) -> None:
    """Of whatever size, on any number of cores; and without what a pullback needs, to the last bit."""
    q, k, v = (RNG.normal(size=(5, 3, 20, 2)).astype(np.float32) for _ in range(3))
    real = RNG.random((5, 1, 1, 20)) < 0.7
    before = real & earlier(20, 20) if causal else real
    sizes: Any = {"_SCORES": scores, "_QUERIES": 8, "_MOST": 12, "_WORTHWHILE": 1, "_FEW": 0}
    dh = RNG.normal(size=v.shape).astype(np.float32)
    with mock.patch.multiple(attention_blocks, **sizes), mock.patch.object(threads, "THREADS", cores):
        value, blocks = attend_in_blocks(q, k, v, real, causal=causal)
        again, none = attend_in_blocks(q, k, v, real, causal=causal, keep=False)
        found = blocks_pullback(q, k, v, blocks, dh)
    assert np.array_equal(again, value) and not any(none)
    wide = [a.astype(np.float64) for a in (q, k, v)]
    np.testing.assert_allclose(value, reference(wide[0], wide[1], wide[2], before), rtol=1e-5, atol=1e-6)
    whole = attend(wide[0], wide[1], wide[2], before)
    for a, b in zip(found, attend_pullback(wide[0], wide[1], wide[2], whole, dh.astype(np.float64)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("keys", [1, 8, 9, 63, 130])
def test_scores_far_apart_neither_overflow_nor_vanish(keys: int) -> None:
    """Each query has its own largest score; NaN among its scores stays there."""
    q, k, v = (RNG.normal(size=(2, 4, t, 8)).astype(np.float32) for t in (64, keys, keys))
    q[:, :, ::2] *= np.float32(1e3)
    q[:, :, 1::4] *= np.float32(1e-3)
    scores = np.einsum("bhqd,bhkd->bhqk", q.astype(np.float64), k) / 8**0.5
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    wanted = np.einsum("bhqk,bhkd->bhqd", scores / scores.sum(-1, keepdims=True), v)
    np.testing.assert_allclose(attend(q, k, v, None).value, wanted, atol=2e-3)
    q[0, 0, 0] = np.nan
    assert np.isnan(attend(q, k, v, None).value).any(-1).sum() == 1


def test_heads_come_apart_and_together() -> None:
    """Each has its own features."""
    x = RNG.normal(size=(2, 5, 6))
    assert np.array_equal(heads_apart(x, 3)[:, 1], x[:, :, 2:4])
    assert np.array_equal(heads_joined(heads_apart(x, 3)), x)


def test_the_last_queries_see_all_that_is_before_them() -> None:
    """Three queries of five steps."""
    assert earlier(3, 5).astype(int).tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 0], [1, 1, 1, 1, 1]]


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("spoilt", ["q", "k", "v", "qkv"])
@pytest.mark.parametrize("steps", [5, 64, 150])
@np.errstate(invalid="ignore")
def test_earlier_steps_see_no_future_that_is_not_finite(steps: int, spoilt: str, number: float) -> None:
    """Neither their values nor what their cotangents give, to the last bit; and what is seen is not hidden."""
    rng = np.random.default_rng(0)
    arrays: dict[str, Array] = {name: rng.normal(size=(2, 2, steps, 3)) for name in "qkv"}
    first = steps - 3
    dh = rng.normal(size=(2, 2, steps, 3))
    dh[:, :, first:] = 0

    def pulled(values: dict[str, Array]) -> tuple[Array, list[Array]]:
        q, k, v = values.values()
        y, blocks = attend_in_blocks(q, k, v, None, causal=True)
        return y, list(blocks_pullback(q, k, v, blocks, dh))

    wanted, gradients = pulled(arrays)
    other: dict[str, Array] = {name: np.array(a) for name, a in arrays.items()}
    for name in spoilt:
        other[name][0, 0, first + 1] = number
    got, found = pulled(other)
    assert np.array_equal(got[:, :, : first + 1], wanted[:, :, : first + 1])
    for d, e in zip(found, gradients, strict=True):
        assert np.array_equal(d, e)
    if "v" in spoilt:
        assert not np.isfinite(got[0, 0, first + 1 :]).any()
        dh[:, :, first + 1] = 1
        assert not np.isfinite(pulled(other)[1][0][0, 0, first + 1]).any()
