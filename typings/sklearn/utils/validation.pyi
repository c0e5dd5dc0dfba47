# What the estimators use of scikit-learn, which has no types of its own.
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from sklearn.base import BaseEstimator

@overload
def validate_data(
    _estimator: BaseEstimator, /, X: npt.ArrayLike, *, reset: bool = ..., dtype: object = ...
) -> npt.NDArray[np.float64]: ...
@overload
def validate_data(
    _estimator: BaseEstimator,
    /,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    reset: bool = ...,
    dtype: object = ...,
    multi_output: bool = ...,
    y_numeric: bool = ...,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[Any]]: ...
def check_is_fitted(estimator: BaseEstimator, attributes: str | None = None) -> None: ...
def column_or_1d(y: npt.ArrayLike, *, warn: bool = ...) -> npt.NDArray[Any]: ...
