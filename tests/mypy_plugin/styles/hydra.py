"""Nested dataclasses as a configuration, and a function that builds what they say."""

from __future__ import annotations

from dataclasses import dataclass, field

from funcnn import Array, Dense, Key, Layer, Relu, residual, serial


@dataclass
class ModelConfig:
    width: int = 64
    depth: int = 2
    # wrong: skip: int = 65
    skip: int = 64


@dataclass
class Config:
    model: ModelConfig = field(default_factory=ModelConfig)
    seed: int = 0


def instantiate(cfg: ModelConfig) -> Layer[Array, Array]:
    blocks: list[Layer[Array, Array]] = []
    for i in range(cfg.depth):
        blocks.append(residual(serial(Dense(cfg.width), Relu, Dense(cfg.skip))))  # guilty
    return serial(Dense(cfg.width), *blocks, Dense(10))


def main(cfg: Config) -> None:
    net = instantiate(cfg.model)
    _, params = net.init(Key(cfg.seed), (-1, 784))
    print(params)


if __name__ == "__main__":
    main(Config())
