# What the examples use of scikit-learn, which has no types of its own.
import numpy as np
import numpy.typing as npt

from sklearn.base import BaseEstimator, RegressorMixin

class MLPClassifier(BaseEstimator):
    def __init__(
        self,
        hidden_layer_sizes: tuple[int, ...] = ...,
        *,
        alpha: float = ...,
        batch_size: int = ...,
        learning_rate_init: float = ...,
        max_iter: int = ...,
        n_iter_no_change: int = ...,
        random_state: int | None = ...,
    ) -> None: ...
    def fit(self, X: npt.NDArray[np.floating], y: npt.NDArray[np.integer]) -> MLPClassifier: ...
    def predict(self, X: npt.NDArray[np.floating]) -> npt.NDArray[np.int64]: ...

class MLPRegressor(RegressorMixin, BaseEstimator):
    def __init__(
        self,
        loss: str = ...,
        hidden_layer_sizes: tuple[int, ...] = ...,
        *,
        batch_size: int = ...,
        max_iter: int = ...,
        n_iter_no_change: int = ...,
        random_state: int | None = ...,
    ) -> None: ...
    def fit(self, X: npt.NDArray[np.floating], y: npt.NDArray[np.floating]) -> MLPRegressor: ...
    def predict(self, X: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]: ...
