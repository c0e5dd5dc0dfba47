"""Predictions, metrics and statistics over ranks are those of one, to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import funcnn
from funcnn import (
    Array, BatchNorm, Dense, Dropout, FuncnnWarning, Metric, NonFiniteError, Relu, ShapeError, accuracy, fit,
    mean_of, roc_auc, serial, sgd, softmax_cross_entropy, value_and_grad,
)  # fmt: skip
from funcnn.metrics.definition import updated
from funcnn.distributed import calibrate, evaluate, in_step, objective, predict, shard
from tests.distributed.threads import ThreadRank, on_ranks

SOURCE = np.random.default_rng(1)
X = SOURCE.normal(size=(95, 4)).astype(np.float32)
LABELS = SOURCE.integers(0, 2, 95)
WEIGHTS = SOURCE.random(95)
NET = serial(Dense(6), BatchNorm(), Relu, Dropout(0.3), Dense(6), BatchNorm(), Dense(2))
PARAMS = NET.init(0, (-1, 4))[1]
PIECES = [X[i : i + 10] for i in range(0, 95, 10)]
READY = funcnn.calibrate(NET, PARAMS, PIECES)


def _update(state: Any, y: Any, t: Any, w: Any = None, /) -> Any:
    return updated(roc_auc, state, y[:, 1] - y[:, 0], t, w)


scores: Metric[Any, Array, Any, float] = Metric(roc_auc.init, _update, roc_auc.compute, "scores")
METRICS: tuple[Any, ...] = accuracy, mean_of(softmax_cross_entropy), scores


@pytest.mark.parametrize("size", [1, 2, 3, 16])
def test_calibration(size: int) -> None:
    """By number of rows, dropout included, more ranks than batches too."""
    assert all(found == READY for found in on_ranks(size, lambda comm: calibrate(NET, PARAMS, PIECES, comm=comm)))


def test_exact_calibration() -> None:
    """As many passes, and every rank ends with them."""
    exact = funcnn.calibrate(NET, PARAMS, PIECES, exact=True)
    assert on_ranks(2, lambda comm: calibrate(NET, PARAMS, PIECES, comm=comm, exact=True)) == [exact, exact]


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize("exact", [False, True])
def test_calibration_of_shards(exact: bool, bare: bool) -> None:
    """Of rows that no rank has as a whole: those of all, with as many batches on each rank as it likes."""
    net = serial(Dense(6), BatchNorm(), Relu, Dense(2))
    params = net.init(0, (-1, 4), dtype=np.float64)[1]
    wanted = funcnn.calibrate(net, params, [X.astype(np.float64)], exact=exact)
    parts = [[slice(0, 10), slice(10, 31)], [slice(31, 95)]]

    def program(comm: ThreadRank) -> Any:
        xs = [X[rows].astype(np.float64) for rows in parts[comm.rank]]
        mine: Any = xs if bare else [(x, LABELS[rows]) for x, rows in zip(xs, parts[comm.rank], strict=True)]
        shards: Any = in_step(mine, comm)(0)
        found: Any = calibrate(net, params, shards, comm=comm, exact=exact)
        return found

    for found in on_ranks(2, program):
        for path in ("batch_norm_0/mean", "batch_norm_0/var"):
            assert abs(found.at(path) - wanted.at(path)).max() < 1e-12
    with pytest.raises(ShapeError, match="calibrate needs rows on every rank, and rank 0 had none"):
        on_ranks(2, lambda comm: calibrate(net, params, shard((X[:1], LABELS[:1]), comm)(0), comm=comm))


@pytest.mark.parametrize("size", [2, 3, 16])
def test_metrics(size: int) -> None:
    """Means, and what needs all rows at once, with weights."""
    data = X, LABELS, WEIGHTS
    alone = funcnn.evaluate(NET.apply, READY, data, *METRICS, batch_size=10)

    def program(comm: ThreadRank) -> Any:
        return evaluate(NET.apply, READY, data, *METRICS, comm=comm, batch_size=10)

    assert on_ranks(size, program) == [alone] * size


def test_predictions() -> None:
    """Of rows that no number divides, and of none."""
    alone = funcnn.predict(NET.apply, READY, X, batch_size=10)
    for found in on_ranks(3, lambda comm: predict(NET.apply, READY, X, comm=comm, batch_size=10)):
        assert np.array_equal(found, alone)
    assert all(found.shape == (0, 2) for found in on_ranks(2, lambda comm: predict(NET.apply, READY, X[:0], comm=comm)))


def test_batch_statistics_are_those_of_a_rank() -> None:
    """In training, BatchNorm sees the rows of its rank: two ranks of which each has a whole batch make the mean."""
    net = serial(BatchNorm(), Dense(2))
    params = net.init(0, (-1, 4), dtype=np.float64)[1]
    given = value_and_grad(softmax_cross_entropy, net.apply)
    x, labels = X[:20].astype(np.float64), LABELS[:20]
    halves = [given(params, x[part], labels[part], rng=0)[1] for part in (slice(0, 10), slice(10, 20))]
    wanted = params.at("dense_0/w") - sum(half.at("dense_0/w") for half in halves) / 2

    def program(comm: ThreadRank) -> Any:
        data = shard((x, labels), comm, batch_size=20)
        (state, _), *_ = fit(objective(given, comm), sgd(1.0), params, data)
        return state.params

    for found in on_ranks(2, program):
        assert abs(found.at("dense_0/w") - wanted).max() < 1e-12
        assert np.array_equal(found.at("batch_norm_0/mean"), params.at("batch_norm_0/mean"))


def test_refusals() -> None:
    """Those of one rank."""
    with pytest.warns(FuncnnWarning, match="was never calibrated"):
        on_ranks(2, lambda comm: predict(NET.apply, PARAMS, X, comm=comm))
    with pytest.raises(ShapeError, match="empty batch"):
        on_ranks(2, lambda comm: calibrate(NET, PARAMS, [], comm=comm))
    with pytest.raises(TypeError, match=r"write \[x\]"):
        on_ranks(2, lambda comm: calibrate(NET, PARAMS, X, comm=comm))
    with pytest.raises(NonFiniteError, match="1 value that is not finite"):
        bad = X.copy()
        bad[94, 0] = np.nan
        on_ranks(2, lambda comm: evaluate(NET.apply, READY, (bad, LABELS), accuracy, comm=comm))


def test_errors_are_those_of_all() -> None:
    """Of one batch, which one rank alone has: the other does not take what it does next for an answer."""
    net = Dense(2)
    params = net.init(0, (-1, 4))[1]
    calls: tuple[Any, ...] = (
        lambda comm: evaluate(net.apply, params, (X[:5, :3], LABELS[:5]), accuracy, comm=comm),
        lambda comm: predict(net.apply, params, X[:5, :3], comm=comm),
        lambda comm: calibrate(NET, PARAMS, [X[:5], X[:5, :3]], comm=comm),
        lambda comm: calibrate(NET, PARAMS, in_step([(X[:5, : 4 - comm.rank], LABELS[:5])], comm)(0), comm=comm),
    )

    def program(comm: ThreadRank) -> Any:
        for call in calls:
            with pytest.raises(ShapeError, match=r"takes \(\.\.\., 4\), got \(5, 3\)"):
                call(comm)
        return predict(net.apply, params, X, comm=comm, batch_size=40)

    for found in on_ranks(2, program):
        assert np.array_equal(found, funcnn.predict(net.apply, params, X, batch_size=40))
