"""A combinator with params of its own, beside those of its children."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import Array, Dense, Key, Layer, ParamsError, Relu, Shape, Tree, layer, serial
from funcnn.authoring import Child, Combined, Go, leaves
from funcnn.initializers import ones


@layer
def Scaled(f: Layer[Array, Array]) -> Layer[Array, Array]:
    """`y = scale f(x)`."""

    def build(child: Child) -> Combined:
        def meets(shape: Shape, go: Go) -> Shape:
            return go(child, shape)

        def rule(params: Tree, x: Array, rng: Key | None = None) -> tuple[Array, Any]:
            (scale,) = leaves(params, "scale")
            h, back = child.pull(params, x, rng)

            def pullback(dy: Array) -> tuple[Tree, Any]:
                dparams, dx = back(scale * dy)
                return {"scale": np.sum(dy * h), **child.grads(dparams)}, dx

            return scale * h, pullback

        return Combined(meets, rule, own=lambda shape: {"scale": (ones, ())})

    return Layer.over((f,), build, where="Scaled")


def test_own_params_and_those_of_children_have_different_names() -> None:
    """A child of the same name would take the place of the param; one without params takes none."""
    assert [*Scaled(Dense(2)).init(0, (1, 3))[1].paths()] == ["dense_0/b", "dense_0/w", "scale"]
    assert [*Scaled(Relu.named("scale")).init(0, (1, 3))[1].paths()] == ["scale"]
    message = (
        "expected a child of another name than its own param 'scale', got a child 'scale' with the params 'w', 'b'; "
        'name the child, .named("other")'
    )
    with pytest.raises(ParamsError) as caught:
        serial(Relu, Scaled(Dense(2).named("scale"))).init(0, (1, 3))
    assert message in str(caught.value)
    assert "scaled_0" in str(caught.value)
