"""Networks as trees of layers."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from funcnn import (
    Array, Dense, Dropout, FanInSum, FanOut, Flatten, Identity, Key, Layer, LayerNorm, Relu, Shape, Tanh, Tree,
    first, keep, layer, mlp, parallel, rebuild, residual, select, serial, vjp,
)  # fmt: skip
from funcnn.authoring import Child, Combined, Go, Later, force
from funcnn.networks.surgery import children_of, visit
from tests.refusals import refusal

AnyLayer = Layer[Any, Any]
X = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
NET = serial(Dense(4), Relu, serial(Dense(4), Dropout(0.5)).named("body"), Dense(2).named("head"))


@layer
def Block(units: int) -> Layer[Array, Array]:
    """A constructor that returns a composite."""
    return serial(Dense(units), Tanh)


@layer
def Around(f: Layer[Array, Array], *, g: Layer[Array, Array]) -> Layer[Array, Array]:
    """A combinator with a keyword: `g(f(x))`."""

    def build(first: Child, second: Child) -> Combined:
        def meets(shape: Shape, go: Go) -> Shape:
            return go(second, go(first, shape))

        def rule(params: Tree, x: Array, rng: Key | None = None) -> Any:
            y, pull = first.pull(params, x, rng)
            z, pull_again = second.pull(params, y, rng)

            def pullback(dz: Array) -> Any:
                dq, dy = pull_again(dz)
                dp, dx = pull(force(dy))
                return {**first.grads(dp), **second.grads(dq)}, dx

            return z, pullback

        return Combined(meets, rule)

    return Layer.over((f, g), build, where="Around")


def unchanged(path: str, net: AnyLayer) -> AnyLayer:
    """Gives every layer back."""
    return net


def paths(net: AnyLayer) -> list[str]:
    """The paths that `rebuild` visits, in order."""
    found: list[str] = []

    def see(path: str, part: AnyLayer) -> AnyLayer:
        found.append(path)
        return part

    rebuild(net, see)
    return found


# names ----------------------------------------------------------------------------------------------------------------
def test_children_are_named_by_kind_and_count() -> None:
    """Or by their own name, which is not counted."""
    layers = (Dense(1), Relu, Dense(2), Dense(3).named("x"), Block(2), Dense(4))
    assert list(children_of(serial(*layers))) == ["dense_0", "relu_0", "dense_1", "x", "block_0", "dense_2"]


@pytest.mark.parametrize(
    ("layers", "name"),
    [((Dense(2).named("a"), Relu.named("a")), "a"), ((Dense(2).named("dense_0"), Dense(3)), "dense_0")],
)
def test_two_children_of_one_name_are_refused(layers: tuple[AnyLayer, ...], name: str) -> None:
    """The name and the fix."""
    said = f"serial: two children are named {name!r}; give one another name with .named"
    assert refusal(lambda: serial(*layers), ValueError) == said


@pytest.mark.parametrize(
    ("thing", "said"),
    [
        (Dense, "argument 1 is function {!r:.60}; call it, Dense(...)"),
        ([Dense(2)], "argument 1 is list {!r:.60}; give layers directly, one argument each"),
        (tuple(Dense(2)), "argument 1 is tuple {!r:.60}; give layers directly, one argument each"),
        (3, "argument 1 is int 3"),
        (None, "argument 1 is NoneType None; leave it out, a place that does nothing is Identity"),
    ],
)
def test_what_is_no_layer_is_refused(thing: Any, said: str) -> None:
    """Its position, its type and what to do."""
    assert refusal(lambda: serial(Relu, thing), TypeError) == f"serial takes layers, {said.format(thing)}"


def test_children_are_those_of_the_body() -> None:
    """Where a constructor returned a composite."""
    assert list(children_of(Block(3))) == ["dense_0", "tanh_0"]
    assert list(children_of(Around(Dense(2), g=Dense(3)))) == ["dense_0", "dense_1"]
    assert (children_of(Dense(3)), children_of(Layer.lift(lambda s: s, lambda x: (x, lambda dy: dy)))) == ({}, {})


# rebuild --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "net", [NET, Block(3), mlp((3, 2)), residual(Dense(3)), Around(Dense(2), g=Relu), Dense(2), serial()], ids=repr
)
def test_rebuilding_with_nothing_changed_gives_the_network(net: AnyLayer) -> None:
    """The very same."""
    assert rebuild(net, unchanged) is net


def test_children_come_first() -> None:
    """Each with its path; the network itself has the empty one."""
    assert paths(NET) == ["dense_0", "relu_0", "body/dense_0", "body/dropout_0", "body", "head", ""]
    assert paths(serial(Block(2), residual(Dense(2)))) == [
        "block_0/dense_0", "block_0/tanh_0", "block_0", "residual_0/dense_0", "residual_0", "",
    ]  # fmt: skip


def test_a_layer_is_replaced_wherever_it_is() -> None:
    """The network that comes out prints as the one that would have been written, but for the names it keeps."""

    def smooth(path: str, part: AnyLayer) -> AnyLayer:
        return Tanh if part == Relu else part

    net = serial(Dense(3), Relu, residual(serial(Relu, Dense(3))))
    smoothed, written = rebuild(net, smooth), serial(Dense(3), Tanh, residual(serial(Tanh, Dense(3))))
    assert repr(smoothed) == repr(written) and list(children_of(smoothed)) == ["dense_0", "relu_0", "residual_0"]
    params = net.init(0, (-1, 3))[1]
    assert np.array_equal(smoothed.apply(params, X), written.apply(params, X))


def test_names_are_kept() -> None:
    """So that params still fit: a replaced layer has the name of the old one."""

    def swap(path: str, part: AnyLayer) -> AnyLayer:
        return Identity if path in ("relu_0", "body") else part

    assert rebuild(NET, swap).init(0, (-1, 3))[1].paths() == ("dense_0/b", "dense_0/w", "head/b", "head/w")


def test_kept_names_pickle() -> None:
    """The params still fit afterwards."""
    net = rebuild(serial(Dense(3), Dense(3)), lambda path, part: LayerNorm() if path == "dense_0" else part)
    again = pickle.loads(pickle.dumps(net))
    assert again == net and again.init(0, (-1, 3))[1].paths()[:2] == ("dense_0/offset", "dense_0/scale")


def test_bodies_are_rebuilt() -> None:
    """And are one level, under the name of their constructor."""

    def widen(path: str, part: AnyLayer) -> AnyLayer:
        return Dense(7) if part == Dense(3) else part

    wide = rebuild(serial(Block(3), Dense(2)), widen)
    assert (wide.init(0, (-1, 3))[1].at("block_0/dense_0/w").shape, wide.out_shape((-1, 3))) == ((3, 7), (-1, 2))


def test_keyword_layers_are_rebuilt() -> None:
    """As the others."""

    def widen(path: str, part: AnyLayer) -> AnyLayer:
        return Dense(7) if part == Dense(3) else part

    assert rebuild(Around(Dense(2), g=Dense(3)), widen) == Around(Dense(2), g=Dense(7))


def test_the_root_may_be_replaced() -> None:
    """Last of all."""
    assert repr(rebuild(NET, lambda path, part: Dense(9) if path == "" else part)) == "Dense(9)"


# visit ----------------------------------------------------------------------------------------------------------------
def test_visit_gives_every_layer_with_its_shapes() -> None:
    """Children first, the network last, the layers themselves as they were."""
    net = serial(Flatten, Dense(4), residual(Relu))
    assert [(path, repr(part), shape, out) for path, part, shape, out in visit(net, (5, 2, 3))] == [
        (("flatten_0",), "Flatten", (5, 2, 3), (5, 6)),
        (("dense_0",), "Dense(4)", (5, 6), (5, 4)),
        (("residual_0", "relu_0"), "Relu", (5, 4), (5, 4)),
        (("residual_0",), "residual(Relu)", (5, 4), (5, 4)),
        ((), repr(net), (5, 2, 3), (5, 4)),
    ]


# a child --------------------------------------------------------------------------------------------------------------
def failing(error: Exception, *, late: bool) -> AnyLayer:
    """A layer that raises, in its rule or in its pullback."""

    def fail(*_: object) -> Any:
        raise error

    f: Callable[[Any], Any] = (lambda x: (x, fail)) if late else fail
    return Layer.lift(lambda shape: shape, f)


@pytest.mark.parametrize("act", ["value", "rule"])
def test_foreign_exceptions_get_notes(act: str) -> None:
    """From the inside outwards; the exception itself is the one that was raised."""
    error = ZeroDivisionError("by nobody")
    net = serial(Relu, serial(failing(error, late=False).named("bad")).named("body"))
    with pytest.raises(ZeroDivisionError) as caught:
        net.apply({}, X) if act == "value" else net.apply.pull({}, X)
    assert caught.value is error and error.__notes__ == ["in bad", "in body"]


@layer
def Late(error: Exception, where: str) -> AnyLayer:
    """A layer that raises when it is pulled, or when the cotangent that it left for later is wanted."""

    def fail(*_: object) -> Any:
        raise error

    return Layer.lift(lambda shape: shape, lambda x: (x, fail if where == "pullback" else lambda dy: Later(lambda: fail())))


AROUND: dict[str, tuple[Callable[[AnyLayer], AnyLayer], list[str]]] = {
    "serial": (lambda f: serial(f, Relu), ["bad"]),
    "serial behind params": (lambda f: serial(Dense(3), f, Relu), ["bad"]),
    "serial before params": (lambda f: serial(f, Dense(3)), ["bad"]),
    "nested": (lambda f: serial(serial(f, Relu).named("body")), ["bad", "body"]),
    "parallel": (lambda f: serial(FanOut(2), parallel(f, Relu).named("both"), FanInSum), ["bad", "both"]),
    "residual": (lambda f: residual(serial(f).named("body")), ["bad", "body"]),
    "shortcut": (lambda f: residual(Dense(3), f), ["bad"]),
    "keep": (lambda f: serial(FanOut(2), keep(serial(select(0), f).named("body")), select(0)), ["bad", "body", "keep_0"]),
    "first": (lambda f: serial(FanOut(2), first(f), select(0)), ["bad", "first_0"]),
}


@pytest.mark.parametrize("where", ["pullback", "later"])
@pytest.mark.parametrize("around", AROUND)
def test_exceptions_of_pullbacks_get_notes(around: str, where: str) -> None:
    """In every combinator, from the inside outwards, also where the cotangent was left for later."""
    error = ZeroDivisionError("by nobody")
    make, path = AROUND[around]
    net = make(Late(error, where).named("bad"))
    _, params = net.init(0, X.shape)
    y, pullback = vjp(net.apply, params, X)
    with pytest.raises(ZeroDivisionError) as caught:
        pullback(y)
    assert caught.value is error and caught.value.__notes__ == [f"in {name}" for name in path]


def test_a_child_nests_its_gradients() -> None:
    """Under its name, and nothing where it has none."""
    dense, relu = Child("dense_0", Dense(2).definition), Child("relu_0", Relu.definition)
    assert (dense.grads({"w": X}), relu.grads({})) == ({"dense_0": {"w": X}}, {})


def test_a_child_without_params_has_no_entry() -> None:
    """Neither in the spec nor in params."""
    wanted = serial(Dense(2), Relu).init.spec((4, 3))
    assert list(wanted) == ["dense_0"] and list(wanted["dense_0"]) == ["w", "b"]
    assert np.array_equal(Child("relu_0", Relu.definition).value({}, X, None), Relu.apply({}, X))


def test_a_child_folds_its_name_into_the_key() -> None:
    """Two alike draw different masks."""
    net = serial(Dropout(0.5), Dropout(0.5))
    once = Dropout(0.5).apply({}, X, rng=Key(0).fold("dropout_0"))
    assert np.array_equal(serial(Dropout(0.5)).apply({}, X, rng=0), once)
    assert not np.array_equal(net.apply({}, X, rng=0), Dropout(0.5).apply({}, once, rng=Key(0).fold("dropout_0")))
