"""Derivatives by the input, as layers, beside JAX's own, which takes them by tracing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.peers.case import Case, numbers


def net(jax: Any, p: Mapping[str, Any], x: Any) -> Any:
    """Two layers of tanh and a number for every row."""
    tanh = jax.numpy.tanh
    h = tanh(x @ p["dense_0/w"] + p["dense_0/b"])
    return tanh(h @ p["dense_1/w"] + p["dense_1/b"]) @ p["dense_2/w"] + p["dense_2/b"]


def norms(jax: Any, p: Mapping[str, Any], x: Any) -> Any:
    """LayerNorm and the tanh form of GELU."""
    h = x @ p["dense_0/w"] + p["dense_0/b"]
    centred = h - h.mean(-1, keepdims=True)
    h = centred / jax.numpy.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    h = jax.nn.gelu(h * p["layer_norm_0/scale"] + p["layer_norm_0/offset"])
    return h @ p["dense_1/w"] + p["dense_1/b"]


def along(f: Any) -> Any:
    """The value and the derivative along v."""
    return lambda jax, p, xv: jax.jvp(lambda x: f(jax, p, x), (xv[0],), (xv[1],))


def gradient(f: Any) -> Any:
    """The gradient by x."""
    return lambda jax, p, x: jax.grad(lambda z: f(jax, p, z).sum())(x)


NET = "serial(Dense(8), Tanh, Dense(6), Tanh, Dense(1))"
NORMS = "serial(Dense(6), LayerNorm(), Gelu, Dense(1))"

CASES = (
    Case(f"tangent({NET})", (numbers(4, 3), numbers(4, 3, seed=1)), along(net), "jax"),
    Case(f"tangent({NORMS})", (numbers(4, 3), numbers(4, 3, seed=1)), along(norms), "jax"),
    Case(f"input_gradient({NET})", numbers(4, 3), gradient(net), "jax"),
    Case(f"input_gradient({NORMS})", numbers(4, 3), gradient(norms), "jax"),
)
