"""Networks of convolutions that are no plain row of them: residual nets, depthwise and grouped windows, other axes."""

from __future__ import annotations

from typing import Any

from works import Work, Works, classifier

from funcnn import (
    BatchNorm, Conv, Conv1D, Conv3D, ConvTranspose, Dense, GlobalAvgPool, Layer, MaxPool, Relu, momentum, residual,
    serial, softmax_cross_entropy,
)  # fmt: skip


def resnet(channels: int = 64, batch: int = 32) -> Work:
    """32x32x3, Conv 3x3 and BatchNorm, two residual blocks, mean, Dense10; cross-entropy, momentum."""

    def block() -> Layer[Any, Any]:
        return residual(serial(*_normed(channels), Relu, *_normed(channels)))

    net = serial(*_normed(channels), Relu, block(), Relu, block(), Relu, GlobalAvgPool, Dense(10))
    return Work(net, (batch, 32, 32, 3), softmax_cross_entropy, momentum(0.1, 0.9), 10)


def _normed(channels: int) -> tuple[Layer[Any, Any], Layer[Any, Any]]:
    return Conv(channels, (3, 3), padding="SAME", bias=False), BatchNorm()


def _between(*layers: Layer[Any, Any]) -> Layer[Any, Any]:
    """These, behind a pointwise layer, so that a training step has a cotangent for their input, and before the mean."""
    pointwise = {3: Conv1D(64, 1), 4: Conv(64, (1, 1)), 5: Conv3D(16, (1, 1, 1))}
    kinds = {"Conv1D": 3, "Conv3D": 5}
    first = pointwise[kinds.get(str(layers[0].init.record.name), 4)]  # type: ignore[union-attr]
    return serial(first, Relu, *[part for layer in layers for part in (layer, Relu)], GlobalAvgPool, Dense(10))


def _depthwise(stride: int) -> Layer[Any, Any]:
    return Conv(64, (3, 3), (stride, stride), "SAME" if stride == 1 else ((1, 1), (1, 1)), groups=64)


FIRST: Works = {"resnet": resnet}
"""What the library is tuned on."""

SECOND: Works = {
    "resnet, 32 channels": lambda: resnet(32),
    "resnet, 128 channels, batch 5": lambda: resnet(128, 5),
    "1-d": lambda: classifier(_between(Conv1D(64, 3, padding="SAME"), Conv1D(64, 5, 2)), 32, 256, 16),
    "1-d, dilation 4": lambda: classifier(_between(Conv1D(64, 3, padding="CAUSAL", dilation=4)), 32, 256, 16),
    "depthwise": lambda: classifier(_between(_depthwise(1)), 32, 28, 28, 16),
    "depthwise, stride 2": lambda: classifier(_between(_depthwise(2)), 32, 28, 28, 16),
    "4 groups": lambda: classifier(_between(Conv(64, (3, 3), padding="SAME", groups=4)), 32, 28, 28, 16),
    "stride 2": lambda: classifier(_between(Conv(64, (3, 3), (2, 2), ((1, 1), (1, 1)))), 32, 28, 28, 16),
    "dilation 2": lambda: classifier(_between(Conv(64, (3, 3), padding="SAME", dilation=(2, 2))), 32, 28, 28, 16),
    "3-d": lambda: classifier(_between(Conv3D(32, (3, 3, 3), padding="SAME")), 8, 16, 16, 16, 4),
    "transposed, stride 2": lambda: classifier(
        _between(ConvTranspose(32, (4, 4), (2, 2), ((1, 1), (1, 1)))), 32, 14, 14, 16
    ),
    "pool 2": lambda: classifier(_between(MaxPool((2, 2), (2, 2))), 32, 28, 28, 16),
}
"""What it is not tuned on."""
