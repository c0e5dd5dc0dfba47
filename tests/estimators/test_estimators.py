"""Estimators in scikit-learn's hands: searches, pipelines, weights, labels of any kind, further epochs, settings."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from funcnn import (
    Array, BatchNorm, Dense, Dropout, Key, Layer, Relu, ShapeError, Tanh, adam, adamw, huber, l2, predict, serial, sgd,
    softmax_cross_entropy,
)  # fmt: skip
from funcnn.estimators import NetworkClassifier, NetworkRegressor


def scaled(x: Array) -> Array:
    """Every column with mean 0 and deviation 1."""
    off = x - x.mean(axis=0)
    found: Array = off / off.std(axis=0)
    return found


def iris(names: object = ("setosa", "versicolor", "virginica")) -> tuple[Array, npt.NDArray[Any]]:
    """150 flowers of three kinds."""
    x, y = load_iris(return_X_y=True)
    return scaled(x), np.array(names)[y]


def plane(rows: int = 60) -> tuple[Array, Array]:
    """Numbers that a plane gives."""
    x = Key(3).generator().normal(size=(rows, 3))
    return x, x @ np.array([1.0, -2.0, 0.5])


# as good as scikit-learn's own --------------------------------------------------------------------------------------
def test_classifies_as_well_as_scikit_learn() -> None:
    """On the same split of the same tumours, with as many units, epochs and rows a step."""
    x, y = load_breast_cancer(return_X_y=True)
    seen, unseen, truth, answers = train_test_split(scaled(x), y, random_state=0, stratify=y)
    ours = NetworkClassifier(hidden=(32,), epochs=60, batch_size=32, random_state=0).fit(seen, truth)
    theirs = MLPClassifier((32,), max_iter=60, n_iter_no_change=60, batch_size=32, random_state=0)
    with pytest.warns(Warning, match="Maximum iterations"):
        theirs.fit(seen, truth)
    assert ours.score(unseen, answers) > 0.93
    assert abs(ours.score(unseen, answers) - float((theirs.predict(unseen) == answers).mean())) < 0.04


def test_regresses_as_well_as_scikit_learn() -> None:
    """On the same split of the diabetes data, targets of size one."""
    x, y = load_diabetes(return_X_y=True)
    seen, unseen, truth, answers = train_test_split(scaled(x), scaled(y), random_state=0)
    ours = NetworkRegressor(hidden=(16,), epochs=60, batch_size=32, random_state=0).fit(seen, truth)
    theirs = MLPRegressor(hidden_layer_sizes=(16,), max_iter=60, n_iter_no_change=60, batch_size=32, random_state=0)
    with pytest.warns(Warning, match="Maximum iterations"):
        theirs.fit(seen, truth)
    assert ours.score(unseen, answers) > 0.2
    assert abs(ours.score(unseen, answers) - float(theirs.score(unseen, answers))) < 0.15


# in scikit-learn's hands --------------------------------------------------------------------------------------------
def test_searched_in_a_pipeline_by_two_processes() -> None:
    """Widths, rates and networks are settings like any others."""
    x, y = iris()
    pipe = make_pipeline(StandardScaler(), NetworkClassifier(epochs=30, batch_size=32, random_state=0))
    grid: dict[str, list[object]] = {
        "networkclassifier__hidden": [(4,), (16,)],
        "networkclassifier__rate": [1e-5, 1e-2],
        "networkclassifier__optimizer": [adam, adamw],
    }
    search = GridSearchCV(pipe, grid, cv=2, n_jobs=2).fit(x, y)
    assert search.best_params_["networkclassifier__rate"] == 1e-2
    assert search.best_score_ > 0.9
    assert set(search.predict(x)) == {"setosa", "versicolor", "virginica"}


def test_cross_validated() -> None:
    """With a network of one's own that is cut to the number of classes."""
    x, y = iris()
    net = NetworkClassifier(wide, rate=1e-2, epochs=40, batch_size=32, random_state=0)
    assert cross_val_score(net, x, y, cv=3).min() > 0.85


def wide(features: int, outputs: int) -> Layer[Array, Array]:
    """A network of one's own."""
    return serial(Dense(4 * features), BatchNorm(), Relu, Dropout(0.1), Dense(outputs))


@pytest.mark.parametrize("net", [None, serial(Dense(4), Tanh, Dense(3)), wide], ids=["widths", "network", "function"])
def test_pickled_and_cloned(net: Any) -> None:
    """A fitted one says the same in another process; a clone has the settings, and fits to the same bits."""
    x, y = iris()
    fitted = NetworkClassifier(net, epochs=3, random_state=0).fit(x, y)
    again: NetworkClassifier = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(x), fitted.predict_proba(x))
    assert again.state_ == fitted.state_ and again.history_ == fitted.history_
    fresh = clone(fitted)
    assert not hasattr(fresh, "params_") and repr(fresh) == repr(fitted)
    np.testing.assert_array_equal(fresh.fit(x, y).predict_proba(x), fitted.predict_proba(x))


# classes ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "names", [("a", "b", "c"), (-7, 0, 12), (0.0, 1.0, 2.0)], ids=["text", "ints", "floats"]
)
def test_labels_of_any_kind(names: Any) -> None:
    """They come back as they came."""
    x, y = iris(names)
    fitted = NetworkClassifier(rate=1e-2, epochs=60, random_state=0).fit(x, y)
    assert fitted.classes_.tolist() == sorted(names)
    assert fitted.predict(x).dtype == y.dtype and fitted.score(x, y) > 0.9


def test_objects_and_booleans_as_labels() -> None:
    """Columns of text as pandas has them; two classes."""
    x, y = iris()
    assert NetworkClassifier(epochs=2).fit(x, y.astype(object)).predict(x).dtype == object
    two = NetworkClassifier(rate=1e-2, epochs=60, random_state=0).fit(x, y == "setosa")
    assert two.predict(x).dtype == bool and two.score(x, y == "setosa") == 1.0


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_follow_from_logits(classes: int) -> None:
    """The softmax of what the network gives; of two classes, the sigmoid of the difference."""
    x, y = iris()
    x, y = x[: 50 * classes], y[: 50 * classes]
    fitted = NetworkClassifier(epochs=5, random_state=0).fit(x, y)
    logits = predict(fitted.net_.apply, fitted.params_, x)
    exps = np.exp(logits)
    np.testing.assert_allclose(fitted.predict_proba(x), exps / exps.sum(axis=1, keepdims=True), rtol=1e-12)
    decision = fitted.decision_function(x)
    if classes == 2:
        np.testing.assert_allclose(1 / (1 + np.exp(-decision)), fitted.predict_proba(x)[:, 1], rtol=1e-12)
    else:
        np.testing.assert_array_equal(decision, logits)


def test_weights_of_classes_are_weights_of_rows() -> None:
    """By label, and balanced, which is rows / (classes * rows of the class)."""
    x, y = iris()
    x, y = x[:110], y[:110]  # 50, 50, 10
    plain = NetworkClassifier(epochs=4, random_state=0)
    for given, each in (({"setosa": 2.0, "versicolor": 1.0, "virginica": 5.0}, (2, 1, 5)), ("balanced", (11, 11, 55))):
        weights = np.repeat(np.array(each, float) / (15 if given == "balanced" else 1), [50, 50, 10])
        by_class = clone(plain).set_params(class_weight=given).fit(x, y)
        by_row = clone(plain).fit(x, y, weights)
        np.testing.assert_allclose(by_class.predict_proba(x), by_row.predict_proba(x), rtol=1e-9)


def test_rows_without_weight_are_as_good_as_gone() -> None:
    """Bit for bit, in batches too, and in the part that validates."""
    x, y = iris()
    weights = np.where(np.arange(150) % 3 == 0, 0.0, 1.0)
    some = weights > 0
    estimator = NetworkClassifier(epochs=3, batch_size=16, validation=0.2, random_state=0)
    one, other = clone(estimator).fit(x, y, weights), clone(estimator).fit(x[some], y[some], np.ones(100))
    np.testing.assert_array_equal(one.predict_proba(x), other.predict_proba(x))


# targets ------------------------------------------------------------------------------------------------------------
def test_several_targets() -> None:
    """(rows, targets) in, and out; one column stays one column."""
    x, y = plane()
    both = np.stack([y, -y], axis=1)
    fitted = NetworkRegressor(hidden=(), rate=0.05, epochs=300, random_state=0).fit(x, both)
    np.testing.assert_allclose(fitted.predict(x), both, atol=0.01)
    assert NetworkRegressor(epochs=1).fit(x, y[:, None]).predict(x).shape == (60, 1)
    assert NetworkRegressor(epochs=1).fit(x, y).predict(x).shape == (60,)


def test_finds_the_plane() -> None:
    """Without hidden layers it is linear regression, and the params are its coefficients."""
    x, y = plane()
    fitted = NetworkRegressor(hidden=(), rate=0.05, epochs=400, random_state=0).fit(x, y)
    np.testing.assert_allclose(fitted.params_.at("dense_0/w").ravel(), [1, -2, 0.5], atol=1e-3)
    robust = NetworkRegressor(hidden=(), loss=huber, rate=0.05, epochs=400, random_state=0).fit(x, y)
    np.testing.assert_allclose(robust.predict(x), y, atol=0.01)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_computes_in_the_dtype_of_the_features(dtype: Any) -> None:
    """Also when rows of the other one are asked for later."""
    x, y = plane()
    fitted = NetworkRegressor(epochs=2, random_state=0).fit(x.astype(dtype), y)
    for other in (np.float32, np.float64, np.int64):
        assert fitted.predict(x.astype(other)).dtype == dtype


# training -----------------------------------------------------------------------------------------------------------
def test_stops_early_with_the_best_params() -> None:
    """The history has a column of validation, and the best row is that of the params."""
    x, y = iris()
    fitted = NetworkClassifier(rate=0.05, epochs=300, validation=0.3, patience=5, random_state=0).fit(x, y)
    assert len(fitted.history_) < 300 and fitted.history_.columns[-2:] == ("loss", "accuracy")
    assert fitted.history_.best == int(np.argmin(fitted.history_["loss"])) == len(fitted.history_) - 6
    assert fitted.loss_curve_ == fitted.history_["train_loss"].tolist()


def test_one_epoch_after_another() -> None:
    """In chunks of any length, of some classes only; behind `fit`, from its params; each is a row of the history."""
    x, y = iris()
    first = NetworkClassifier(rate=1e-2, batch_size=16, random_state=0)
    order = Key(0).generator().permutation(150)
    for _ in range(20):
        for rows in (order[:70], order[70:81], order[81:]):
            first.partial_fit(x[rows], y[rows], classes=np.unique(y))
    assert first.score(x, y) > 0.9 and len(first.history_) == 60
    assert first.history_["epoch"].tolist() == list(range(1, 61))
    fitted = NetworkClassifier(rate=1e-2, epochs=30, validation=0.2, random_state=0).fit(x, y)
    before = softmax_cross_entropy(fitted.decision_function(x), np.unique(y, return_inverse=True)[1])
    fitted.partial_fit(x[:50], y[:50])
    assert abs(fitted.loss_curve_[-1] - before) < 0.5 and len(fitted.history_) == 31
    assert fitted.history_.best is not None and np.isnan(fitted.history_["loss"][-1])


def test_statistics_are_calibrated_after_each_part() -> None:
    """A network with BatchNorm predicts without a warning, however it was trained."""
    x, y = plane()
    for fitted in (NetworkRegressor(wide, epochs=2).fit(x, y), NetworkRegressor(wide).partial_fit(x, y)):
        assert np.isfinite(fitted.predict(x)).all()


def test_random_state_is_all_there_is() -> None:
    """The same seed, the same bits; another, others; NumPy's global state where there is none."""
    x, y = plane()

    def said(seed: int | np.random.RandomState) -> Array:
        return NetworkRegressor(epochs=2, batch_size=8, random_state=seed).fit(x, y).predict(x)

    np.testing.assert_array_equal(said(1), said(1))
    assert not np.array_equal(said(1), said(2))
    np.testing.assert_array_equal(said(np.random.RandomState(5)), said(np.random.RandomState(5)))


def test_penalties_shrink() -> None:
    """As for `fit`."""
    x, y = plane()
    sizes = [
        np.abs(predict(f.net_.apply, f.params_, x)).mean()
        for f in (NetworkRegressor(penalties=p, random_state=0).fit(x, y) for p in ((), [l2(1.0)]))
    ]
    assert sizes[1] < sizes[0] / 2


# settings that do not go together -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("settings", "kind", "said"),
    [
        ({"net": Dense(3), "hidden": (4,)}, ValueError, "without a net"),
        ({"net": Dense(3), "activation": Tanh}, ValueError, "without a net"),
        ({"net": Dense(4)}, ShapeError, r"must give 3 outputs for every row.*Dense\(3\)"),
        ({"net": "mlp"}, TypeError, r"a function \(features, outputs\)"),
        ({"net": lambda features, outputs: None}, TypeError, "must give a network, got None"),
        ({"optimizer": sgd(0.1), "rate": 0.1}, ValueError, "has a rate of its own"),
        ({"optimizer": "adam"}, TypeError, "a function such as adam"),
        ({"optimizer": lambda rate: rate}, TypeError, "must give an optimizer"),
        ({"patience": 3}, ValueError, "validation"),
        ({"validation": iris()}, TypeError, "a fraction of the rows"),
        ({"class_weight": {"setosa": -1.0}}, ValueError, "class_weight must not be negative"),
        ({"epochs": 0}, ValueError, "epochs"),
        ({"hidden": (0,)}, ValueError, "widths"),
        ({"hidden": 8}, TypeError, r"hidden=\(8,\)"),
        ({"class_weight": "equal"}, ValueError, "class_weight"),
    ],
)
def test_settings_are_looked_at_when_fitted(settings: dict[str, Any], kind: type[Exception], said: str) -> None:
    """Not before: scikit-learn sets them at any time."""
    x, y = iris()
    estimator = NetworkClassifier(**settings)
    with pytest.raises(kind, match=said):
        estimator.fit(x, y)


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (np.ones(149), r"\(150,\), got \(149,\)"),
        (np.ones((150, 1)), r"\(150,\), got \(150, 1\)"),
        (-np.ones(150), "negative"),
        (np.full(150, np.nan), "NaN"),
        (np.zeros(150), "zero"),
    ],
)
def test_weights_are_looked_at(weights: Array, said: str) -> None:
    """One finite number, not below 0, for every row."""
    x, y = iris()
    with pytest.raises(ValueError, match=said):
        NetworkClassifier().fit(x, y, sample_weight=weights)


def test_a_fit_that_fails_changes_no_predictions() -> None:
    """Classes and targets stay those of the params that there are."""
    x, y = iris()
    fitted = NetworkClassifier(epochs=2, random_state=0).fit(x, y)
    said = fitted.predict(x)
    with pytest.raises(ValueError, match="rate"):
        fitted.set_params(rate=-1.0).fit(x, y == "setosa")
    np.testing.assert_array_equal(fitted.predict(x), said)
    x, t = plane()
    regressor = NetworkRegressor(epochs=2).fit(x, t)
    with pytest.raises(ValueError, match="rate"):
        regressor.set_params(rate=-1.0).fit(x, np.stack([t, t], axis=1))
    assert regressor.predict(x).shape == (60,)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parts_of_either_dtype(dtype: Any) -> None:
    """Training goes on in the dtype it began with."""
    x, t = plane()
    fitted = NetworkRegressor(random_state=0).partial_fit(x.astype(dtype), t, np.ones(60))
    for other in (np.float32, np.float64):
        assert fitted.partial_fit(x.astype(other), t, np.ones(60)).predict(x).dtype == dtype


def test_parts_are_looked_at() -> None:
    """The classes come first and stay; so does the number of targets."""
    x, y = iris()
    with pytest.raises(ValueError, match="the first call needs all the classes"):
        NetworkClassifier().partial_fit(x, y)
    begun = NetworkClassifier().partial_fit(x[:60], y[:60], classes=np.unique(y))
    with pytest.raises(ValueError, match="classes were"):
        begun.partial_fit(x, y, classes=["setosa"])
    with pytest.raises(ValueError, match="'rose' is none of the classes"):
        begun.partial_fit(x, np.full(150, "rose"))
    with pytest.raises(ValueError, match="balanced"):
        begun.set_params(class_weight="balanced").partial_fit(x, y)
    x, t = plane()
    with pytest.raises(ValueError, match="targets"):
        NetworkRegressor().partial_fit(x, t).partial_fit(x, np.stack([t, t], axis=1))


def test_without_scikit_learn() -> None:
    """The package is imported without it, and the estimators say what to install."""
    program = """
import sys
sys.modules["sklearn"] = None
import funcnn
try:
    import funcnn.estimators
except ImportError as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "pip install 'funcnn[sklearn]'" in said
