"""Named tuples that are unpacked in a loop."""

from typing import NamedTuple

from funcnn import Array, Conv, Dense, Flatten, Key, Layer, Relu, residual, serial


class Stage(NamedTuple):
    channels: int
    blocks: int = 1


def resnet(stages: tuple[Stage, ...]) -> Layer[Array, Array]:
    net: Layer[Array, Array] = Conv(stages[0].channels, (3, 3), padding="SAME")
    for channels, blocks in stages:
        net = net >> Conv(channels, (1, 1))
        for _ in range(blocks):
            # wrong: net = net >> residual(serial(Conv(channels, (3, 3), padding="VALID"), Relu))
            net = net >> residual(serial(Conv(channels, (3, 3), padding="SAME"), Relu))  # guilty
    return net >> Flatten >> Dense(10)


resnet((Stage(4), Stage(8, 2))).init(Key(0), (-1, 16, 16, 3))
