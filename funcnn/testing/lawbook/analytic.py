"""Laws about rules on complex numbers: what `jvp` and `hvp` by the complex step need."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import numpy as np

from funcnn.testing import nested
from funcnn.testing.casebook.fields import number_beside
from funcnn.testing.casebook.of_layers import Case
from funcnn.testing.drawing.contents import signs
from funcnn.testing.judging.derivatives import CLOSE, EPS, STEP, Line, complex_numbers, judge, ladder, scale_of
from funcnn.testing.judging.verdicts import FLOAT64, SMOOTH_KINDS, Law, Verdict, broken
from funcnn.testing.lawbook.derivatives import noise, real_leaves, weighed

_NOT_ANALYTIC: Final = "it is not analytic (abs, var, norm, vdot, a cast to float?)"


def _analytic(case: Case) -> Verdict | None:
    y, pullback = case.bare_pull(case.z)
    dy = case.cotangent(y)
    gradients = dict(nested.leaves(pullback(dy)))
    value, scale = float(nested.dot(dy, y)), scale_of(case.z, y, dy)
    undecided = False
    for path, leaf in real_leaves(case.z):
        g = gradients[path]

        def line(attempt: int, path: str = path, leaf: Any = leaf, g: Any = g) -> Line:
            d = signs(case.generator(f"direction {path} {attempt}"), leaf.shape)

            at = partial(weighed, case, path, dy, d)
            with complex_numbers():
                return Line(at, float(at(1j * STEP).imag) / STEP, value, nested.absolute_dot(g, d), scale)

        d = signs(case.generator(f"direction {path} 0"), leaf.shape)
        exact = line(0).claimed
        if abs(exact - float(nested.dot(g, d))) <= CLOSE * nested.absolute_dot(g, d) + 1e-13 * scale:
            continue  # it says what the pullback says
        finding = judge(line, doubt=True)
        if finding.outcome is False:
            raise broken(f"by {nested.spoken(path)}: the complex step says {finding.claimed:.12g}, differences say "
                         f"{finding.found:.12g} ± {finding.error:.1g}: {_NOT_ANALYTIC}")  # fmt: skip
        undecided = undecided or finding.by != "differences say"
    return Verdict.NONE if undecided else None


def _second_derivative(case: Case) -> Verdict | None:
    """H, the second derivative of <dy, f>, by complex steps through the pullback: symmetric, and as differences say."""
    z = case.z
    real = dict(real_leaves(z))
    dy = case.cotangent(case.bare_pull(z)[0])

    def hessian(name: str) -> tuple[Any, dict[str, Any]]:
        d = {path: signs(case.generator(f"{name} {path}"), a.shape) for path, a in real.items()}
        there = nested.located(lambda path, a: a + 1j * STEP * d[path] if path in d else a, z)
        with complex_numbers():
            _, back = case.bare_pull(there)
            g = dict(nested.leaves(back(nested.mapped(lambda a: a.astype(np.complex128), dy))))
        return d, {path: np.imag(g[path]) / STEP for path in real}

    def along(t: float) -> float:
        there = nested.located(lambda path, a: a + t * d[path] if path in d else a, z)
        g = dict(nested.leaves(case.bare_pull(there)[1](dy)))
        return float(sum(np.multiply(g[path], e[path]).sum() for path in real))

    def along_or_not(t: float) -> Any:
        return number_beside(case, partial(along, t))

    def line(attempt: int) -> Line:
        del attempt  # there is one direction only; the steps become smaller
        return Line(along_or_not, left, along(0.0), size, scale, lambda: 1e-9 * size)

    d, hd = hessian("d")
    e, he = hessian("e")
    left, right = float(nested.dot(e, hd)), float(nested.dot(d, he))
    size = nested.absolute_dot(e, hd) + nested.absolute_dot(d, he)
    rounding = 1024 * EPS * max(scale_of(z, dy, dy), float(sum(np.abs(a).sum() for _, a in nested.leaves(dy))))
    if abs(left - right) > 1e-9 * size + rounding:  # of numbers near one, which may cancel, as in 1 - tanh^2
        if _crosses_kink(case, d, e):
            return Verdict.NONE
        raise broken(f"<e, H d> is {left:.12g}, <d, H e> is {right:.12g}: {_NOT_ANALYTIC}")
    g = dict(nested.leaves(case.bare_pull(z)[1](dy)))
    scale = nested.absolute_dot(e, {path: g[path] for path in real})
    finding = judge(line, doubt=True)
    if finding.outcome is False:
        raise broken(f"<e, H d> is {left:.12g} by the complex step, differences say {finding.found:.12g}: "
                     f"{_NOT_ANALYTIC}")  # fmt: skip
    return Verdict.NONE if finding.outcome is None and size else None


def _crosses_kink(case: Case, *directions: Any) -> bool:
    """Does the gradient jump within a hair of this point? Then there is no second derivative here."""
    y, _ = case.bare_pull(case.z)
    dy = case.cotangent(y)

    def gradient(d: Any, t: float) -> Any:
        there = nested.located(lambda path, a: a + t * d[path] if path in d else a, case.z)
        return case.bare_pull(there)[1](dy)

    for d in directions:
        for h in (1e-5, 1e-8):
            sides = [gradient(d, t) for t in (-h, 0.0, h)]
            gaps = [nested.mapped(lambda a, b: a - b, sides[i + 1], sides[i]) for i in (0, 1)]
            size = max(nested.largest(a) for _, a in nested.leaves(sides[1]))
            if any(nested.largest(a) > 1e5 * h * (size + 1) for gap in gaps for _, a in nested.leaves(gap)):
                return True
    return False


def _exact_pullback(case: Case) -> Verdict | None:
    """Where differences confirm the complex step, it convicts: it has no error but rounding."""
    y, pullback = case.bare_pull(case.z)
    dy = case.cotangent(y)
    gradients = dict(nested.leaves(pullback(dy)))
    scale = scale_of(case.z, y, dy)
    for path, leaf in real_leaves(case.z):
        d = signs(case.generator(f"direction {path}"), leaf.shape)

        at = partial(weighed, case, path, dy, d)
        with complex_numbers():
            exact = float(at(1j * STEP).imag) / STEP
        claimed, terms = float(nested.dot(gradients[path], d)), nested.absolute_dot(gradients[path], d)
        off = abs(exact - claimed)
        if off <= 16 * CLOSE * terms + 1e-13 * scale or off <= 64 * noise(case, path, dy, d):
            continue
        with np.errstate(all="ignore"):
            found = ladder(at, scale)
        if found.kink or not abs(found.value - exact) <= 10 * found.error <= 1e-4 * (abs(exact) + terms):
            return Verdict.MOOT  # the law about analytic rules says what is to be said
        raise broken(
            f"gradient of {nested.spoken(path)}: the pullback says {claimed:.15g}, the complex step {exact:.15g}, "
            f"which differences confirm as far as they see ({found.value:.15g} ± {found.error:.1g})"
        )
    return None


ANALYTIC_LAWS = (
    Law(
        "analytic",
        "the rule runs on complex numbers, and the complex step through it is its derivative",
        "numeric", _analytic, dtypes=FLOAT64, kinds=SMOOTH_KINDS, wants="analytic",
    ),
    Law(
        "exact_pullback",
        "where the rule is analytic, the pullback agrees with the complex step to the last digits",
        "numeric", _exact_pullback, dtypes=FLOAT64, kinds=SMOOTH_KINDS, wants="analytic",
    ),
    Law(
        "second_derivative",
        "the complex step through the pullback gives second derivatives: they commute, and differences say the same",
        "numeric", _second_derivative, dtypes=FLOAT64, kinds=SMOOTH_KINDS, wants="analytic",
    ),
)  # fmt: skip
