"""Layers whose rule another library derives: nothing is known behind them, everything in front of them."""

from funcnn import Array, Conv, Dense, Key, Layer, Shape, Spec, Tree, layer, serial
from funcnn.authoring import leaves
from funcnn.bridges.autograd import derive
from funcnn.bridges.jax import from_jax
from funcnn.initializers import ones

BAD = (2, 3)


def scaled(params: Tree, x: Array) -> Array:
    """By a factor."""
    (w,) = leaves(params, "w")
    return w * x


def spec(shape: Shape) -> Spec:
    """The factor."""
    return {"w": (ones, (1,))}


@layer
def Scaled() -> Layer[Array, Array]:
    """By a constructor of somebody's own."""
    return Layer.of(lambda shape: (*shape, 1, 1), spec, derive(scaled))


bare = Layer.of(lambda shape: (*shape, 1, 1), spec, derive(scaled))
wrapped: Layer[Array, Array] = from_jax(lambda params, x: x, {})[0]

for unknown in (Scaled(), bare, wrapped):
    serial(unknown, Conv(3, (1, 1))).init(Key(0), BAD)
    (unknown >> Conv(3, (1, 1))).out_shape(BAD)
    serial(Dense(3), unknown, Conv(3, (1, 1))).init(Key(0), BAD)
    serial(Conv(3, (1, 1)), unknown).init(Key(0), BAD)  # E[funcnn-shape]: got (2, 3)
