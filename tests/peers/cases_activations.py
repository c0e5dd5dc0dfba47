"""Activations beside PyTorch's, and JAX's where PyTorch has none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tests.peers.case import Case, numbers

X = 6 * numbers(5, 8)
"""Between -6 and 6, off every kink."""


def of(name: str, **options: Any) -> Callable[[Any, Mapping[str, Any], Any], Any]:
    """The function of `torch.nn.functional` of this name."""
    return lambda torch, p, x: getattr(torch.nn.functional, name)(x, **options)


def grouped_maxima(torch: Any, p: Mapping[str, Any], x: Any) -> Any:
    return x.unflatten(-1, (4, 2)).amax(-1)


CASES = (
    Case("Tanh", X, lambda torch, p, x: torch.tanh(x)),
    Case("Relu", X, of("relu")),
    Case("Exp", X, lambda torch, p, x: torch.exp(x)),
    Case("Softplus", X, of("softplus", threshold=1e9), note="theirs is x beyond a threshold, 20"),
    Case("Sigmoid", X, lambda torch, p, x: torch.sigmoid(x)),
    Case("LogSigmoid", X, of("logsigmoid")),
    Case("Softsign", X, of("softsign")),
    Case("Sin", X, lambda torch, p, x: torch.sin(x)),
    Case("Square", X, lambda torch, p, x: torch.square(x)),
    Case("LeakyRelu", X, of("leaky_relu")),
    Case("leaky_relu(0.2)", X, of("leaky_relu", negative_slope=0.2)),
    Case("PRelu()", X, lambda torch, p, x: torch.nn.functional.prelu(x, p["slope"])),
    Case("Elu", X, of("elu")),
    Case("elu(2.0)", X, of("elu", alpha=2.0)),
    Case("Celu", X, of("celu")),
    Case("celu(0.5)", X, of("celu", alpha=0.5)),
    Case("Selu", X, of("selu")),
    Case("Relu6", X, of("relu6"), note="at 0 and 6 the derivative is 0 there, here the left one"),
    Case("HardTanh", X, of("hardtanh"), note="at -1 and 1 the derivative is 0 there, here the left one"),
    Case(
        "HardSigmoid", X, lambda jax, p, x: jax.nn.hard_sigmoid(x), "jax",
        note="PyTorch's derivative, in float64 too, is the sixth that float32 has",
    ),
    Case("HardSwish", X, of("hardswish"), note="at 3 the derivative is 1 there, here the left one, 1.5"),
    Case("Gelu", X, of("gelu", approximate="tanh"), note="the approximation, theirs is exact by default"),
    Case("gelu(exact=True)", X, of("gelu")),
    Case("Silu", X, of("silu")),
    Case("Mish", X, of("mish")),
    Case("GLU", X, of("glu")),
    Case("Maxout(2)", X, grouped_maxima),
    Case("Softmax", X, of("softmax", dim=-1)),
    Case("LogSoftmax", X, of("log_softmax", dim=-1)),
    Case("Softmin", X, of("softmin", dim=-1)),
    Case(
        "Sparsemax", X,
        lambda jax, p, x: jax.numpy.maximum(x - _threshold(jax, x), 0), "jax",
        note="JAX has none; it differentiates the formula",
    ),
)  # fmt: skip


def _threshold(jax: Any, x: Any) -> Any:
    """What is taken off, by sorting; JAX differentiates through it."""
    falling = -jax.numpy.sort(-x, axis=-1)
    sums = jax.numpy.cumsum(falling, axis=-1)
    counts = np.arange(1, x.shape[-1] + 1)
    k = jax.numpy.sum(1 + counts * falling > sums, axis=-1, keepdims=True)
    return (jax.numpy.take_along_axis(sums, k - 1, axis=-1) - 1) / k
