"""The layers of `single.py` in PyTorch and JAX, by how they are written here: functions of the input and the params."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

Make = Callable[[Any], Callable[..., Any]]

POOLS = [((2, 2), (2, 2)), ((3, 3), (1, 1)), ((3, 3), (2, 2))]


def _written(kind: str, size: tuple[int, int], strides: tuple[int, int]) -> str:
    return f"{kind}({size})" if strides == (1, 1) else f"{kind}({size}, {strides})"


def _of_torch(f: Callable[..., Any]) -> Make:
    """A function of `torch.nn.functional` and more."""
    return lambda torch: lambda *args: f(torch.nn.functional, *args)


def _torch_pool(name: str, size: tuple[int, int], strides: tuple[int, int]) -> Make:
    return _of_torch(lambda F, x: getattr(F, name)(x, size, strides))


TORCH: Final[dict[str, Make]] = {
    "GlobalAvgPool": _of_torch(lambda F, x: x.mean((2, 3))),
    "GlobalMaxPool": _of_torch(lambda F, x: F.adaptive_max_pool2d(x, 1).flatten(1)),
    'Upsample(2, "bilinear")': _of_torch(lambda F, x: F.interpolate(x, scale_factor=2, mode="bilinear")),
    "ConvTranspose(64, (3, 3), (2, 2))": _of_torch(
        lambda F, x, w, b: F.conv_transpose2d(x, w.permute(3, 2, 0, 1), b, stride=2)
    ),
    "Softmax": _of_torch(lambda F, x: F.softmax(x, -1)),
    "LogSoftmax": _of_torch(lambda F, x: F.log_softmax(x, -1)),
    "softmax_cross_entropy": _of_torch(lambda F, x, t: F.cross_entropy(x, t)),
    "LayerNorm()": _of_torch(lambda F, x, w, b: F.layer_norm(x, x.shape[-1:], w, b)),
    "RMSNorm()": _of_torch(lambda F, x, w: F.rms_norm(x, x.shape[-1:], w, 1e-5)),
    "GroupNorm(8)": _of_torch(lambda F, x, w, b: F.group_norm(x, 8, w, b)),
    "InstanceNorm()": _of_torch(lambda F, x, w, b: F.instance_norm(x, None, None, w, b)),
    "BatchNorm()": _of_torch(lambda F, x, w, b: F.batch_norm(x, None, None, w, b, training=True)),
    "Embedding(1000, 128)": _of_torch(lambda F, x, w: F.embedding(x, w)),
    "Dropout(0.1)": _of_torch(lambda F, x: F.dropout(x, 0.1)),
    "Gelu": _of_torch(lambda F, x: F.gelu(x, approximate="tanh")),
    "Silu": _of_torch(lambda F, x: F.silu(x)),
    **{
        _written(kind, size, s): _torch_pool(f, size, s)
        for kind, f in (("MaxPool", "max_pool2d"), ("AvgPool", "avg_pool2d"))
        for size, s in POOLS
    },
}


def _pool(kind: str, size: tuple[int, int], strides: tuple[int, int]) -> Make:
    def make(jax: Any) -> Callable[..., Any]:
        first, f = (-math.inf, jax.lax.max) if kind == "MaxPool" else (0.0, jax.lax.add)
        share = 1 if kind == "MaxPool" else math.prod(size)
        return lambda x: jax.lax.reduce_window(x, first, f, (1, *size, 1), (1, *strides, 1), "VALID") / share

    return make


def _bilinear(jax: Any) -> Callable[..., Any]:
    return lambda x: jax.image.resize(x, (len(x), 2 * x.shape[1], 2 * x.shape[2], x.shape[3]), "bilinear")


def _standard(jax: Any, x: Any, axes: Any) -> Any:
    return (x - x.mean(axes, keepdims=True)) * jax.lax.rsqrt(x.var(axes, keepdims=True) + 1e-5)


def _grouped(jax: Any, x: Any, n: int) -> Any:
    return _standard(jax, x.reshape(*x.shape[:-1], n, -1), (1, 2, 4)).reshape(x.shape)


def _cross_entropy(jax: Any) -> Callable[..., Any]:
    return lambda x, t: -jax.numpy.take_along_axis(jax.nn.log_softmax(x), t[:, None], 1).mean()


def _dropout(jax: Any) -> Callable[..., Any]:
    return lambda x: x * jax.random.bernoulli(jax.random.PRNGKey(0), 0.9, x.shape) / 0.9


JAX: Final[dict[str, Make]] = {
    "GlobalAvgPool": lambda jax: lambda x: x.mean((1, 2)),
    "GlobalMaxPool": lambda jax: lambda x: x.max((1, 2)),
    'Upsample(2, "bilinear")': _bilinear,
    "ConvTranspose(64, (3, 3), (2, 2))": lambda jax: (
        lambda x, w, b: jax.lax.conv_transpose(x, w, (2, 2), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")) + b
    ),
    "Softmax": lambda jax: jax.nn.softmax,
    "LogSoftmax": lambda jax: jax.nn.log_softmax,
    "softmax_cross_entropy": _cross_entropy,
    "LayerNorm()": lambda jax: lambda x, w, b: _standard(jax, x, -1) * w + b,
    "RMSNorm()": lambda jax: lambda x, w: x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-5) * w,
    "GroupNorm(8)": lambda jax: lambda x, w, b: _grouped(jax, x, 8) * w + b,
    "InstanceNorm()": lambda jax: lambda x, w, b: _standard(jax, x, (1, 2)) * w + b,
    "BatchNorm()": lambda jax: lambda x, w, b: _standard(jax, x, 0) * w + b,
    "Embedding(1000, 128)": lambda jax: lambda x, w: w[x],
    "Dropout(0.1)": _dropout,
    "Gelu": lambda jax: jax.nn.gelu,
    "Silu": lambda jax: jax.nn.silu,
    **{_written(kind, size, s): _pool(kind, size, s) for kind in ("MaxPool", "AvgPool") for size, s in POOLS},
}
