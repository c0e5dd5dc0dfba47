"""Types that the plugin knows, and those it leaves alone."""

from typing import assert_type

from funcnn import Conv, Dense, FanOut, Flatten, Key, Relu, parallel, serial
from funcnn.types import Shape

good = serial(Dense(4), Relu, Dense(2))
reveal_type(good.out_shape((-1, 3)))  # N: int, Literal[2]?]"
reveal_type(good.out_shape((7, 3)))  # N: "tuple[Literal[7]?, Literal[2]?]"
reveal_type(good.init(Key(0), (-1, 3))[0])  # N: int, Literal[2]?]"
reveal_type(serial(FanOut(2), parallel(Dense(2), Dense(3))).out_shape((-1, 4)))  # N: int, Literal[3]?]]"
reveal_type(serial(Conv(8, (3, 3)), Flatten).out_shape((-1, 28, 28, 1)))  # N: int, Literal[5408]?]"
out, params = good.init(Key(0), (-1, 3))
assert_type(out, tuple[int, int])
assert_type(good.out_shape((-1, 3)), tuple[int, int])
reveal_type(good.out_shape((-1, 3))[1])  # N: "Literal[2]?"
good.out_shape((-1, 3))[2]  # E[misc]: Tuple index out of range

# a narrower type must not refuse anything
shapes = [good.out_shape((-1, 3))]
shapes.append((1, 2, 3))
shape = good.out_shape((-1, 3))
for layer in (Flatten, Dense(3)):
    shape = layer.out_shape(shape)
table = {"a": good.out_shape((-1, 3))}
table["b"] = (1, 2, 3)
held = good.out_shape((-1, 3))
boxes = [held]
boxes.append((1, 2, 3))
declared: Shape = good.out_shape((-1, 3))
declared = (1, 2, 3)


class Holder:
    """Attributes are bound elsewhere."""

    def __init__(self) -> None:
        self.shape = good.out_shape((-1, 3))

    def grow(self) -> None:
        """Right, as an attribute is a shape."""
        self.shape = (1, 2, 3)
