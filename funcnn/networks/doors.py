"""The public door of a network: everything that is checked is checked here, once, and rules run bare behind it."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, NamedTuple

import numpy as np

from funcnn.errors import ShapeError
from funcnn.inputs import COMPUTED, Kind, computed_like, convert, refuse_stored
from funcnn.kernels.tables import rows_of
from funcnn.networks.by_parts import count, in_parts, is_apart, most
from funcnn.networks.definitions import Definition
from funcnn.networks.diagnosis import Shapes, explain, leaf_shapes, misled
from funcnn.networks.leaks import has_people, refuse_leaks
from funcnn.params import Gradients, packed, plain_tree, trees, wrap
from funcnn.params.layouts import Layout
from funcnn.params.packing import taken
from funcnn.promises import refuse_extra, subtree, wrong_gradient
from funcnn.shapes import normalize, shape_of
from funcnn.types import Array, Shape, Tree, is_array, is_scalar, is_tuple

_PLANS = 64  # remembered per network; a program that meets more shapes than these plans again


class Plan(NamedTuple):
    """What is known of a network once the shape of its input is."""

    out: Shape
    leaves: Shapes
    layouts: list[Layout]  # those that were found to fit
    parts: int  # into how many the batch may be cut


class Door:
    """What stands between people and the rule of a network: checks on the way in, sealed arrays on the way out."""

    __slots__ = ("apart", "kind", "layer", "plans", "sound")

    def __init__(self, layer: Definition) -> None:
        self.layer = layer
        self.apart = not layer.random and is_apart(layer.rule)
        self.kind: Kind | None = None  # until somebody enters: of every layer of a deep network it would cost too much
        self.plans: dict[Shape, Plan] = {}
        self.sound: set[np.dtype[Any]] = set()  # in these, no layer of people's own makes numbers wider

    def wants(self) -> Kind:
        """What the input is for."""
        if self.kind is None:
            self.kind = self.layer.takes("any")
        return self.kind

    def enter(self, params: Tree, x: Any) -> tuple[dict[str, Any], Any]:
        """Params and input as rules take them.

        Errors
            ParamsError, ShapeError, DTypeError   as `Apply` says
        """
        tree = plain_tree(params)
        found = packed(params)
        dtype = found[0].dtype if found and found[0].size else _dtype(tree, x)  # packed nothing has no dtype of its own
        if dtype not in COMPUTED:
            refuse_stored("the params are", dtype, "astype(params, np.{wide})")
        if type(x) is not np.ndarray or x.dtype != dtype or self.kind != "features" or not x.flags.c_contiguous:
            x = convert(x, self.wants(), dtype)
        shape = x.shape if type(x) is np.ndarray else shape_of(x)
        plan = self.plans.get(shape) or self._plan(shape, tree)
        if found and found[1] in plan.layouts:
            return tree, x
        if not _fits(plan.leaves, tree, dtype):
            explain(self.layer, plan.leaves, tree, shape)
        if dtype not in self.sound:
            if has_people(self.layer):
                refuse_leaks(self.layer, tree, x, dtype)
            self.sound.add(dtype)
        if found:
            plan.layouts.append(found[1])
            del plan.layouts[:-4]
        return tree, x

    def _plan(self, shape: Shape, tree: trees.Plain) -> Plan:
        sizes = normalize(shape)
        try:
            out, spec = self.layer.planned(sizes)
            leaves = leaf_shapes(spec)
            plan = Plan(out, leaves, [], most(self.layer, sizes, out, _numbers(leaves)) if self.apart else 1)
        except ShapeError as error:  # maybe far behind the layer that got the wrong input
            raise misled(self.layer, tree, sizes) or error from None
        if len(self.plans) >= _PLANS:
            self.plans.clear()
        self.plans[shape] = plan
        return plan

    def ruled(self, tree: trees.Plain, x: Any) -> tuple[Any, Any]:
        """What the rule gives for what came in, of a network without keys; in parts where that is worth it."""
        plan = self.plans.get(x.shape) if self.apart and type(x) is np.ndarray else None
        if plan and plan.parts > 1 and (parts := count(plan.parts, len(x))) > 1:
            return in_parts(self.layer.rule, tree, x, parts)
        return self.layer.rule(tree, x)  # type: ignore[no-any-return]

    def gradients(self, params: Tree, tree: trees.Plain, dparams: Tree) -> Gradients:
        """The gradients a rule returned, sealed, in the order of the params; short ones in one vector, like the params.

        Errors
            ParamsError   they have another structure, shape or dtype
        """
        found = packed(params)
        short = taken(found[1], dparams, found[0].dtype) if found else None
        return wrap(_sealed(tree, dparams, ()), kind=Gradients) if short is None else short


def _numbers(leaves: Shapes) -> int:
    """How many numbers these leaves have together."""
    return sum(_numbers(leaf) if isinstance(leaf, dict) else prod(leaf) for leaf in leaves.values())


def _dtype(tree: trees.Plain, x: Any) -> np.dtype[Any]:
    """The compute dtype: that of the params; without params one for floating-point features; else float32."""
    for _, leaf in trees.flatten(tree):
        return leaf.dtype if leaf.dtype.kind == "f" else np.dtype(np.float32)  # others do not match the spec
    while is_tuple(x) and x:
        x = next((a for a in x if is_array(a) and a.dtype.kind == "f"), next(filter(is_tuple, x), x[0]))
    return computed_like(x.dtype) if is_array(x) and x.dtype.kind == "f" else np.dtype(np.float32)


def _fits(leaves: Shapes, tree: trees.Plain, dtype: np.dtype[Any]) -> bool:
    if len(leaves) != len(tree):
        return False
    for name, expected in leaves.items():
        value = tree.get(name)
        if type(value) is dict:
            if type(expected) is not dict or not _fits(expected, value, dtype):
                return False
        elif value is None or value.shape != expected or value.dtype != dtype:  # type: ignore[union-attr]
            return False
    return True


def _sealed(params: trees.Plain, dparams: Mapping[str, Any], at: trees.Path) -> trees.Plain:
    if dparams.__class__ is not dict:
        dparams = subtree(dparams, at)
    out: trees.Plain = {}
    for name, value in params.items():
        g: Any = dparams.get(name)
        if isinstance(value, dict):
            out[name] = _sealed(value, {} if g is None else g, (*at, name))
            continue
        if type(g) is not np.ndarray:
            g = _leaf(g, value, name, at)
        if g.shape != value.shape or g.dtype != value.dtype:
            raise wrong_gradient(g, value, name, at)
        if g.base is not None or not g.flags.c_contiguous:
            g = _owned(g)
        leaf: Any = g
        leaf.setflags(False)  # three times faster than by keyword
        out[name] = leaf
    if len(dparams) != len(params):
        refuse_extra(params, dparams, at)
    return out


def _leaf(g: object, value: Array, name: str, at: trees.Path) -> Any:
    """NumPy's scalars and subclasses as arrays."""
    if is_array(g) or is_scalar(g):
        return np.asarray(g)
    raise wrong_gradient(g, value, name, at)


def _owned(g: Array) -> Array:
    """A gradient that is a view: of something fresh it may stay one, if its layout is that of a leaf; of a cotangent,
    which is read-only because it is borrowed, it is copied. A table that knows its rows is fresh and sealed.
    """
    return g if g.flags.c_contiguous and (g.flags.writeable or rows_of(g)) else np.array(g, order="C")
