"""A typed dictionary as a configuration, merged with others."""

from typing import NotRequired, TypedDict

from funcnn import Array, Dense, Dropout, Key, Layer, Relu, residual, serial


class Opts(TypedDict):
    width: int
    drop: NotRequired[float]


def make(opts: Opts) -> Layer[Array, Array]:
    parts: list[Layer[Array, Array]] = [Dense(opts["width"]), Relu]
    if "drop" in opts:
        parts.append(Dropout(opts["drop"]))
    # wrong: parts.append(residual(Dense(opts["width"] - 1)))
    parts.append(residual(Dense(opts["width"])))  # guilty
    return serial(*parts)


config: Opts = {"width": 20, "drop": 0.1}
make(config).init(Key(0), (-1, 3))
make({**config, "width": 30}).init(Key(0), (-1, 3))
