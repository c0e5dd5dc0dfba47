"""Trees of params as sealed archives, and as parts of others: every leaf is an array, named by its number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any, cast

import numpy.typing as npt

from funcnn.checkpoints import sealed
from funcnn.checkpoints.manifests import (
    MANIFEST, PARAMS, SUBTREES, SUBTREES_A_LEAF, manifest_limit, manifest_of,
)  # fmt: skip
from funcnn.errors import ParamsError
from funcnn.params import trees


def write(file: IO[bytes], tree: trees.Plain) -> None:
    """Write a tree to an empty file, which must be readable too.

    Errors
        ParamsError   the tree has more levels, subtrees or letters in its names than `read` takes
    """
    leaves: list[npt.NDArray[Any]] = []
    manifest = manifest_of(PARAMS, {"tree": numbered(tree, leaves)})
    if len(manifest) > manifest_limit(len(leaves)):
        raise ParamsError(
            f"the names of these params take {len(manifest):,} bytes, a checkpoint of {len(leaves):,} leaves holds "
            f"{manifest_limit(len(leaves)):,}; give shorter ones"
        )
    sealed.write(file, manifest, leaves)


def read(file: IO[bytes]) -> trees.Plain:
    """The tree in an archive, its leaves read-only and C-contiguous, over memory no larger than the file.

    Errors
        one of MALFORMED   with the reason, where it is not an archive that `write` made
    """
    manifest, contents = sealed.read(file, PARAMS)
    tree = manifest.get("tree")
    if type(tree) is not dict:
        raise ValueError(f"{MANIFEST} has {type(tree).__name__} for tree")
    checked = cast("dict[str, Any]", tree)
    count = refuse_disorder(checked, 0)
    if count != len(contents):
        raise ValueError(f"its members are not the {count} leaves that {MANIFEST} lists")
    return filled(checked, [sealed.array_in(content) for content in contents])


def numbered(tree: trees.Plain, leaves: list[npt.NDArray[Any]]) -> dict[str, Any]:
    """The tree with the number of each leaf in its place; the leaves join those that are there already.

    Errors
        ParamsError   the tree has more levels or subtrees than are read again
    """
    first, subtrees = len(leaves), 0

    def walk(tree: trees.Plain, level: int) -> dict[str, Any]:
        nonlocal subtrees
        if level > trees.LEVELS:
            raise ParamsError(f"a checkpoint holds params of at most {trees.LEVELS} levels, these have more")
        out: dict[str, Any] = {}
        for name, value in tree.items():
            if isinstance(value, dict):
                subtrees += 1
                out[name] = walk(value, level + 1)
            else:
                out[name] = len(leaves)
                leaves.append(value)
        return out

    found, count = walk(tree, 1), len(leaves) - first
    if subtrees > SUBTREES + SUBTREES_A_LEAF * count:
        raise ParamsError(
            f"a checkpoint of {count:,} leaves holds at most {SUBTREES + SUBTREES_A_LEAF * count:,} "
            f"subtrees, these params have {subtrees:,}; leave the empty ones out"
        )
    return found


def filled(tree: Mapping[str, Any], leaves: Sequence[npt.NDArray[Any]], first: int = 0) -> trees.Plain:
    """The tree with the leaves in the place of their numbers, which count from the first on."""
    out: trees.Plain = {}
    for name, value in tree.items():  # no comprehension: before Python 3.12 that were two frames a level
        out[name] = leaves[value - first] if isinstance(value, int) else filled(value, leaves, first)
    return out


def refuse_disorder(tree: dict[str, Any], first: int) -> int:
    """Refuse a tree whose leaves are not numbered in order, from the first on: the number behind the last one.

    Errors
        ValueError   they are not; or a name is none of params, or there are too many levels
    """
    found = list(_numbers(tree))
    if found != list(range(first, first + len(found))):
        raise ValueError(f"{MANIFEST} does not number its leaves in order")
    return first + len(found)


def _numbers(tree: dict[str, Any]) -> Iterator[int]:
    """The numbers in the tree, from the first to the last."""
    ways = [iter(tree.items())]
    while ways:
        for name, value in ways[-1]:
            if not name or "/" in name:
                raise ValueError(f"{name[:40]!r} is no name of params")
            if isinstance(value, dict):
                ways.append(iter(cast("dict[str, Any]", value).items()))
                break
            if type(value) is not int:
                raise ValueError(f"{MANIFEST} has {type(value).__name__} for the number of a leaf")
            yield value
        else:
            ways.pop()
        if len(ways) > trees.LEVELS:
            raise ValueError(f"its tree has more than {trees.LEVELS} levels")
