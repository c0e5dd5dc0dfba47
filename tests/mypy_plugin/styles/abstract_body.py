"""A method that subclasses write."""

from abc import ABC, abstractmethod
from funcnn import Array, Dense, Key, Layer, residual, serial


class Base(ABC):
    width: int

    @abstractmethod
    def body(self) -> Layer[Array, Array]: ...
    def build(self) -> Layer[Array, Array]:
        return serial(Dense(self.width), self.body())


class Wide(Base):
    width = 8

    def body(self) -> Layer[Array, Array]:
        # wrong: return residual(Dense(self.width * 2))
        return residual(Dense(self.width))  # guilty


Wide().build().init(Key(0), (-1, 3))
