"""Predictions and metrics do not depend on how the data are cut into batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import (
    Dense,
    Dropout,
    DTypeError,
    FanInSum,
    FanOut,
    Identity,
    Key,
    Layer,
    NonFiniteError,
    Params,
    ParamsError,
    Relu,
    ShapeError,
    accuracy,
    evaluate,
    mean_of,
    parallel,
    predict,
    r2,
    serial,
    softmax_cross_entropy,
    squared_error,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(11, 3)).astype(np.float32)
Y = RNG.normal(size=(11, 2)).astype(np.float32)
LABELS = np.array([0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0])
NET = serial(Dense(4), Relu, Dropout(0.5), Dense(2))
PARAMS = NET.init(Key(0), (-1, 3))[1]
NOTHING = Params({})


# predict --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("batch_size", [1, 2, 5, 10, 11, 12, 256])
def test_predictions_are_those_of_apply(batch_size: int) -> None:
    """Every row gets what the network gives for it at inference, however large the batches are."""
    found = predict(NET.apply, PARAMS, X, batch_size=batch_size)
    np.testing.assert_allclose(found, NET.apply(PARAMS, X), rtol=1e-5, atol=1e-6)
    assert found.dtype == np.float32


def test_without_rows() -> None:
    """No rows give an empty result of the right shape and dtype."""
    found = predict(NET.apply, PARAMS, X[:0])
    assert (found.shape, found.dtype) == ((0, 2), np.dtype(np.float32))


def test_the_result_is_the_callers() -> None:
    """What comes out may be written to, and shares nothing with what went in."""
    x = X.copy()
    found = predict(Identity.apply, NOTHING, x)
    found[0] = 7
    assert x.tolist() == X.tolist()


def test_several_inputs() -> None:
    """x may be a tuple of arrays."""
    net = serial(parallel(Identity, Identity), FanInSum)
    assert predict(net.apply, NOTHING, (X, X), batch_size=4).tolist() == (2 * X).tolist()


def test_several_outputs() -> None:
    """A network with several outputs gives a tuple of arrays."""
    a, b = predict(FanOut(2).apply, NOTHING, X, batch_size=4)
    assert (a.tolist(), b.tolist()) == (X.tolist(), X.tolist())


@pytest.mark.parametrize(
    "x",
    [
        pytest.param(X.astype(np.float64), id="float64"),
        pytest.param(np.asfortranarray(X), id="Fortran order"),
        pytest.param(X.astype(">f4"), id="byte-swapped"),
        pytest.param(X.tolist(), id="a list"),
    ],
)
def test_the_layout_does_not_matter(x: Any) -> None:
    """However the data lie in memory, predictions are the same, bit for bit."""
    assert predict(NET.apply, PARAMS, x, batch_size=4).tolist() == predict(NET.apply, PARAMS, X, batch_size=4).tolist()


def test_a_mapping_for_params() -> None:
    """Wherever params go in, any mapping does."""
    assert predict(NET.apply, PARAMS.to_dict(), X).tolist() == predict(NET.apply, PARAMS, X).tolist()


def test_a_network_that_mixes_rows() -> None:
    """A network whose output has no row for every row of x is refused."""
    total = Layer.lift(lambda shape: shape[1:], lambda x: (x.sum(0), lambda dy: np.broadcast_to(dy, x.shape)))
    with pytest.raises(ShapeError, match=r"one row for every row of x, got \(3,\) for \(-1, 3\); call its apply"):
        predict(total.apply, NOTHING, X, batch_size=4)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"batch_size": 0}, ValueError, "predict: batch_size must be an integer of at least 1, got 0"),
        ({"params": ((-1, 2), PARAMS)}, ParamsError, "unpack"),
        ({"params": NOTHING}, ParamsError, "missing dense_0/b"),
        ({"x": X[:, :2]}, ShapeError, "dense_0 in serial: takes (..., 3), got (11, 2)"),
        ({"x": 1.0}, ShapeError, "x has no axis of rows"),
        ({"x": X + 1j}, DTypeError, "x has dtype complex64"),
        ({"x": np.where(np.arange(3) == 1, np.nan, X)}, NonFiniteError, "x has 11 values that are not finite in"),
        ({"x": np.where(np.arange(3) == 1, np.inf, X)}, NonFiniteError, "the first is x[0, 1]; leave such rows out"),
    ],
)
def test_what_predict_refuses(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    """What is wrong is said, and where."""
    with pytest.raises(error) as caught:
        predict(**{"apply": NET.apply, "params": PARAMS, "x": X, **changes})
    assert message in str(caught.value)


# evaluate -------------------------------------------------------------------------------------------------------------
def test_metrics_by_hand() -> None:
    """Three of the four largest logits are those of the labels; the squared errors sum to 6 over 8 logits."""
    logits = np.array([[1.0, 0.0], [0.0, 2.0], [0.0, 1.0], [1.0, 0.0]])
    found = evaluate(Identity.apply, NOTHING, (logits, np.array([0, 1, 1, 1])), accuracy, batch_size=3)
    assert found == {"accuracy": 0.75}
    target = np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    errors = evaluate(Identity.apply, NOTHING, (logits, target), mean_of(squared_error), batch_size=3)
    assert errors == {"squared_error": 0.75}


@pytest.mark.parametrize("batch_size", [1, 2, 4, 10])
def test_metrics_are_those_of_all_rows(batch_size: int) -> None:
    """A metric is not a mean over batches: cut anywhere, the data have the same."""
    x = X[:, :2]
    cut = evaluate(Identity.apply, NOTHING, (x, Y), r2, mean_of(squared_error), batch_size=batch_size)
    assert cut == pytest.approx({"r2": r2(x, Y), "squared_error": squared_error(x, Y)}, rel=1e-6)


@pytest.mark.parametrize("batch_size", [1, 3, 256])
def test_counts_are_exact(batch_size: int) -> None:
    """What is counted is exactly the same, whatever the batches are."""
    found = evaluate(NET.apply, PARAMS, (X, LABELS), accuracy, batch_size=batch_size)
    assert found == {"accuracy": accuracy(NET.apply(PARAMS, X), LABELS)}


def test_evaluation_is_inference() -> None:
    """Nothing is dropped."""
    found = evaluate(NET.apply, PARAMS, (X, LABELS), mean_of(softmax_cross_entropy))["softmax_cross_entropy"]
    assert found == pytest.approx(softmax_cross_entropy(NET.apply(PARAMS, X), LABELS), rel=1e-6)


def test_no_metrics() -> None:
    """No metrics give an empty dict."""
    assert evaluate(NET.apply, PARAMS, (X, Y)) == {}


@pytest.mark.parametrize(
    ("data", "metrics", "error", "message"),
    [
        ((X[:0], Y[:0]), (r2,), ShapeError, "empty batch"),
        ((X, Y[:5]), (r2,), ShapeError, "x has 11, target has 5"),
        ((X, Y[:, 0]), (r2,), ShapeError, "r2"),
        ((X, LABELS + 1), (accuracy,), ValueError, "2"),
        (X, (r2,), TypeError, "the data is a tuple (x, target) or (x, target, weights), got ndarray"),
        ((X, Y, Y, Y), (r2,), ValueError, "the data is a tuple (x, target) or (x, target, weights), got one of 4"),
        ((X, Y), (squared_error,), TypeError, "evaluate takes metrics, got Loss; a loss is one as mean_of(loss)"),
        ((X, Y), (r2, r2), ValueError, "two metrics have one name, got r2, r2; rename one: metric._replace(name=...)"),
        ((X * [np.nan, 1, 1], Y), (r2,), NonFiniteError, "x has 11 values that are not finite in"),
    ],
)
def test_what_evaluate_refuses(data: Any, metrics: Any, error: type[Exception], message: str) -> None:
    """What is wrong is said, and where."""
    with pytest.raises(error) as caught:
        evaluate(NET.apply, PARAMS, data, *metrics, batch_size=4)
    assert message in str(caught.value)
