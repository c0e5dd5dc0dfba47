"""Laws that hold up to rounding, which is measured: additivity, float32, independent rows, layouts, linearity, size."""

from __future__ import annotations

from functools import partial
from typing import Any, Final, cast

import numpy as np

from funcnn.testing import nested
from funcnn.testing.casebook.of_layers import BatchAxis, Case
from funcnn.testing.casebook.pairs import parts
from funcnn.testing.judging.flags import strictly
from funcnn.testing.judging.tolerances import compare, floor, plus, wiggle
from funcnn.testing.judging.verdicts import FLOAT64, Law, Verdict, broken
from funcnn.testing.lawbook.exact import resized
from funcnn.testing.lawbook.in_float32 import FAR_OUT, float32_tracks_float64


_MIXING: Final = " (say mixes_batch=True if examples are to see each other, batch_axis= if they lie along another axis)"
_ELSEWHERE: Final = " (not the value, but the pullback mixes them, or divides by their number; see true_pullback)"
APART: Final = 8  # rows that are taken one by one; more are cut into a first one and two halves


def _additive_pullback(case: Case) -> None:
    y, pullback = case.pull()
    one, two = case.cotangent(y, "one"), case.cotangent(y, "two")

    def gradients(z: Any, dy: Any) -> Any:
        return case.bare_pull(z)[1](dy)

    tolerance = floor(case, y, one)
    allowed = {name: tolerance[name] for name in ("params", "x")}
    for dy in (one, two):
        allowed = plus(allowed, wiggle(case, gradients, case.z, dy))
    compare(
        pullback(plus(one, two)), plus(pullback(one), pullback(two)), allowed,
        "pullback(dy + dy') is not pullback(dy) + pullback(dy')",
    )  # fmt: skip


def _rows(x: Any, rows: Any, axis: BatchAxis) -> Any:
    if axis is None:
        return x
    if isinstance(axis, tuple):
        return tuple(_rows(part, rows, its) for part, its in zip(x, axis, strict=True))
    return nested.mapped(lambda a: a[(slice(None),) * axis + (rows,)], x)


def _shared(gradients: Any, axis: BatchAxis) -> dict[str, Any]:
    """The gradients of what all rows share: the params, and inputs without a batch."""
    xs = {f"x[{i}]": gradients["x"][i] for i, its in enumerate(axis) if its is None} if isinstance(axis, tuple) else {}
    return {"params": gradients["params"], **xs}


def _axis_of_value(case: Case, axis: int, rows: int) -> int:
    """The axis of the value that grows with the batch; the one of the input where that cannot be told."""
    axes, shapes = case.batch_axis, cast("tuple[Any, ...]", case.shape)
    if isinstance(axes, tuple):
        each = zip(shapes, axes, strict=True)
        shape: Any = tuple(s if at is None else resized(s, rows + 1, at) for s, at in each)
    else:
        shape = resized(shapes, rows + 1, axis)
    there = case.like(shape=shape).apply(params=case.params)
    for (_, a), (_, b) in zip(nested.leaves(case.apply()), nested.leaves(there), strict=True):
        grown = [i for i, (n, m) in enumerate(zip(a.shape, b.shape, strict=False)) if n != m]
        if len(grown) == 1:
            return grown[0]
    return axis


def _independent_rows(case: Case) -> Verdict | None:
    if case.kind not in FAR_OUT:
        return _row_by_row(case)
    with np.errstate(all="ignore"):
        y, pullback = case.pull()
        if not nested.all_finite((y, pullback(case.cotangent(y)))):
            return Verdict.MOOT
        return _row_by_row(case)


def _row_by_row(case: Case) -> Verdict | None:
    axes = case.batch_axis
    several = isinstance(axes, tuple)
    axis = next((its for its in axes if its is not None), 0) if isinstance(axes, tuple) else axes or 0
    first = case.x[axes.index(axis)] if isinstance(axes, tuple) else case.x
    n = next(a.shape[axis] for _, a in nested.leaves(first))
    y, pullback = case.pull()
    out = axis if axes == 0 else _axis_of_value(case, axis, n)
    if parts(case.layer) and any(a.shape[out : out + 1] != (n,) for _, a in nested.leaves(y)):
        return Verdict.MOOT  # a function may give one number for all rows
    dy = case.cotangent(y)

    def value(z: Any) -> Any:
        return case.bare_value(z)

    allowed = plus(wiggle(case, value, case.z), floor(case, y, y)["y"])
    order = case.generator("order").permutation(n)
    batched = axes if several else axis
    reordered = {"y": case.apply(x=_rows(case.x, order, batched))}
    compare(reordered, {"y": _rows(y, order, out)}, {"y": allowed}, f"the rows in another order{_MIXING}")
    cuts = [slice(i, i + 1) for i in range(n)] if n <= APART else [slice(0, 1), slice(1, n // 2), slice(n // 2, n)]
    alone = [case.pull(x=_rows(case.x, cut, batched)) for cut in cuts]
    together = nested.located(lambda path, a: np.concatenate([dict(nested.leaves(v))[path] for v, _ in alone], out), y)
    compare({"y": together}, {"y": y}, {"y": allowed}, f"one example at a time{_MIXING}")

    def gradients(z: Any, dy: Any) -> Any:
        return _shared(case.bare_pull(z)[1](dy), axes)

    whole = _shared(pullback(dy), axes)
    total = nested.mapped(np.zeros_like, whole)
    for cut, (_, back) in zip(cuts, alone, strict=True):
        total = plus(total, _shared(back(_rows(dy, cut, out)), axes))
    floors = _shared(floor(case, y, dy), axes)
    room = plus(wiggle(case, gradients, case.z, dy), nested.mapped(lambda t: n * t, floors))
    compare(total, whole, room, f"the sum of the gradients of single examples, whose values agree{_ELSEWHERE}")
    return None


def _layout_blind(case: Case) -> None:
    y, pullback = case.pull()
    dy = case.cotangent(y)
    g = pullback(dy)

    def both(z: Any, dy: Any) -> Any:
        y, pullback = case.bare_pull(z)
        return {"y": y, **pullback(dy)}

    allowed = plus(wiggle(case, both, case.z, dy), floor(case, y, dy))
    for name, laid in LAYOUTS.items():
        there, back = case.bare_pull(nested.mapped(laid, case.z))
        compare({"y": there, **back(nested.mapped(laid, dy))}, {"y": y, **g}, allowed, f"{name}: everything")
    swapped = nested.mapped(lambda a: a.astype(a.dtype.newbyteorder("S")), case.x)
    compare({"y": case.apply(x=swapped)}, {"y": y}, {"y": allowed["y"]}, "the other byte order")
    constant = nested.mapped(lambda a: np.broadcast_to(a.dtype.type(1) if nested.is_real(a) else 1.0, a.shape), y)
    room, pull = {k: allowed[k] for k in ("params", "x")}, case.bare_pull(case.z)[1]
    for shared in (constant, *(nested.mapped(partial(_alike, axis), dy) for axis in (0, -1))):
        dense = nested.mapped(np.array, shared)
        compare(pull(shared), pull(dense), room, "a cotangent of which an axis has no stride")


def _alike(axis: int, a: Any) -> Any:
    """All along an axis is one entry, in one place."""
    return np.broadcast_to(np.take(a, [0], axis), a.shape) if a.size and a.ndim else a


def _fortran(a: Any) -> Any:
    return np.asfortranarray(a) if a.ndim else a  # of a number it would make an array of one axis


def _strided(a: Any) -> Any:
    return np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a


def _backwards(a: Any) -> Any:
    turned = tuple([slice(None, None, -1)] * a.ndim)
    return np.ascontiguousarray(a[turned])[turned] if a.ndim else a


LAYOUTS = {"Fortran order": _fortran, "every other entry": _strided, "negative strides": _backwards}


def _linear(case: Case) -> None:
    def value(z: Any) -> Any:
        return case.bare_value(z)

    def at(factor: float) -> Any:
        return case.apply(x=nested.mapped(lambda a: (factor * a).astype(a.dtype) if nested.is_real(a) else a, case.x))

    y, pullback = case.pull()
    dy = case.cotangent(y)
    nothing = at(0.0)
    allowed = nested.mapped(lambda t: 4 * t, plus(wiggle(case, value, case.z), floor(case, y, y)["y"]))
    twice, wanted = _less(at(2.0), nothing), nested.mapped(lambda a: 2 * a, _less(y, nothing))
    compare({"y": twice}, {"y": wanted}, {"y": allowed}, "f(2 x) - f(0) is not 2 (f(x) - f(0))")
    there = nested.mapped(lambda a: (a + 1).astype(a.dtype) if nested.is_real(a) else a, case.x)
    elsewhere = case.pull(x=there)[1]
    room = nested.mapped(lambda t: 4 * t, floor(case, y, dy)["x"])
    compare({"x": elsewhere(dy)["x"]}, {"x": pullback(dy)["x"]}, {"x": room}, "the cotangent of x depends on x")


def _less(a: Any, b: Any) -> Any:
    return nested.mapped(lambda u, v: u - v, a, b)


def _finite(case: Case) -> None:
    for scale in (1e-2, 1.0, 1e3):
        x = nested.mapped(lambda a: (a * scale).astype(a.dtype) if nested.is_real(a) else a, case.x)  # noqa: B023

        def out() -> dict[str, Any]:
            y, pullback = case.pull(x=x if case.domain is None else case.x)  # noqa: B023
            return {"y": y, **pullback(case.cotangent(y))}

        for path, a in nested.leaves(strictly(out)):
            if a.dtype.kind == "f" and not np.isfinite(a).all():
                raise broken(f"{path} is not finite for an input of size {scale:g}")


NUMERIC_LAWS = (
    Law("additive_pullback", "pullback(dy + dy') = pullback(dy) + pullback(dy')", "numeric", _additive_pullback),
    Law(
        "float32_tracks_float64",
        "value and gradients in float32 are those in float64, up to what one unit in the last place of the input does",
        "numeric", float32_tracks_float64, dtypes=("float32",), rare=("offset", "wide"), large=True,
    ),
    Law(
        "independent_rows",
        "examples do not see each other: another order, one at a time, and summed gradients give the same",
        "numeric", _independent_rows, passes="inference", wants="rows", large=True, rare=("wide",),
    ),
    Law(
        "layout_blind",
        "how arrays lie in memory does not matter: Fortran order, strides, other byte order, broadcast cotangents",
        "numeric", _layout_blind,
    ),
    Law(
        "linear",
        "f(2 x) - f(0) = 2 (f(x) - f(0)), and the cotangent of x does not depend on x",
        "numeric", _linear, dtypes=FLOAT64, passes="inference", wants="linear",
    ),
    Law(
        "finite",
        "finite input of size 1/100 to 1000 gives finite values and gradients, and no warning",
        "exact", _finite, rare=("ties", "zeros"),
    ),
)  # fmt: skip
