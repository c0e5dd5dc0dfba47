"""JAX over tokens: the network is a function of a list of params, the whole step compiled."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from jax_peer import training_step
from transformer_reading import pieces
from works import Work

Step = Callable[[], object]


def apply_of(work: Work) -> Callable[..., Any]:
    """`(params, x) -> logits`; with `caches` and `at`, those of one step, and the caches after it."""
    jax: Any = importlib.import_module("jax")
    jnp: Any = jax.numpy
    layers = [(piece.name, piece.options) for piece in pieces(work)]

    def normed(x: Any, scale: Any, offset: Any, axis: Any = -1) -> Any:
        mean = x.mean(axis, keepdims=True)
        var = ((x - mean) ** 2).mean(axis, keepdims=True)
        return (x - mean) * jax.lax.rsqrt(var + 1e-5) * scale + offset

    def attention(p: Any, x: Any, heads: int, causal: bool, cache: Any, at: Any) -> Any:
        batch, time, width = x.shape
        parts = (x @ p["w"] + p["b"]).reshape(batch, time, 3, heads, width // heads)
        q, k, v = jnp.moveaxis(parts, (2, 3), (0, 2))
        if cache is not None:
            k = jax.lax.dynamic_update_slice_in_dim(cache[0], k, at, 2)
            v = jax.lax.dynamic_update_slice_in_dim(cache[1], v, at, 2)
            allowed = jnp.arange(k.shape[2]) <= at
        else:
            allowed = jnp.tril(jnp.ones((time, time), bool)) if causal else jnp.ones((), bool)
        scores = jnp.where(allowed, q @ k.swapaxes(-1, -2) / (width // heads) ** 0.5, -1e30)
        h = jax.nn.softmax(scores) @ v
        return jnp.moveaxis(h, 1, 2).reshape(batch, time, width) @ p["wo"] + p["bo"], (k, v)

    def apply(params: Any, x: Any, caches: Any = None, at: Any = 0) -> Any:
        new: list[Any] = []
        for (name, options), p in zip(layers, params, strict=True):
            if name == "Embedding":
                x = p["w"][x]
            elif name == "PositionalEmbedding":
                x = x + jax.lax.dynamic_slice_in_dim(p["w"], at, x.shape[1])
            elif name == "TransformerBlock":
                cache = None if caches is None else caches[len(new)]
                causal = options.get("causal", False)
                h, kept = attention(p, normed(x, p["g1"], p["b1"]), options["args"][1], causal, cache, at)
                new.append(kept)
                x = x + h
                x = x + jax.nn.gelu(normed(x, p["g2"], p["b2"]) @ p["w1"] + p["c1"]) @ p["w2"] + p["c2"]
            elif name == "Dense":
                x = x @ p["w"] + p["b"]
            elif name == "MeanOver":
                x = x.mean(1)
            else:
                x = normed(x, **p, axis=-1 if name == "LayerNorm" else tuple(range(x.ndim - 1)))
        return x if caches is None else (x, new)

    return apply


def jax_loss(work: Work) -> Callable[[Any, Any], Any]:
    """Of params and inputs."""
    jax: Any = importlib.import_module("jax")
    apply, target = apply_of(work), work.data()[1]

    def loss(params: Any, x: Any) -> Any:
        y = apply(params, x)
        if not work.classes:
            return ((y - target) ** 2).mean()
        return -jax.numpy.take_along_axis(jax.nn.log_softmax(y), target[..., None], -1).mean()

    return loss


def _start(work: Work) -> tuple[Any, Any, Any]:
    jax: Any = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", work.dtype().itemsize == 8)
    params = jax.tree.map(jax.numpy.asarray, [piece.params for piece in pieces(work)])
    return jax, params, [jax.numpy.asarray(a) for a in work.data()]


def jax_step(work: Work) -> Step:
    jax, params, (x, _) = _start(work)
    if not work.training:
        forward = jax.jit(apply_of(work))
        return lambda: jax.block_until_ready(forward(params, x))
    return training_step(work, jax_loss(work), params, x)


def jax_passes(work: Work) -> Step:
    jax, params, (x, dy) = _start(work)

    def both(params: Any, x: Any, dy: Any) -> Any:
        y, back = jax.vjp(apply_of(work), params, x)
        return y, back(dy)

    compiled = jax.jit(both)
    return lambda: jax.block_until_ready(compiled(params, x, dy))


def jax_writing(work: Work) -> Step:
    """A step is compiled once, for keys and values of all steps; memory is handed on."""
    jax, params, _ = _start(work)
    jnp, time = jax.numpy, work.shape[1]
    heads = [piece.options["args"] for piece in pieces(work) if piece.name == "TransformerBlock"]
    apply = apply_of(work)

    def one(params: Any, token: Any, caches: Any, at: Any) -> Any:
        y, caches = apply(params, token, caches, at)
        return y[0, -1].argmax(), caches

    compiled = jax.jit(one, donate_argnums=2)

    def written() -> list[int]:
        caches: Any = [[jnp.zeros((1, n, time, width // n)) for _ in range(2)] for width, n in heads]
        tokens = [1]
        for at in range(time):
            token, caches = compiled(params, jnp.array([tokens[-1:]]), caches, at)
            tokens.append(int(token))
        return tokens

    return written
