# What the tests use of scikit-learn, which has no types of its own.
from collections.abc import Callable, Sequence
from typing import TypeVar

from sklearn.base import BaseEstimator

F = TypeVar("F", bound=Callable[..., object])

def parametrize_with_checks(estimators: Sequence[BaseEstimator]) -> Callable[[F], F]: ...
