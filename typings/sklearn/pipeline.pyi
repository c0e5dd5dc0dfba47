# What the examples use of scikit-learn, which has no types of its own.
from typing import Any, Self

import numpy.typing as npt

from sklearn.base import BaseEstimator, ClassifierMixin

class Pipeline(ClassifierMixin, BaseEstimator):
    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, **params: object) -> Self: ...
    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]: ...

def make_pipeline(*steps: BaseEstimator) -> Pipeline: ...
