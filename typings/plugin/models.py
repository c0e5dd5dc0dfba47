"""Networks that `imports.py` uses from elsewhere."""

from funcnn import Array, Conv, Dense, Flatten, Layer, Relu, serial

WIDTH = 32
backbone = serial(Conv(8, (3, 3)), Relu, Flatten)
head = serial(
    Dense(WIDTH),
    Relu,
)
init, apply = serial(Flatten, Conv(1, (2, 2)))
spare = Dense(3)


def make(n: int) -> Layer[Array, Array]:
    """A factory: what it makes is its own affair."""
    return serial(Flatten, Conv(n, (2, 2)))


if WIDTH > 3:
    rebound = Conv(1, (2, 2))
else:
    rebound = Dense(3)
