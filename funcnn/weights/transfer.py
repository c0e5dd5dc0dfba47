"""Arrays from one side to the other, with everything that does not fit in one message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from funcnn.errors import DTypeError, ParamsError, printable
from funcnn.params import Params, trees
from funcnn.weights.pairing import Pair, Pairs
from funcnn.weights.parts import Arrays, Numbers, Part, Sizes
from funcnn.weights.places import Place, Places
from funcnn.weights.reading import floating
from funcnn.weights.reordering import ours_first, theirs_first

SHOWN = 40  # lines of a message


def taken_in(caller: str, places: Places, pairs: Pairs, arrays: Mapping[str, Numbers]) -> Params:
    """The params that these arrays make.

    Errors
        ParamsError   arrays or leaves are left over, or of other shapes; the message lists them all
        DTypeError    they are of several dtypes, or of none that params have
    """
    found: dict[str, Numbers] = {}
    problems: list[str] = []
    used: dict[str, Numbers] = {}
    for pair in pairs.found:
        problems += _missing(pair, arrays)
        for part in pair.form.parts:
            given = _given(pair, part, arrays)
            if len(given) < len(part.theirs):
                continue
            names = [pair.unit.names[name] for name in part.theirs]
            if wrong := list(_wrong_shapes(pair.place, part, names, [a.shape for a in given])):
                problems += wrong
                continue
            used.update(zip(names, given, strict=True))
            for leaf, a in zip(part.ours, part.into(given), strict=True):
                found[pair.place.at(leaf)] = ours_first(a, pair.place.order.get(leaf, ()))
    problems += [
        f"nothing goes into {place.at(leaf)} {sizes}"
        for place in pairs.places
        for leaf, sizes in place.shapes.items()
        if leaf not in place.tied
    ]
    problems += [
        f"{full} {arrays[full].shape} {arrays[full].dtype} goes nowhere"
        for unit in pairs.units
        for full in unit.names.values()
    ]
    dtype = _dtype(caller, used)
    for pair in pairs.found:  # biases that they left out
        for part in pair.form.parts:
            if part.optional and not _given(pair, part, arrays) and not pair.place.tied.issuperset(part.ours):
                found |= {pair.place.at(leaf): np.zeros(pair.place.shapes[leaf], dtype) for leaf in part.ours}
    problems += _untied(places, found)
    refuse(caller, "the weights are not those of this network", problems)
    return Params(trees.unlisted([(path, np.array(found[path], dtype, order="C")) for path in places.paths]))


def given_out(
    caller: str, places: Places, pairs: Pairs, params: Mapping[str, Numbers], like: Mapping[str, Numbers]
) -> dict[str, Numbers]:
    """Their arrays, of these leaves by path. With `like`, of the names, shapes and order that it has.

    Errors
        ParamsError   arrays or leaves are left over, or of other shapes; or leaves that theirs have not are not zeros
    """
    _check(caller, places, params)
    found: dict[str, Numbers] = {}
    problems: list[str] = []
    for pair in pairs.found:
        problems += _missing(pair, like) if like else []
        for part in pair.form.parts:
            names = [pair.unit.names[name] for name in part.theirs if name in pair.unit.names]
            mine = tuple(
                theirs_first(_leaf(places, params, pair.place.at(leaf)), pair.place.order.get(leaf, ()))
                for leaf in part.ours
            )
            if len(names) < len(part.theirs):
                if part.optional and any(np.any(a) for a in mine):
                    bare = ", ".join(pair.place.at(leaf) for leaf in part.ours)
                    problems.append(f"{bare} is not zero, and {pair.unit.key or 'theirs'} has none")
                continue
            its = part.back(mine)
            if like:
                problems += _wrong_shapes(pair.place, part, names, [like[name].shape for name in names])
            problems += [f"two leaves are to be {name}; name their layers apart" for name in names if name in found]
            found |= {name: np.array(a, order="C") for name, a in zip(names, its, strict=True)}
        for name, a in pair.form.beside.items():
            if name in pair.unit.names:
                full = pair.unit.names[name]
                found[full] = np.array(like.get(full, a))
    left = {place.at(leaf): sizes for place in pairs.places for leaf, sizes in place.shapes.items()}
    problems += [f"{path} {sizes} goes nowhere" for path, sizes in left.items() if path in places.paths]
    problems += [f"nothing goes into {full}" for unit in pairs.units for full in unit.names.values()]
    refuse(caller, "the params are not those of these weights", problems)
    return {name: found[name] for name in like} if like else found


def _check(caller: str, places: Places, params: Mapping[str, Numbers]) -> None:
    """Are these the params of the network?

    Errors
        ParamsError   they are not: every path that differs
    """
    shapes = {place.at(leaf): sizes for place in places.layers for leaf, sizes in place.shapes.items()}
    problems = [f"missing {path} {shapes[path]}" for path in places.paths if path not in params]
    for path, a in params.items():
        if path not in places.paths:
            problems.append(f"unexpected {path} {a.shape}")
        elif a.shape != shapes[path]:
            problems.append(f"{path} has shape {a.shape}, the network wants {shapes[path]}")
    refuse(caller, "the params are not this network's", problems)


def told(pairs: Pairs) -> dict[str, tuple[str, ...]]:
    """Which of their arrays each leaf is made of."""
    return {
        pair.place.at(leaf): tuple(pair.unit.names[name] for name in part.theirs if name in pair.unit.names)
        for pair in pairs.found
        for part in pair.form.parts
        for leaf in part.ours
    }


def refuse(caller: str, what: str, problems: list[str]) -> None:
    """Raise, where there are problems, one for each line.

    Errors
        ParamsError   there are
    """
    if not problems:
        return
    lines = [*problems[:SHOWN], *([f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else [])]
    raise ParamsError(printable("\n  ".join([f"{caller}: {what}", *lines])))


def _given(pair: Pair, part: Part, arrays: Mapping[str, Numbers]) -> Arrays:
    return tuple(arrays[pair.unit.names[name]] for name in part.theirs if name in pair.unit.names)


def _missing(pair: Pair, arrays: Mapping[str, Numbers]) -> Iterator[str]:
    """What a pair lacks on either side."""
    place, names = pair.place, pair.unit.names
    for part in pair.form.parts:
        lacking = [name for name in part.theirs if name not in names]
        some = len(lacking) < len(part.theirs)
        if lacking and (some or not (part.optional or place.tied.issuperset(part.ours))):
            leaves = ", ".join(f"{place.at(leaf)} {place.shapes[leaf]}" for leaf in part.ours)
            yield f"nothing goes into {leaves}: {pair.unit.key or 'the top'} has no {', '.join(lacking)}"
    for name, full in names.items():
        if name not in pair.form.names():
            yield f"{full} {arrays[full].shape} goes nowhere: {place.path or 'the network'} has no such params"


def _wrong_shapes(place: Place, part: Part, names: list[str], shapes: list[Sizes]) -> Iterator[str]:
    leaves = ", ".join(f"{place.at(leaf)} {place.shapes[leaf]}" for leaf in part.ours)
    for name, got, wanted in zip(names, shapes, part.theirs_for(place.shapes), strict=True):
        if tuple(got) != wanted:
            turned = ", the transpose," if tuple(got) == wanted[::-1] else ""
            yield f"{name} of shape {tuple(got)}{turned} does not go into {leaves}, which wants {wanted}"


def _dtype(caller: str, used: Mapping[str, Numbers]) -> np.dtype[Any]:
    """The one dtype of all.

    Errors
        DTypeError   there are others
    """
    if odd := [said for name, a in used.items() if (said := floating(name, a))]:
        raise DTypeError("\n  ".join([f"{caller}: not every array is of params", *odd[:SHOWN]]))
    dtypes = {name: a.dtype for name, a in used.items()}
    if len(kinds := {*dtypes.values()}) > 1:
        most = max(kinds, key=[*dtypes.values()].count)
        others = [f"{name} is {dtype}" for name, dtype in dtypes.items() if dtype != most]
        fix = f"others are {most}: make them one dtype first"
        raise DTypeError("\n  ".join([f"{caller}: the arrays are of several dtypes, {fix}", *others[:SHOWN]]))
    return next(iter(kinds), np.dtype(np.float32))


def _leaf(places: Places, params: Mapping[str, Numbers], path: str) -> Numbers:
    """A leaf, or the one that it is tied to."""
    if path in params:
        return params[path]
    root, turned = next(_root(path, places))
    return params[root].T if turned else params[root]


def _root(path: str, places: Places) -> Iterator[tuple[str, bool]]:
    for tied, (root, turned) in places.ties.items():
        if path == tied or path.startswith(f"{tied}/"):
            yield root + path.removeprefix(tied), turned


def _untied(places: Places, found: Mapping[str, Numbers]) -> Iterator[str]:
    """Leaves that are tied, and came as two."""
    for path, a in found.items():
        if path not in places.paths:
            root, turned = next(_root(path, places))
            other = found.get(root)
            if other is not None and not np.array_equal(a, other.T if turned else other, equal_nan=True):
                yield f"what goes into {path} and {root} differs, and tie makes them one; take the network without tie"
