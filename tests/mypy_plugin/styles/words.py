"""A network in one line of text."""

from funcnn import Array, Dense, Key, Layer, Relu, residual, serial


def parse(words: list[str]) -> Layer[Array, Array]:
    match words:
        case ["dense", size]:
            return Dense(int(size))
        case ["res", size]:
            return residual(Dense(int(size)))  # guilty
        case ["relu"]:
            return Relu
        case _:
            raise ValueError(words)


# wrong: text = "dense 8,relu,res 7"
text = "dense 8,relu,res 8"
serial(*[parse(part.split()) for part in text.split(",")]).init(Key(0), (-1, 3))
