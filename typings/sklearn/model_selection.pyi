# What the examples use of scikit-learn, which has no types of its own.
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from sklearn.base import BaseEstimator, ClassifierMixin

class GridSearchCV(ClassifierMixin, BaseEstimator):
    best_params_: dict[str, Any]
    best_score_: float
    best_estimator_: Any
    cv_results_: dict[str, Any]

    def __init__(
        self, estimator: BaseEstimator, param_grid: Mapping[str, Sequence[object]], *, cv: int = ..., n_jobs: int = ...
    ) -> None: ...
    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, **params: object) -> Self: ...
    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]: ...

def cross_val_score(
    estimator: BaseEstimator, X: npt.ArrayLike, y: npt.ArrayLike, *, cv: int = ...
) -> npt.NDArray[np.float64]: ...
def train_test_split(
    *arrays: npt.NDArray[Any], test_size: float = ..., random_state: int = ..., stratify: npt.NDArray[Any] = ...
) -> list[npt.NDArray[Any]]: ...
