"""Windows, groups and padding: what does not fit is told at the layer, what is not known is not."""

from typing import Any

from funcnn import (
    AvgPool, Conv, Conv1D, Conv1DTranspose, Conv3D, ConvTranspose, GlobalAvgPool, GlobalMaxPool, Key, MaxPool, Pad,
    Relu, SumPool, Upsample, serial, stax,
)  # fmt: skip

key = Key(0)

ranks = serial(
    Conv1D(4, 3, padding="CAUSAL"),
    Relu,
    Conv(4, (3, 3)),  # E[funcnn-shape]: Conv takes (batch, height, width, channels), got (?, 100, 4)
)
ranks.init(key, (-1, 100, 2))

volumes = serial(
    Conv3D(4, (2, 2, 2), (2, 2, 2)),
    MaxPool((2, 2)),  # E[funcnn-shape]: MaxPool takes (batch, height, width, channels), got (?, 4, 4, 4, 4)
)
volumes.init(key, (-1, 8, 8, 8, 1))

larger = serial(
    Conv1D(4, 3, dilation=4),
    Conv1D(4, 3, dilation=8),  # E[funcnn-shape]: the window (3,) with dilation (8,) of Conv1D is larger
)
larger.init(key, (-1, 24, 2))

shared = serial(
    Conv(6, (3, 3)),
    Conv(8, (3, 3), groups=4),  # E[funcnn-shape]: the 6 channels of the input (?, 26, 26, 6) are not divisible
)
shared.init(key, (-1, 28, 28, 1))

nothing = serial(
    ConvTranspose(3, (2, 2), (2, 2), "SAME"),
    Conv1DTranspose(3, 2),  # E[funcnn-shape]: Conv1DTranspose takes (batch, time, channels)
)
nothing.out_shape((-1, 4, 4, 1))

alone = serial(
    AvgPool((2,), (1,), ((3, 0),), dilation=(2,)),  # E[funcnn-shape]: lies in the padding alone
    GlobalAvgPool,
)
alone.out_shape((-1, 5, 2))

flat = serial(
    GlobalMaxPool,
    SumPool((2,)),  # E[funcnn-shape]: SumPool takes (batch, time, channels), got (?, 3)
)
flat.out_shape((-1, 8, 3))

mirrored = serial(
    Upsample(2),
    Pad(((8, 0),), "reflect"),  # E[funcnn-shape]: Pad reflects at most 7 pixels of an axis of 8
)
mirrored.out_shape((-1, 4, 3))

adapted = serial(
    stax.Dense(3),
    stax.Conv(3, (2, 2)),  # E[funcnn-shape]: Conv takes (batch, height, width, channels), got (?, 3)
)
adapted.init(key, (-1, 4))

turned = serial(
    stax.ConvTranspose(3, (2, 2)),
    Conv(1, (20, 2)),  # E[funcnn-shape]: the window (20, 2) of Conv is larger than the image (4, 4)
)
turned.init(key, (2, 3, 3, 1))

first = serial(
    stax.GeneralConv(("NCHW", "OIHW", "NCHW"), 8, (3, 3)),
    stax.MaxPool((40, 2), spec="NCHW"),  # E[funcnn-shape]: MaxPool
)
first.init(key, (-1, 3, 28, 28))

Conv(4, (3, 3), groups=3)  # E[funcnn-value]: channels must be divisible by groups, got channels=4, groups=3
Conv(4, (3, 3), dilation=(0, 1))  # E[funcnn-value]: dilation
Conv(4, (3, 3), padding=((1, -1), (0, 0)))  # E[funcnn-value]: padding is not negative
Conv1D(4, 0)  # E[funcnn-value]: filter_shape must be an integer of at least 1
MaxPool(())  # E[funcnn-value]: window_shape
Upsample(0)  # E[funcnn-value]: scale
Pad(((1, -1),))  # E[funcnn-value]: widths must be pairs
stax.Dropout(0.0)  # E[funcnn-value]: probability of keeping

# what is known of shapes is told, whatever is not known elsewhere
reveal_type(Conv1D(4, 3, 2, "CAUSAL").out_shape((-1, 100, 2)))  # N: int, Literal[50]?, Literal[4]?]


def unknown(n: int, pads: tuple[int, int], size: tuple[int, int], steps: list[int], anything: Any) -> None:
    """Nobody knows: nothing is said."""
    serial(Conv(4, (n, n)), Conv(4, (3, 3))).init(key, (-1, 8, 8, 1))
    serial(Conv(n, (3, 3)), Conv(4, (3, 3), groups=4)).init(key, (-1, 8, 8, 1))
    serial(Conv1D(4, 3, n), Conv1D(4, 3, dilation=2)).init(key, (-1, 9, 1))
    serial(Conv1D(4, 3, padding=pads), Conv1D(4, 100)).init(key, (-1, 9, 1))
    serial(Conv(4, size), MaxPool((2, 2))).init(key, (-1, 2, 2, 1))
    serial(Conv(4, (3, 3), groups=n)).init(key, (-1, 8, 8, 6))
    serial(Conv(n, (3, 3), groups=3)).init(key, (-1, 8, 8, 6))
    serial(ConvTranspose(4, (n, 2), (2, n), "SAME"), Conv(1, (1, 90))).init(key, (-1, 8, 8, 6))
    serial(
        ConvTranspose(4, (n, 2), (2, n), "SAME"),
        Conv(1, (90, 1)),  # E[funcnn-shape]: larger than the image (16, ?)
    ).init(key, (-1, 8, 8, 6))
    serial(stax.Conv(4, steps, steps), MaxPool((2, 2))).init(key, (-1, 2, 2, 1))
    serial(MaxPool(anything), MaxPool((2, 2))).init(key, (-1, 2, 2, 1))
    serial(Upsample(n, "bilinear"), Pad(((n, 1),), "edge"), Conv1D(1, 50)).init(key, (-1, 8, 6))
    Conv(n, (3, 3), groups=n)
