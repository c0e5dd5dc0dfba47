"""The types of what other libraries derive: those of the function where it is written with arrays."""

from collections.abc import Callable
from typing import TYPE_CHECKING, assert_type

import autograd.numpy as anp

from funcnn import Array, Key, Layer, Loss, Params, Shape, Spec, Tokens, Tree, layer
from funcnn.authoring import branches, leaves
from funcnn.bridges import autograd, jax, torch
from funcnn.initializers import ones


def spec(shape: Shape) -> Spec:
    """A slope."""
    return {"slope": (ones, (1,))}


def swish(params: Tree, x: Array) -> Array:
    """Written with Autograd, which has NumPy's types."""
    (slope,) = leaves(params, "slope")
    y: Array = x / (1 + anp.exp(-slope * x))
    return y


def picked(params: Tree, x: tuple[Array, Tokens]) -> tuple[Array, Array]:
    """A tuple in, a tuple out."""
    return x[0], anp.sin(x[0])


def noisy(params: Tree, x: Array, rng: Key | None) -> Array:
    """It takes the key."""
    return x


assert_type(autograd.derive(swish), Callable[[Tree, Array], tuple[Array, Callable[[Array], tuple[Tree, Array]]]])
assert_type(Layer.of(lambda shape: shape, spec, autograd.derive(swish)), Layer[Array, Array])
assert_type(Layer.of(lambda shape: shape, spec, autograd.derive(noisy)), Layer[Array, Array])
assert_type(
    Layer.of(lambda shape: branches("picked", shape), spec, autograd.derive(picked)),
    Layer[tuple[Array, Tokens], tuple[Array, Array]],
)


@autograd.derive_loss
def cubic(prediction: Array, target: Array, *, scale: float = 1.0) -> Array:
    """A loss, with an option."""
    return scale * abs(prediction - target) ** 3


assert_type(cubic, Loss[Array, Array])


@layer
def Picked() -> Layer[tuple[Array, Tokens], tuple[Array, Array]]:
    """What it is annotated with is what it is, where the function is written with arrays of another library."""
    return Layer.of(lambda shape: branches("Picked", shape), spec, jax.derive(lambda params, x: (x[0], x[0])))


if TYPE_CHECKING:  # they need not be installed
    assert_type(Layer.of(lambda shape: shape, spec, jax.derive(lambda params, x: x)), Layer[Array, Array])
    assert_type(torch.params_of(torch.to_torch(Picked(), {})), Params)
    words: tuple[Layer[Tokens, Array], Params] = jax.from_jax(lambda params, x: x, {})
    images: tuple[Layer[Array, Array], Params] = torch.from_torch(torch.to_torch(Picked(), {}))
