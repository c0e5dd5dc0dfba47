"""The files of recorded numbers: one for a family, small, the same bytes for the same numbers."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import numpy as np

from tests.peers.case import HERE, Found

FOLDER = HERE / "recorded"
LIMIT = 2_000_000
"""Bytes of all files together."""


@functools.cache
def load(family: str) -> Mapping[str, Found]:
    """What a peer found, by the source of the case. `~y` is how far its float32 is from its float64, and so on."""
    found: dict[str, Found] = {}
    with np.load(FOLDER / f"{family}.npz") as file:
        for key in file.files:
            source, _, name = key.rpartition("|")
            found.setdefault(source, {})[name] = file[key]
    return found


def save(family: str, found: Mapping[str, Found]) -> None:
    """Write a family's file."""
    FOLDER.mkdir(exist_ok=True)
    arrays = {f"{source}|{name}": a for source, each in found.items() for name, a in each.items()}
    np.savez_compressed(FOLDER / f"{family}.npz", allow_pickle=False, **arrays)
