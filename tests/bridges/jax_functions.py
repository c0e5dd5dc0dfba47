"""Functions of JAX's with the forms of params that people have."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

RANDOM: Final = np.random.default_rng(0)


def drawn(*shape: int) -> Any:
    """Numbers of the size of weights."""
    return RANDOM.normal(size=shape).astype(np.float32) / 2


# five functions, the forms of params that people have ----------------------------------------------------------------
def perceptron(params: Any, x: Any) -> Any:
    """A list of pairs, as in JAX's own first example."""
    for w, b in params[:-1]:
        x = jnp.tanh(x @ w + b)
    return x @ params[-1][0] + params[-1][1]


def convolution(params: Any, x: Any) -> Any:
    """NHWC, strides 2, then a mean over pixels."""
    y = jax.lax.conv_general_dilated(x, params["w"], (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return jax.nn.softplus(y + params["b"]).mean((1, 2))


class Norm(NamedTuple):
    """Params as a named tuple."""

    scale: Any
    offset: Any


def normalized(params: Norm, x: Any) -> Any:
    """Layer normalization."""
    h = (x - x.mean(-1, keepdims=True)) / jnp.sqrt(x.var(-1, keepdims=True) + 1e-5)
    return h * params.scale + params.offset


def attention(params: Any, x: Any) -> Any:
    """One head, from a sequence to itself."""
    q, k, v = (x @ params[name] for name in ("q", "k", "v"))
    return jax.nn.softmax(jnp.einsum("nqd,nkd->nqk", q, k) / 2.0) @ v


def recurrent(params: Any, x: Any) -> Any:
    """A tanh cell by `lax.scan`; every state comes out."""

    def step(s: Any, x: Any) -> Any:
        s = jnp.tanh(x @ params["cell"]["w"] + s @ params["cell"]["u"])
        return s, s

    start = jnp.zeros((x.shape[0], params["cell"]["u"].shape[0]), x.dtype)
    return jnp.swapaxes(jax.lax.scan(step, start, jnp.swapaxes(x, 0, 1))[1], 0, 1)


FIVE: Final = {
    "perceptron": (perceptron, [(drawn(3, 4), drawn(4)), (drawn(4, 2), drawn(2))], (4, 3)),
    "convolution": (convolution, {"w": drawn(3, 3, 2, 3), "b": drawn(3)}, (2, 5, 4, 2)),
    "normalized": (normalized, Norm(drawn(4), drawn(4)), (2, 3, 4)),
    "attention": (attention, {name: drawn(3, 4) for name in "qkv"}, (2, 5, 3)),
    "recurrent": (recurrent, {"cell": {"w": drawn(2, 3), "u": drawn(3, 3)}}, (2, 4, 2)),
}
ANALYTIC: Final = ("perceptron", "attention", "recurrent")
"""JAX's softplus and variance take absolute values of complex numbers: the others have no second derivative here."""


wrong_sine: Final[Any] = jax.custom_vjp(lambda x: jnp.sin(x))
"""A sine whose own backward says cosine over two."""

wrong_sine.defvjp(lambda x: (jnp.sin(x), x), lambda x, dy: (dy * jnp.cos(x) / 2,))


def wrongly_activated(params: Any, x: Any) -> Any:
    """It stands in the middle of what is right."""
    return wrong_sine(x @ params["w"]) * 2.0
