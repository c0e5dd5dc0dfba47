# What the estimators use of scikit-learn, which has no types of its own.
from typing import Any, Self, TypeVar

import numpy.typing as npt

E = TypeVar("E")

class TargetTags:
    multi_output: bool

class Tags:
    target_tags: TargetTags

class BaseEstimator:
    def get_params(self, deep: bool = True) -> dict[str, Any]: ...
    def set_params(self, **params: object) -> Self: ...
    def set_fit_request(self, **requests: object) -> Self: ...
    def __sklearn_tags__(self) -> Tags: ...

class ClassifierMixin:
    def score(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> float: ...

class RegressorMixin:
    def score(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> float: ...

def clone(estimator: E) -> E: ...
