"""Laws about derivatives: the pullback is the transpose of the derivative, for params and input, entry by entry."""

from __future__ import annotations

from functools import partial
from typing import Any, Final, cast

import numpy as np

from funcnn.testing import nested
from funcnn.testing.casebook.fields import beside, number_beside
from funcnn.testing.casebook.of_layers import Case
from funcnn.testing.drawing.contents import several, signs
from funcnn.testing.judging.derivatives import CLOSE, STEP, Finding, Line, complex_numbers, judge, moved, scale_of
from funcnn.testing.judging.tolerances import shaken
from funcnn.testing.judging.verdicts import FLOAT64, SMOOTH_KINDS, Law, Verdict, broken
from funcnn.testing.lawbook.precision import of_rounding

STEPS_TO_THE_END: Final = 32.0  # of the first, longest step along a line
COARSE: Final = 2.0**-10  # a step that tells whether an output moves at all
CROWDED: Final = 100  # entries of a leaf, above which lines go along a few of them
FEW: Final = 8
RARE: Final = ("wide", "faint", "heavy", "start", "edges")  # so few that each is doubted
_FAR_OUT: Final = ("wide", "heavy", "start")  # kinds of large numbers, and of zeros, at which a layer may be nowhere
_OF_PARAMS: Final = ("heavy", "start")  # where there are no params, these are like others


def real_leaves(tree: Any) -> list[tuple[str, Any]]:
    """The leaves one can differentiate by, with their paths."""
    return [(path, a) for path, a in nested.leaves(tree) if nested.is_real(a) and a.size]


def _true_pullback(case: Case) -> Verdict | None:
    if case.kind in _OF_PARAMS and not len(case.params):
        return Verdict.MOOT
    if case.kind not in _FAR_OUT:
        return _along_leaves(case)
    with np.errstate(all="ignore"):  # a layer may overflow, which is for the law about finite values to say
        try:
            return _along_leaves(case)
        except np.linalg.LinAlgError:  # or a matrix be no longer what it was
            return Verdict.MOOT


def _along_leaves(case: Case) -> Verdict | None:
    y, pullback = case.bare_pull(case.z)
    dy = case.cotangent(y)
    gradients = dict(nested.leaves(pullback(dy)))
    if case.kind in _FAR_OUT and not nested.all_finite({"y": y, **gradients}):
        return Verdict.MOOT
    said = 0
    for path, leaf in real_leaves(case.z):
        finding = _directional(case, path, leaf, gradients[path], y, dy)
        if finding.outcome is False:
            raise broken(f"gradient of {nested.spoken(path)}: {finding}{of_rounding(case)}")
        said += finding.outcome is True
    return None if said == len(real_leaves(case.z)) else Verdict.NONE


def _directional(case: Case, path: str, leaf: Any, g: Any, y: Any, dy: Any) -> Finding:
    value, scale = float(nested.dot(dy, y)), scale_of(case.z, y, dy)
    crowded = leaf.size > CROWDED

    def line(attempt: int) -> Line:
        rng = case.generator(f"direction {path} {attempt}")
        d = signs(rng, leaf.shape) * room(case, path, leaf)
        if crowded and attempt:  # among so many entries there is a kink near every point: some of them
            d = d * (rng.permutation(leaf.size) < FEW).reshape(leaf.shape)

        at, shaking = partial(weighed, case, path, dy, d), partial(noise, case, path, dy, d)
        return Line(at, float(nested.dot(g, d)), value, nested.absolute_dot(g, d), scale, shaking)

    return judge(line, doubt=case.seed % 3 == 0 or case.kind in RARE)


def weighed(case: Case, path: str, w: Any, d: Any, t: Any) -> Any:
    """<w, f(z + t d)>, not a number where the layer does not take this."""
    return number_beside(case, lambda: nested.dot(w, case.bare_value(moved(case.z, path, d, t))))


def room(case: Case, path: str, leaf: Any) -> Any:
    """How far one may go from every entry of a leaf: as far as the ends of its domain are, and never further than 1."""
    domain, at = case.domain, path.removeprefix("x")
    if several(domain):
        domain = domain[int(at.strip("[]"))] if path.startswith("x[") else None
    if not path.startswith("x") or domain is None or callable(domain):
        return 1.0
    low, high = cast("tuple[float, float]", domain)
    return np.minimum(1.0, STEPS_TO_THE_END * np.minimum(leaf - low, high - leaf))


def noise(case: Case, path: str, dy: Any, d: Any) -> float:
    """How far <pullback(dy), d> moves, for d on one leaf, when every input moves by one unit in the last place.

    From one such point to another: what a pullback says at the very point alone is no noise.
    """
    rng = case.generator("noise")

    def claimed(z: Any) -> Any:
        return dict(nested.leaves(case.bare_pull(z)[1](dy)))[path]

    near = [claimed(nested.mapped(partial(shaken, rng), case.z)) for _ in range(4)]
    return max(nested.absolute_dot(g - near[i - 1], d) for i, g in enumerate(near))


def _full_jacobian(case: Case) -> Verdict | None:
    z = case.z
    y, pullback = case.bare_pull(z)
    outs = [(path, i) for path, a in real_leaves({"y": y}) for i in range(a.size)]
    rng = case.generator("entries")

    def some(n: int) -> list[int]:
        return [int(i) for i in rng.permutation(n)[:12]]

    chosen = [outs[i] for i in some(len(outs))]
    rows = {at: dict(nested.leaves(pullback(basis({"y": y}, at)["y"]))) for at in chosen}
    rounding = {at: 1e-13 * nested.largest(y_leaf(y, at[0])) for at in chosen}
    said = True
    for path, leaf in real_leaves(z):
        largest = {at: nested.largest(rows[at][path]) for at in chosen}
        for i in some(leaf.size):
            d = entry(leaf, i) * room(case, path, leaf)
            near = nested.largest(d)
            column, moves = _column(case, z, path, d, y), _moves(case, z, path, d, y)
            for at in chosen:
                claimed = near * float(rows[at][path].reshape(-1)[i])
                size = abs(claimed) + near * largest[at]
                still = not moves[at[0]].reshape(-1)[at[1]]
                if column is None:
                    if claimed == 0 and still:
                        continue
                else:
                    found = float(column[at[0]].reshape(-1)[at[1]])
                    if abs(found - claimed) <= CLOSE * size + rounding[at] and (found or still):
                        continue  # a step may lose, and say 0
                finding = _entrywise(case, path, d, at, claimed, size, y)
                if finding.outcome is False:
                    into, by = named_entry(at[0], y_leaf(y, at[0]), at[1]), named_entry(path, leaf, i)
                    step = f", times {near:.3g}" if near != 1 else ""
                    raise broken(f"the derivative of {into} by {by}{step}: {finding}{of_rounding(case)}")
                said = said and finding.outcome is True
    return None if said else Verdict.NONE


def y_leaf(y: Any, path: str) -> Any:
    return dict(nested.leaves({"y": y}))[path]


def entry(leaf: Any, i: int) -> Any:
    d = np.zeros(leaf.shape)
    d.reshape(-1)[i] = 1.0
    return d


def basis(tree: Any, at: tuple[str, int]) -> Any:
    return nested.located(lambda p, a: entry(a, at[1]) if p == at[0] else np.zeros(a.shape), tree)


def named_entry(path: str, leaf: Any, i: int) -> str:
    where: Any = np.unravel_index(i, leaf.shape)
    return f"{nested.spoken(path)}{[int(n) for n in where]}"


def _column(case: Case, z: Any, path: str, d: Any, y: Any) -> dict[str, Any] | None:
    """A column of the Jacobian by complex step, or None where the rule at complex numbers is another one, or none."""
    try:
        with complex_numbers():
            there = dict(nested.leaves({"y": case.bare_value(moved(z, path, d, 1j * STEP))}))
    except Exception:
        return None
    big = max([nested.largest(a) for _, a in nested.leaves((z, y)) if nested.is_real(a)], default=1.0)
    for at, a in nested.leaves({"y": y}):
        if nested.is_real(a) and not nested.largest(np.real(there[at]) - a) <= 1e-10 * big:
            return None
    return {at: np.imag(a) / STEP for at, a in there.items()}


def _moves(case: Case, z: Any, path: str, d: Any, y: Any) -> dict[str, Any]:
    """Which outputs differ on the two sides of the inputs: none of their derivatives is believed to be 0 unheard.

    An imaginary part that was lost on the way says 0, too, and so does a pullback that has forgotten that way.
    """
    with np.errstate(all="ignore"):
        there = beside(case, lambda: [case.bare_value(moved(z, path, d, h)) for h in (-COARSE, COARSE)])
    sides = [dict(nested.leaves({"y": one})) for one in there or (y, y)]
    big = max([nested.largest(a) for _, a in nested.leaves((z, y)) if nested.is_real(a)], default=1.0)
    return {at: np.abs(sides[1][at] - sides[0][at]) > 1e-9 * big for at, _ in real_leaves({"y": y})}


def _entrywise(case: Case, path: str, d: Any, at: tuple[str, int], claimed: float, size: float, y: Any) -> Finding:
    z, w = case.z, basis({"y": y}, at)["y"]
    value, scale = float(nested.dot(w, y)), scale_of(z, y, w)

    def line(attempt: int) -> Line:
        del attempt  # there is one direction only; the steps become smaller
        return Line(partial(weighed, case, path, w, d), claimed, value, size, scale, partial(noise, case, path, w, d))

    return judge(line)


DERIVATIVE_LAWS = (
    Law(
        "true_pullback",
        "the pullback is the transpose of the derivative: <pullback(dy), d> = d/dt <dy, f(z + t d)>, for every leaf",
        "derivative", _true_pullback, dtypes=FLOAT64, rare=RARE, large=True,
    ),
    Law(
        "full_jacobian",
        "every entry of the Jacobian by pullbacks of unit cotangents is the derivative of that output by that input",
        "derivative", _full_jacobian, dtypes=FLOAT64, kinds=SMOOTH_KINDS, shrinks=False,
    ),
)  # fmt: skip
