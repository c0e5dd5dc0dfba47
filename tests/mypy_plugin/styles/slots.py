"""Methods that make the parts of a network."""

from funcnn import Array, Dense, Key, Layer, residual, serial


class Holder:
    __slots__ = ("net", "width")

    def __init__(self, width: int = 5) -> None:
        self.width = width
        self.net = self._make()

    def _make(self) -> Layer[Array, Array]:
        return serial(Dense(self.width), residual(self._inner()))  # guilty

    def _inner(self) -> Layer[Array, Array]:
        # wrong: return Dense(self.width * 2)
        return Dense(self.width)


Holder().net.init(Key(0), (-1, 3))
