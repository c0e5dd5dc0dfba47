"""None in data: the target of a loss that has none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import (
    Dense, DTypeError, FanOut, Identity, Tanh, evaluate, fit, gaussian_kl, joint, mean_of, parallel, serial, sgd,
    squared_error, value_and_grad,
)  # fmt: skip

X = np.random.default_rng(0).normal(size=(10, 3)).astype(np.float32)
T = X[:, :2].copy()
NET = serial(FanOut(2), parallel(Dense(2), serial(Dense(2), Tanh, FanOut(2), parallel(Dense(2), Dense(2)))))
LOSS: Any = joint(squared_error, gaussian_kl)
PARAMS = NET.init(0, X.shape)[1]


def test_training_with_no_target_for_one_of_two() -> None:
    """Every step is that of the objective on its batch, to the last bit."""
    optimizer = sgd(0.1)
    params, found = PARAMS, []
    state = optimizer.init(params)
    for i in (0, 4, 8):
        value, grads = value_and_grad(LOSS, NET.apply)(params, X[i : i + 4], (T[i : i + 4], None))
        found.append(value)
        params, state = optimizer.step(grads, state, params)
    run: Any = fit(LOSS, NET.apply, optimizer, PARAMS, (X, (T, None)), batch_size=4, shuffle=False)
    steps = list(run)
    assert [m.loss for _, m in steps] == found and steps[-1][0].params == params


def test_training_with_no_target_at_all() -> None:
    """The data is `(x, None)`; the loss falls."""
    net = serial(FanOut(2), parallel(Dense(2), Dense(2)))
    run: Any = fit(gaussian_kl, net.apply, sgd(0.1), net.init(0, X.shape)[1], (X, None), epochs=20)
    losses = [m.loss for _, m in run]
    assert losses[-1] < losses[0]


def test_metrics_with_no_target() -> None:
    """As the loss of all the data at once."""
    twice: Any = serial(FanOut(2), parallel(Identity, Identity))
    (value,) = evaluate(twice.apply, {}, (X, None), mean_of(gaussian_kl), batch_size=5).values()
    assert value == pytest.approx(gaussian_kl((X, X), None), rel=1e-6)


def test_an_input_is_never_missing() -> None:
    """None in its place is what it was: no array."""
    data: Any = (None, T)
    with pytest.raises(DTypeError, match="x is of type NoneType"):
        fit(squared_error, Dense(2).apply, sgd(0.1), {"w": np.ones((3, 2)), "b": np.ones(2)}, data)
