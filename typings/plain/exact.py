"""Types that say what a thing is, where a bare Any would do: any checker knows them, without a plugin."""
# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from collections.abc import Callable
from typing import Any, assert_type

import numpy as np

from funcnn import (
    Array, Dense, Embedding, FanOut, Gradients, Key, Layer, Params, Relu, Shape, Tokens, Tree, residual, select, serial,
    squared_error, trace, tree_map,
)  # fmt: skip
from funcnn.authoring import Later
from funcnn.types import Numbers

net = serial(Dense(3), Relu)
_, params = net.init(Key(0), (-1, 4))
x = np.zeros((2, 4), np.float32)


# layers in a list, and many of them --------------------------------------------------------------------------------------
def stack(widths: list[int]) -> Layer[Array, Array]:
    """A list keeps the type of its layers."""
    layers: list[Layer[Array, Array]] = [Dense(n) for n in widths]
    return serial(*layers)


def words(*layers: Layer[Array, Array]) -> Layer[Tokens, Array]:
    """With others in front and behind."""
    return serial(Embedding(9, 3), *layers, Dense(2))


assert_type(stack([3, 4]), Layer[Array, Array])
long = serial(
    Embedding(9, 3), Relu, Relu, Relu, Relu, Relu, Relu, Relu, Relu, Relu, Relu, Relu, Relu, Relu, Relu, Relu, Relu,
)  # fmt: skip
assert_type(long, Layer[Tokens, Array])


# the shape out ----------------------------------------------------------------------------------------------------------
def headed(f: Layer[Array, Array], shape: Shape) -> Layer[Array, Array]:
    """Its items are integers where an array comes out."""
    out, _ = f.init(0, shape)
    assert_type(out, tuple[int, ...])
    assert_type(f.out_shape(shape), tuple[int, ...])
    return serial(f, Dense(out[-1] * 2), residual(Dense(f.out_shape(shape)[-1] * 2)))


def forked(f: Layer[Array, tuple[Array, Array]], g: Layer[Any, Any], shape: Shape) -> None:
    """Of several arrays they are shapes; of what is not known, anything."""
    assert_type(f.out_shape(shape), Shape)
    assert_type(f.init(0, shape)[0], Shape)
    assert_type(g.out_shape(shape), tuple[Any, ...])
    assert_type(g.init(0, shape)[0], tuple[Any, ...])
    Dense(g.out_shape(shape)[-1])
    Dense(f.out_shape(shape)[-1])  # pyright: ignore[reportArgumentType]  # E[arg-type]


# what a layer and a loss are made of --------------------------------------------------------------------------------------
value, pull = net.apply.pull(params, x)
assert_type(value, Array)
assert_type(pull, Callable[[Array], tuple[Gradients, Array]])
assert_type(net.apply.value(params, x), Array)
assert_type(net.apply.rule(params, x), tuple[Array, Callable[[Array], tuple[Tree, Array | Later[Array]]]])
assert_type(serial(Embedding(9, 3), FanOut(2)).apply.value({}, np.zeros(3, np.int64)), tuple[Array, Array])
_, back = squared_error.rule(x, x)
assert_type(back(1.0), tuple[Array | Later[Array], Numbers | Later[Numbers]])
net.apply.value(x, params)  # pyright: ignore[reportArgumentType]  # E[arg-type]
squared_error.rule("x", x)  # pyright: ignore[reportArgumentType]  # E[arg-type]

# trees, and what each layer gave ------------------------------------------------------------------------------------------
assert_type(tree_map(lambda a: -a, params), Params)
assert_type(tree_map(lambda a, b: a + 0.5 * b, params, params), Params)
assert_type(tree_map(lambda a, b, c: a + b + c, params, params, params), Params)
assert_type(tree_map(np.maximum, params, params), Params)
y, seen = trace(net)(params, x)
assert_type(y, Array)
assert_type(seen["relu_0"].mean(), Any)
seen["relu_0"].nonsense  # pyright: ignore  # E[union-attr]

# parts of tuples ------------------------------------------------------------------------------------------------------------
assert_type(select(3, 1), Layer[tuple[Any, ...], tuple[Any, Any]])
assert_type(select(2, 1, 0), Layer[tuple[Any, ...], tuple[Any, Any, Any]])
