"""A table of functions without a name."""

from collections.abc import Callable

from funcnn import Array, Dense, Key, Layer, Relu, residual, serial

MAKERS: dict[str, Callable[[], Layer[Array, Array]]] = {
    "narrow": lambda: serial(Dense(4), Relu),
    "wide": lambda: serial(Dense(40), Relu),
}
for name, f in MAKERS.items():
    serial(f(), Dense(4)).init(Key(0), (-1, 2))
# wrong: serial(MAKERS["wide"](), residual(Dense(4))).init(Key(0), (-1, 2))
serial(MAKERS["wide"](), residual(Dense(40))).init(Key(0), (-1, 2))  # guilty
