"""An object that is called."""

from funcnn import Array, Dense, Key, Layer, residual, serial


class Factory:
    def __init__(self, width: int) -> None:
        self.width = width

    def __call__(self, extra: int = 0) -> Layer[Array, Array]:
        return serial(Dense(self.width), residual(Dense(self.width + extra)))  # guilty


make = Factory(6)
# wrong: make(1).init(Key(0), (-1, 4))
make(0).init(Key(0), (-1, 4))
