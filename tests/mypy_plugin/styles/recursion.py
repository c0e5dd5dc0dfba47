"""A function that calls itself."""

from funcnn import Array, Dense, FanInConcat, FanOut, Key, Layer, Relu, parallel, residual, serial


def tree(depth: int, width: int) -> Layer[Array, Array]:
    if depth == 0:
        return serial(Dense(width), Relu)
    return serial(FanOut(2), parallel(tree(depth - 1, width), tree(depth - 1, width)), FanInConcat(-1))


# wrong: serial(tree(3, 4), residual(Dense(31))).init(Key(0), (-1, 5))
serial(tree(3, 4), residual(Dense(32))).init(Key(0), (-1, 5))  # guilty
