"""JAX on networks of convolutions, residual ones too: the same layers with the same params, the whole step compiled."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from jax_peer import training_step
from residual_reading import read, windows
from works import Work

from funcnn import Layer
from funcnn.networks.surgery import children_of

Step = Callable[[], object]


def function(layer: Layer[Any, Any], shape: tuple[Any, ...], training: bool) -> Callable[[Any, Any], Any]:
    """The same network as a function of params and input, axes as ours."""
    jax: Any = importlib.import_module("jax")
    jnp: Any = importlib.import_module("jax.numpy")
    name, given = read(layer)
    children = children_of(layer)
    if name == "serial":
        parts = []
        for key, child in children.items():
            parts.append((key, function(child, shape, training)))
            shape = child.out_shape(shape)

        def in_series(p: Any, x: Any) -> Any:
            for key, part in parts:
                x = part(p.get(key, {}), x)
            return x

        return in_series
    if name == "residual":
        ((key, child),) = children.items()
        inner = function(child, shape, training)
        return lambda p, x: x + inner(p[key], x)
    if name.startswith("Conv"):
        return _jax_convolution(jax, name, windows(given, shape), shape)
    if name == "Dense":
        return lambda p, x: x @ p["w"] + p["b"]
    if name == "BatchNorm":

        def norm(p: Any, x: Any) -> Any:
            axes = tuple(range(x.ndim - 1))
            mean, var = (x.mean(axes), x.var(axes)) if training else (p["mean"], p["var"])
            return (x - mean) * jax.lax.rsqrt(var + 1e-5) * p["scale"] + p["offset"]

        return norm
    if name == "MaxPool":
        window, strides = (1, *given["window_shape"], 1), (1, *given["strides"], 1)
        return lambda p, x: jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, strides, "VALID")
    if name == "GlobalAvgPool":
        return lambda p, x: x.mean(tuple(range(1, x.ndim - 1)))
    return lambda p, x: jax.nn.relu(x)  # the derivative at 0 is 0, that of jnp.maximum a half


def _jax_convolution(jax: Any, name: str, how: dict[str, Any], shape: tuple[Any, ...]) -> Callable[[Any, Any], Any]:
    letters = "DHW"[3 - (len(shape) - 2) :]
    form = (f"N{letters}C", f"{letters}IO", f"N{letters}C")
    if name == "ConvTranspose":
        pads = [(k - 1 - a, k - 1 - b) for k, (a, b) in zip(how["size"], how["pads"], strict=True)]
        options: dict[str, Any] = {"window_strides": (1,) * len(pads), "lhs_dilation": how["strides"]}
    else:
        pads, options = how["pads"], {"window_strides": how["strides"], "rhs_dilation": how["dilation"]}
    turned = name == "ConvTranspose"

    def convolve(p: Any, x: Any) -> Any:
        w = p["w"]
        if turned:
            w = w[::-1, ::-1]
        y = jax.lax.conv_general_dilated(
            x, w, padding=pads, dimension_numbers=form, feature_group_count=how["groups"], **options
        )
        return y + p["b"] if "b" in p else y

    return convolve


def jax_loss(work: Work) -> tuple[Any, Any, Any]:
    jax: Any = importlib.import_module("jax")
    jnp: Any = importlib.import_module("jax.numpy")
    x, y = (jnp.asarray(a) for a in work.data())
    params = jax.tree.map(jnp.asarray, work.net.init(0, work.shape)[1].to_dict())
    apply = function(work.net, work.shape, work.training)

    def loss(p: Any) -> Any:
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(apply(p, x)), y[:, None], 1))

    return loss, params, jax.jit(lambda p: apply(p, x))


def jax_step(work: Work) -> Step:
    jax: Any = importlib.import_module("jax")
    loss, params, forward = jax_loss(work)
    if not work.training:
        return lambda: jax.block_until_ready(forward(params))
    return training_step(work, loss, params)
