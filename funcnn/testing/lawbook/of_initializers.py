"""Laws about initializers: shape, dtype and key are those that are given, and the scale is what is said."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from funcnn.errors import ShapeError
from funcnn.testing import nested
from funcnn.testing.casebook.copies import copies
from funcnn.testing.casebook.of_parts import InitializerCase
from funcnn.testing.judging.draws import asks_elsewhere
from funcnn.testing.judging.left_alone import left_alone
from funcnn.testing.judging.verdicts import Law, Verdict, broken, listed
from funcnn.testing.lawbook.of_every_part import common_laws
from funcnn.types import is_array, is_scalar

LARGE: Final = (4, 60, 90)  # its fans are 240 and 360
LARGE_SHAPES: Final = (LARGE, (90, 140), (3, 2, 50, 40), (2, 3, 2, 30, 40))


def _as_asked(case: InitializerCase) -> None:
    for shape in (case.shape, (*case.shape[:-1], 0), (3, 2), (2, 3, 2, 4), (2, 1, 2, 3, 2), (5,), ()):
        try:
            drawn = case.drawn(shape=shape)
        except ShapeError:
            if shape == case.shape:
                raise
            continue  # it says that it does not take this shape
        if not (is_array(drawn) or (not shape and is_scalar(drawn))) or drawn.shape != shape:
            raise broken(f"asked for shape {shape}, gives {getattr(drawn, 'shape', drawn)!r}")
        if drawn.dtype != case.dtype:
            raise broken(f"asked for {case.dtype}, gives {drawn.dtype}")
        if not np.isfinite(drawn).all():
            raise broken(f"a value is not finite, for shape {shape}")


def _repeatable(case: InitializerCase) -> None:
    first = case.drawn()
    kept = first.tobytes()
    case.again(1).drawn()
    again = case.drawn()
    if again.tobytes() != kept:
        raise broken("the same key gives other numbers the second time")
    if np.shares_memory(first, again) and first.size:
        raise broken("two draws share memory")


def _key_decides(case: InitializerCase) -> Verdict | None:
    one, two = case.drawn("one", LARGE[1:]), case.drawn("two", LARGE[1:])
    if one.tobytes() != two.tobytes():
        return None
    if asks_elsewhere(case.initializer, one):
        raise broken("other keys give the same numbers: they are drawn from elsewhere")
    return Verdict.MOOT


def _given(case: InitializerCase) -> list[bytes]:
    return [np.asarray(case.drawn()).tobytes()]


def _leaves_random_state(case: InitializerCase) -> None:
    with left_alone():
        case.drawn()


def _is_data(case: InitializerCase) -> Verdict | None:
    others = copies(case.initializer)
    for what, other in others.items():
        if not nested.same_bytes(case.like(initializer=other).drawn(), case.drawn()):
            raise broken(f"the initializer from {what} draws other numbers")
    return None if others else Verdict.MOOT


def _of_the_variance(shape: tuple[int, ...], drawn: Any, variance: Callable[[int, int], float]) -> None:
    receptive, (n, m) = math.prod(shape[:-2]), shape[-2:]
    wanted = variance(receptive * n, receptive * m)
    found = float(drawn.var())
    fourth = float(((drawn - drawn.mean()) ** 4).mean()) / max(found, 1e-300) ** 2  # 3 of normal numbers
    room = 6 * math.sqrt(max(fourth - 1, 2) / drawn.size)
    if abs(found / wanted - 1) > room:
        raise broken(
            f"for shape {shape}, of fans {receptive * n} and {receptive * m}, the variance is {found:.5g}, "
            f"{wanted:.5g} is said; chance allows {100 * room:.2g} %"
        )
    if abs(drawn.mean()) > 6 * math.sqrt(wanted / drawn.size):
        raise broken(f"for shape {shape} the mean is {drawn.mean():.3g}, 0 is said")


def scale_by_fan(variance: Callable[[int, int], float]) -> Law[InitializerCase]:
    """The law that values have mean zero and the variance `variance(fan_in, fan_out)`."""

    def check(case: InitializerCase) -> None:
        for shape in LARGE_SHAPES:
            try:
                drawn = case.drawn(shape=shape).astype(np.float64)
            except ShapeError:
                if shape == LARGE:
                    raise
                continue  # it says that it does not take this shape
            _of_the_variance(shape, drawn, variance)

    statement = "values have mean zero, and the variance that is said of their fans"
    return Law("scale_by_fan", statement, "numeric", check, made_by=(scale_by_fan, variance))


INITIALIZER_LAWS: Final[Mapping[str, Law[Any]]] = listed(
    "INITIALIZER_LAWS",
    Law("as_asked", "values have the shape and the dtype that are asked for, and are finite", "exact", _as_asked),
    Law("repeatable", "the same key gives the same numbers, in memory of their own", "exact", _repeatable),
    Law("key_decides", "where numbers are drawn, another key gives others", "exact", _key_decides),
    Law("leaves_random_state", "the global random state, and what else is everybody's, is left alone", "exact",
        _leaves_random_state),
    *common_laws(_given),
    Law("is_data", "an initializer draws the same when it comes from pickle and deepcopy", "exact", _is_data),
)
"""Every law about initializers, by name."""
