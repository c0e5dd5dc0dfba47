"""How far results may differ by rounding alone: measured, not chosen."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import numpy as np

from funcnn.testing import nested
from funcnn.testing.casebook.of_layers import Case
from funcnn.testing.drawing.contents import coins
from funcnn.testing.judging.verdicts import broken


class Seeded(Protocol):
    """A case, of a layer or of another part."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of its numbers."""
        ...

    def generator(self, name: str) -> np.random.Generator:
        """Random numbers for a purpose, the same at every call."""
        ...


def wiggle(case: Seeded, f: Callable[..., Any], *trees: Any, unit: float | None = None) -> Any:
    """How far the outputs of `f` move when every input moves by one unit in the last place, leaf by leaf.

    Three random patterns of signs. It knows about conditioning; 256 times this, plus 64 units of the value, is allowed.
    """
    u = _unit(case) if unit is None else unit
    rng = case.generator("wiggle")
    base = f(*trees)
    moves = nested.mapped(lambda a: 0.0, base)

    def most(so_far: float, a: Any, b: Any) -> float:
        return max(so_far, nested.furthest(a, b) if a.dtype.kind != "b" else 0.0)

    for _ in range(3):
        there = f(*(nested.mapped(partial(shaken, rng, unit=u), t) for t in trees))
        moves = nested.mapped(most, moves, there, base)
    return nested.mapped(lambda m, a: 256 * m + 64 * u * nested.reach(a), moves, base)


def shaken(rng: np.random.Generator, a: Any, unit: float | None = None) -> Any:
    """Every entry of an array moved by one unit in the last place, up or down; tokens and masks as they are.

    It is read-only, as what it is compared with: what differs where memory is writeable is no rounding.
    """
    if not nested.is_real(a):
        return a
    u = float(np.finfo(a.dtype).eps) if unit is None else unit
    there = np.asarray(a * (1 + u * coins(rng, a.shape)), a.dtype)
    there.setflags(write=False)
    return there


def floor(case: Case, y: Any, dy: Any, unit: float | None = None) -> dict[str, Any]:
    """Rounding of what lies between input and output, by dimensions: for the value, params and x."""
    u = _unit(case) if unit is None else unit
    big = max([nested.reach(a) for _, a in nested.leaves((case.x, y)) if nested.is_real(a)], default=1.0)
    beside_one = max(big, 1.0)  # as in 1 - cos x, there may be a 1 in sight that cancels
    weight = max([nested.largest(a) for _, a in nested.leaves(dy)], default=1.0)

    def of(a: Any) -> float:
        size = nested.largest(a - a.mean() if case.kind == "offset" and a.size else a) or 1.0
        return 256 * u * weight * max(big / size, beside_one / max(size, 1.0))

    return {"y": nested.mapped(lambda a: 256 * u * beside_one, y), **nested.mapped(of, case.z)}


def _unit(case: Seeded) -> float:
    return float(np.finfo(case.dtype).eps)


def plus(a: Any, b: Any) -> Any:
    """The sum of two trees, which may overflow."""
    with np.errstate(over="ignore", invalid="ignore"):
        return nested.mapped(lambda u, v: u + v, a, b)


def compare(got: Any, wanted: Any, allowed: Any, what: str) -> None:
    """Refuse leaves that differ by more than is allowed for them.

    Errors
        LawBroken   says which, by how much, and what was allowed
    """
    triples = zip(nested.leaves(got), nested.leaves(wanted), nested.leaves(allowed), strict=True)
    for (path, a), (_, b), (_, tolerance) in triples:
        if a.shape != b.shape:
            raise broken(f"{what}: {nested.spoken(path)} has shape {a.shape}, expected {b.shape}")
        if (nowhere := nested.not_numbers(a)) != nested.not_numbers(b):
            which = "is not finite" if nowhere else "is finite"
            raise broken(f"{what}: {nested.spoken(path)} {which} where it is not both times; `finite` tells more")
        off = nested.furthest(a, b)
        if not off <= tolerance:
            raise broken(
                f"{what}: {nested.spoken(path)} is off by {off:.3g}, its values reach {nested.largest(b):.3g}, "
                f"rounding allows {tolerance:.3g}"
            )


def compare_exactly(got: Any, wanted: Any, what: str, *, least: float = 0.0, units: float = 0.0) -> None:
    """Refuse leaves that differ at all, or by more than `least`, or so many units in the last place of their largest
    entry; zeros of both signs are equal.

    Errors
        LawBroken   says which, and the first entry that differs
    """
    pairs = zip(nested.leaves(got), nested.leaves(wanted), strict=True)
    for (path, a), (_, b) in pairs:
        if a.shape != b.shape:
            raise broken(f"{what}: {nested.spoken(path)} has shape {a.shape}, expected {b.shape}")
        if not nested.same_values(a, b):
            room = max(least, units * float(np.finfo(a.dtype).eps) * nested.reach(b)) if a.dtype.kind == "f" else least
            if room and nested.largest(a - b) <= room:
                continue
            at = tuple(np.argwhere(~((a == b) | ((a != a) & (b != b))))[0].tolist())
            where = f"{nested.spoken(path)}{list(at) if at else ''}"
            raise broken(f"{what}: {where} is {a[at].item()!r}, expected {b[at].item()!r}")
