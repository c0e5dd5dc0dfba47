"""Plain nested dicts of arrays: what stands behind `Params`, and what rules read and return."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias, Union

import numpy as np

from funcnn.array_kinds import MASKED, advice, instead, kind_of, native
from funcnn.errors import DTypeError, ParamsError, brief, printable
from funcnn.types import Array, Tree, is_array, is_mapping, is_scalar, is_tuple

Plain: TypeAlias = "dict[str, Union[Array, Plain]]"
Path: TypeAlias = "tuple[str, ...]"

LEVELS = 500
"""How deep trees of params are: every level takes a place or two on Python's stack, which has a thousand."""


def flatten(tree: Mapping[str, Any], at: Path = ()) -> Iterator[tuple[Path, Array]]:
    """The leaves with their paths, in the tree's own order."""
    for name, value in tree.items():
        if is_mapping(value):
            yield from flatten(value, (*at, name))
        else:
            yield (*at, name), value


def listed(tree: Plain) -> list[tuple[str, Array | None]]:
    """The paths with their leaves, in the tree's own order, and with None the subtrees that are empty: what pickle
    takes at any depth.
    """
    found: list[tuple[str, Array | None]] = []

    def walk(tree: Plain, at: str) -> None:
        for name, value in tree.items():
            if not isinstance(value, dict):
                found.append((at + name, value))
            elif value:
                walk(value, f"{at}{name}/")
            else:
                found.append((at + name, None))

    walk(tree, "")
    return found


def unlisted(rows: list[tuple[str, Any]]) -> dict[str, Any]:
    """The tree that was listed."""
    tree: dict[str, Any] = {}
    for path, leaf in rows:
        *above, name = path.split("/")
        here = tree
        for step in above:
            here = here.setdefault(step, {})
        here[name] = {} if leaf is None else leaf
    return tree


def leaves(params: Tree, *names: str) -> tuple[Array, ...]:
    """The arrays of these names: how a rule reads its params.

    >>> w, b = leaves({"b": np.zeros(1), "w": np.ones((2, 1))}, "w", "b")
    >>> w.shape, b.shape
    ((2, 1), (1,))
    """
    # the door has compared the tree with the spec: what these names have are arrays
    return tuple(map(params.__getitem__, names))  # type: ignore[arg-type]


def mapped(f: Callable[..., Any], tree: Plain, *rest: Mapping[str, Any]) -> Plain:
    """`f` of corresponding leaves. The trees have been compared before."""
    out: Plain = {}
    for name, value in tree.items():  # no comprehension: before Python 3.12 that were two frames a level
        others = [t[name] for t in rest] if rest else ()
        out[name] = mapped(f, value, *others) if isinstance(value, dict) else f(value, *others)
    return out


def differences(tree: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """How the structure of `other` differs from that of `tree`: a line for every path."""
    mine, theirs = ({at_path(p) for p, _ in flatten(t)} for t in (tree, other))
    return [f"missing {p}" for p in sorted(mine - theirs)] + [f"unexpected {p}" for p in sorted(theirs - mine)]


def equal(a: Plain, b: Plain) -> bool:
    """Same structure, shapes, dtypes and bytes; the order of the names does not count."""
    if a.keys() != b.keys():
        return False
    for name, mine in a.items():
        other = b[name]
        if isinstance(mine, dict) or isinstance(other, dict):
            if not (isinstance(mine, dict) and isinstance(other, dict) and equal(mine, other)):
                return False
        elif mine is not other and not _same_bytes(mine, other):
            return False
    return True


def _same_bytes(a: Array, b: Array) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def replaced(tree: Plain, path: Path, leaf: Array) -> Plain:
    """The tree with another leaf at `path`, made where it is missing; the rest is shared."""
    name, *rest = path
    below = tree.get(name, {})
    return {**tree, name: replaced(below if isinstance(below, dict) else {}, tuple(rest), leaf) if rest else leaf}


def merged(a: Plain, b: Plain, at: Path = ()) -> Plain:
    """Both trees; where both have a leaf, `b`'s.

    Errors
        ParamsError   a leaf meets a subtree
    """
    out = dict(a)
    for name, value in b.items():
        mine = a.get(name)
        if isinstance(mine, dict) and isinstance(value, dict):
            out[name] = merged(mine, value, (*at, name))
        elif mine is not None and isinstance(mine, dict) != isinstance(value, dict):
            raise ParamsError(f"{'/'.join((*at, name))} is a leaf on one side of | and a subtree on the other")
        else:
            out[name] = value
    return out


def copied(tree: object, at: Path = ()) -> Plain:
    """A plain tree of sealed copies, out of anything that is a nested mapping of floating-point arrays.

    Errors
        ParamsError   not a mapping, a bad key, or a leaf that is no array
        DTypeError    a leaf that is not floating-point
    """
    if not is_mapping(tree):
        raise ParamsError(not_a_tree(tree, at))
    out: Plain = {}
    for key, value in tree.items():
        below = (*at, checked_name(key, at))
        out[key] = copied(value, below) if is_mapping(value) else sealed_copy(value, below)
    return out


def checked_name(name: object, at: Path) -> str:
    """The name, which must be one that a path can be made of.

    Errors
        ParamsError   it is no string, is empty, or has a `/`; or it is below too many others
    """
    if len(at) >= LEVELS:
        raise ParamsError(f"params have at most {LEVELS} levels, these have more, from {'/'.join(at[:4])}/... on")
    if isinstance(name, str) and name and "/" not in name:
        return name
    raise ParamsError(f"names in params are non-empty strings without '/', got {name!r} in {at_path(at)}")


def taken_leaf(leaf: object, at: Path) -> Array:
    """The array itself, or a copy where it is no plain, C-contiguous array in native byte order.

    Errors
        ParamsError   no array
        DTypeError    no numbers, or masked
    """
    # Whole numbers are told of with everything else that does not fit. Complex steps run rules on complex ones.
    if type(leaf) is np.ndarray and leaf.flags.c_contiguous and leaf.dtype.isnative and leaf.dtype.kind in "fciub":
        return leaf
    if not is_array(leaf) and not is_scalar(leaf):
        raise ParamsError(not_a_tree(leaf, at))
    if isinstance(leaf, np.ma.MaskedArray):
        raise DTypeError(f"{at_path(at)} {MASKED}")
    dtype: np.dtype[Any] = leaf.dtype
    if kind_of(dtype) not in "fciub":
        told = advice(np.asarray(leaf))
        raise DTypeError(f"{at_path(at)} is of dtype {dtype}, params are floating-point; {told}")
    return np.asarray(leaf, native(dtype), order="C")


def sealed_copy(leaf: object, at: Path) -> Array:
    """A read-only, C-contiguous copy in native byte order.

    Errors
        ParamsError   no array
        DTypeError    not floating-point, or masked
    """
    array = taken_leaf(leaf, at)
    if array.dtype.kind != "f":
        raise DTypeError(f"{at_path(at)} is of dtype {array.dtype}, params are floating-point; {advice(array)}")
    copy = np.array(array, order="C")
    copy.setflags(write=False)
    return copy


def not_a_tree(value: object, at: Path) -> str:
    """Why `value` is no tree of params, and what to take instead."""
    if not at and (told := _meant(value)):
        return told
    what = "an array or a mapping" if at else "a nested mapping of arrays"
    if not at and is_array(value):
        hint = "; params come before the input, apply(params, x)"
    else:
        hint = f"; write {instead(value)}" if at and instead(value) else ""
    return f"{at_path(at)} must be {what}, got {type(value).__name__}{hint}"


_DRAW = "out_shape, params = net.init(key, shape)"


def _meant(value: object) -> str:
    """What has params in it, or near it, and is given where they belong."""
    got = f"params must be a nested mapping of arrays, got {type(value).__name__}"
    if is_tuple(value) and len(value) == 2:
        first, second = value
        if is_mapping(second):
            if isinstance(first, float):
                return "got the pair (value, gradients) that value_and_grad gives; unpack it: loss, grads = ..."
            return "got the pair (shape, params) that init returns; unpack it: out_shape, params = net.init(...)"
        if hasattr(first, "params"):
            return "got the pair (state, metrics) that fit yields; take state.params"
        if callable(first) and callable(second) and not hasattr(value, "update"):
            return f"{got}: a network has none of its own, draw them: {_DRAW}"
    if hasattr(value, "params"):
        return f"{got}; take its .params"
    if isinstance(value, Iterator):
        return f"{got}; fit is a loop: for state, metrics in fit(...), and then state.params"
    if callable(value) and hasattr(value, "definition"):
        return f"{got}; params are drawn: {_DRAW}"
    return ""


def at_path(path: Path) -> str:
    """How messages name a place in a tree."""
    return printable("/".join(path), lines=False) or "params"


def floating(dtype: object) -> np.dtype[Any]:
    """The dtype of params that this stands for.

    Errors
        DTypeError   none, or none of floating-point numbers
    """
    wanted: Any = dtype
    try:
        found: np.dtype[Any] | None = None if dtype is None else np.dtype(wanted)  # NumPy takes None for float64
    except (TypeError, ValueError, DeprecationWarning):
        found = None
    if found is None or found.kind != "f":
        got = f"got dtype {found or brief(dtype)}"
        raise DTypeError(f"params are floating-point, {got}; write np.float32 or np.float64")
    return found


def common_dtype(leaves: list[tuple[Path, Array]]) -> np.dtype[Any]:
    """The one dtype of all leaves; float32 where there is none.

    Errors
        DTypeError   they have several
    """
    if not leaves:
        return np.dtype(np.float32)
    path, first = leaves[0]
    for other, leaf in leaves:
        if leaf.dtype != first.dtype:
            raise DTypeError(
                f"params must have one dtype, {at_path(path)} has {first.dtype} and {at_path(other)} has {leaf.dtype}; "
                f"convert with astype(params, np.{first.dtype})"
            )
    return first.dtype
