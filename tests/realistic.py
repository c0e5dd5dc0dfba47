"""Networks as people build them: images, tokens, several inputs, nested parts; with params and inputs that fit."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from funcnn import (
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Embedding,
    FanInConcat,
    FanInSum,
    FanOut,
    Flatten,
    Gelu,
    Layer,
    LayerNorm,
    MaxPool,
    Params,
    Relu,
    Tanh,
    calibrate,
    parallel,
    residual,
    serial,
)


class Case(NamedTuple):
    """A network, its params, and an input that fits."""

    net: Layer[Any, Any]
    params: Params
    x: Any


def _floats(*shape: int) -> Any:
    return np.random.default_rng(len(shape)).normal(size=shape).astype(np.float32)


def _case(net: Layer[Any, Any], shape: Any, x: Any) -> Case:
    return Case(net, net.init(0, shape)[1], x)


_body = serial(FanOut(2), parallel(serial(Dense(6), Dropout(0.5)), Dense(6)), FanInSum)
_block = serial(Conv(4, (3, 3), padding="SAME"), BatchNorm(), Relu)

_IMAGES: Final = _case(
    serial(Conv(4, (3, 3)), BatchNorm(), Relu, residual(_block), MaxPool((2, 2), (2, 2)), Flatten, Dense(5)),
    (-1, 8, 8, 3), _floats(4, 8, 8, 3),
)  # fmt: skip
IMAGES: Final = _IMAGES._replace(params=calibrate(_IMAGES.net, _IMAGES.params, [_IMAGES.x]))
TOKENS: Final = _case(
    serial(Embedding(11, 4), residual(serial(LayerNorm(), Dense(8), Gelu, Dense(4))), Flatten, Dense(3).named("head")),
    (-1, 6), np.arange(24).reshape(4, 6) % 11,
)  # fmt: skip
SIDES: Final = _case(
    serial(parallel(serial(Dense(4), Tanh), Dense(4).named("right")), FanInConcat(), Dense(2)),
    ((-1, 3), (-1, 2)), (_floats(4, 3), _floats(4, 2)),
)  # fmt: skip
NESTED: Final = _case(
    serial(Dense(8), _body.named("body"), Dense(2)),
    (-1, 3), _floats(4, 3),
)  # fmt: skip
CASES: Final = {"images": IMAGES, "tokens": TOKENS, "sides": SIDES, "nested": NESTED}
