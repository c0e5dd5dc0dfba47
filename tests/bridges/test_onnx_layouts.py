"""How images lie in ONNX models: they are turned where somebody needs it, and as seldom as can be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import (
    GRU, AvgPool, BatchNorm, Conv, Conv1D, Conv3D, ConvTranspose, Dense, FanInConcat, FanInSum, FanOut,
    Flatten, GlobalAvgPool, GroupNorm, Identity, Last, Layer, MaxPool, Pad, PRelu, Relu, SumPool, Tanh, Transpose,
    Upsample, bidirectional, ensemble, map_over, parallel, residual, serial, split, stax,
)  # fmt: skip
from funcnn.testing import Case
from tests.bridges.onnx_runs import NEAR, difference, of_layer, ops, run

IMAGES, TURNED = (2, 6, 6, 2), (2, 2, 6, 6)
CHAINS: list[tuple[Layer[Any, Any], Any, int]] = [
    (serial(Conv(4, (3, 3)), Relu, Conv(3, (2, 2), (2, 2), "SAME"), MaxPool((2, 2)), AvgPool((1, 1)), Tanh), IMAGES, 2),
    (serial(Conv(4, (3, 3)), BatchNorm(), residual(serial(Conv(4, (3, 3), padding="SAME"), PRelu()))), IMAGES, 2),
    (serial(Conv(4, (3, 3)), Pad(((1, 1), (0, 2))), Upsample(2), split(2), FanInConcat()), IMAGES, 2),
    (serial(Conv(4, (3, 3)), GroupNorm(2), Relu, GlobalAvgPool, Dense(3)), IMAGES, 1),
    (serial(Conv(4, (3, 3)), GroupNorm(2, center=False, scale=False), Relu, GlobalAvgPool, Dense(3)), IMAGES, 1),
    (serial(Conv1D(4, 3), Relu, MaxPool((2,)), Flatten, Dense(3)), (2, 9, 2), 2),
    (serial(Dense(4), Relu, Dense(2)), (2, 3, 4), 0),
    (serial(Transpose((0, 2, 3, 1)), Conv(3, (2, 2)), Relu, Transpose((0, 3, 1, 2))), TURNED, 0),
    (stax.serial(stax.GeneralConv(("NCHW", "OIHW", "NCHW"), 3, (3, 3)), stax.MaxPool((2, 2), spec="NCHW")), TURNED, 0),
]


@pytest.mark.parametrize(("net", "shape", "turns"), CHAINS, ids=lambda part: repr(part)[:60])
def test_channels_are_turned_where_they_must(net: Layer[Any, Any], shape: Any, turns: int) -> None:
    """Once before a chain of convolutions and pools, once behind it, and not at all where nobody asks."""
    found = of_layer(net, shape)
    assert difference(found) < NEAR
    assert ops(found.model).count("Transpose") == turns


BORDERS: list[tuple[Layer[Any, Any], Any]] = [
    (MaxPool((2,), (2,), ((1, 3),), dilation=(3,)), (2, 5, 2)),
    (AvgPool((2,), (1,), ((2, 1),), dilation=(3,)), (2, 5, 2)),
    (SumPool((3, 1), (2, 3), ((3, 1), (0, 0)), dilation=(2, 1)), (2, 5, 4, 2)),
    (Conv(2, (2, 1), (2, 3), ((3, 4), (2, 5)), dilation=(2, 1)), (2, 1, 1, 2)),
    (ConvTranspose(2, (2, 2), (3, 1), ((0, -2), (1, 1)), dilation=(1, 3)), (2, 2, 3, 2)),
    (MaxPool((3, 2), (2, 5), "SAME", dilation=(2, 1)), (2, 7, 6, 2)),
    (AvgPool((3, 2), (2, 5), "SAME", dilation=(2, 1)), (2, 7, 6, 2)),
    (Conv3D(2, (1, 2, 3), (1, 2, 2), "SAME", dilation=(2, 1, 2), groups=2), (2, 2, 3, 4, 4)),
    (MaxPool((3, 2), (2, 3), "SAME"), (2, 7, 6, 2)),
    (MaxPool((1, 2), (3, 3), "SAME"), (2, 5, 7, 2)),
    (AvgPool((3, 2), (2, 3), "SAME"), (2, 7, 6, 2)),
    (SumPool((3, 2), (2, 3), "SAME"), (2, 7, 6, 2)),
    (Conv(2, (3, 1), (2, 2), "SAME", groups=2), (2, 7, 6, 2)),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("net", "shape"), BORDERS, ids=lambda part: repr(part)[:60])
def test_borders(net: Layer[Any, Any], shape: Any, dtype: str) -> None:
    """Wide ones, strides that leave pixels out, gaps in windows: whether sizes are known or not."""
    case = Case(net, shape, dtype=dtype)
    for wanted in (None, (-1,) * (len(shape) - 1) + shape[-1:]):
        assert difference(run(case, wanted, dtype=np.dtype(dtype))) < (NEAR if dtype == "float32" else 1e-12)


SEQUENCES = (2, 4, 4)
NETWORKS: list[tuple[Layer[Any, Any], Any]] = [
    (
        serial(Conv(3, (2, 2)), Transpose((0, 3, 1, 2)), Conv(2, (2, 2)), Transpose((0, 2, 3, 1)), Conv(2, (1, 1))),
        IMAGES,
    ),
    (serial(FanOut(2), parallel(Conv(2, (1, 1)), serial(Transpose((0, 3, 1, 2)), Conv(2, (1, 1))))), (2, 3, 3, 3)),
    (
        serial(
            FanOut(2),
            parallel(serial(Conv1D(4, 1), Transpose((0, 2, 1))), serial(Transpose((0, 2, 1)), Conv1D(4, 1))), FanInSum,
        ), SEQUENCES,
    ),
    (
        serial(Conv1D(4, 1), FanOut(2), parallel(serial(Transpose((0, 2, 1)), Conv1D(4, 1)), Dense(4)), FanInSum),
        SEQUENCES,
    ),
    (serial(Transpose((0, 2, 3, 1)), FanOut(2), parallel(Flatten, GlobalAvgPool)), IMAGES),
    (serial(Transpose((0, 2, 3, 1)), split(2, axis=1), parallel(Identity, Flatten)), IMAGES),
    (serial(Transpose((0, 2, 1)), bidirectional(GRU(2))), SEQUENCES),
    (parallel(Transpose((0, 2, 3, 1)), Transpose((0, 3, 1, 2))), (IMAGES, IMAGES)),
    (map_over(serial(Transpose((0, 2, 1)), Conv1D(2, 2))), (2, 4, 5, 3)),
    (ensemble(serial(Transpose((0, 2, 1)), Conv1D(2, 2)), 2), SEQUENCES),
    (serial(Transpose((0, 2, 1)), Pad(((1, 0), (0, 2))), Last), SEQUENCES),
]  # fmt: skip


@pytest.mark.parametrize(("net", "shape"), NETWORKS, ids=lambda part: repr(part)[:60])
def test_one_array_in_two_layouts(net: Layer[Any, Any], shape: Any) -> None:
    """What one part of a network turns is not turned for another."""
    assert difference(of_layer(net, shape)) < NEAR


STAX: list[tuple[Layer[Any, Any], Any]] = [
    (stax.GeneralConv(("NCHW", "OIHW", "NHWC"), 4, (3, 3), (2, 1), "SAME"), (2, 3, 6, 6)),
    (stax.GeneralConv(("NCHW", "OIHW", "NCHW"), 4, (3, 3), padding=((1, 0), (0, 2))), (2, 3, 6, 6)),
    (stax.GeneralConvTranspose(("NCHW", "OIHW", "NHWC"), 4, (3, 3), (2, 2), "SAME"), (2, 3, 5, 6)),
    (stax.ConvTranspose(4, (3, 2), (2, 3), [(1, 2), (1, 1)]), (2, 3, 5, 6)),
    (stax.Conv1DTranspose(4, (3,), (2,)), (2, 3, 5)),
    (stax.serial(stax.BatchNorm(axis=0), stax.Dense(2), stax.Relu), (5, 3)),
    (stax.BatchNorm(axis=(0, 2, 3), scale=False), (5, 3, 2, 2)),
    (stax.AvgPool((2, 2), padding="SAME", spec="NCWH"), (2, 3, 5, 6)),
    (stax.SumPool((2,), (2,)), (2, 5, 3)),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("net", "shape"), STAX, ids=lambda part: repr(part)[:60])
def test_stax(net: Layer[Any, Any], shape: Any, dtype: str) -> None:
    """Its layers, whatever the order of their axes."""
    found = run(Case(net, shape, dtype=dtype), dtype=np.dtype(dtype))
    assert difference(found) < (NEAR if dtype == "float32" else 1e-12)


def test_the_batch_comes_last() -> None:
    """Of arrays whose batch is another axis."""
    net = stax.GeneralConv(("CHWN", "IHWO", "WNHC"), 4, (3, 3))
    assert difference(run(Case(net, (3, 5, 6, 2), dtype="float32", batch_axis=3), (3, 5, 6, -1))) < NEAR
