"""Pullbacks derived by JAX, its functions as layers, and layers as its functions. Needs the extra `jax`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Concatenate, Final, TypeVar

import numpy as np

from funcnn.bridges.derived import Check, Derived, DerivedRule, fitting
from funcnn.bridges.extras import needed
from funcnn.bridges.into_jax import to_jax
from funcnn.bridges.probing import each, probed
from funcnn.bridges.pytrees import register_pytrees
from funcnn.bridges.stored import params_named, stored
from funcnn.inputs import features
from funcnn.keys import Key
from funcnn.losses.definition import Loss, loss
from funcnn.nested import arrays, mapped
from funcnn.networks import Layer, layer
from funcnn.networks.definitions import Takes
from funcnn.networks.rules import takes_key
from funcnn.params import Params, plain_tree
from funcnn.shapes import shape_of
from funcnn.types import One, Shape, Two, is_array

__all__ = ["derive", "derive_loss", "from_jax", "register_pytrees", "to_jax"]

P = TypeVar("P")
T = TypeVar("T")

_HERE: Final = "funcnn.bridges.jax"
_DTYPES: Final = {"tokens": np.dtype(np.int32), "mask": np.dtype(np.bool_)}
_INT32: Final = np.iinfo(np.int32)


def derive(f: Callable[..., object]) -> DerivedRule[One, Two]:
    """The rule of a layer out of its value alone: JAX derives the pullback.

    `f(params, x)` is written with `jax.numpy`; params are a dict of arrays, nested as the spec is, `x` an array or a
    tuple, and so is what it returns. Value and pullback are compiled by `jax.jit`, once for each shape: what f decides,
    it decides by shapes. Tokens and masks come as they are, and their cotangent is zero. With a third parameter named
    `rng` it gets a key of JAX's in a training pass, or None. Params of float64 are computed in float64, those of
    float32 in float32, whatever `jax_enable_x64` says; it stays what it is.

    Errors
        MissingExtraError   JAX is not installed
        TypeError           it is no function
        DTypeError          from a call: the function returned something else than arrays
    Pullback
        `dy -> (dparams, dx)`, that of `jax.vjp`
    Source: Frostig, Johnson & Leary, Compiling Machine Learning Programs via High-Level Tracing (2018).

        def swish(params, x):
            return x * jax.nn.sigmoid(params["slope"] * x)

        net = Layer.of(lambda shape: shape, lambda shape: {"slope": (ones, shape[-1:])}, derive(swish))
    """
    rule: DerivedRule[One, Two] = _derived(f, derive)
    return rule


def derive_loss(f: Callable[Concatenate[P, T, ...], object]) -> Loss[P, T]:
    """A loss out of its value alone: `f(prediction, target, **options)`, written with `jax.numpy`.

    What it returns are the terms, one for every row or element, which weights and `reduce` then make one number of; a
    function that returns one number is a loss of a single term, which takes no weights. Options are keyword-only, and
    every other value of them is compiled anew.

    Errors
        as for `derive`

        @derive_loss
        def log_cosh(prediction, target):
            return jax.numpy.logaddexp(prediction - target, target - prediction) - math.log(2)
    """
    return loss(_derived(f, derive_loss, fitting))


def from_jax(f: Callable[..., object], params: object, *, takes: Takes = features) -> tuple[Layer[One, Two], Params]:
    """A function `f(params, x)` of JAX's as a layer, and its params as ours: `net, params = from_jax(f, params)`.

    Params may be any tree that JAX knows, dicts, lists, named tuples; the names of ours are its paths, "0/w". They come
    back to f as the tree they were. `net.init` gives these params again, whatever the key. The shape out is what
    `jax.eval_shape` says. `takes` says what the input is for, as in `Layer.of`; of several inputs, x is the tuple.

    Errors
        MissingExtraError   JAX is not installed
        ParamsError         a leaf of the params is no array of floating-point numbers, or two have one name
        ShapeError          from a call: f does not take this shape

        net, params = from_jax(stax_apply, stax_params)
        holds(net, (4, 28, 28, 1))
    """
    own: Any = needed("jax", _HERE)
    register_pytrees()
    found, tree = own.tree_util.tree_flatten_with_path(params)
    leaves = [("/".join(map(_step, path)) or "params", _as_numpy(leaf)) for path, leaf in found]
    ours = params_named("from_jax", leaves)
    return JaxFunction(f, ours, Structure(tuple([name for name, _ in leaves]), tree), takes), ours


@layer
def JaxFunction(f: Callable[..., object], params: Params, structure: Structure, takes: Takes) -> Layer[Any, Any]:
    """A function of JAX's with its params, as a layer; `from_jax` makes it."""
    own: Any = needed("jax", _HERE)

    @functools.wraps(f)
    def with_our_params(tree: Any, x: Any, *rng: Any, **options: Any) -> Any:
        return f(structure.rebuilt(own, tree), x, *rng, **options)

    def attempt(wanted: Any) -> Shape:
        there = mapped(lambda a: own.ShapeDtypeStruct(a.shape, a.dtype), plain_tree(params))
        dtype = next((a.dtype for a in arrays(there)), np.dtype(np.float32))
        x = each(lambda shape, kind: own.ShapeDtypeStruct(shape, _DTYPES.get(kind, dtype)), wanted)
        run = functools.partial(with_our_params, rng=None) if takes_key(rule) else with_our_params
        with _numbers(own, dtype.itemsize > 4):
            return shape_of(own.eval_shape(run, there, x))

    rule = _derived(with_our_params, JaxFunction)
    sizes = [n for leaf in arrays(plain_tree(params)) for n in leaf.shape]
    out_shape = probed(rule.__name__, attempt, takes("any"), sizes)
    return Layer.of(out_shape, lambda shape: stored(params), rule, takes=takes)


@dataclass(frozen=True)
class Structure:
    """How a tree of JAX's nests, and the paths of its leaves."""

    paths: tuple[str, ...]
    tree: Any

    def rebuilt(self, own: Any, tree: Any) -> Any:
        """The tree as it was, of leaves from ours."""
        return own.tree_util.tree_unflatten(self.tree, [_at(tree, path) for path in self.paths])

    def __repr__(self) -> str:
        return f"<{len(self.paths)} paths>"


def _at(tree: Any, path: str) -> Any:
    for name in path.split("/"):
        tree = tree[name]
    return tree


def _step(entry: Any) -> str:
    """A step of one of JAX's paths: the key of a dict, the index of a sequence, the name of a field."""
    return str(next(getattr(entry, name) for name in ("key", "idx", "name") if hasattr(entry, name)))


def _as_numpy(leaf: Any) -> Any:
    return np.asarray(leaf) if hasattr(leaf, "dtype") else leaf


# deriving -------------------------------------------------------------------------------------------------------------
def _derived(f: Callable[..., Any], make: Callable[..., Any], check: Check | None = None) -> Any:
    own: Any = needed("jax", _HERE)

    def pulled(floats: Any, rest: Any, rng: Any, options: Any) -> Any:
        def parted(floats: Any) -> tuple[Any, Any]:
            y = rule.run(floats, rest, rng, dict(options), own.Array)
            moving = mapped(lambda a: a if own.numpy.issubdtype(a.dtype, own.numpy.inexact) else None, y)
            return moving, mapped(lambda a, b: None if b is not None else a, y, moving)

        return own.vjp(parted, floats, has_aux=True)

    def walked(back: Any, dy: Any) -> Any:
        return back(dy)[0]

    forward, walk = own.jit(pulled, static_argnums=3), own.jit(walked)

    def by(rule: Derived, floats: Any, rest: Any, rng: Any, options: Any) -> tuple[Any, Callable[[Any], Any]]:
        wide = any(map(_is_wide, arrays((floats, rest))))
        with _numbers(own, wide):
            keys = tuple([None if key is None else _key(own, key) for key in rng])
            moving, pull, kept = forward(floats, rest, keys, tuple(sorted(options.items())))

        def back(dy: Any) -> Any:
            with _numbers(own, wide):
                return walk(pull, dy)

        return mapped(lambda a, b: np.asarray(b if a is None else a), moving, kept), back

    rule = Derived(f, by, make, "arrays of jax.numpy", check)
    return rule


def _numbers(own: Any, wide: bool) -> AbstractContextManager[Any]:
    """With numbers of 64 bits, or without, in this thread and for as long as it lasts."""
    home = own if hasattr(own, "enable_x64") else needed("jax.experimental", _HERE)  # where it was before JAX 0.8
    context: AbstractContextManager[Any] = home.enable_x64(wide)
    return context


def _is_wide(a: Any) -> bool:
    """Does this need 64 bits? Integers do where they are too large for 32, in which JAX would wrap them around."""
    if not is_array(a) or a.dtype.itemsize < 8:
        return False
    return a.dtype.kind in "fc" or bool(a.size and (a.max() > _INT32.max or a.min() < _INT32.min))


def _key(own: Any, key: Key) -> Any:
    """A key of JAX's out of one of ours."""
    first, second = key.generator().integers(0, 1 << 31, 2).tolist()
    return own.random.fold_in(own.random.key(first), second)
