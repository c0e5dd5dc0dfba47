"""An abstract base class whose property is the network."""

from abc import ABC, abstractmethod

from funcnn import Array, Dense, Key, Layer, residual, serial


class Base(ABC):
    width: int = 8

    @abstractmethod
    def body(self) -> Layer[Array, Array]: ...

    @property
    def net(self) -> Layer[Array, Array]:
        return serial(self.body(), residual(Dense(self.width)))  # guilty

    def run(self) -> None:
        self.net.init(Key(0), (-1, 3))


class Plain(Base):
    def body(self) -> Layer[Array, Array]:
        return Dense(self.width)


class Wide(Base):
    width = 16

    def body(self) -> Layer[Array, Array]:
        # wrong: return Dense(8)
        return Dense(self.width)


Plain().run()
Wide().run()
