"""The tables of how a library stores each layer of ours: how they are written, and how they are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from funcnn.weights.parts import Form, Part, of_leaves, plain
from funcnn.weights.places import Place

Make: TypeAlias = "Callable[[Place], Sequence[Form]]"


def of_parts(*parts: Part) -> Make:
    """Layers of a kind that are stored in one way, whatever their options."""
    return lambda place: [Form(parts)]


def stored(table: Mapping[str, Make], place: Place) -> Sequence[Form]:
    """The ways in which the layer at a place is stored; one that the table has not by its own names, as it is."""
    make = table.get(place.kind)
    return [of_leaves(form, place.shapes) for form in (make(place) if make else [plain(place.shapes)])]
