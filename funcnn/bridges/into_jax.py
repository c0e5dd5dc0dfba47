"""Networks of ours as functions of JAX's."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from funcnn.bridges.extras import needed
from funcnn.bridges.pytrees import register_pytrees
from funcnn.derivatives import vjp
from funcnn.errors import ParamsError, brief
from funcnn.keys import Key
from funcnn.nested import mapped
from funcnn.networks import Layer, is_layer
from funcnn.types import is_mapping

if TYPE_CHECKING:
    import jax

_HERE: Final = "funcnn.bridges.jax"


class JaxApply(Protocol):
    """A network as JAX calls it."""

    def __call__(self, params: object, x: object, rng: jax.Array | int | None = None) -> jax.Array: ...


def to_jax(net: Layer[Any, Any]) -> JaxApply:
    """A network as a function `f(params, x)` that JAX differentiates, compiles and maps.

    The params are ours, see `register_pytrees`, or a nested dict of arrays; `x` is an array or a tuple of them. With a
    key of JAX's, or a seed, as `rng` it is a training pass. Values and gradients are computed by the network, on the
    CPU, outside of what JAX compiles (`jax.pure_callback`); the backward pass computes the forward pass again.
    `jax.jit` and `jax.grad` go through it; `jax.vmap` runs it once for each example. Derivatives of derivatives do not,
    and JAX refuses them; `hvp` and `jvp` of the network itself do.

    Errors
        MissingExtraError   JAX is not installed
        TypeError           it is no layer
        ParamsError         from a call: the params are no nested dict
        as for `net.apply`, when JAX traces the function
    Source: JAX's guides on custom derivative rules and on external callbacks.

        f = to_jax(net)
        gradients = jax.jit(jax.grad(lambda p: loss(f(p, x), y)))(params)
    """
    own: Any = needed("jax", _HERE)
    register_pytrees()
    if not is_layer(net):
        raise TypeError(f"to_jax takes a network, got {brief(net)}")

    def key_of(seed: Any) -> Key | None:
        return None if seed is None else Key(int(seed))

    def value(params: Any, x: Any, seed: Any) -> Any:
        return _given(net.apply(_arrays(params), _arrays(x), rng=key_of(seed)))

    def gradients(params: Any, x: Any, seed: Any, dy: Any) -> Any:
        p, given = _arrays(params), _arrays(x)
        y, pullback = vjp(net.apply, p, given, rng=key_of(seed))
        dparams, dx = pullback(mapped(lambda a, d: np.zeros(a.shape) if d is None else np.asarray(d), y, dy))
        both = dparams.to_dict(), mapped(lambda a, d: d if _moves(a) else None, given, dx)
        return mapped(lambda a, d: None if d is None else np.asarray(d, a.dtype), (p, given), both)

    def called(f: Callable[..., Any], like: Any, *args: Any) -> Any:
        return own.pure_callback(f, like, *args, vmap_method="sequential")

    def computed(params: Any, x: Any, seed: Any) -> Any:
        zeros = mapped(lambda a: np.zeros(a.shape, a.dtype), (params, x))
        with np.errstate(all="ignore"):  # zeros are for shapes and dtypes: their logarithms do not matter
            y = net.apply(*zeros, rng=None if seed is None else Key(0))
        return called(value, _structs(own, y), params, x, seed)

    run: Any = own.custom_vjp(computed)

    def forward(params: Any, x: Any, seed: Any) -> tuple[Any, Any]:
        return run(params, x, seed), (params, x, seed)

    def backward(kept: Any, dy: Any) -> Any:
        params, x, seed = kept
        moving = mapped(lambda a: a if _moves(a) else None, (params, x))
        dy = mapped(lambda d: None if d.dtype == own.dtypes.float0 else d, dy)
        dparams, dx = called(gradients, _structs(own, moving), params, x, seed, dy)
        return dparams, dx, None

    run.defvjp(forward, backward)

    def apply(params: object, x: object, rng: Any = None) -> Any:
        if not is_mapping(params):
            raise ParamsError(f"the params are a nested dict, params.to_dict(), got {brief(params)}")
        seed = rng
        if own.dtypes.issubdtype(getattr(rng, "dtype", np.float32), own.dtypes.prng_key):
            seed = own.random.bits(rng, dtype=np.uint32)
        elif rng is not None:
            seed = own.numpy.asarray(rng, np.uint32)
        as_jax = own.numpy.asarray
        return run(mapped(as_jax, params), mapped(as_jax, x), seed)

    return apply


def _structs(own: Any, tree: Any) -> Any:
    return mapped(lambda a: None if a is None else own.ShapeDtypeStruct(a.shape, a.dtype), tree)


def _moves(a: Any) -> bool:
    return np.issubdtype(a.dtype, np.floating)


def _arrays(tree: Any) -> Any:
    return mapped(np.asarray, tree)


def _given(y: Any) -> Any:
    """What goes to JAX, which wants arrays of its own."""
    return mapped(np.array, y)
