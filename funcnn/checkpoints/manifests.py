"""Manifests: what stands in a sealed archive before its arrays, and says what the format is and what they belong to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

from funcnn.version import __version__


class Kind(NamedTuple):
    """What a file holds.

    format    as the manifest calls it
    version   of the format, the newest that is known
    writer    the function that writes such files
    reader    the one that reads them
    """

    format: str
    version: int
    writer: str
    reader: str


PARAMS: Final = Kind("funcnn params", 1, "save_params", "load_params")
STATE: Final = Kind("funcnn state", 1, "save_state", "load_state")
NETWORK: Final = Kind("funcnn network", 1, "save_network", "load_network")
KINDS: Final = {kind.format: kind for kind in (PARAMS, STATE, NETWORK)}

MANIFEST: Final = "manifest.json"
# Parsed, JSON takes many times as much memory as it has bytes. A leaf takes 250 bytes of a file or more, so these bound
# what a file may cost by its size. What they refuse to read, they refuse to write.
MANIFEST_BYTES, MANIFEST_BYTES_A_LEAF = 1 << 20, 256
SUBTREES, SUBTREES_A_LEAF = 10_000, 4


def manifest_of(kind: Kind, content: Mapping[str, object]) -> str:
    """The manifest of a file of this kind, as it is written."""
    return json.dumps({"format": kind.format, "version": kind.version, "funcnn": __version__, **content})


def manifest_limit(leaves: int) -> int:
    """How many bytes the manifest of so many arrays may have."""
    return MANIFEST_BYTES + MANIFEST_BYTES_A_LEAF * leaves


def refuse_unreadable(manifest: str, leaves: int) -> None:
    """Refuse to write what could not be read again.

    Errors
        TypeError   there are too many parts that are no arrays
    """
    if len(manifest) > manifest_limit(leaves):
        raise TypeError(
            f"what is no array takes {len(manifest):,} bytes, a file of {leaves:,} arrays holds "
            f"{manifest_limit(leaves):,}; keep numbers in arrays or in lists of their own, column by column"
        )
    try:
        if manifest.count("[") > _most(leaves):
            raise ValueError
        json.loads(manifest, object_pairs_hook=_Objects(_most(leaves) + 2))
    except ValueError:
        raise TypeError(
            f"a file of {leaves:,} arrays holds at most {_most(leaves):,} tuples and dicts, and here are more; keep "
            "numbers in arrays or in lists of their own, column by column"
        ) from None


def manifest_in(text: memoryview, leaves: int, kind: Kind) -> dict[str, object]:
    """The manifest that this is, of the right format and version.

    Errors
        ValueError   it is none, with the reason
    """
    if len(text) > manifest_limit(leaves):
        raise ValueError(
            f"{MANIFEST} has {len(text):,} bytes, more than the {manifest_limit(leaves):,} for {leaves:,} leaves"
        )
    content = bytes(text)
    if kind != PARAMS and content.count(b"[") > _most(leaves):  # in trees of params there are none, but in names
        raise ValueError(f"{MANIFEST} has more lists than belong to so few leaves")
    found: object = json.loads(content, object_pairs_hook=_Objects(_most(leaves) + 2))
    manifest = cast("dict[str, object]", found) if isinstance(found, dict) else {}
    version, told = manifest.get("version"), manifest.get("format")
    if told != kind.format:
        other = KINDS.get(told) if isinstance(told, str) else None
        hint = f"; it is a {other.format}, read it with {other.reader}" if other else ""
        raise ValueError(f"{MANIFEST} does not say that the format is {kind.format!r}{hint}")
    if type(version) is not int:
        raise ValueError(f"{MANIFEST} has {type(version).__name__} for version")
    if version > kind.version:
        by, newest = str(manifest.get("funcnn"))[:20], kind.version
        raise ValueError(f"it has format version {version}, by funcnn {by}; this one reads {newest}: upgrade funcnn")
    if version < 1:
        raise ValueError(f"there is no format version {version}")
    return manifest


class _Objects:
    """Makes the dicts out of what a JSON file has in braces, and stops when they become too many.

    JSON allows a name twice; readers then differ in which one they take, so it is refused.
    """

    def __init__(self, limit: int) -> None:
        self.left = limit

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        self.left -= 1
        if self.left < 0:
            raise ValueError(f"{MANIFEST} has more subtrees than belong to so few leaves")
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError(f"{MANIFEST} has a name twice")
        return found


def _most(leaves: int) -> int:
    """How many dicts, and how many lists, there are at most in the manifest of so many arrays."""
    return SUBTREES + SUBTREES_A_LEAF * leaves
