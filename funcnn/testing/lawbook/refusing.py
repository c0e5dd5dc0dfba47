"""The law that input of other shapes is refused by the layer, in the library's words."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcnn.errors import FuncnnError, ShapeError
from funcnn.networks import serial
from funcnn.shapes import shape_of
from funcnn.testing import nested
from funcnn.testing.casebook.of_layers import Case
from funcnn.testing.judging.verdicts import Law, Verdict, broken


def _refuses_wrong_shapes(case: Case) -> Verdict | None:
    net = serial(case.layer.named("probe"))
    refused = 0
    for shape in _neighbours(case.shape):
        try:
            wanted = net.out_shape(shape)
        except ShapeError as error:
            refused += 1
            if error.path[:1] != ("probe",):
                raise broken(f"an input of shape {shape} is refused without the path of the layer: {error}") from error
            continue
        other = _drawn(case, shape)
        if other is None:
            continue
        try:
            y = case.layer.apply(case.params, other.x, rng=case.key)
        except FuncnnError:
            refused += 1
            continue
        if shape_of(y) != wanted:
            raise broken(f"an input of shape {shape} gives {shape_of(y)}, the shape rule says {wanted}")
    _uses_every_feature(case)
    return None if refused else Verdict.MOOT


def _drawn(case: Case, shape: Any) -> Case | None:
    """The same case of another shape; None where its domain is a function that does not know this one."""
    other = case.like(shape=shape)
    try:
        other.x  # noqa: B018  (drawn when it is first asked for)
    except Exception:
        if callable(case.domain) or isinstance(case.domain, tuple):
            return None
        raise
    return other


def _uses_every_feature(case: Case) -> None:
    """A feature more than there are params for is to be refused, not dropped. What chooses features has no params."""
    shape: tuple[Any, ...] = case.shape
    if any(isinstance(d, tuple) for d in shape) or not nested.is_real(case.x) or case.layer.definition.children:
        return
    wide = _drawn(case, (*shape[:-1], shape[-1] + 1))
    if wide is None:
        return
    try:
        taken = wide.params
    except FuncnnError:
        return
    sized = [a for _, a in nested.leaves(case.params) if shape[-1] in a.shape]
    if not sized or nested.structure(taken) != nested.structure(case.params):
        return
    if all(_drops(case, shape[-1], more) for more in (1, shape[-1], shape[-1] + 1)):
        raise broken(
            f"an input of {shape[-1] + 1} features is taken, with params for {shape[-1]}, and the last feature has no "
            f"effect; the shape rule is to refuse it"
        )


def _drops(case: Case, features: int, more: int) -> bool:
    """Have so many features more no effect? A window may drop one at the end, but not as many as there were."""
    wide = _drawn(case, (*case.shape[:-1], features + more))
    if wide is None:
        return False
    other = np.array(wide.x)
    other[..., features:] += 1
    try:
        one, two = (case.layer.apply(case.params, x) for x in (wide.x, other))
    except FuncnnError:
        return False
    return nested.bits(one) == nested.bits(two)


def _neighbours(shape: Any) -> list[Any]:
    """Shapes near this one that many layers must refuse: an axis longer, missing, too many; an array for a tuple.

    Not a tuple for an array: `lambda shape: shape` lets it through, and Python refuses it in its own words.
    """
    if any(isinstance(d, tuple) for d in shape):
        inner = [(*shape[:i], other, *shape[i + 1 :]) for i, d in enumerate(shape) for other in _neighbours(d)]
        return [shape[0], (*shape, shape[0]), *inner]
    longer = [(*shape[:i], d + 1, *shape[i + 1 :]) for i, d in enumerate(shape) if i]
    return [*longer, shape[1:], (*shape, 2)]


REFUSAL_LAWS = (
    Law(
        "refuses_wrong_shapes",
        "an input of a shape that does not fit raises a ShapeError or ParamsError with the layer's path, nothing else",
        "exact", _refuses_wrong_shapes, dtypes=("float32",), kinds=("normal",),
    ),
)  # fmt: skip
