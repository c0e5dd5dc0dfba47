"""Pools, and layers that resize, beside PyTorch's and JAX's.

PyTorch pads a pool alike on both sides; of equal pixels both take the first. Its mean counts the padding unless told
otherwise; ours never does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.peers.case import Case, numbers
from tests.peers.cases_conv import Peer, first, last

SERIES, IMAGES, VOLUMES = numbers(2, 9, 3), numbers(2, 7, 6, 2), numbers(1, 4, 5, 4, 2)
TIES = np.floor(numbers(2, 6, 5, 2) * 2) / 2


def pooled(name: str, *args: Any, **options: Any) -> Peer:
    """PyTorch's `max_pool` or `avg_pool` of as many axes."""

    def peer(torch: Any, p: Mapping[str, Any], x: Any) -> Any:
        return last(getattr(torch.nn.functional, f"{name}{x.ndim - 2}d")(first(x), *args, **options))

    return peer


def window(op: str, size: tuple[int, ...], strides: tuple[int, ...], padding: Any) -> Peer:
    """JAX's `reduce_window`, as stax uses it."""

    def peer(jax: Any, p: Mapping[str, Any], x: Any) -> Any:
        start, join = (-np.inf, jax.lax.max) if op == "max" else (0.0, jax.lax.add)
        pads = padding if isinstance(padding, str) else ((0, 0), *padding, (0, 0))

        def reduced(a: Any) -> Any:
            return jax.lax.reduce_window(a, np.array(start, a.dtype), join, (1, *size, 1), (1, *strides, 1), pads)

        y = reduced(x)
        return y / reduced(jax.numpy.ones_like(x)) if op == "mean" else y

    return peer


def padded(widths: tuple[int, ...], mode: str) -> Peer:
    """PyTorch's padding of the last axes, channels first."""

    def peer(torch: Any, p: Mapping[str, Any], x: Any) -> Any:
        return last(torch.nn.functional.pad(first(x), widths, mode))

    return peer


def resized(scale: int, mode: str) -> Peer:
    """PyTorch's `interpolate`."""

    def peer(torch: Any, p: Mapping[str, Any], x: Any) -> Any:
        options = {} if mode == "nearest" else {"align_corners": False}
        return last(torch.nn.functional.interpolate(first(x), scale_factor=scale, mode=mode, **options))

    return peer


def jax_resized(jax: Any, p: Mapping[str, Any], x: Any) -> Any:
    """JAX's, three and two times as large."""
    n, height, width, c = x.shape
    return jax.image.resize(x, (n, 3 * height, 2 * width, c), "bilinear")


CASES = (
    Case("MaxPool((2,), (2,))", SERIES, pooled("max_pool", 2)),
    Case("MaxPool((3,), (2,), ((1, 1),), dilation=(2,))", SERIES, pooled("max_pool", 3, 2, 1, dilation=2)),
    Case("MaxPool((2, 2), (2, 2))", IMAGES, pooled("max_pool", 2)),
    Case("MaxPool((3, 2), (1, 2), ((1, 1), (0, 0)))", IMAGES, pooled("max_pool", (3, 2), (1, 2), (1, 0))),
    Case("MaxPool((2, 3), (2, 1), 'SAME')", IMAGES, window("max", (2, 3), (2, 1), "SAME"), "jax"),
    Case("MaxPool((2, 2), (1, 2))", TIES, pooled("max_pool", 2, (1, 2)), note="ties: the first gets all, in both"),
    Case("MaxPool((2, 3, 2), (2, 1, 1))", VOLUMES, pooled("max_pool", (2, 3, 2), (2, 1, 1))),
    Case("AvgPool((3,), (2,))", SERIES, pooled("avg_pool", 3, 2)),
    Case(
        "AvgPool((3, 2), (2, 2), ((1, 1), (1, 1)))", IMAGES,
        pooled("avg_pool", (3, 2), 2, 1, count_include_pad=False), note="count_include_pad=False",
    ),
    Case("AvgPool((3, 3), (2, 1), 'SAME')", IMAGES, window("mean", (3, 3), (2, 1), "SAME"), "jax"),
    Case("AvgPool((2, 2, 3))", VOLUMES, pooled("avg_pool", (2, 2, 3), 1)),
    Case("SumPool((3,), (2,), 'SAME')", SERIES, window("sum", (3,), (2,), "SAME"), "jax"),
    Case("SumPool((2, 3), (1, 2), ((0, 1), (1, 0)))", IMAGES, window("sum", (2, 3), (1, 2), ((0, 1), (1, 0))), "jax"),
    Case("SumPool((2, 2, 2), (2, 2, 2))", VOLUMES, window("sum", (2, 2, 2), (2, 2, 2), "VALID"), "jax"),
    Case("GlobalAvgPool", IMAGES, lambda torch, p, x: torch.nn.functional.adaptive_avg_pool2d(first(x), 1).flatten(1)),
    Case("GlobalMaxPool", IMAGES, lambda torch, p, x: torch.nn.functional.adaptive_max_pool2d(first(x), 1).flatten(1)),
    Case("Upsample(2)", IMAGES, resized(2, "nearest")),
    Case("Upsample(3, 'bilinear')", numbers(2, 3, 4, 2), resized(3, "bilinear")),
    Case("Upsample((4,), 'bilinear')", SERIES, resized(4, "linear")),
    Case("Upsample(2, 'bilinear')", numbers(1, 2, 3, 2, 2), resized(2, "trilinear")),
    Case("Upsample((3, 2), 'bilinear')", numbers(2, 3, 4, 2), jax_resized, "jax"),
    Case("Pad(((1, 2), (0, 3)))", IMAGES, padded((0, 3, 1, 2), "constant")),
    Case("Pad(((1, 2), (0, 3)), 'reflect')", IMAGES, padded((0, 3, 1, 2), "reflect")),
    Case("Pad(((1, 2), (0, 3)), 'edge')", IMAGES, padded((0, 3, 1, 2), "replicate")),
)
