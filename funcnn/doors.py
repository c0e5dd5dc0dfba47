"""The public door of a network: everything that is checked is checked here, once, and rules run bare behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, Union

import numpy as np

from funcnn import trees
from funcnn.errors import ParamsError, ShapeError
from funcnn.kinds import Kind as Kind  # these three: part of this module for combinators
from funcnn.kinds import convert
from funcnn.kinds import part as part
from funcnn.kinds import unify as unify
from funcnn.params import Params, packed, plain_tree, wrap
from funcnn.shapes import Unknown, display, known, normalize, shape_of
from funcnn.types import Shape, Spec, Tree, is_array, is_scalar, is_tuple

if TYPE_CHECKING:
    from funcnn.networks import Layer
    from funcnn.packing import Layout

Shapes: TypeAlias = "dict[str, Union[tuple[int, ...], Shapes]]"
"""The shape of every leaf."""

_PLANS = 64  # remembered per network; a program that meets more shapes than these plans again


class Plan(NamedTuple):
    """What is known of a network once the shape of its input is."""

    out: Shape
    leaves: Shapes
    layouts: list[Layout]  # those that were found to fit


class Checks:
    """The door of one network: see `funcnn.calculus.Door`."""

    __slots__ = ("name", "out_shape", "spec", "kind", "layer", "plans")
    layer: Layer[Any, Any]

    def __init__(self, name: str, out_shape: Callable[[Shape], Shape], spec: Callable[[Shape], Spec], kind: Kind) -> None:
        self.name, self.out_shape, self.spec, self.kind = name, out_shape, spec, kind
        self.plans: dict[Shape, Plan] = {}

    def enter(self, params: Tree, x: Any) -> tuple[dict[str, Any], Any]:
        """Params and input as rules take them.

        Errors
            ParamsError, ShapeError, DTypeError   as `Apply` says
        """
        tree = plain_tree(params)
        found = packed(params) if type(params) is Params else None
        dtype = found[0].dtype if found and found[0].size else _dtype(tree, x)  # a packed nothing has no dtype of its own
        if type(x) is not np.ndarray or x.dtype != dtype or self.kind != "features" or not x.dtype.isnative:
            x = convert(x, self.kind, dtype)
        shape = x.shape if type(x) is np.ndarray else shape_of(x)
        plan = self.plans.get(shape) or self._plan(shape)
        if found and found[1] in plan.layouts:
            return tree, x
        if not _fits(plan.leaves, tree, dtype):
            self._explain(plan, tree, shape)
        if found:
            plan.layouts.append(found[1])
            del plan.layouts[:-4]
        return tree, x

    def _plan(self, shape: Shape) -> Plan:
        sizes = normalize(shape)
        plan = Plan(self.out_shape(sizes), _leaf_shapes(self.spec(sizes)), [])
        if len(self.plans) >= _PLANS:
            self.plans.clear()
        self.plans[shape] = plan
        return plan

    def gradients(self, params: dict[str, Any], dparams: Tree) -> Params:
        """The gradients a rule returned, sealed, in the order of the params.

        Errors
            ParamsError   they have another structure, shape or dtype
        """
        return wrap(_sealed(params, dparams, ()))

    def _explain(self, plan: Plan, tree: trees.Plain, shape: Shape) -> None:
        """Raise what is wrong between these params and this input: whose fault it is, and where."""
        trees.common_dtype(list(trees.flatten(tree)))
        got, want = dict(trees.flatten(tree)), dict(_flat_shapes(plan.leaves))
        if wrong := trees.differences({"/".join(p): 0 for p in want}, {"/".join(p): 0 for p in got}):
            raise ParamsError(
                f"these are not the params of this network: {', '.join(wrong)}; it has {_listed(want)}; "
                f"make them with init, and name layers with .named to keep names when the network changes"
            )
        off = [p for p in want if got[p].shape != want[p]]
        if not off:
            raise ParamsError(f"these are not the params of this network: empty subtrees beside {_listed(want)}")
        if expected := self._input_of(off[0], got[off[0]].shape, shape):
            raise expected
        found = ", ".join(f"{'/'.join(p)} is {got[p].shape}, expected {want[p]}" for p in off)
        raise ParamsError(f"these are not the params of this network: {found}; make them with init")

    def _input_of(self, path: trees.Path, leaf: tuple[int, ...], shape: Shape) -> ShapeError | None:
        """The input that a leaf of this shape was made for, if it is the input that does not fit.

        The shape rule of the layer runs on an input of unknown sizes: where a size of the leaf *is* one of them, the leaf
        says what it has to be.
        """
        from funcnn.children import visit

        place, local, spec = max(
            ((p, s, layer.init.spec) for p, layer, s, _ in visit(self.layer, normalize(shape)) if p == path[: len(p)]),
            key=lambda found: len(found[0]),
        )
        if any(isinstance(d, tuple) for d in local):
            return None
        symbols = tuple(Unknown() for _ in local)
        try:
            sizes: Any = _leaf_shapes(spec(symbols))
        except Exception:  # the rule decides something about the input: no telling
            return None
        for name in path[len(place) :]:
            sizes = sizes[name]
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
        leaf_name = "/".join(path[len(place) :])
        return ShapeError(
            f"takes ({takes}), got {display(local)}; its {leaf_name} has shape {leaf}: {hint}", path=place
        )


def _dtype(tree: trees.Plain, x: Any) -> np.dtype[Any]:
    """The compute dtype: that of the params; without params that of floating-point features; else float32."""
    for _, leaf in trees.flatten(tree):
        if leaf.dtype.kind != "f":
            trees.copied(tree)  # says which, and what to do
        return leaf.dtype
    while is_tuple(x) and x:
        x = x[0]
    return x.dtype.newbyteorder("=") if is_array(x) and x.dtype.kind == "f" else np.dtype(np.float32)


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


def _leaf_shapes(spec: Spec) -> Shapes:
    return {name: _leaf_shapes(s) if isinstance(s, Mapping) else s[1] for name, s in spec.items()}


def _flat_shapes(leaves: Shapes, at: trees.Path = ()) -> list[tuple[trees.Path, tuple[int, ...]]]:
    return [
        found
        for name, s in leaves.items()
        for found in (_flat_shapes(s, (*at, name)) if isinstance(s, dict) else [((*at, name), s)])
    ]


def _listed(paths: Mapping[trees.Path, object]) -> str:
    return ", ".join("/".join(p) for p in paths) or "none"


def _sealed(params: trees.Plain, dparams: Mapping[str, Any], at: trees.Path) -> trees.Plain:
    out: trees.Plain = {}
    for name, value in params.items():
        g = dparams.get(name)
        if isinstance(value, dict):
            out[name] = _sealed(value, {} if g is None else g, (*at, name))
            continue
        if type(g) is not np.ndarray:
            g = _plain_array(g)
        if g is None or type(g) is not np.ndarray or g.shape != value.shape or g.dtype != value.dtype:
            got = "nothing" if g is None else f"{getattr(g, 'dtype', type(g).__name__)} of shape {getattr(g, 'shape', '?')}"
            raise ParamsError(
                f"the pullback of this layer must return {value.dtype} of shape {value.shape} for {name}, got {got}",
                path=at,
            )
        g.setflags(write=False)
        out[name] = g
    if len(dparams) != len(params):
        extra = ", ".join(sorted(map(str, dparams.keys() - params.keys())))
        raise ParamsError(f"the pullback of this layer returned gradients of what it has not: {extra}", path=at)
    return out


def _plain_array(value: object) -> Any:
    """NumPy's scalars and subclasses as arrays, anything else as it is."""
    return np.asarray(value) if is_array(value) or is_scalar(value) else value
