"""Shapes that do not fit, told at the layer that is to blame."""

from typing import Final, Literal

from funcnn import (
    Conv, Dense, Dropout, Embedding, FanInConcat, FanInSum, FanOut, Flatten, Identity, Key, MaxPool, Relu, Tanh, first,
    keep, mlp, parallel, residual, select, serial, summary,
)  # fmt: skip

key = Key(0)

net = serial(
    Conv(32, (3, 3)),
    Relu,
    Flatten,
    Conv(8, (3, 3)),  # E[funcnn-shape]: channels), got (?, 21632) (input shape given on line 18)
)
net.init(key, (-1, 28, 28, 1))

init, apply = serial(
    Flatten,
    Conv(8, (3, 3)),  # E[funcnn-shape]: (input shape given on line 24)
)
init(key, (-1, 28, 28))

unpacked = serial(
    Flatten,
    Conv(8, (3, 3)),  # E[funcnn-shape]: on line 31)
)
unpacked_init, unpacked_apply = unpacked
unpacked_init(key, (-1, 28, 28))
again = serial(
    Flatten,
    Conv(8, (3, 3)),  # E[funcnn-shape]: on line 37)
)
alias = again
alias.init(key, (-1, 28, 28))
unpacked.init(key, (-1, 28, 28))  # of its layer it was said above

nested = serial(
    Dense(16),
    FanOut(2),
    parallel(
        serial(Dense(8), Relu),
        serial(
            Tanh,
            residual(Dense(8)),  # E[funcnn-shape]: residual adds arrays of one shape, got (?, 8) and (?, 16)
        ),
    ),
    FanInSum,
)
nested.init(key, (-1, 3))

deep = serial(serial(serial(serial(serial(serial(serial(serial(
    Flatten,
    Conv(1, (2, 2)),  # E[funcnn-shape]: got (?, 9)
))))))))  # fmt: skip
deep.init(key, (-1, 3, 3))

sums = serial(
    FanOut(2),
    parallel(Dense(3), Dense(4)),
    FanInSum,  # E[funcnn-shape]: FanInSum adds arrays of one shape, got (?, 3) and (?, 4)
)
sums.out_shape((-1, 7))

joined = serial(FanOut(3), parallel(Dense(3), Dense(4), Identity), FanInConcat(), Dense(2))
joined.init(key, (-1, 7))

block = residual(Dense(4))
serial(Dense(4), block).init(key, (-1, 3))
serial(Dense(5), block).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 4) and (?, 5)

serial(Dense(3), residual(mlp((8, 4)))).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 4) and (?, 3)
serial(Embedding(100, 8), Dense(3)).init(key, (-1, 5))
serial(Embedding(100, 8), Flatten, Conv(1, (2, 2))).init(key, (-1, 5))  # E[funcnn-shape]: got (?, 40)
parts = serial(FanOut(2), first(Flatten), keep(select(1)), select(0), Conv(1, (2, 2)))
parts.init(key, (-1, 5, 5))  # E[funcnn-shape]: got (?, 5, 5)

# `>>` is spliced, and told at its operands
chained = (
    Flatten
    >> Conv(8, (3, 3))  # E[funcnn-shape]: got (?, 784)
    >> Dense(3)
)
chained.init(key, (-1, 28, 28))
(Relu >> Flatten >> Conv(1, (2, 2))).init(key, (2, 3))  # E[funcnn-shape]: got (2, 3)

# names stay names
serial(Flatten, Conv(1, (2, 2)).named("late"), Dense(2)).init(key, (2, 3))  # E[funcnn-shape]: got (2, 3)
encoder = serial(Flatten, Conv(1, (2, 2))).named("encoder")  # E[funcnn-shape]: (input shape given on line 92)
serial(encoder, Dense(2)).init(key, (2, 3))

# sizes that params need
serial(Flatten, Dense(3)).init(key, (-1, -1, 2))  # E[funcnn-shape]: w has shape (?, 3) where the network gets (?, ?, 2)
serial(Flatten, Dense(3)).out_shape((-1, -1, 2))
Dense(3).init(key, (2, 0))  # E[funcnn-shape]: dimension 1 of the shape (2, 0) is 0
Dense(3).init(key, (-1, 2.5))  # E[arg-type]: incompatible type "tuple[int, float]"

# what a value is known by
wrong = serial(Flatten, Conv(1, (2, 2)), Dense(3))  # E[funcnn-shape]: got (32, 784) (input shape given on line 104)
BATCH, SIZE = 32, 28
side = 4 * 7
wrong.init(key, (32, side, 28))
pooled = serial(MaxPool((2, 2), (2, 2)), Flatten, residual(Dense(side)))  # E[funcnn-shape]: got (?, 28) and (?, 196)
pooled.init(key, (-1, side, side, 1))
WIDTH: Final = 12
narrow: Literal[5] = 5
serial(Dense(WIDTH * 2), residual(Dense(25))).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 25) and (?, 24)
serial(Dense(narrow), residual(Dense(6))).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 6) and (?, 5)
serial(Dense(3), residual(Dense(units=4))).init(key, shape=(-1, 3))  # E[funcnn-shape]: got (?, 4) and (?, 3)
serial(*(Flatten, Conv(1, (2, 2)))).init(key, (2, 3))  # E[funcnn-shape]: got (2, 3)


def unknown_sizes(n: int, p: float, bias: bool, wide: Literal[4, 5], maybe: tuple[int, int] | None) -> None:
    """Ranks and the sizes that do not depend on what is unknown are known all the same."""
    serial(Dense(n), Relu, residual(Dense(3))).init(key, (2, 3))
    serial(Dense(n), Conv(1, (2, 2))).init(key, (2, 3))  # E[funcnn-shape]: got (2, ?)
    serial(Conv(n, (3, 3)), Flatten, Dense(10)).init(key, (-1, 2, 2, 1))  # E[funcnn-shape]: Conv
    serial(Conv(1, (3, 3)), Flatten).init(key, (-1, n, n, 1))
    serial(Flatten, Conv(1, (2, 2))).init(key, (n, 28, 28))  # E[funcnn-shape]: got (?, 784)
    serial(Dense(8), Dropout(p), residual(Dense(9))).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 9) and (?, 8)
    serial(Dense(wide), residual(Dense(5))).init(key, (-1, 3))
    serial(Dense(wide), residual(Dense(6))).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 6) and (?, 4)
    serial(Dense(wide), Flatten, Conv(1, (2, 2))).init(key, (n, 3))  # E[funcnn-shape]: got (?, 4)
    serial(FanOut(n), FanInSum, Conv(1, (2, 2))).init(key, (-1, 3))
    serial(Conv(1, (3, 3), maybe), Flatten, Conv(1, (3, 3))).init(key, (-1, 8, 8, 1))  # E[funcnn-shape]: got (?, ?)
    shape = (n, n, n)
    serial(Flatten, Conv(1, (2, 2))).init(key, shape)  # E[funcnn-shape]: got (?, ?)
    del bias


summary(unpacked, (2, 28))  # see the errors of `unpacked`

# an out-shape is a shape
out, params = serial(Dense(8), Relu).init(key, (-1, 3))
_, more = serial(Dense(8), residual(Dense(4))).init(key, out)  # E[funcnn-shape]: got (?, 4) and (?, 8)
residual(Dense(4)).init(key, Dense(8).out_shape((-1, 3)))  # E[funcnn-shape]: got (?, 4) and (?, 8)

silenced = serial(
    Flatten,
    Conv(8, (3, 3)),  # type: ignore[funcnn-shape]
)
silenced.init(key, (-1, 28, 28))
