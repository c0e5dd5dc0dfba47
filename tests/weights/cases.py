"""Networks of ours whose weights come from elsewhere, and the files of what was recorded there."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from funcnn import Layer, Shape

FOLDER: Final = Path(__file__).parent / "recorded"
LIMIT: Final = 200_000
"""Bytes of all files together."""


class Case(NamedTuple):
    """A network of ours, the shape of what it takes, and which of theirs goes where."""

    net: Layer[Any, Any]
    shape: Shape
    names: Mapping[str, str] | None = None


class Recorded(NamedTuple):
    """Weights by name, in their order; inputs and output, in the layout of ours."""

    weights: dict[str, Any]
    x: Any
    y: Any


@functools.cache
def recorded(library: str) -> Mapping[str, Recorded]:
    """What was recorded of a library, by case."""
    found: dict[str, Recorded] = {}
    with np.load(FOLDER / f"{library}.npz") as file:
        for key in file.files:
            name, _, what = key.partition("|")
            found.setdefault(name, Recorded({}, [], None))
            if what.startswith("w|"):
                found[name].weights[what[2:]] = file[key]
            elif what == "y":
                found[name] = found[name]._replace(y=file[key])
            else:
                found[name].x.append(file[key])
    return {name: one._replace(x=tuple(one.x) if len(one.x) > 1 else one.x[0]) for name, one in found.items()}


def keep(library: str, found: Mapping[str, Recorded]) -> None:
    """Write a library's file."""
    FOLDER.mkdir(exist_ok=True)
    arrays: dict[str, Any] = {}
    for name, one in found.items():
        arrays |= {f"{name}|w|{key}": a for key, a in one.weights.items()}
        xs = one.x if isinstance(one.x, tuple) else (one.x,)
        arrays |= {f"{name}|x{i}": x for i, x in enumerate(xs)} | {f"{name}|y": one.y}
    np.savez_compressed(FOLDER / f"{library}.npz", allow_pickle=False, **arrays)


def rough(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Numbers of few digits, which a file holds in few bytes: sixteenths, as many positive as negative."""
    return rng.integers(-16, 17, shape) / 16
