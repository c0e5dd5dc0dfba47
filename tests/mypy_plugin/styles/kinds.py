"""Configurations told apart by their class."""

from dataclasses import dataclass
from funcnn import Array, Conv, Dense, Flatten, Key, Layer, serial


@dataclass(frozen=True)
class ConvCfg:
    channels: int


@dataclass(frozen=True)
class DenseCfg:
    units: int


def make(cfg: ConvCfg | DenseCfg) -> Layer[Array, Array]:
    if isinstance(cfg, ConvCfg):
        return Conv(cfg.channels, (3, 3))
    return Dense(cfg.units)


# wrong: serial(Flatten, make(ConvCfg(4))).init(Key(0), (-1, 8, 8, 1))
serial(Flatten, make(DenseCfg(4))).init(Key(0), (-1, 8, 8, 1))  # guilty
