"""Which of their layers goes into which of ours: by order, or by the paths that people give."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from funcnn.errors import ParamsError, brief
from funcnn.types import is_mapping
from funcnn.weights.parts import Form, Numbers
from funcnn.weights.places import Place


class Unit(NamedTuple):
    """The arrays of one of their layers: full names by the names within it."""

    key: str
    names: Mapping[str, str]


class Pair(NamedTuple):
    """A place and what goes into it, in which form."""

    place: Place
    unit: Unit
    form: Form


class Pairs(NamedTuple):
    """What was found, and what is left over on either side."""

    found: tuple[Pair, ...]
    places: tuple[Place, ...]
    units: tuple[Unit, ...]


def paired(
    caller: str,
    places: Sequence[Place],
    units: Sequence[Unit],
    arrays: Mapping[str, Numbers],
    forms: Callable[[Place], Sequence[Form]],
    names: Mapping[str, str] | None,
    in_order: Callable[[Sequence[Unit]], Sequence[Unit]],
) -> Pairs:
    """What `names` pairs first, the longest paths first; then the rest. Within each the layers go by order.

    `names` pairs a path of ours, of a leaf, a layer or a subtree, with one of theirs. A layer takes the first of theirs
    that has such arrays: names, and numbers of axes.

    Errors
        ParamsError   `names` names what there is not, or the order of theirs is lost
    """
    given = _checked(caller, names, places, units)
    found: list[Pair] = []
    left, rest = list(places), list(units)
    for ours in [path for path in given if any(path == place.at(leaf) for place in places for leaf in place.shapes)]:
        pair, left, rest = _leaf(caller, ours, given.pop(ours), left, rest, forms)
        found.append(pair)
    for ours in sorted(given, key=len, reverse=True):
        mine = [place for place in left if within(place.path, ours)]
        its = [unit for unit in rest if within(unit.key, given[ours])]
        pairs = _ordered(mine, its, arrays, forms, in_order)
        found += pairs
        left, rest = _without(left, rest, pairs)
    # what was named and found nobody is left over, and does not go by order
    free = [place for place in left if not any(within(place.path, ours) for ours in given)]
    spare = [unit for unit in rest if not any(within(unit.key, theirs) for theirs in given.values())]
    pairs = _ordered(free, spare, arrays, forms, in_order)
    left, rest = _without(left, rest, pairs)
    return Pairs((*found, *pairs), tuple(left), tuple(rest))


def within(path: str, above: str) -> bool:
    """Is it this path, or one below?"""
    return not above or path == above or path.startswith((f"{above}/", f"{above}."))


def has_path(places: Iterable[Place], path: str) -> bool:
    """Is it the path of a layer, or of something that layers are below?"""
    return any(not path or place.path == path or place.path.startswith(f"{path}/") for place in places)


def fits(form: Form, place: Place, unit: Unit, arrays: Mapping[str, Numbers]) -> bool:
    """Has a layer of theirs the arrays of this form, each with as many axes?"""
    if unit.names.keys() - set(form.names()):
        return False
    for part in form.parts:
        there = [name for name in part.theirs if name in unit.names]
        spare = part.optional or place.tied.issuperset(part.ours)
        if not there and spare:
            continue
        shapes = part.theirs_for(place.shapes)
        for name, wanted in zip(part.theirs, shapes, strict=True):
            if name not in unit.names or arrays[unit.names[name]].ndim != len(wanted):
                return False
    return True


def best(pairs: Iterable[Pair], arrays: Mapping[str, Numbers]) -> Pair | None:
    """Of the forms of one layer: the first that its arrays have, in these very shapes where there is one such."""
    fitting = [pair for pair in pairs if fits(pair.form, pair.place, pair.unit, arrays)]
    return next((pair for pair in fitting if _has_shapes(pair, arrays)), next(iter(fitting), None))


def _is_right(pair: Pair, arrays: Mapping[str, Numbers]) -> bool:
    return fits(pair.form, pair.place, pair.unit, arrays) and _has_shapes(pair, arrays)


def _has_shapes(pair: Pair, arrays: Mapping[str, Numbers]) -> bool:
    names = pair.unit.names
    return all(
        arrays[names[name]].shape == wanted
        for part in pair.form.parts
        for name, wanted in zip(part.theirs, part.theirs_for(pair.place.shapes), strict=True)
        if name in names
    )


def _ordered(
    places: Sequence[Place],
    units: Sequence[Unit],
    arrays: Mapping[str, Numbers],
    forms: Callable[[Place], Sequence[Form]],
    in_order: Callable[[Sequence[Unit]], Sequence[Unit]],
) -> list[Pair]:
    """Each place with the first unit left that fits it.

    Where some find none, it is an error; for its message those that are left over are paired by number, or all of them
    are, whatever makes more pairs that are right.
    """
    if len(units) > 1:
        units = in_order(units)
    left, pairs = list(units), list[Pair]()
    for place in places:
        known = forms(place)
        for unit in left:
            if found := best([Pair(place, unit, form) for form in known], arrays):
                pairs.append(found)
                left.remove(unit)
                break
    if not left or len(pairs) == len(places):
        return pairs
    taken = {pair.place.path for pair in pairs}
    lonely = [place for place in places if place.path not in taken and not place.tied.issuperset(place.shapes)]
    if len(lonely) == len(left):
        pairs += [_forced(place, unit, arrays, forms) for place, unit in zip(lonely, left, strict=True)]
    if len(places) == len(units):
        by_number = [_forced(place, unit, arrays, forms) for place, unit in zip(places, units, strict=True)]
        pairs = max(pairs, by_number, key=lambda some: sum(_is_right(pair, arrays) for pair in some))
    return pairs


def _forced(
    place: Place, unit: Unit, arrays: Mapping[str, Numbers], forms: Callable[[Place], Sequence[Form]]
) -> Pair:
    """A place with the unit that was named for it, whether it fits or not: what does not will be told."""
    known = [Pair(place, unit, form) for form in forms(place)]
    return best(known, arrays) or max(known, key=lambda pair: len(unit.names.keys() & {*pair.form.names()}))


def _leaf(
    caller: str,
    path: str,
    theirs: str,
    places: list[Place],
    units: list[Unit],
    forms: Callable[[Place], Sequence[Form]],
) -> tuple[Pair, list[Place], list[Unit]]:
    """The pair of one leaf, and what is left without it."""
    place = next(place for place in places if any(path == place.at(leaf) for leaf in place.shapes))
    leaf = path.removeprefix(f"{place.path}/")
    parts = [part for form in forms(place) for part in form.parts if leaf in part.ours]
    alone = [part for part in parts if len(part.ours) == len(part.theirs) == 1]
    if not alone:
        whole = ", ".join(place.at(leaf) for leaf in parts[0].ours)
        raise ParamsError(f"{caller}: {whole} is {', '.join(parts[0].theirs)} there; name the layer, {place.path!r}")
    unit = next((unit for unit in units if theirs in unit.names.values()), None)
    if unit is None:
        module = any(within(unit.key, theirs) for unit in units)
        fix = f"say which, {theirs + '.weight'!r}, or name the layer, {place.path!r}" if module else "name another"
        why = "is no array" if module else "goes into another leaf that is named"
        raise ParamsError(f"{caller}: {theirs!r}, which is to go into {path!r}, {why}; {fix}")
    part = alone[0]
    mine = place._replace(shapes={leaf: place.shapes[leaf]})
    pair = Pair(mine, Unit(unit.key, {part.theirs[0]: theirs}), Form((part,)))
    rest = {name: sizes for name, sizes in place.shapes.items() if name != leaf}
    names = {name: full for name, full in unit.names.items() if full != theirs}
    places = [p if p is not place else place._replace(shapes=rest) for p in places]
    units = [u if u is not unit else Unit(unit.key, names) for u in units]
    return pair, [p for p in places if p.shapes], [u for u in units if u.names]


def _without(places: list[Place], units: list[Unit], pairs: Sequence[Pair]) -> tuple[list[Place], list[Unit]]:
    taken, used = {pair.place.path for pair in pairs}, {pair.unit.key for pair in pairs}
    return [p for p in places if p.path not in taken], [u for u in units if u.key not in used]


def _checked(
    caller: str, names: Any, places: Sequence[Place], units: Sequence[Unit]
) -> dict[str, str]:
    """`names`, of which both sides exist.

    Errors
        ParamsError   it is no mapping of paths to paths; or there is no such path
    """
    if names is None:
        return {}
    if not is_mapping(names) or not all(isinstance(p, str) and isinstance(q, str) for p, q in names.items()):
        raise ParamsError(f"{caller}: names is a mapping of paths, {{'dense_0': 'fc1'}}, got {brief(names)}")
    for ours, theirs in names.items():
        leaf = any(ours == place.at(name) for place in places for name in place.shapes)
        if not leaf and not has_path(places, ours):
            raise ParamsError(f"{caller}: the network has no {ours!r}; its layers are {_shown(p.path for p in places)}")
        array = any(theirs in unit.names.values() for unit in units)
        if array and not leaf:
            raise ParamsError(f"{caller}: {theirs!r} is an array, {ours!r} a layer; name a layer of theirs, or a leaf")
        if not array and not any(within(unit.key, theirs) for unit in units):
            keys = [unit.key for unit in units]
            raise ParamsError(f"{caller}: there is no {theirs!r} among {_shown(keys)}{_prefix(keys, theirs)}")
    return dict(names)


def _prefix(keys: Sequence[str], wanted: str) -> str:
    """A hint where all names have something in front, as wrappers put it."""
    for key in keys:
        front = key.removesuffix(wanted)
        if front != key and front and all(k.startswith(front) for k in keys):
            return f"; all names begin with {front!r}: write {front + wanted!r}"
    return ""


def _shown(paths: Iterable[str]) -> str:
    return ", ".join(repr(path) for path in paths) or "none"
