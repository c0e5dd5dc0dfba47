"""What is measured: a workload is a network, a batch, a loss and an optimizer. Adding one is a short function.

The peers build the same network from this one: a layer is data. See `peers.py` for the layers they know.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from funcnn import (
    Conv, Dense, Flatten, Layer, MaxPool, Relu, Sigmoid, adam, mlp as perceptron, momentum, serial, sgd,
    softmax_cross_entropy, squared_error, sum_squared_error,
)  # fmt: skip


class Work(NamedTuple):
    """`net` on a batch of `shape`. `classes` is how many labels there are; 0 for targets that are numbers."""

    net: Layer[Any, Any]
    shape: tuple[int, ...]
    loss: Any
    optimizer: Any
    classes: int = 0
    dtype: Any = np.float32
    training: bool = True  # whether a training step is measured, or a forward pass

    def data(self) -> tuple[Any, Any]:
        """Random inputs and targets, always the same."""
        rng = np.random.default_rng(0)
        x = rng.random(self.shape).astype(self.dtype)
        if self.classes:
            return x, rng.integers(0, self.classes, self.shape[0])
        out: Any = self.net.out_shape(self.shape)
        return x, rng.random(out).astype(self.dtype)


def classifier(
    net: Layer[Any, Any], *shape: int, classes: int = 10, dtype: Any = np.float32, training: bool = True
) -> Work:
    """Cross-entropy and Adam."""
    return Work(net, shape, softmax_cross_entropy, adam(1e-3), classes, dtype, training)


def xor() -> Work:
    """3-4-1 sigmoid, 4 rows, sum of squares, gradient descent: nothing but call overhead."""
    return Work(serial(Dense(4), Sigmoid, Dense(1), Sigmoid), (4, 3), sum_squared_error, sgd(0.1))


def mlp() -> Work:
    """784-512-512-10 ReLU, batch 128, cross-entropy, Adam."""
    return classifier(perceptron((512, 512, 10)), 128, 784)


def _cnn(first: int, second: int, window: int = 3, strides: Any = None, padding: Any = "VALID") -> Layer[Any, Any]:
    windows = (window, window)
    return serial(
        Conv(first, windows, strides, padding), Relu, Conv(second, windows, strides, padding), Relu,
        MaxPool((2, 2), (2, 2)), Flatten, Dense(128), Relu, Dense(10),
    )  # fmt: skip


def cnn() -> Work:
    """28x28x1, Conv32 3x3, ReLU, Conv64 3x3, ReLU, MaxPool2, Dense128, ReLU, Dense10; batch 64, cross-entropy, Adam."""
    return classifier(_cnn(32, 64), 64, 28, 28, 1)


Works = dict[str, Callable[[], Work]]

FIRST: Works = {"xor": xor, "mlp": mlp, "cnn": cnn}
"""What the library is tuned on."""

SECOND: Works = {
    "mlp 300-100-10, batch 32": lambda: classifier(perceptron((100, 10)), 32, 300),
    "mlp 1000-1000-1000-10, batch 256": lambda: classifier(perceptron((1000, 1000, 10)), 256, 1000),
    "mlp 64-64-64-1, batch 8, momentum": lambda: Work(
        perceptron((64, 64, 1)), (8, 64), squared_error, momentum(0.01, 0.9)
    ),
    "mlp in float64": lambda: classifier(perceptron((512, 512, 10)), 128, 784, dtype=np.float64),
    "cnn 5x5": lambda: classifier(_cnn(32, 64, 5), 64, 28, 28, 1),
    "cnn stride 2": lambda: classifier(_cnn(32, 64, 3, (2, 2)), 64, 28, 28, 1),
    "cnn SAME, 3 channels": lambda: classifier(_cnn(32, 64, 3, None, "SAME"), 64, 28, 28, 3),
    "cnn 96 and 192 channels, 16x16": lambda: classifier(_cnn(96, 192), 64, 16, 16, 1),
    "cnn batch 7": lambda: classifier(_cnn(32, 64), 7, 28, 28, 1),
    "mlp inference, batch 1": lambda: classifier(perceptron((512, 512, 10)), 1, 784, training=False),
    "mlp inference, batch 512": lambda: classifier(perceptron((512, 512, 10)), 512, 784, training=False),
    "cnn inference, batch 1": lambda: classifier(_cnn(32, 64), 1, 28, 28, 1, training=False),
    "cnn inference, batch 512": lambda: classifier(_cnn(32, 64), 512, 28, 28, 1, training=False),
}
"""What it is not tuned on."""
