"""Types that the plugin knows, and those it leaves alone."""

from typing import assert_type

from funcnn import Array, Conv, Dense, FanOut, Flatten, Key, Layer, Relu, parallel, serial
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


# the items of a shape are integers where the network gives an array, and shapes where it gives several
def headed(net: Layer[Array, Array], shape: Shape) -> Layer[Array, Array]:
    """A parameter of which nothing is known."""
    out, _ = net.init(Key(0), shape)
    print(net, out)
    return serial(net, Dense(out[-1] * 2))


def twice(net: Layer[Array, Array], shape: Shape) -> int:
    """Unpacked, too."""
    *_, width = net.out_shape(shape)
    *_, again = net.out_shape(shape)
    width = max(width, again) + 1
    return width * 2


def forked(net: Layer[Array, tuple[Array, Array]], shape: Shape) -> int:
    """The branches of a network have shapes."""
    left, right = net.out_shape(shape)
    whole = net.out_shape(shape)
    Dense(whole[0][-1]).init(Key(0), whole[1])
    return left[-1] + right[-1]


def walked(layers: list[Layer[Array, Array]], shape: Shape) -> Shape:
    """A variable that is bound again is a shape, of whatever kind."""
    for layer in layers:
        shape, _ = layer.init(Key(0), shape)
    either: Shape = layers[0].out_shape(shape)
    either = FanOut(2).out_shape(either)
    return either
