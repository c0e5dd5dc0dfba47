"""Training in one call says what is wrong before the first step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import funcnn
from funcnn import ShapeError, accuracy, adam, metric, r2, squared_error
from tests.refusals import refusal
from tests.training.one_call_runs import DATA, NET, PLAIN, X, Y, loose, run


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
        ({"monitor": "val_loss"}, ValueError, "columns of validation have no prefix: monitor='loss'"),
        ({"monitor": "val_r2"}, ValueError, "monitor='r2'"),
        ({"mode": "max", "validation": None, "metrics": ()}, ValueError, "mode='max' is that of a column to watch"),
        ({"quiet": "yes"}, ValueError, "train: quiet must be True or False, got 'yes'"),
        ({"drop_last": 1}, ValueError, "train: drop_last must be True or False, got 1"),
        ({"data": lambda epoch: None}, TypeError, "the data of epoch 0 must be an iterable of batches, got None"),
        ({"data": lambda epoch: (X, Y)}, TypeError, "got an array of (60, 3); of one batch write [(x, target)]"),
        ({"data": []}, ShapeError, "empty batch: the data is a list without batches"),
        ({"loss": "mse"}, TypeError, "train takes a loss first, got 'mse'; losses are imported by name: squared_error"),
        ({"loss": accuracy}, TypeError, "a metric has no derivative"),
        ({"loss": NET, "net": squared_error}, TypeError, "the loss stands first, the network or its apply next"),
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
    assert "train takes a loss first, got Layer; the loss stands first" in said


def test_a_state_brings_the_key_of_the_validation_rows() -> None:
    """Where training goes on from a state, the rows that were kept out are kept out again, whatever `rng` is now."""
    whole = run(PLAIN, rng=7, epochs=4, validation=0.25)
    half = run(PLAIN, rng=7, epochs=2, validation=0.25)
    rest = run(PLAIN, start=half.state, epochs=4, validation=0.25)
    assert rest.state == whole.state and rest.history.rows == whole.history.rows[2:]


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
