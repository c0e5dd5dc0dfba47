"""What is wrong between a network, its params and its input: found out only after they were seen not to fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn, TypeAlias, Union

import numpy as np

from funcnn.errors import ParamsError, ShapeError
from funcnn.networks.definitions import Definition, Spec
from funcnn.networks.rebuilding import walked
from funcnn.params import trees
from funcnn.shapes import Unknown, display, known, normalize
from funcnn.types import Array, Shape

Shapes: TypeAlias = "dict[str, Union[tuple[int, ...], Shapes]]"
"""The shape of every leaf."""


def leaf_shapes(spec: Spec) -> Shapes:
    """The shapes that a spec wants, without subtrees that hold nothing, which params have not either."""
    shapes: Shapes = {}
    for name, wanted in spec.items():
        shape = leaf_shapes(wanted) if isinstance(wanted, Mapping) else wanted[1]
        if shape != {}:
            shapes[name] = shape
    return shapes


def explain(layer: Definition, leaves: Shapes, tree: trees.Plain, shape: Shape) -> NoReturn:
    """Raise what is wrong: whose fault it is, and where.

    Errors
        ShapeError    the params fit the network, and another input
        ParamsError   they do not, with every path that differs
    """
    want, got = dict(_flat(leaves)), dict(trees.flatten(tree))
    dtype = _wanted_dtype(got.values())
    misshapen = [path for path in want if path in got and got[path].shape != want[path]]
    mistyped = [path for path in want if path in got and got[path].dtype != dtype]
    if misshapen and not mistyped and want.keys() == got.keys():
        if error := _other_input(layer, misshapen[0], got[misshapen[0]].shape, shape):
            raise error
    wrong = [
        *(f"missing {trees.at_path(p)}, expected {dtype} of shape {want[p]}" for p in want if p not in got),
        *(f"unexpected {trees.at_path(p)}, {got[p].dtype} of shape {got[p].shape}" for p in got if p not in want),
        *(f"{trees.at_path(p)} has shape {got[p].shape}, expected {want[p]}" for p in misshapen),
        *(f"{trees.at_path(p)} has dtype {got[p].dtype}, expected {dtype}" for p in mistyped),
        *(f"unexpected {trees.at_path(p)}, an empty subtree" for p in _empty(tree)),
    ]
    if want.keys() != got.keys():
        fix = "make them with init, and name layers with .named to keep names when the network changes"
    else:
        fix = f"convert them with astype(params, np.{dtype})" if mistyped and not misshapen else "make them with init"
    raise ParamsError(f"these are not the params of this network: {'; '.join(wrong)}. To mend it, {fix}")


def misled(layer: Definition, tree: trees.Plain, shape: Shape) -> ShapeError | None:
    """Where some layer does not take its input, the fault of an earlier one: its params are for another input.

    Of the layers that the input reached, the first whose leaves are not those that it wants for what it got.
    """
    for place, child, local in walked(layer, shape).entered:
        try:
            wanted = leaf_shapes(child.own(local))
        except Exception:  # a layer made of others, or the one that refused
            continue
        for name, sizes in wanted.items():
            leaf = _at(tree, (*place, name))
            if isinstance(sizes, tuple) and leaf is not None and leaf.shape != sizes:
                return _other_input(layer, (*place, name), leaf.shape, shape)
    return None


def _at(tree: trees.Plain, path: trees.Path) -> Array | None:
    """The leaf at a path, if there is one."""
    found: Array | trees.Plain | None = tree
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return None if isinstance(found, dict) else found


def _wanted_dtype(leaves: Any) -> np.dtype[Any]:
    """The dtype that most leaves have: the others are the exceptions."""
    found = Counter(leaf.dtype for leaf in leaves if leaf.dtype.kind == "f").most_common(1)
    return found[0][0] if found else np.dtype(np.float32)


def _flat(leaves: Shapes, at: trees.Path = ()) -> Iterator[tuple[trees.Path, tuple[int, ...]]]:
    for name, value in leaves.items():
        if isinstance(value, dict):
            yield from _flat(value, (*at, name))
        else:
            yield (*at, name), value


def _empty(tree: Mapping[str, Union[Array, trees.Plain]], at: trees.Path = ()) -> Iterator[trees.Path]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _empty(value, (*at, name)) if value else [(*at, name)]


def _other_input(
    layer: Definition, path: trees.Path, leaf: tuple[int, ...], shape: Shape
) -> ShapeError | None:
    """The input that a leaf of this shape was made for, if it is the input that does not fit.

    The spec of the layer is asked for an input of unknown sizes: where a size of the leaf *is* one of them, the leaf
    says what it has to be.
    """
    try:
        met = [m for m in walked(layer, normalize(shape)).entered if m[0] == path[: len(m[0])]]
        place, owner, local = max(reversed(met), key=lambda m: len(m[0]))
        symbols = tuple(Unknown() for _ in local)
        sizes: Any = leaf_shapes(owner.own(symbols))
        for name in path[len(place) :]:
            sizes = sizes[name]
    except Exception:  # the layer decides something about the input: no telling
        return None
    if any(isinstance(d, tuple) for d in local):
        return None
    if len(sizes) != len(leaf) or any(known(d) and d != n for d, n in zip(sizes, leaf, strict=True)):
        return None
    bound = {i: n for d, n in zip(sizes, leaf, strict=True) for i, s in enumerate(symbols) if s is d}
    if not bound or all(local[i] == n for i, n in bound.items()):
        return None
    first = min(bound)
    takes = ", ".join((["..."] if first else []) + [str(bound.get(i, "?")) for i in range(first, len(local))])
    hint = "give such an input, or init again with the shape you have"
    if len(local) == 4 and bound.get(3) == local[1]:
        hint = f"channels come last here, {bound[3]} of them: x.transpose(0, 2, 3, 1)"
    elif _fits_turned(layer, path, leaf, shape):  # behind pools, say, which take any channels
        hint = f"channels come last here, {shape[1]} of them: x.transpose(0, 2, 3, 1)"
    name, who = "/".join(path[len(place) :]), "" if place else f"{layer.name} "
    return ShapeError(f"{who}takes ({takes}), got {display(local)}; its {name} has shape {leaf}: {hint}", path=place)


def _fits_turned(layer: Definition, path: trees.Path, leaf: tuple[int, ...], shape: Shape) -> bool:
    """Is the leaf what the network wants for the same images with their channels last?"""
    if len(shape) != 4 or isinstance(shape[0], tuple):
        return False
    batch, channels, *pixels = shape
    try:
        wanted: Any = leaf_shapes(layer.planned(normalize((batch, *pixels, channels)))[1])
        for name in path:
            wanted = wanted[name]
    except Exception:  # they do not fit that way either
        return False
    return bool(wanted == leaf)
