"""Networks of ours that the networks of `stax_networks.py` come over to."""

from __future__ import annotations

from typing import Final

from funcnn import (
    BatchNorm,
    Conv,
    ConvTranspose,
    Dense,
    FanInConcat,
    FanInSum,
    FanOut,
    Flatten,
    Identity,
    Relu,
    inference,
    parallel,
    serial,
    stax,
)
from tests.weights.cases import Case

CASES: Final[dict[str, Case]] = {
    "perceptron": Case(serial(Dense(4), Relu, Dense(3)), (-1, 5)),
    "images": Case(
        serial(Conv(4, (3, 3), (2, 2), "SAME"), Relu, Conv(2, (2, 2)), Flatten, Dense(3)), (-1, 7, 6, 2)
    ),
    "branches": Case(
        serial(
            Dense(4), FanOut(2), parallel(serial(Dense(3), Relu, Dense(4)), Identity), FanInSum, FanOut(2),
            parallel(Dense(2), Dense(3)), FanInConcat(),
        ),
        (-1, 5),
    ),
    "transposed": Case(serial(ConvTranspose(3, (3, 2), (2, 1), "SAME"), ConvTranspose(2, (2, 3))), (-1, 3, 4, 2)),
    "adapters": Case(
        serial(
            stax.GeneralConv(("NCHW", "OIHW", "NCHW"), 3, (2, 2)), stax.BatchNorm(axis=(0, 2, 3)),
            stax.GeneralConvTranspose(("NCHW", "OIHW", "NHWC"), 2, (3, 2), (2, 2), "SAME"),
        ),
        (-1, 2, 4, 5),
    ),
    "inside": Case(inference(serial(serial(Dense(3), Relu), Dense(2))), (-1, 4)),
    "norm": Case(serial(Dense(3), BatchNorm()), (-1, 4)),
}  # fmt: skip
