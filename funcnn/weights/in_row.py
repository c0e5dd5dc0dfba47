"""Weights without names: arrays in a row, each layer of ours taking as many as it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeGuard

from funcnn.weights.pairing import Pair, Pairs, Unit, best
from funcnn.weights.parts import Form, Numbers, Sizes
from funcnn.weights.places import Place, Places


def is_sequence(value: object) -> TypeGuard[Sequence[Any]]:
    """Is it a list or a tuple?"""
    return isinstance(value, (list, tuple))


def named(arrays: Sequence[Numbers], what: str = "array") -> dict[str, Numbers]:
    """Arrays by their number, as messages show them."""
    return {f"{what} {i}": a for i, a in enumerate(arrays)}


def paired_in_row(
    places: Places, arrays: dict[str, Numbers], forms: Callable[[Place], Sequence[Form]]
) -> Pairs:
    """Each layer, in their order, with the next arrays; of several forms, with the first that they fit."""
    left, pairs = list(arrays), list[Pair]()
    unfilled: list[Place] = []
    for place in places.layers:
        if place.tied.issuperset(place.shapes):  # there once, where the leaves are that it is tied to
            continue
        known = [_taking(form, place, left, arrays) for form in forms(place)]
        pair = best(known, arrays) or known[0]
        if not left:
            unfilled.append(place)
            continue
        pairs.append(pair)
        left = left[len(pair.unit.names) :]
    rest = (Unit("", {name: name for name in left}),) if left else ()
    return Pairs(tuple(pairs), tuple(unfilled), rest)


def numbered(places: Places, forms: Callable[[Place], Sequence[Form]]) -> Pairs:
    """Each layer with numbers for names, to give arrays out."""
    pairs: list[Pair] = []
    count = 0
    for place in places.layers:
        if place.tied.issuperset(place.shapes):
            continue
        form = forms(place)[0]
        names = form.names()
        pairs.append(Pair(place, Unit(place.path, {name: f"array {count + i}" for i, name in enumerate(names)}), form))
        count += len(names)
    return Pairs(tuple(pairs), (), ())


def _taking(form: Form, place: Place, left: Sequence[str], arrays: dict[str, Numbers]) -> Pair:
    """The next arrays for a form; what it may do without, where they are of such shapes."""
    names: dict[str, str] = {}
    for part in form.parts:
        there = left[len(names) : len(names) + len(part.theirs)]
        if part.optional and _shapes(there, arrays) != [*part.theirs_for(place.shapes)]:
            continue
        names.update(zip(part.theirs, there, strict=False))
    for name in form.beside:
        names.update(zip([name], left[len(names) : len(names) + 1], strict=False))
    return Pair(place, Unit(place.path, names), form)


def _shapes(names: Sequence[str], arrays: dict[str, Numbers]) -> list[Sizes]:
    return [arrays[name].shape for name in names]
