# What the estimators use of scikit-learn, which has no types of its own.
import numpy.typing as npt

def check_classification_targets(y: npt.ArrayLike) -> None: ...
