"""Weights by name: what is common to the libraries that have such."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from funcnn.errors import ParamsError, brief
from funcnn.types import is_mapping
from funcnn.weights.pairing import Pairs, Unit, paired
from funcnn.weights.parts import Form, Numbers
from funcnn.weights.places import Place, Places
from funcnn.weights.reading import taken

STEP: Final = re.compile(r"l(\d+)(_reverse)?")
BEHIND: Final = ("bias", "beta", "in_proj_bias", "bias_hh", "bias_hh_l", "bias_ih", "bias_ih_l")
"""Never the first of several arrays of a layer, unless somebody has sorted the names."""


class Library(NamedTuple):
    """How a library names its arrays, and how it stores each layer of ours.

    units   names -> layers of theirs, in their order
    forms   the ways in which it stores the layer at a place
    get     what to write for the weights of a model
    """

    units: Callable[[Mapping[str, Any]], list[Unit]]
    forms: Callable[[Place], Sequence[Form]]
    get: str


def paired_by_name(
    caller: str, library: Library, places: Places, weights: Any, names: Mapping[str, str] | None
) -> tuple[dict[str, Numbers], Pairs]:
    """The arrays, and which of them go where.

    Errors
        ParamsError   it is no mapping of names to arrays; or from `paired`
        DTypeError    something is no array
    """
    if not is_mapping(weights) or not all(isinstance(name, str) for name in weights):
        raise ParamsError(f"{caller} takes a mapping of names to arrays, {library.get}; got {brief(weights)}")
    if inner := [name for name, value in weights.items() if is_mapping(value)]:
        fix = f"give file[{inner[0]!r}] alone, if that is where the weights are, or leave it out"
        raise ParamsError(f"{caller}: {inner[0]!r} is a mapping itself; {fix}")
    arrays = {name: taken(name, value) for name, value in weights.items()}
    units = library.units(arrays)
    lost = any(next(iter(unit.names)) in BEHIND and {*unit.names} - {*BEHIND} for unit in units)

    def in_order(some: Sequence[Unit]) -> Sequence[Unit]:
        return _by_number(caller, some) if lost else some

    return arrays, paired(caller, places.layers, units, arrays, library.forms, names, in_order)


def _by_number(caller: str, units: Sequence[Unit]) -> Sequence[Unit]:
    """Layers whose names were sorted, in the order of their numbers, where nothing but numbers tells them apart.

    Errors
        ParamsError   words do
    """
    split = [[_number(step) for step in re.split("[./]", unit.key)] for unit in units]
    for a in split:
        for b in split:
            here = next(((s, t) for s, t in zip(a, b, strict=False) if s != t), None)
            if here and not all(isinstance(s, int) for s in here):
                raise ParamsError(
                    f"{caller}: the names are sorted, as files do it, and no longer tell the order of the layers (is "
                    f"{here[0]!r} before {here[1]!r}?); say names={{ours: theirs}}, or restore the order, {{name: "
                    f"weights[name] for name in ...}} with the names as the model has them"
                )
    numbers = [[s if isinstance(s, int) else 0 for s in steps] for steps in split]
    return [units[i] for i in sorted(range(len(units)), key=numbers.__getitem__)]


def _number(step: str) -> int | str:
    if found := STEP.fullmatch(step):
        return 2 * int(found[1]) + bool(found[2])
    return int(step) if step.isdecimal() else step
