"""Layers are pairs, and data."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import funcnn
from funcnn import Array, Dense, Dropout, FuncnnError, Layer, Relu, Tanh, layer, mlp, serial
from funcnn.initializers import glorot_normal, zeros
from funcnn.networks.pair import altered
from tests.evaluated import public_names
from tests.refusals import refusal

X = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)


@layer
def Twice(f: Layer[Array, Array]) -> Layer[Array, Array]:
    """A constructor that returns a composite."""
    return serial(f, f)


@layer
def Same(f: Layer[Array, Array]) -> Layer[Array, Array]:
    """A constructor that returns its argument."""
    return f


@layer
def Shift(by: Array) -> Layer[Array, Array]:
    """A constructor with an array."""
    return Layer.lift(lambda shape: shape, lambda x: (x + by, lambda dy: dy))


UNRECORDED: Layer[Array, Array] = Layer.lift(lambda shape: shape, lambda x: (x, lambda dy: dy))
NETS = [
    Dense(3), Relu, serial(Dense(3), Relu), Twice(Dense(2)), mlp((4, 2)), Dense(3).named("a") >> Dropout(0.5), serial()
]


# a pair ---------------------------------------------------------------------------------------------------------------
def test_a_layer_is_a_pair() -> None:
    """It unpacks, and the two are all it is."""
    net = serial(Dense(3), Relu)
    init, apply = net
    assert (init, apply) == (net.init, net.apply) and len(net) == 2
    assert Layer(init, apply) == Layer(*net) == net


def test_the_parts_of_a_pair_know_everything() -> None:
    """The pair put together again can be used, composed and rebuilt."""
    init, apply = serial(Dense(3), Relu)
    assert repr(Layer(init, apply) >> Dense(1)) == "serial(Dense(3), Relu, Dense(1))"


def test_a_pair_of_two_networks_is_neither() -> None:
    """`init` of one and `apply` of the other."""
    a, b = serial(Dense(3), Relu), serial(Dense(3), Tanh)
    mixed = Layer(a.init, b.apply)
    assert (mixed == a, mixed == b, mixed == Layer(a.init, b.apply)) == (False, False, True)


@pytest.mark.parametrize("net", NETS, ids=repr)
def test_layers_never_change(net: Layer[Any, Any]) -> None:
    """Neither they nor their parts, and nothing can be hung on them."""
    thing: Any
    for thing, name in ((net, "init"), (net, "more"), (net.init, "record"), (net.init, "more"), (net.apply, "rule")):
        with pytest.raises(AttributeError):
            setattr(thing, name, None)
        with pytest.raises(AttributeError):
            delattr(thing, name)


def test_layers_are_not_added() -> None:
    """A pair is a tuple, but a sum of networks is no network."""
    net: Any = Dense(3)
    added = "layers are not added; compose them with >> or serial, or add their outputs with FanInSum"
    times = "layers are not multiplied; compose them with >> or serial"
    acts: list[Callable[[], object]] = [lambda: net + net, lambda: () + net, lambda: sum([net, net])]
    assert [refusal(act, TypeError) for act in acts] == [added] * 3
    assert [refusal(act, TypeError) for act in (lambda: net * 2, lambda: 2 * net)] == [times] * 2


# a record -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("net", NETS, ids=repr)
def test_repr_evaluates_to_an_equal_network(net: Layer[Any, Any]) -> None:
    """Of the names that are imported."""
    names = public_names() | {"Twice": Twice}
    assert eval(repr(net), names) == net


@pytest.mark.parametrize("net", NETS, ids=repr)
def test_pickles_are_equal_and_compute_the_same(net: Layer[Any, Any]) -> None:
    """As do their halves."""
    init, apply = pickle.loads(pickle.dumps(tuple(net)))
    again = pickle.loads(pickle.dumps(net))
    assert again == net == Layer(init, apply) and hash(again) == hash(net)
    params = net.init(0, (-1, 3))[1]
    assert again.init(0, (-1, 3))[1] == init(0, (-1, 3))[1] == params
    assert np.array_equal(again.apply(params, X), net.apply(params, X))
    assert np.array_equal(apply(params, X), net.apply(params, X))


@pytest.mark.parametrize("net", NETS, ids=repr)
def test_a_copy_is_itself(net: Layer[Any, Any]) -> None:
    """Layers, their halves, and containers of them."""
    assert copy.copy(net) is copy.deepcopy(net) is net
    assert copy.deepcopy(net.init) is net.init and copy.deepcopy([net.apply])[0] is net.apply


def test_an_unrecorded_layer_is_equal_to_itself_alone() -> None:
    """It has nothing else to be compared by, and cannot be pickled."""
    other: Layer[Array, Array] = Layer.lift(lambda shape: shape, lambda x: (x, lambda dy: dy))
    assert (UNRECORDED == Layer(*UNRECORDED), UNRECORDED == other) == (True, False)
    assert refusal(lambda: pickle.dumps(UNRECORDED), TypeError) == (
        "<layer> cannot be pickled: make it in a constructor decorated with @layer"
    )


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (Dense(3), Dense(units=3)),
        (Dense(3), Dense(3, W_init=glorot_normal, b_init=zeros)),
        (Shift(np.ones(3)), Shift(np.ones(3))),
        (serial(Dense(3), serial(Relu)), serial(Dense(3), serial(Relu))),
    ],
)
def test_the_same_call_is_the_same_layer(a: Layer[Any, Any], b: Layer[Any, Any]) -> None:
    """However its arguments are given."""
    assert (a == b, a != b, hash(a) == hash(b)) == (True, False, True)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (Dense(3), Dense(4)),
        (Dense(3), Dense(3, W_init=zeros)),
        (Dense(3), Dense(3).named("dense")),
        (Dense(3), serial(Dense(3))),
        (Relu, Tanh),
        (Shift(np.ones(3)), Shift(np.ones(3, np.float32))),
        (serial(Relu, Dense(3)), serial(Dense(3), Relu)),
        (serial(Dense(3), Relu), serial(Dense(3), serial(Relu))),
    ],
)
def test_another_call_is_another_layer(a: Layer[Any, Any], b: Layer[Any, Any]) -> None:
    """Arguments, their types, names and nesting count."""
    assert (a == b, a != b) == (False, True)


def test_a_layer_is_no_tuple_to_compare() -> None:
    """Only layers are equal to layers."""
    three: object = 3
    assert (Dense(3) == tuple(Dense(3)), Dense(3) == three) == (False, False)


def test_a_constructor_copies_before_it_records() -> None:
    """One that returns its argument renames nobody."""
    inner = Dense(3)
    outer = Same(inner)
    assert (repr(outer), outer.init.name) == ("Same(Dense(3))", "same")
    assert (repr(inner), inner.init.name) == ("Dense(3)", "dense")


def test_a_constructor_returns_a_layer() -> None:
    """Or is refused when called."""

    def wrong() -> Any:
        return 3

    assert refusal(layer(wrong), TypeError) == "wrong must return a Layer, it returned int"


def test_names_are_given_and_refused() -> None:
    """Non-empty, without a slash."""
    assert repr(Dense(3).named("encoder")) == "Dense(3).named('encoder')"
    for name in ("", "a/b", 3):
        wrong: Any = name
        said = refusal(lambda: Dense(3).named(wrong), ValueError)  # noqa: B023  (called at once)
        assert said == f"a name is a non-empty string without '/', got {name!r}"


def test_altered_changes_what_is_named() -> None:
    """And nothing else."""
    shouted = altered(Dense(3), name="loud", explicit=True)
    assert shouted.init.name == "loud" and shouted == Dense(3).named("loud")


def test_composing_with_something_else_is_refused() -> None:
    """By Python."""
    net: Any = Dense(3)
    refusal(lambda: net >> 3, TypeError)
    refusal(lambda: np.tanh >> net, TypeError)


def test_errors_pickle() -> None:
    """With their place."""
    _, params = serial(Dense(2)).init(0, (-1, 3))
    with pytest.raises(FuncnnError) as caught:
        serial(Dense(2)).apply(params, X[:, :2])
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again)) == (type(caught.value), str(caught.value))
