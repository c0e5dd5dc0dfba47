"""Windows as people write them, and stax's names, which every type checker has to let through."""

from collections.abc import Sequence

import numpy as np

from funcnn import (
    Array, AvgPool, Conv, Conv1D, Conv1DTranspose, Conv3D, Conv3DTranspose, ConvTranspose, Flatten, GlobalAvgPool, Key,
    Layer, MaxPool, Pad, Relu, SumPool, Upsample, serial, stax,
)  # fmt: skip

key = Key(0)

# numbers and tuples of one for sequences; names and pairs of padding
serial(
    Conv1D(4, 3, 2, "CAUSAL", dilation=2), Conv1D(4, (3,), (1,), (1, 1)), Conv1D(4, 1, padding=((0, 1),), groups=2),
    Conv1DTranspose(4, 4, 2, "SAME"), MaxPool((2,), (2,), ((1, 0),)), Upsample(2, "bilinear"), GlobalAvgPool,
).init(key, (-1, 32, 2))  # fmt: skip
serial(
    Conv(8, (3, 3), (2, 2), ((1, 0), (1, 0)), bias=False), Conv(8, (3, 3), padding="SAME", groups=8), Relu,
    ConvTranspose(4, (2, 2), (2, 2), ((0, -1), (0, -1)), dilation=(1, 2)), AvgPool((2, 2), padding="SAME"),
    SumPool((2, 2), dilation=(2, 1)), Pad(((1, 1), (1, 1)), "reflect"), Flatten,
).init(key, (-1, 16, 16, 3))  # fmt: skip
serial(Conv3D(2, (2, 2, 2), dilation=(1, 1, 2)), Conv3DTranspose(2, (2, 2, 2)), MaxPool((2, 2, 2))).init(
    key, (-1, 4, 5, 6, 1)
)


# stax
def drawn(key: Key, shape: Sequence[int]) -> Array:
    """An initializer of a stax program."""
    return key.generator().normal(size=tuple(shape)).astype(np.float32)


ported: Layer[Array, Array] = stax.serial(
    stax.Conv(4, [3, 3], [1, 1], "SAME", stax.glorot_normal(), drawn),
    stax.Relu,
    stax.MaxPool((2, 2), strides=(2, 2), spec="NHWC"),
    stax.GeneralConv(("NHWC", "HWIO", "NHWC"), 4, (2, 2), None, [(0, 1), (0, 1)], drawn, stax.randn(1.0)),
    stax.Flatten,
    stax.Dense(out_dim=3, W_init=stax.randn(), b_init=stax.zeros),
    stax.Dropout(0.9, mode="train"),
    stax.LogSoftmax,
)
init_fun, apply_fun = ported
_, params = init_fun(key, (-1, 8, 8, 1))
apply_fun(params, np.zeros((2, 8, 8, 1), np.float32), rng=key)
