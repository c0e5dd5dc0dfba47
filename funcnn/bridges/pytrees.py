"""Params as trees of JAX's own kind."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from funcnn.bridges.extras import needed
from funcnn.params import Gradients, Params, Updates
from funcnn.params.mapping import ArrayTree, K, made, plain
from funcnn.types import is_array

KINDS: Final = (Params, Gradients, Updates)


def register_pytrees() -> None:
    """Tell JAX that `Params`, `Gradients` and `Updates` are trees: `jax.grad`, `jax.jit` and optax then take them.

    Without it JAX takes each of them for one leaf. It may be called again, and `from_jax` and `to_jax` call it;
    importing funcnn does not, for it does not import JAX. Names are in sorted order. What comes back, out of `jax.jit`
    say, is of the same kind, and its arrays are NumPy's, read-only, and not copied where JAX keeps them on the CPU;
    inside of what JAX traces they are what it puts there. To keep arrays on another device, hand it `params.to_dict()`.

    The three kinds are no trees of one structure: `optax` steps params by gradients with `Params(grads)`, which copies
    nothing.

    Errors
        MissingExtraError   JAX is not installed
    Source: JAX's documentation on extending pytrees.

        register_pytrees()
        state = optimizer.init(params)                                        # of optax's
        updates, state = optimizer.update(Params(grads), state, params)
        params = optax.apply_updates(params, updates)
    """
    _registered(needed("jax", "funcnn.bridges.jax"))


@functools.cache
def _registered(own: Any) -> None:
    for kind in KINDS:
        _register(own, kind)


def _register(own: Any, kind: type[K]) -> None:
    key = own.tree_util.DictKey

    def flat(tree: K) -> tuple[list[Any], tuple[str, ...]]:
        names = tuple(sorted(plain(tree)))
        return [tree[name] for name in names], names

    def with_keys(tree: K) -> tuple[list[tuple[Any, Any]], tuple[str, ...]]:
        parts, names = flat(tree)
        return [(key(name), part) for name, part in zip(names, parts, strict=True)], names

    def rebuilt(names: tuple[str, ...], parts: Iterable[Any]) -> K:
        return made(kind, {name: _ours(own, part) for name, part in zip(names, parts, strict=True)})

    own.tree_util.register_pytree_with_keys(kind, with_keys, rebuilt, flat)


def _ours(own: Any, part: Any) -> Any:
    """What stands in a tree that JAX has built: subtrees as dicts, arrays sealed, and what it traces as it is."""
    if isinstance(part, ArrayTree):
        return plain(part)
    if isinstance(part, own.Array) and not isinstance(part, own.core.Tracer):
        if not part.is_fully_addressable or own.numpy.issubdtype(part.dtype, own.dtypes.extended):
            return part
        part = np.asarray(part)
    if is_array(part) and part.flags.writeable:
        part = part.copy()
        part.flags.writeable = False
    return part
