"""A class of modules, with networks made by those below it."""

from funcnn import Array, Dense, Key, Layer, Params, Relu, residual, serial


class Module:
    """A small nn.Module."""

    net: Layer[Array, Array]
    params: Params

    def build(self, key: Key, shape: tuple[int, ...]) -> None:
        _, self.params = self.net.init(key, shape)

    def __call__(self, x: Array) -> Array:
        return self.net.apply(self.params, x)


class MLP(Module):
    def __init__(self, width: int) -> None:
        # wrong: self.net = serial(Dense(width), Relu, residual(Dense(width + 1)), Dense(3))
        self.net = serial(Dense(width), Relu, residual(Dense(width)), Dense(3))  # guilty


model = MLP(16)
model.build(Key(0), (-1, 4))
