"""What is drawn: cases, shapes, networks, trees. Cases are rebuilt from what they print; networks shrink."""

from __future__ import annotations

import pkgutil
from typing import Any

import numpy as np
import pytest
from hypothesis import find, given
from hypothesis import strategies as st

import funcnn
import funcnn.testing
from funcnn import Array, Dense, Gradients, Key, Layer, LayerNorm, Params, ShapeError, Tokens, serial
from funcnn.networks.surgery import children_of
from funcnn.hooks import for_hypothesis
from funcnn.testing import (
    Case,
    Drawn,
    IllFormed,
    LossCase,
    OptimizerCase,
    ill_formed_networks,
    layers,
    networks,
    params,
    shapes,
    trees,
)
from tests.evaluated import public_names

for_hypothesis.register()  # as Hypothesis does where funcnn is installed


@given(drawn=layers(), seed=st.integers(0, 99), kind=st.sampled_from(["normal", "mixed"]), training=st.booleans())
def test_the_repr_of_a_case_rebuilds_it(drawn: Drawn, seed: int, kind: str, training: bool) -> None:
    """Params and input are the same bit for bit."""
    case = Case(drawn.layer, drawn.shape, seed=seed, kind=kind, training=training)
    again = eval(repr(case), {**public_names(), "Case": Case})
    assert (again.params, again.x.tobytes(), again.key) == (case.params, case.x.tobytes(), case.key)


def test_the_repr_of_other_cases_rebuilds_them() -> None:
    """Cases of losses and of optimizers too."""
    loss = LossCase(funcnn.softmax_cross_entropy, (2, 3), target="labels", seed=3, weighted=True)
    again = eval(repr(loss), {**public_names(), "LossCase": LossCase})
    step = OptimizerCase(funcnn.sgd(0.5), {"w": (2,), "a/b": ()}, seed=3, dtype="float32")
    other = eval(repr(step), {**public_names(), "OptimizerCase": OptimizerCase})
    assert (again.value(), other.walk()[-1]) == (loss.value(), step.walk()[-1])


def test_params_of_cases_are_moved_away_from_initial_values() -> None:
    """No bias of a case is zero."""
    assert np.abs(Case(Dense(3), (2, 4)).params.at("b")).min() > 0.1


def test_tokens_of_cases_are_tokens() -> None:
    """Integers of the range, both ends included."""
    x = Case(funcnn.Embedding(9, 2), (4, 5), tokens=range(3, 8)).x
    assert (x.dtype.kind, x.min(), x.max()) == ("i", 3, 7)


@given(shape=shapes("B", ..., range(3, 5), "B", 7))
def test_shapes_fit_their_template(shape: Any) -> None:
    """One string is one size, a range bounds it, dots are none to two sizes."""
    assert 4 <= len(shape) <= 6 and shape[0] == shape[-2] and shape[-3] in (3, 4) and shape[-1] == 7


@pytest.mark.parametrize("bad", [None, 1.5, True, [3]])
def test_templates_hold_sizes_only(bad: Any) -> None:
    """Anything else is refused at once."""
    with pytest.raises(TypeError, match="a template of shapes holds"):
        shapes("B", bad)


@given(net=networks())
def test_networks_fit_together(net: Drawn) -> None:
    """Their shape rules accept the shape they come with, and so do their rules."""
    case = Case(net.layer, net.shape)
    assert case.apply().shape == case.out_shape


@given(net=ill_formed_networks())
def test_ill_formed_networks_fail_where_they_say(net: IllFormed) -> None:
    """The shape rule of that layer, and of no layer before it, raises."""
    with pytest.raises(ShapeError) as raised:
        net.layer.out_shape(net.shape)
    assert raised.value.path[0] == list(children_of(net.layer))[net.at]


def test_networks_shrink_to_the_smallest_that_fails() -> None:
    """What is left is what matters."""
    assert find(networks(), lambda net: "LayerNorm" in repr(net.layer)) == (serial(LayerNorm()), (1, 1))


def test_networks_are_drawn_by_annotation() -> None:
    """`st.from_type` knows layers, params and keys."""

    @given(...)
    def drawn(net: Layer[Array, Array], words: Layer[Tokens, Array], tree: Params, slope: Gradients, key: Key) -> None:
        assert isinstance(net, Layer) and "Embedding" in repr(words)
        assert isinstance(tree, Params) and isinstance(slope, Gradients) and isinstance(key, Key)

    drawn()


def test_networks_of_odd_types_are_not_drawn() -> None:
    """The message says what to do."""
    with pytest.raises(TypeError, match="register one"):
        find(st.from_type(Layer[tuple[Array, Array], Array]), lambda net: True)


@given(tree=trees())
def test_trees_survive_a_dict(tree: Params) -> None:
    """Odd names, empty leaves and leaves without axes included."""
    assert Params(tree.to_dict()) == tree


@given(tree=params(Dense(2), (1, 3)))
def test_params_are_those_of_the_layer(tree: Params) -> None:
    """The layer takes them."""
    assert Dense(2).apply(tree, np.ones((1, 3), np.float32)).shape == (1, 2)


def test_no_module_shadows_a_name() -> None:
    """What `funcnn.testing` exports is never one of its modules."""
    modules = {module.name for module in pkgutil.iter_modules(funcnn.testing.__path__)}
    assert modules & set(funcnn.testing.__all__) == set()
