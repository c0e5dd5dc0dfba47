"""`mean_of(loss)` over batches is the loss of all the data, for every loss and every way to count less of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import (
    Dense, FanOut, Loss, ShapeError, evaluate, joint, mean_of, on_item, parallel, serial, softmax_cross_entropy,
    squared_error,
)  # fmt: skip

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(11, 4))
LABELS = np.array([0, 1, 2, -1, -1, 0, 1, -1, 2, 0, -1])
CLASSES = abs(LABELS)
VALUES = DRAW.normal(size=(11, 2))
WEIGHTS = DRAW.uniform(size=11)
NET = serial(FanOut(2), parallel(Dense(3), Dense(2)))
PARAMS = NET.init(0, (-1, 4), dtype=np.float64)[1]
IGNORING = softmax_cross_entropy.bind(ignore=-1)
HEAVY = softmax_cross_entropy.bind(class_weights=[1.0, 5.0, 2.0])
BOTH = IGNORING.bind(class_weights=[1.0, 5.0, 2.0])


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize(
    ("loss", "target"),
    [
        (on_item(0, IGNORING), LABELS),
        (on_item(0, HEAVY), CLASSES),
        (on_item(0, BOTH), LABELS),
        (on_item(0, BOTH.bind(reduce="batch")), LABELS),
        (on_item(-1, squared_error), VALUES),
        (on_item(1, squared_error.bind(reduce="batch")), VALUES),
        (joint(IGNORING, squared_error), (LABELS, VALUES)),
        (joint(BOTH, squared_error.bind(reduce="batch"), scales=(0.5, 2.0)), (LABELS, VALUES)),
    ],
    ids=str,
)
def test_it_is_the_loss_of_all(loss: Loss[Any, Any], target: Any, weights: Any) -> None:
    """Whatever the size of the batches, those of which nothing counts included."""
    wanted = loss(NET.apply(PARAMS, X), target, weights=weights)
    for size in (1, 4, 11):
        data = (X, target) if weights is None else (X, target, weights)
        assert evaluate(NET.apply, PARAMS, data, mean_of(loss), batch_size=size) == pytest.approx(
            {repr(loss): wanted}, rel=1e-12
        )


def test_sums_are_means_over_rows() -> None:
    """A loss that sums has no value of its own over batches: it is told for a row."""
    loss = on_item(1, squared_error.bind(reduce="sum"))
    found = evaluate(NET.apply, PARAMS, (X, VALUES), mean_of(loss), batch_size=4)[repr(loss)]
    assert found == pytest.approx(loss(NET.apply(PARAMS, X), VALUES) / len(X))


def test_nothing_that_counts() -> None:
    """Is refused at the end."""
    with pytest.raises(ShapeError, match="no row has been seen that counts"):
        evaluate(NET.apply, PARAMS, (X, LABELS * 0 - 1), mean_of(on_item(0, IGNORING)))


@pytest.mark.parametrize("prediction", [np.zeros((2, 3)), (np.zeros((2, 3)),)], ids=["no tuple", "too short"])
def test_items_that_are_not_there(prediction: Any) -> None:
    """Are refused as by the loss."""
    with pytest.raises(ShapeError, match="takes a prediction that is a tuple with such an item"):
        mean_of(on_item(1, squared_error)).update((), prediction, np.zeros((2, 3)))
