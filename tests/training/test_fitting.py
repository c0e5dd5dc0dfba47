"""What a step of training is, and what data it takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import (
    Array,
    Dense,
    Embedding,
    FanInSum,
    Flatten,
    Key,
    Layer,
    Params,
    adam,
    batches,
    fit,
    joint,
    l2,
    parallel,
    serial,
    sgd,
    softmax_cross_entropy,
    squared_error,
    value_and_grad,
)
from tests.training.small_runs import PLAIN, W, X, Y, params_of, trained


# a step ---------------------------------------------------------------------------------------------------------------
def test_two_steps_by_hand() -> None:
    """Gradient descent on the line through (1, 0) and (2, 0), from w = 1 and b = 0, worked out on paper."""
    x, target = np.array([[1.0], [2.0]]), np.zeros((2, 1))
    start = Params({"w": np.array([[1.0]]), "b": np.array([0.0])})
    steps = list(fit(squared_error, Dense(1).apply, sgd(0.1), start, (x, target), epochs=2))
    assert [round(m.loss, 12) for _, m in steps] == [2.5, 0.265]
    assert [round(s.params.at("w").item(), 12) for s, _ in steps] == [0.5, 0.34]
    assert [round(s.params.at("b").item(), 12) for s, _ in steps] == [-0.3, -0.39]


def test_metrics_count() -> None:
    """Steps count on, epochs begin at 0, and every batch says how many rows it had."""
    found = [(m.step, m.epoch, m.examples, m.last_of_epoch) for _, m in trained(epochs=2)]
    one_epoch = [(4, False), (4, False), (2, True)]
    assert found == [(i + 1, i // 3, *expected) for i, expected in enumerate(2 * one_epoch)]


def test_states_count() -> None:
    """The step of a state is that of its metrics, the optimizer counts along, and the key stays."""
    assert all(s.step == m.step == s.optimizer.step and s.key == Key(5) for s, m in trained(rng=5))


def test_the_rows_left_over_may_be_dropped() -> None:
    """With `drop_last` every batch is full."""
    assert [(m.examples, m.last_of_epoch) for _, m in trained(epochs=1, drop_last=True)] == [(4, False), (4, True)]


def test_no_epochs() -> None:
    """No epochs are no steps."""
    assert trained(epochs=0) == []


def test_the_loss_is_that_of_the_batches() -> None:
    """The batches are those of `batches` with the key of the state, and the loss is the one before the step."""
    steps = trained(PLAIN, rng=3)
    objective = value_and_grad(squared_error, PLAIN.apply)
    cut = [b for epoch in range(3) for b in batches((X, Y, W), 4, key=Key(3), epoch=epoch)]
    before = [params_of(PLAIN), *(s.params for s, _ in steps)]
    expected = [objective(p, x, y, weights=w)[0] for p, (x, y, w) in zip(before, cut, strict=False)]
    assert [m.loss for _, m in steps] == expected


def test_rows_in_their_order() -> None:
    """Without `shuffle` every epoch has the same batches, in the order of the data."""
    steps = trained(PLAIN, shuffle=False, epochs=1, data=(X, Y))
    objective = value_and_grad(squared_error, PLAIN.apply)
    assert steps[0][1].loss == objective(params_of(PLAIN), X[:4], Y[:4])[0]


def test_penalties_are_in_the_loss() -> None:
    """The loss that is reported and minimised has the penalties."""
    plain, punished = (trained(PLAIN, epochs=1, penalties=p)[0][1].loss for p in ((), (l2(0.1),)))
    assert punished == pytest.approx(plain + l2(0.1)(params_of(PLAIN)))


def test_weights_are_copies() -> None:
    """A row of weight 2 trains like two rows."""
    twice = np.array([0, 0, 1, 2])
    (a, _), *_ = trained(PLAIN, data=(X[:3], Y[:3], np.array([2.0, 1.0, 1.0])), batch_size=9, epochs=1)
    (b, _), *_ = trained(PLAIN, data=(X[twice], Y[twice]), batch_size=9, epochs=1)
    np.testing.assert_allclose(a.params.at("dense_0/w"), b.params.at("dense_0/w"), rtol=1e-5)


# data -----------------------------------------------------------------------------------------------------------------
def seen(data: Any, **options: Any) -> list[Array]:
    """What the network gets in every step."""
    found: list[Array] = []

    def watch(x: Array) -> Any:
        found.append(x)
        return x, lambda dy: dy

    net = serial(Layer.lift(lambda shape: shape, watch), Dense(2))
    trained(net, data=data, **options)
    return found


def test_one_batch_of_everything_is_not_copied() -> None:
    """Where one batch holds all the rows, every step gets the data as they are."""
    assert all(np.shares_memory(x, X) and x.tolist() == X.tolist() for x in seen((X, Y), batch_size=10))


def test_rows_in_their_order_are_not_copied() -> None:
    """Without `shuffle` batches are views of the data."""
    assert all(np.shares_memory(x, X) for x in seen((X, Y), shuffle=False))


def test_features_are_converted_once() -> None:
    """Double precision is converted before the first step, not in every one."""
    first, *others = seen((X.astype(np.float64), Y), batch_size=10, epochs=2)
    assert others and all(x.dtype == np.float32 and np.shares_memory(first, x) for x in (first, *others))


@pytest.mark.parametrize(
    "x",
    [
        pytest.param(X.astype(np.float64), id="float64"),
        pytest.param(np.asfortranarray(X), id="Fortran order"),
        pytest.param(np.repeat(X, 2, axis=0)[::2], id="strides"),
        pytest.param(X.astype(">f4"), id="byte-swapped"),
        pytest.param(X.tolist(), id="a list"),
    ],
)
def test_the_layout_does_not_matter(x: Any) -> None:
    """However the data lie in memory, the states are the same, bit for bit."""
    assert trained(data=(x, Y, W))[-1] == trained()[-1]


def test_integer_features() -> None:
    """Integers are real numbers to a network that computes with them."""
    x = np.arange(30).reshape(10, 3) % 7
    assert trained(data=(x, Y))[-1] == trained(data=(x.astype(np.float32), Y))[-1]


def test_large_integer_features(monkeypatch: pytest.MonkeyPatch) -> None:
    """Integers that would take much memory as real numbers are converted batch by batch, to the same effect."""
    x = np.arange(30).reshape(10, 3) % 7
    expected = trained(data=(x, Y))[-1]
    monkeypatch.setattr("funcnn.training.rows._SMALL", 0)
    assert trained(data=(x, Y))[-1] == expected


def test_the_data_stay_as_they_are() -> None:
    """Nothing is written into the data, nor are they made read-only."""
    x, y, w = X.copy(), Y.copy(), W.copy()
    trained(data=(x, y, w))
    assert (x.tobytes(), y.tobytes(), w.tobytes()) == (X.tobytes(), Y.tobytes(), W.tobytes())
    assert x.flags.writeable and y.flags.writeable and w.flags.writeable


def test_tokens_and_labels() -> None:
    """Tokens and labels stay integers."""
    net = serial(Embedding(5, 2), Flatten, Dense(3))
    tokens, labels = np.arange(10).reshape(5, 2) % 5, np.arange(5) % 3
    _, params = net.init(0, (-1, 2))
    losses = [m.loss for _, m in fit(softmax_cross_entropy, net.apply, adam(0.1), params, (tokens, labels), epochs=60)]
    assert losses[-1] < 0.1 * losses[0]


def test_tuples_of_inputs_and_targets() -> None:
    """x and target may be tuples of arrays; rows stay together."""
    net = parallel(Dense(1), Dense(2))
    _, params = net.init(0, ((-1, 3), (-1, 2)))
    target = (X @ np.ones((3, 1), np.float32), Y)
    loss = joint(squared_error, squared_error)
    run = fit(loss, net.apply, adam(0.1), params, ((X, Y), target), epochs=200, batch_size=4)
    assert [m for _, m in run][-1].loss < 1e-3


def test_several_inputs() -> None:
    """A network of two inputs and one output."""
    net = serial(parallel(Dense(2), Dense(2)), FanInSum)
    _, params = net.init(0, ((-1, 3), (-1, 2)))
    run = fit(squared_error, net.apply, adam(0.1), params, ((X, Y), Y), epochs=200, batch_size=4)
    assert [m for _, m in run][-1].loss < 1e-3


def test_a_mapping_for_params() -> None:
    """Training may begin with any mapping that is a tree of arrays."""
    assert trained(PLAIN, start=params_of(PLAIN).to_dict())[-1] == trained(PLAIN)[-1]


def test_float64_params() -> None:
    """Training computes in the dtype of the params."""
    _, params = PLAIN.init(0, (-1, 3), dtype=np.float64)
    assert trained(PLAIN, start=params)[-1][0].params.at("dense_0/w").dtype == np.float64


def test_targets_that_are_doubles() -> None:
    """Targets in double precision leave a float32 network float32."""
    assert trained(PLAIN, data=(X, Y.astype(np.float64)))[-1] == trained(PLAIN, data=(X, Y))[-1]
