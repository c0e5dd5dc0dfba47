"""scikit-learn's own checks, without exceptions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils.estimator_checks import parametrize_with_checks

from funcnn.estimators import NetworkClassifier, NetworkRegressor


@parametrize_with_checks([NetworkClassifier(), NetworkRegressor()])
def test_what_scikit_learn_asks(estimator: BaseEstimator, check: Callable[[Any], None]) -> None:
    """All of it, of both estimators as they are made."""
    check(estimator)
