"""What rows in several places add to a loss: together they give what one place gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import ShapeError, joint, on_item, softmax_cross_entropy, squared_error
from funcnn.losses.shares import counts_rows, divided, shared
from funcnn.nested import mapped
from funcnn.testing import LossCase
from tests.catalogue import LOSSES, LossRow, build

SIZES = {"B": 7, "D": 3, "E": 2, "T": 4}
CUTS = (slice(0, 3), slice(3, 3), slice(3, 7))  # the second place has no rows
MORE = (
    LossRow("softmax_cross_entropy.bind(ignore=1)", ("B", 4), target="labels"),
    LossRow("softmax_cross_entropy.bind(class_weights=(0.5, 2.0, 1.0, 0.0))", ("B", "T", 4), target="labels"),
)


def filled(template: Any) -> Any:
    """The shape of a template, with seven rows."""
    return tuple(filled(d) if isinstance(d, tuple) else SIZES.get(d, d) for d in template if d is not ...)


def cut(values: Any, rows: slice) -> Any:
    """The rows of all of these."""
    return mapped(lambda a: None if a is None else a[rows], values)


def places(loss: Any, prediction: Any, target: Any, weights: Any) -> tuple[float, list[Any]]:
    """The sum of the values of all places, and the cotangents of each."""
    cuts = [cut((prediction, target, weights), rows) for rows in CUTS if rows.stop > rows.start]
    mine: list[list[float]] = []
    for p, t, w in cuts:

        def note(ns: list[float]) -> list[float]:
            mine.append(ns)
            return [1.0] * len(ns)

        shared(loss, note).rule(p, t, w)
    sums = [sum(column) for column in zip(*mine, strict=True)]
    assert all(len(ns) == divided(loss) for ns in mine)
    done = [shared(loss, lambda ns: sums).rule(p, t, w) for p, t, w in cuts]
    return sum(value for value, _ in done), [back(2.0)[0] for _, back in done]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("row", [*LOSSES, *MORE], ids=lambda row: row.source)
def test_places_together(row: LossRow, weighted: bool) -> None:
    """Every loss of the catalogue: value and cotangents are those of one place, with weights and without."""
    loss = build(row)
    case = LossCase(loss, filled(row.prediction), target=row.target, domain=row.domain)
    weights = np.array([1.0, 0.0, 2.5, 0.5, 1.0, 0.0, 3.0]) if weighted else None
    value, back = loss.pull(case.prediction, case.wanted, weights=weights)
    found, pulled = places(loss, case.prediction, case.wanted, weights)
    assert found == pytest.approx(value, rel=1e-12)
    whole = mapped(lambda *parts: np.concatenate(parts), *pulled)
    mapped(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15), whole, back(2.0)[0])


def test_what_is_divided() -> None:
    """A part for every mean; and whether rows alone say by how much."""
    means = joint(squared_error, on_item(0, softmax_cross_entropy), squared_error.bind(reduce="sum"))
    assert (divided(means), divided(squared_error), divided(squared_error.bind(reduce="sum"))) == (2, 1, 0)
    assert counts_rows(means) and not counts_rows(joint(squared_error, softmax_cross_entropy.bind(ignore=0)))


def test_nothing_at_all() -> None:
    """All places without weight are the error of one; one that has none adds nothing."""
    y, weights = np.ones((2, 1)), np.zeros(2)
    with pytest.raises(ShapeError, match="the weights sum to 0.0"):
        shared(squared_error, lambda ns: ns).rule(y, 3 * y, weights)
    back: Any
    value, back = shared(squared_error, lambda ns: [4.0]).rule(y, 3 * y, weights)
    assert value == 0 and not back(1.0)[0].any()


def test_items_are_refused_as_by_the_loss() -> None:
    """With its words."""
    with pytest.raises(ShapeError, match="takes a prediction that is a tuple with such an item"):
        shared(on_item(2, squared_error), lambda ns: ns).rule((np.ones(1),), np.ones(1))
