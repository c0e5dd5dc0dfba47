"""A loss of rows that are spread over several places: each has its sums, and all divide by what there is altogether."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from funcnn.calculus import Later, force
from funcnn.cotangents import zeros_like
from funcnn.errors import ShapeError
from funcnn.inputs import convert
from funcnn.losses.definition import Loss, terms_of
from funcnn.losses.joining import item, item_of, paired
from funcnn.losses.reductions import Back, divisor, reduced, weightless

Total: TypeAlias = "Callable[[list[float]], Sequence[float]]"
"""What all places together divide by, of what one does: for every part of a loss."""


class _Part(NamedTuple):
    """A part of a loss: its scale, the sum of its terms, and what that is divided by; None where it is not divided."""

    scale: float
    total: float
    divisor: float | None


_Pull: TypeAlias = "Callable[[list[float]], Any]"


def shared(loss: Loss[Any, Any], total: Total) -> Loss[Any, Any]:
    """The share that some rows have in the loss of all: summed over all places, values and gradients are those of all.

    `total` gets what the rows of this place divide by, a number for each of `divided(loss)`, and gives what is divided
    by.

    Errors
        ShapeError   as for the loss; all rows together have a weight of 0
    """
    return Loss(functools.partial(_run, loss, total), loss.record, None)


def _run(
    loss: Loss[Any, Any], total: Total, prediction: Any, target: Any, weights: Any, how: str | None, _: Any
) -> tuple[float, Back]:
    parts, pull = _opened(loss, prediction, target, weights, how)
    whole = iter(total([part.divisor for part in parts if part.divisor is not None]))
    shares: list[float] = []
    for part in parts:
        n = 1.0 if part.divisor is None else next(whole)
        if not n > 0:
            raise ShapeError(weightless(n))
        shares.append(part.scale / n)
    value = sum(share * part.total for share, part in zip(shares, parts, strict=True))

    def pullback(d: Any) -> tuple[Any, Any]:
        return pull([d * share for share in shares]), Later(lambda: zeros_like(target, np.float32))

    return value, pullback


def _opened(
    loss: Loss[Any, Any], prediction: Any, target: Any, weights: Any, how: str | None
) -> tuple[list[_Part], _Pull]:
    how = how or loss.reduce
    if loss.parts:
        return _joined(loss.parts, prediction, target, weights, how)
    if found := item_of(loss):
        i, inner = found
        parts, pull = _opened(inner, item(i, inner, prediction), target, weights, how)

        def pull_item(ds: list[float]) -> Any:
            others = [zeros_like(p, getattr(p, "dtype", np.float32)) for p in prediction]
            others[i] = force(pull(ds))
            return tuple(others)

        return parts, pull_item
    run = terms_of(loss)
    assert run is not None  # all losses are made in one of these ways
    terms, back, heavy = run(prediction, target, weights, loss.options)
    value, pull_sum = reduced(terms, back, heavy, "sum")
    w = None if heavy is None else convert(heavy, "features", terms.dtype, "the array of weights")
    n = None if how == "sum" else float(divisor(terms, w, how))
    return [_Part(1.0, value, n)], lambda ds: pull_sum(ds[0])[0]


def _joined(
    parts: tuple[tuple[float, Loss[Any, Any]], ...], prediction: Any, target: Any, weights: Any, how: str | None
) -> tuple[list[_Part], _Pull]:
    each = zip(parts, *paired(parts, prediction, target), strict=True)
    opened = [(scale, *_opened(part, p, t, weights, how)) for (scale, part), p, t in each]
    found = [part._replace(scale=scale * part.scale) for scale, inner, _ in opened for part in inner]

    def pull(ds: list[float]) -> Any:
        rest = iter(ds)
        return tuple([force(back([next(rest) for _ in inner])) for _, inner, back in opened])

    return found, pull


def divided(loss: Loss[Any, Any], how: str | None = None) -> int:
    """How many parts of a loss divide by how much there is: what all places have to agree upon."""
    how = how or loss.reduce
    if loss.parts:
        return sum(divided(part, how) for _, part in loss.parts)
    if found := item_of(loss):
        return divided(found[1], how)
    return int(how != "sum")


def counts_rows(loss: Loss[Any, Any]) -> bool:
    """Is how much there is a matter of the number of rows alone, where the caller gives no weights?"""
    if loss.parts:
        return all(counts_rows(part) for _, part in loss.parts)
    if found := item_of(loss):
        return counts_rows(found[1])
    run: Any = loss.run
    return not loss.options or run.args[1] is None
