"""Training in one call is the loop that people write, and costs what the loop costs."""

from __future__ import annotations

import pickle
import sys
from typing import Any

import numpy as np
import pytest

from funcnn import (
    Array,
    Dense,
    Key,
    Relu,
    accuracy,
    adam,
    batches,
    calibrate,
    evaluate,
    fit,
    frozen,
    l2,
    mean_absolute_error,
    mean_of,
    metric,
    momentum,
    perplexity,
    predict,
    r2,
    serial,
    softmax_cross_entropy,
    squared_error,
    train,
)
from tests.training.one_call_runs import DATA, HELD, NET, PLAIN, RNG, X, Y, run


def test_it_is_the_loop_around_fit() -> None:
    """Written out: params of the best epoch, calibrated; the last state; a row for every epoch."""
    key = Key(7)
    rows, best, params = [], float("inf"), None
    _, start = NET.init(key, (-1, 3))
    losses: list[tuple[float, int]] = []
    for state, metrics in fit(squared_error, NET.apply, adam(0.02), start, DATA, epochs=4, batch_size=16, rng=key):
        losses.append((metrics.loss, metrics.examples))
        if metrics.last_of_epoch:
            ready = calibrate(NET, state.params, [DATA[0]], rng=key.fold("calibrate"))
            found = evaluate(NET.apply, ready, HELD, mean_of(squared_error), r2)
            mean = sum(loss * n for loss, n in losses) / sum(n for _, n in losses)
            rows.append([metrics.epoch + 1, metrics.step, mean, found["squared_error"], found["r2"]])
            losses = []
            if rows[-1][3] < best:
                best, params = rows[-1][3], ready
    trained = run(rng=key)
    assert trained.params == params and trained.state == state
    assert trained.history.columns == ("epoch", "step", "train_loss", "loss", "r2")
    np.testing.assert_array_equal([list(row.values()) for row in trained.history.rows], rows)
    assert rows[trained.history.best][3] == best


def test_three_lines() -> None:
    """Train, predict, evaluate."""
    trained = train(squared_error, PLAIN, adam(0.05), (X, Y), epochs=60, validation=0.25, quiet=True)
    predictions = predict(PLAIN.apply, trained.params, X)
    found = evaluate(PLAIN.apply, trained.params, (X, Y), r2)
    assert predictions.shape == Y.shape and found["r2"] > 0.9


def test_without_validation_the_last_params_come_out() -> None:
    """Calibrated; the history has the mean loss of training."""
    trained = run(validation=None, metrics=())
    assert trained.history.columns == ("epoch", "step", "train_loss") and trained.history.best is None
    assert trained.params == calibrate(NET, trained.state.params, [DATA[0]], rng=trained.state.key.fold("calibrate"))


def test_a_network_without_statistics_is_left_alone() -> None:
    """Its params are those of a state."""
    trained = run(PLAIN, validation=None, metrics=())
    assert trained.params == trained.state.params


def test_the_training_loss_may_be_monitored() -> None:
    """With patience, and without any validation."""
    options: dict[str, Any] = {"validation": None, "metrics": (), "monitor": "train_loss", "batch_size": 99}
    trained = run(PLAIN, patience=2, optimizer=frozen, epochs=9, **options)
    assert len(trained.history) == 3 and trained.history.best == 0


def test_a_fraction_is_kept_out() -> None:
    """Rows drawn by the key, never trained on: a network that only remembers its rows does not know them."""
    seen = set()

    def watch(x: Array, key: Key) -> Array:
        seen.update(x[:, 0].tolist())
        return x

    trained = run(PLAIN, (X, Y), validation=0.25, augment=watch, rng=3)
    held = Key(3).fold("validation").generator().permutation(60)[:15]
    assert seen == set(X[:, 0].tolist()) - set(X[held, 0].tolist())
    again = evaluate(PLAIN.apply, trained.params, (X[np.sort(held)], Y[np.sort(held)]), r2)
    assert again["r2"] == trained.history["r2"][trained.history.best]


def test_weights_go_along() -> None:
    """Those of training rows, and those of validation rows."""
    w = RNG.uniform(0.5, 2, 60).astype(np.float32)
    a, b = run(PLAIN, (X, Y, w), validation=0.25), run(PLAIN, (X, Y), validation=0.25)
    assert (a.history["loss"] != b.history["loss"]).all()
    assert a.history["train_loss"][0] != b.history["train_loss"][0]


@pytest.mark.parametrize("patience", [1, 3])
def test_patience(patience: int) -> None:
    """Training ends when so many epochs in a row brought nothing better, with the params of the best one."""
    trained = run(PLAIN, optimizer=momentum(0.25, 0.5), epochs=60, patience=patience)
    losses = trained.history["loss"]
    best = int(np.argmin(losses))
    assert trained.history.best == best and len(losses) == best + 1 + patience < 60
    assert evaluate(PLAIN.apply, trained.params, HELD, mean_of(squared_error))["squared_error"] == losses[best]


@pytest.mark.parametrize(
    ("options", "choose"),
    [
        ({"monitor": "r2"}, np.argmax),
        ({"monitor": "loss"}, np.argmin),
        ({"monitor": "mean_absolute_error", "metrics": [mean_absolute_error]}, np.argmin),
        ({"monitor": "off", "metrics": [mean_of(squared_error)._replace(name="off")]}, np.argmin),
        ({"monitor": "r2", "mode": "min"}, np.argmin),
        ({"monitor": "mine", "mode": "max", "metrics": [r2._replace(name="mine")]}, np.argmax),
    ],
)  # fmt: skip
def test_what_is_better(options: dict[str, Any], choose: Any) -> None:
    """Less of a loss or an error, more of what is right; of one's own metrics it is said."""
    trained = run(PLAIN, optimizer=momentum(0.25, 0.5), epochs=10, **options)
    assert trained.history.best == choose(trained.history[options["monitor"]])


def test_classes_and_perplexity() -> None:
    """A classifier, monitored by what grows with its loss."""
    labels = (Y[:, 0] > 0).astype(int)
    net = serial(Dense(8), Relu, Dense(2))
    trained = train(
        softmax_cross_entropy, net, adam(0.05), (X, labels), epochs=20, validation=0.3, metrics=[accuracy, perplexity],
        monitor="perplexity", quiet=True,
    )  # fmt: skip
    assert trained.history["accuracy"][-1] > 0.7
    assert trained.history.best == np.argmin(trained.history["perplexity"])


def test_a_metric_may_be_an_array() -> None:
    """It stands in the history, and in checkpoints."""
    errors = metric(lambda target, prediction: np.abs(target - prediction).mean(0), name="errors")
    trained = run(PLAIN, metrics=[errors])
    assert trained.history["errors"].shape == (4, 1)


def test_from_given_params_and_states() -> None:
    """Training goes on: from params anew, from a state with the steps that are left."""
    first = run(PLAIN, epochs=2)
    again = run(PLAIN, start=first.params, epochs=2)
    assert again.state.step == 6 and again.history["train_loss"][0] < first.history["train_loss"][0]
    rest = run(PLAIN, start=first.state, epochs=4)
    assert rest.state == run(PLAIN).state and rest.history["epoch"].tolist() == [3, 4]
    assert run(PLAIN, start=first.state, epochs=1).state == first.state


def test_on_batches() -> None:
    """A function of the epoch as data; statistics are those of its batches."""

    def data(epoch: int) -> Any:
        return batches(DATA, 16, key=0, epoch=epoch)

    trained = run(data=data, batch_size=32)
    assert trained.state == run().state
    np.testing.assert_allclose(trained.history["loss"], run().history["loss"], rtol=1e-4)


def test_penalties_and_augmentation() -> None:
    """As `fit` takes them: in the training loss, not in that of validation."""
    plain, punished = run(PLAIN, epochs=1), run(PLAIN, epochs=1, penalties=[l2(1.0)], optimizer=frozen)
    assert punished.history["train_loss"][0] > plain.history["train_loss"][0] + 0.1
    noisy = run(PLAIN, augment=lambda x, key: x + key.generator().normal(size=x.shape).astype(np.float32))
    assert noisy.state != run(PLAIN).state


def test_progress_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """A line for every epoch where there is no terminal, with what was found; nothing where it is quiet."""
    history = run(PLAIN, quiet=False, epochs=2).history
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and history.best == 1
    for line, row in zip(lines, history.rows, strict=True):
        assert line.endswith(f"validation loss {row['loss']:.4g}  validation r2 {row['r2']:.4g}  best")
    run(PLAIN)
    assert capsys.readouterr() == ("", "")


def test_the_result_pickles() -> None:
    """Params, state, history."""
    trained = run(PLAIN)
    assert pickle.loads(pickle.dumps(trained)) == trained


def test_the_same_call_gives_the_same_result() -> None:
    """Bit for bit."""
    assert run() == run() != run(rng=1)


def test_it_costs_what_fit_costs() -> None:
    """In calls of functions, which no busy machine changes: 3 % more at most, on a small network."""
    x, y = np.repeat(X, 20, axis=0), np.repeat(Y, 20, axis=0)
    _, start = PLAIN.init(0, (-1, 3))

    def called(act: Any) -> int:
        count = 0

        def see(*event: object) -> None:
            nonlocal count
            count += 1

        before = sys.getprofile()
        sys.setprofile(see)
        try:
            act()
        finally:
            sys.setprofile(before)
        return count

    options: dict[str, Any] = {"epochs": 10, "batch_size": 16}
    by_fit = called(lambda: list(fit(squared_error, PLAIN.apply, adam(0.01), start, (x, y), **options)))
    by_train = called(lambda: train(squared_error, PLAIN, adam(0.01), (x, y), start=start, quiet=True, **options))
    assert by_train < 1.03 * by_fit


def test_what_it_prints() -> None:
    """How many epochs, which is the best, what the parts are, and the table; in a notebook too."""
    trained = run(PLAIN, epochs=2)
    text = repr(trained)
    assert text.startswith("Trained(2 epochs, the best is number ") and text.endswith(repr(trained.history))
    assert "  params  Params(4 leaves, " in text and "  state   TrainState(step 6, epoch 2, " in text
    assert "Params(4 leaves, " in trained._repr_html_() and "<th>train_loss</th>" in trained._repr_html_()
    assert repr(run(PLAIN, epochs=1, validation=None, metrics=())).startswith("Trained(1 epochs)")
