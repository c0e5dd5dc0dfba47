"""Joint losses: scaled sums, reductions and weights of the parts, what is refused."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from funcnn import Loss, ShapeError, joint, softmax_cross_entropy, squared_error, sum_squared_error
from tests.derivatives.small_objectives import T, X

LABELS = np.array([0, 1, 1, 0, 1])


def test_joint_is_the_scaled_sum() -> None:
    """Each loss of its own part."""
    both = joint(squared_error, softmax_cross_entropy, scales=(2.0, 0.5))
    assert np.isclose(both((X, T), (X + 1, LABELS)), 2.0 + 0.5 * softmax_cross_entropy(T, LABELS))


def test_joint_of_three() -> None:
    """Scales are 1 unless given."""
    three = joint(squared_error, sum_squared_error, squared_error)
    assert three((X, X, X), (X + 1, X + 1, X)) == pytest.approx(1 + 15)


def test_joint_leaves_the_reduction_to_its_parts() -> None:
    """Unless one is asked for."""
    both = joint(squared_error, sum_squared_error)
    assert both((X, X), (X + 1, X + 1)) == pytest.approx(1 + 15)
    assert both((X, X), (X + 1, X + 1), reduce="batch") == pytest.approx(3 + 3)


def test_joint_passes_weights_on() -> None:
    """Rows count in all parts alike."""
    both, w = joint(squared_error, softmax_cross_entropy), np.array([1.0, 0.0, 2.0, 0.0, 1.0])
    expected = squared_error(X, 2 * X, weights=w) + softmax_cross_entropy(T, LABELS, weights=w)
    assert both((X, T), (2 * X, LABELS), weights=w) == pytest.approx(expected)


def test_joint_refuses() -> None:
    """What is no loss, scales that are too few, what is no tuple, terms that cannot be added."""
    any_loss: Any = squared_error.__call__
    with pytest.raises(TypeError, match="joint takes losses, argument 1 is method"):
        joint(squared_error, any_loss)
    few: Any = (1.0,)
    with pytest.raises(ValueError, match="got 1 scales for 2 losses"):
        joint(squared_error, squared_error, scales=few)
    both: Loss[Any, Any] = joint(squared_error, softmax_cross_entropy)
    with pytest.raises(ShapeError, match="takes a prediction that is a tuple of 2, got one ndarray"):
        both(X, (X, LABELS))
    with pytest.raises(ShapeError, match="takes a target that is a tuple of 2, got a tuple of 3"):
        both((X, T), (X, LABELS, LABELS))
    with pytest.raises(ShapeError, match=re.escape("different shapes, (5, 3) and (5,); ask the losses one by one")):
        both((X, T), (X, LABELS), reduce="none")
