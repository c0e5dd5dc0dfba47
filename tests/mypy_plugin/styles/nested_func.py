"""Functions in functions."""

from funcnn import Array, Dense, Key, Layer, LayerNorm, Relu, residual, serial


def encoder(width: int, depth: int) -> Layer[Array, Array]:
    def block(i: int) -> Layer[Array, Array]:
        hidden = width * 2**i
        # wrong: return residual(serial(LayerNorm(), Dense(hidden), Relu, Dense(hidden)))
        return residual(serial(LayerNorm(), Dense(hidden), Relu, Dense(width)))  # guilty

    return serial(Dense(width), *(block(i) for i in range(1, depth)))


encoder(8, 3).init(Key(0), (-1, 5))
