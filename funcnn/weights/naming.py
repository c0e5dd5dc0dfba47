"""Names for PyTorch where no state dict says them: our paths, with dots, or what people rename them to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from funcnn.errors import ParamsError, brief
from funcnn.types import is_mapping
from funcnn.weights.pairing import Unit, has_path
from funcnn.weights.parts import Form
from funcnn.weights.places import Place

DIRECTIONS = {"forward": "l0", "backward": "l0_reverse"}


def checked_names(caller: str, names: Any, places: Sequence[Place]) -> Mapping[str, str]:
    """What is to be renamed.

    Errors
        ParamsError   it is no mapping of paths to names, or there is no such path
    """
    if names is None:
        return {}
    if not is_mapping(names) or not all(isinstance(p, str) and isinstance(q, str) for p, q in names.items()):
        raise ParamsError(f"{caller}: names is a mapping of paths, {{'dense_0': 'fc1'}}, got {brief(names)}")
    for ours in names:
        if not has_path(places, ours):
            shown = ", ".join(repr(place.path) for place in places)
            raise ParamsError(f"{caller}: the network has no layer {ours!r}; its layers are {shown}")
    return names


def unit_for(place: Place, form: Form, names: Mapping[str, str]) -> Unit:
    """The names of a layer's arrays."""
    key = _key(place, names)
    return Unit(key, {name: _full(key, name) for name in form.names()})


def _key(place: Place, names: Mapping[str, str]) -> str:
    """The longest path that is renamed, and what is behind it with dots."""
    path = place.path
    for ours in sorted(names, key=len, reverse=True):
        if not ours or path == ours or path.startswith(f"{ours}/"):
            rest = path.removeprefix(ours).strip("/")
            return ".".join(part for part in (names[ours], _dotted(rest)) if part)
    return _dotted(path)


def _dotted(path: str) -> str:
    above, _, last = path.rpartition("/")
    return ".".join(part for part in (above.replace("/", "."), DIRECTIONS.get(last, last)) if part)


def _full(key: str, name: str) -> str:
    """`lstm.l1` and `weight_ih_l` are `lstm.weight_ih_l1`."""
    if name.endswith("_l"):
        above, _, last = f".{key}".rpartition(".")
        layer = re.fullmatch(r"l(\d+(?:_reverse)?)", last)
        above = (above if layer else f"{above}.{last}").strip(".")
        name = name + (layer[1] if layer else "0")
        return f"{above}.{name}" if above else name
    return f"{key}.{name}" if key else name
