"""Training in one call: it is the loop that people write, and says what is wrong before the first step."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import funcnn
from funcnn import (
    Array, BatchNorm, CheckpointError, Dense, Dropout, Key, Relu, ShapeError, accuracy, adam, batches, calibrate,
    cosine_decay, evaluate, fit, frozen, l2, load_checkpoint, mean_absolute_error, mean_of, metric, momentum,
    perplexity, predict, r2, serial, softmax_cross_entropy, squared_error, train,
)  # fmt: skip
from funcnn.training import one_call
from tests.refusals import refusal

loose: Any = funcnn
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3)).astype(np.float32)
Y = (X @ np.array([[1.0], [-2.0], [0.5]], np.float32) + 0.1 * RNG.normal(size=(60, 1))).astype(np.float32)
HELD = X[:20], Y[:20]
DATA = X[20:], Y[20:]
NET = serial(Dense(8), BatchNorm(), Relu, Dropout(0.2), Dense(1))
PLAIN = serial(Dense(8), Relu, Dense(1))


def run(net: Any = NET, data: Any = DATA, **options: Any) -> Any:
    """A small run."""
    options = {"epochs": 4, "validation": HELD, "metrics": [r2], "batch_size": 16, "quiet": True, **options}
    return loose.train(squared_error, net, options.pop("optimizer", adam(0.02)), data, **options)


# what it is -----------------------------------------------------------------------------------------------------------
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


# checkpoints ----------------------------------------------------------------------------------------------------------
OPTIONS: dict[str, Any] = {"optimizer": momentum(cosine_decay(0.05, 12), 0.9), "augment": None}


class Stopped(Exception):
    """The process is gone."""


@pytest.mark.parametrize("every", [0.0, 60.0])
@pytest.mark.parametrize("k", range(1, 13))
def test_a_run_that_is_stopped_anywhere(k: int, every: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After step k, inside of epochs too, with checkpoints there or not: the second call ends as the first would."""
    monkeypatch.setattr(one_call, "_EVERY", every)
    count = 0

    def noise(x: Array, key: Key) -> Array:
        nonlocal count
        count += 1
        if count == k + 1:
            raise Stopped
        return x + key.generator().normal(size=x.shape).astype(np.float32) / 10

    options = {**OPTIONS, "augment": noise}
    wanted = run(**{**options, "augment": lambda x, key: x + key.generator().normal(size=x.shape).astype("f4") / 10})
    try:
        run(folder=tmp_path, **options)
    except Stopped:
        count = k + 100
    made, count = count, k + 1000
    again = run(folder=tmp_path, **options)
    assert again == wanted
    assert made == 12 or count - k - 1000 == 12 - (k if every == 0 else k // 3 * 3)


def test_a_finished_run_is_only_read(tmp_path: Path) -> None:
    """Called again, nothing is trained; with more epochs, those; with patience that is over, none."""
    first = run(folder=tmp_path)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert run(folder=tmp_path) == first
    assert sorted(path.name for path in tmp_path.iterdir()) == files
    assert run(folder=tmp_path, epochs=6) == run(epochs=6)


def test_patience_that_is_over(tmp_path: Path) -> None:
    """It stays over."""
    options: dict[str, Any] = {"optimizer": momentum(0.25, 0.5), "epochs": 60, "patience": 2, "folder": tmp_path}
    first = run(PLAIN, **options)
    assert run(PLAIN, **options) == first


def test_the_best_checkpoint_is_kept(tmp_path: Path) -> None:
    """`load_checkpoint(best=True)` finds the state of the best epoch."""
    trained = run(PLAIN, optimizer=momentum(0.25, 0.5), epochs=10, folder=tmp_path)
    found = load_checkpoint(tmp_path, momentum(0.25, 0.5), like=trained.params, best=True)
    assert found and found.state.params == trained.params
    assert found.score == -trained.history["loss"].min()


def test_another_run_has_another_folder(tmp_path: Path) -> None:
    """Other settings are refused by name, and so is what was saved by somebody else."""
    run(PLAIN, folder=tmp_path)
    for name, value in {"batch_size": 8, "rng": 5, "monitor": "r2", "mode": "max"}.items():
        said = refusal(lambda n=name, v=value: run(PLAIN, folder=tmp_path, **{n: v}), ValueError)  # type: ignore[misc]
        assert f"is of a run with {name}=" in said and "take another folder" in said
    state = run(PLAIN).state
    loose.save_checkpoint(tmp_path / "other", state)
    said = refusal(lambda: run(PLAIN, folder=tmp_path / "other"), CheckpointError)
    assert "was not saved by train" in said


PROGRAM = """
import sys, numpy as np
from tests.training.test_one_call import *
slow = lambda x, key: (time.sleep(0.02), x + key.generator().normal(size=x.shape).astype("f4") / 10)[1]
trained = run(folder=sys.argv[1], augment=slow, epochs=8)
sys.stdout.buffer.write(pickle.dumps(trained))
"""


def test_a_killed_process(tmp_path: Path) -> None:
    """Killed three times (-9), and run again: the bits are those of the run that was never stopped."""
    here = dict(os.environ, PYTHONPATH=os.pathsep.join(path for path in sys.path if path))
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    for _ in range(3):
        child = subprocess.Popen(command, env=here, stdout=subprocess.DEVNULL)
        have = len(list(tmp_path.iterdir()))
        end = time.monotonic() + 30
        while len(list(tmp_path.iterdir())) == have < 3 and time.monotonic() < end and child.poll() is None:
            time.sleep(0.005)
        time.sleep(float(RNG.uniform(0, 0.1)))
        child.send_signal(signal.SIGKILL)
        child.wait()
    found = pickle.loads(subprocess.run(command, env=here, stdout=subprocess.PIPE, check=True).stdout)
    noisy = run(augment=lambda x, key: x + key.generator().normal(size=x.shape).astype("f4") / 10, epochs=8)
    assert found == noisy


# refusals -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"epochs": 0}, ValueError, "train: epochs must be an integer of at least 1, got 0"),
        ({"epochs": -1}, ValueError, "train: epochs must be an integer of at least 1, got -1"),
        ({"epochs": 1.5}, ValueError, "train: epochs must be an integer of at least 1, got 1.5"),
        ({"patience": 0}, ValueError, "train: patience must be an integer of at least 1, got 0"),
        ({"patience": 3, "validation": None, "metrics": ()}, ValueError, "patience needs validation data to wait for"),
        ({"monitor": "accuracy"}, ValueError, "monitor must be one of train_loss, loss, r2, got 'accuracy'"),
        ({"monitor": "epoch"}, ValueError, "monitor must be one of train_loss, loss, r2, got 'epoch'"),
        ({"monitor": "r2", "validation": None, "metrics": ()}, ValueError,
         "metrics are those of validation data: validation=0.2"),
        ({"mode": "up"}, ValueError, "mode must be 'min' or 'max', got 'up'"),
        ({"monitor": "mine", "metrics": [r2._replace(name="mine")]}, ValueError,
         "is less of mine better, or more? Say mode='min' or mode='max'"),
        ({"metrics": [r2], "validation": None}, ValueError, "metrics are those of validation data, and there is none"),
        ({"metrics": [r2, r2]}, ValueError, "two columns would be called 'r2'; rename one: metric._replace(name=...)"),
        ({"metrics": [r2._replace(name="loss")]}, ValueError, "two columns would be called 'loss'"),
        ({"metrics": [r2._replace(name="step")]}, ValueError, "two columns would be called 'step'"),
        ({"metrics": r2}, TypeError, "metrics must be a list of them, got <metric r2>; write metrics=[accuracy]"),
        ({"metrics": ["r2"]}, TypeError, "train takes metrics, a loss is one as mean_of(loss), got 'r2'"),
        ({"metrics": [squared_error]}, TypeError, "a loss is one as mean_of(loss), got squared_error"),
        ({"validation": (X[:0], Y[:0])}, ShapeError, "the validation data have no rows"),
        ({"validation": (X[:3], Y[:2])}, ShapeError, "must have the same number of rows"),
        ({"validation": (X[:, :2], Y)}, ShapeError, "validation: "),
        ({"validation": (X, Y[:, 0])}, ShapeError, "validation: squared_error takes a target of the shape"),
        ({"validation": (X, Y.astype(str))}, funcnn.DTypeError, "the validation target has dtype <U32"),
        ({"data": (X, Y.astype(str))}, funcnn.DTypeError, "target has dtype <U32"),
        ({"metrics": [accuracy]}, funcnn.LabelError, "validation: accuracy"),
        ({"validation": X}, TypeError, "validation is data, (x, target) or (x, target, weights), or a fraction"),
        ({"validation": True}, TypeError, "validation is data, (x, target) or (x, target, weights), or a fraction"),
        ({"validation": 0}, ValueError, "validation is a fraction of the rows, between 0 and 1, got 0"),
        ({"validation": 1.0}, ValueError, "validation is a fraction of the rows, between 0 and 1, got 1.0"),
        ({"validation": 20}, ValueError, "validation is a fraction of the rows, between 0 and 1, got 20"),
        ({"validation": np.nan}, ValueError, "validation is a fraction of the rows, between 0 and 1, got nan"),
        ({"validation": 0.01}, ValueError, "validation=0.01 of 40 rows leaves none for validation"),
        ({"validation": 0.99}, ValueError, "validation=0.99 of 40 rows leaves none for training"),
        ({"data": lambda epoch: [DATA], "validation": 0.2}, ValueError, "a fraction of batches cannot be kept out"),
        ({"data": iter([DATA])}, TypeError, "train goes through its data more than once"),
        ({"data": lambda epoch: []}, ShapeError, "epoch 0 of the data has no batches"),
        ({"data": (X[:0], Y[:0])}, ShapeError, "the data has no rows, train needs at least one"),
        ({"data": [X, Y]}, TypeError, "the data is a tuple (x, target)"),
        ({"data": X}, TypeError, "the data is a tuple (x, target)"),
        ({"optimizer": 0.1}, TypeError, "train takes an optimizer, got 0.1"),
        ({"net": PLAIN.apply}, TypeError, "train takes layers"),
        ({"rng": None}, TypeError, "rng must be a Key or an int seed"),
        ({"start": 3}, funcnn.ParamsError, "int"),
        ({"optimizer": adam(0.1), "nonsense": 1}, TypeError, "nonsense"),
    ],
)  # fmt: skip
def test_refusals(options: dict[str, Any], error: type[Exception], message: str) -> None:
    """By name, before the first step."""
    said = refusal(lambda: run(**{"net": PLAIN, **options}), error)
    assert message in said


def test_a_loss_comes_first() -> None:
    """As everywhere."""
    said = refusal(lambda: loose.train(NET, squared_error, adam(0.1), DATA, epochs=1), TypeError)
    assert "train takes layers" in said or "takes a loss first" in said


def test_a_monitor_that_is_no_number() -> None:
    """Is found by the first epoch."""
    errors = metric(lambda target, prediction: np.zeros(2), name="errors")
    said = refusal(lambda: run(PLAIN, metrics=[errors], monitor="errors", mode="min"), TypeError)
    assert "monitor 'errors' must be a number" in said


def test_a_monitor_that_is_never_finite() -> None:
    """Nothing is best; the last params come out, and patience ends."""
    bad = metric(lambda target, prediction: float("nan"), name="bad")
    trained = run(PLAIN, metrics=[bad], monitor="bad", mode="min", patience=3, epochs=9)
    assert trained.history.best is None and len(trained.history) == 3
    assert trained.params == trained.state.params


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
