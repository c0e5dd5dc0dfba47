"""scikit-learn's multi-layer perceptrons, which the tests have at hand."""

from __future__ import annotations

import importlib
from typing import Any, Final

import numpy as np
import pytest

from funcnn import BatchNorm, Dense, ParamsError, Relu, Sigmoid, Softmax, Tanh, serial
from funcnn.weights import from_sklearn, to_sklearn

perceptrons: Final[Any] = importlib.import_module("sklearn.neural_network")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 4))


def fitted(model: Any, y: Any) -> Any:
    """A model after a few steps."""
    regressor = isinstance(model, perceptrons.MLPRegressor)
    return model.partial_fit(X, y) if regressor else model.partial_fit(X, y, classes=np.unique(y))


def there_and_back(net: Any, model: Any) -> Any:
    """The params of a model, which go back to the bit."""
    params = from_sklearn(net, (-1, 4), model.coefs_, model.intercepts_)
    coefs, intercepts = to_sklearn(net, (-1, 4), params)
    for mine, its in ((coefs, model.coefs_), (intercepts, model.intercepts_)):
        for a, b in zip(mine, its, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)
    return params


def test_a_classifier() -> None:
    """Of three classes: probabilities are the softmax of the network."""
    model = fitted(perceptrons.MLPClassifier((5, 3), activation="tanh", random_state=0), RNG.integers(0, 3, 40))
    net = serial(Dense(5), Tanh, Dense(3), Tanh, Dense(3), Softmax)
    params = there_and_back(net, model)
    np.testing.assert_allclose(net.apply(params, X), model.predict_proba(X), rtol=1e-12, atol=1e-12)


def test_a_classifier_of_two_classes() -> None:
    """It has one output, and the sigmoid behind it."""
    model = fitted(perceptrons.MLPClassifier((5,), random_state=0), RNG.integers(0, 2, 40))
    net = serial(Dense(5), Relu, Dense(1), Sigmoid)
    params = there_and_back(net, model)
    np.testing.assert_allclose(net.apply(params, X)[:, 0], model.predict_proba(X)[:, 1], rtol=1e-12, atol=1e-12)


def test_a_regressor() -> None:
    """Of two targets, in float32 too."""
    model = fitted(perceptrons.MLPRegressor(hidden_layer_sizes=(5,), random_state=0), RNG.normal(size=(40, 2)))
    net = serial(Dense(5), Relu, Dense(2))
    params = there_and_back(net, model)
    np.testing.assert_allclose(net.apply(params, X), model.predict(X), rtol=1e-12, atol=1e-12)
    single = from_sklearn(net, (-1, 4), *([a.astype(np.float32) for a in b] for b in (model.coefs_, model.intercepts_)))
    assert {single.at(path).dtype for path in single.paths()} == {np.dtype(np.float32)}


def test_our_params_serve_its_model() -> None:
    """A fitted model with coefficients of ours predicts as the network does."""
    net = serial(Dense(5), Relu, Dense(2))
    model = fitted(perceptrons.MLPRegressor(hidden_layer_sizes=(5,), random_state=0), RNG.normal(size=(40, 2)))
    _, params = net.init(1, (-1, 4), dtype=np.float64)
    model.coefs_, model.intercepts_ = to_sklearn(net, (-1, 4), params)
    np.testing.assert_allclose(net.apply(params, X), model.predict(X), rtol=1e-12, atol=1e-12)


def test_what_it_has_not_is_refused() -> None:
    """Other layers, and lists of several lengths, of other arrays."""
    w, b = [np.ones((4, 1))], [np.ones(1)]
    with pytest.raises(ParamsError, match="has Dense layers with a bias alone, and 'batch_norm_0' is none"):
        from_sklearn(serial(Dense(1), BatchNorm()), (-1, 4), w, b)
    with pytest.raises(ParamsError, match="as many coefs as intercepts, got 1 and 0"):
        from_sklearn(Dense(1), (-1, 4), w, [])
    with pytest.raises(ParamsError, match="takes mlp.coefs_ and mlp.intercepts_, lists of arrays"):
        from_sklearn(Dense(1), (-1, 4), w[0], b)  # type: ignore[arg-type]
    with pytest.raises(ParamsError, match=r"nothing goes into dense_1/w \(1, 1\)\n"):
        from_sklearn(serial(Dense(1), Dense(1)), (-1, 4), w, b)
    with pytest.raises(ParamsError, match=r"intercepts_\[1\] \(1,\) float64 goes nowhere"):
        from_sklearn(Dense(1), (-1, 4), w + [np.ones((1, 1))], b + b)
