# What the examples use of scikit-learn, which has no types of its own.
from typing import Literal

import numpy as np
import numpy.typing as npt

def load_digits(
    *, n_class: int = 10, return_X_y: Literal[True]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]: ...
def load_diabetes(
    *, return_X_y: Literal[True], scaled: bool = True
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]: ...
def load_breast_cancer(*, return_X_y: Literal[True]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]: ...
def load_wine(*, return_X_y: Literal[True]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]: ...
