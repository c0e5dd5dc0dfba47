"""float32 sums of many terms, wherever there are any, against float64.

Equal terms are the worst there is: added up one after the other, all are rounded the same way.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import funcnn as f
from funcnn import losses

N = 1 << 18
SPREAD = 1 + np.random.default_rng(0).random(N)
DATA = {"equal": np.full(N, 1.1), "random": SPREAD}
LOSSES = [f.squared_error, f.sum_squared_error, *(
    getattr(losses, name) for name in ("absolute_error", "huber") if hasattr(losses, name)
)]  # fmt: skip


def layer(net: Any, shape: tuple[int, ...], pullback: bool = False) -> Callable[[Any], Any]:
    """The value of a layer for an input of this shape, or the cotangent of ones."""

    def run(x: Any) -> Any:
        y, back = f.vjp(net.apply, {}, x.reshape(shape))
        return back(np.ones_like(y))[1] if pullback else y

    return run


def logits_of(x: Any) -> Any:
    """A row."""
    return np.log(x).reshape(1, -1)


def loss_of(loss: Any, how: Any, shape: tuple[int, ...], x: Any) -> Any:
    """Of errors as large as x."""
    return loss(x.reshape(shape), np.zeros(shape, x.dtype), reduce=how)


def distribution(x: Any) -> Any:
    """The cross-entropy with a distribution over all classes."""
    return f.softmax_cross_entropy(logits_of(x), np.full((1, N), 1 / N, x.dtype))


SUMS: dict[str, Callable[[Any], Any]] = {
    "weights": lambda x: f.squared_error(x, np.zeros_like(x), weights=np.ones_like(x)),
    "cross-entropy": lambda x: f.softmax_cross_entropy(logits_of(x), np.zeros(1, np.int64)),
    "cross-entropy, smoothed": lambda x: f.softmax_cross_entropy(logits_of(x), np.zeros(1, np.int64), label_smoothing=0.1),
    "cross-entropy of a distribution": distribution,
    "l1": lambda x: f.l1(1.0)({"w": x.reshape(256, -1)}),
    "l2": lambda x: f.l2(1.0)({"w": x.reshape(256, -1)}),
    "mean_of": lambda x: f.mean_of(f.squared_error)(x, np.zeros_like(x)),
    "mean_squared_error": lambda x: f.mean_squared_error(x, np.zeros_like(x)),
    "r2": lambda x: f.r2(x * x.dtype.type(0.9) + (np.arange(N) % 2).astype(x.dtype), x + (np.arange(N) % 2).astype(x.dtype)),
    "AvgPool": layer(f.AvgPool((300, 300), (100, 100)), (1, 512, 512, 1)),
    "SumPool": layer(f.SumPool((300, 300), (100, 100)), (1, 512, 512, 1)),
    "SumPool, back": layer(f.SumPool((100, 100)), (1, 128, 128, 16), pullback=True),
    "GlobalAvgPool": layer(f.GlobalAvgPool, (1, 512, 256, 2)),
    "MeanOver": layer(f.MeanOver(1), (1, N // 2, 2)),
    "MeanOver, last": layer(f.MeanOver(-1), (1, 1, N)),
    "MeanOver, masked": lambda x: f.MeanOver(1, masked=True).apply({}, (x.reshape(1, -1, 2), np.ones((1, N // 2), bool))),
    "Softmax": layer(f.Softmax, (1, N)),
    "LogSoftmax": layer(f.LogSoftmax, (1, N)),
    "clip_by_global_norm": lambda x: f.clip_by_global_norm(1.0).update({"w": x}, (), {"w": x})[0].at("w"),
}  # fmt: skip
for loss, how, shape in itertools.product(LOSSES, ("mean", "sum", "batch"), ((N,), (N // 4, 4), (4, N // 4))):
    SUMS[f"{loss!r}, {how}, {shape}"] = functools.partial(loss_of, loss, how, shape)


@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
@pytest.mark.parametrize("total", SUMS.values(), ids=SUMS)
def test_long_sums(total: Callable[[Any], Any], data: Any) -> None:
    """Five digits are left at least, usually six."""
    low = data.astype(np.float32)
    np.testing.assert_allclose(total(low), total(low.astype(np.float64)), rtol=1e-5)


@pytest.mark.parametrize("net", [f.LayerNorm(), f.GroupNorm(1), f.InstanceNorm(), f.BatchNorm()], ids=repr)
def test_long_statistics(net: Any) -> None:
    """The mean is so right that a thousandth of it, the deviation, is."""
    shape = (N, 1) if repr(net) == "BatchNorm()" else (1, N) if repr(net) == "LayerNorm()" else (1, 256, N // 256, 1)
    x = (1000 + SPREAD).astype(np.float32).reshape(shape)
    params = net.init(0, (-1, *shape[1:]), dtype=np.float64)[1]
    low, high = f.vjp(net.apply, f.astype(params, np.float32), x, rng=0)[0], f.vjp(
        net.apply, params, x.astype(np.float64), rng=0
    )[0]
    np.testing.assert_allclose(low, high, atol=5e-3)
