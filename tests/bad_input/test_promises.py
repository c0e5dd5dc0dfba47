"""Rules of people's own that are wrong: reported at their own path, in the forward pass where it shows it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, cast

import numpy as np
import pytest

from funcnn import (
    Array, Dense, Embedding, FuncnnError, Key, Layer, ParamsError, Relu, ShapeError, elementwise, layer, residual, serial,
    squared_error, value_and_grad, vjp,
)  # fmt: skip
from funcnn.authoring import Child, Combined, Later, axes, tokens
from funcnn.initializers import ones
from funcnn.networks.surgery import children_of
from funcnn.promises import ours
from tests.catalogue import COMBINATORS, LAYERS, build
from tests.refusals import refusal

X: Final = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
T: Final = np.zeros((4, 2), np.float32)
Rule = Callable[[Mapping[str, Any], Any], Any]
WIDE: Final = "; NumPy's own numbers and integer arrays make float64 of float32"


def scaling(rule: Rule, **options: Any) -> Layer[Any, Any]:
    """y = s x, by another rule."""
    return Layer.of(lambda shape: shape, lambda shape: {"s": (ones, axes("scaling", shape)[-1:])}, rule, **options)


def lifted(f: Callable[[Any], Any], **options: Any) -> Layer[Any, Any]:
    """A layer that keeps the shape, without params."""
    return Layer.lift(lambda shape: shape, f, **options)


def right(p: Mapping[str, Any], x: Any) -> Any:
    """The rule without a fault."""
    s = p["s"]
    return x * s, lambda dy: ({"s": (x * dy).sum(0)}, dy * s)


def valued(change: Callable[[Any], Any]) -> Rule:
    """The right rule, with another value."""
    return lambda p, x: (change(x * p["s"]), right(p, x)[1])


def pulled(change: Callable[[Any, Any], Any]) -> Rule:
    """The right rule, with another pair out of the pullback."""
    return lambda p, x: (x * p["s"], lambda dy: change(*right(p, x)[1](dy)))


class Sub(np.ndarray[Any, Any]):
    """An array that calls itself something else."""


class Fault(NamedTuple):
    """A layer with a fault, how it is said, and whether the forward pass shows it."""

    bad: Layer[Any, Any]
    kind: type[FuncnnError]
    said: str
    forward: bool = True


VALUE: Final = "the rule of this layer must return "
PULL: Final = "the pullback must return "
GRADS: Final = "the pullback of this layer "
# fmt: off
FAULTS: Final = {
    # the value
    "one row": Fault(scaling(valued(lambda y: y[:1])), ShapeError, "the rule of this layer returned float32 of shape (1, 5), but its shape rule says (4, 5); mend the one that is wrong"),
    "an axis more": Fault(scaling(valued(lambda y: y[..., None])), ShapeError, "the rule of this layer returned float32 of shape (4, 5, 1), but its shape rule says (4, 5)"),
    "no axis": Fault(scaling(valued(np.sum)), ShapeError, "the rule of this layer returned float32 of shape (), but its shape rule says (4, 5)"),
    "float64": Fault(scaling(valued(lambda y: y.astype(float))), ParamsError, VALUE + "float32, got float64 of shape (4, 5)" + WIDE),
    "float16": Fault(scaling(valued(lambda y: y.astype(np.float16))), ParamsError, VALUE + "float32, got float16 of shape (4, 5)"),
    "complex": Fault(scaling(valued(lambda y: y * 1j)), ParamsError, VALUE + "float32, got complex64 of shape (4, 5)"),
    "objects": Fault(scaling(valued(lambda y: y.astype(object))), ParamsError, VALUE + "float32, got object of shape (4, 5)"),
    "a list": Fault(scaling(valued(lambda y: y.tolist())), ParamsError, VALUE + "an array of shape (4, 5), got list"),
    "nothing": Fault(scaling(valued(lambda y: None)), ParamsError, VALUE + "an array of shape (4, 5), got NoneType"),
    "a number": Fault(scaling(valued(lambda y: 1.0)), ParamsError, VALUE + "an array of shape (4, 5), got float"),
    "a masked array": Fault(scaling(valued(np.ma.masked_invalid)), ParamsError, VALUE + "an array of shape (4, 5), got MaskedArray"),
    "a subclass": Fault(scaling(valued(lambda y: y.view(Sub))), ParamsError, VALUE + "an array of shape (4, 5), got Sub; make it a plain one with np.asarray"),
    "a tuple": Fault(scaling(valued(lambda y: (y, y))), ParamsError, VALUE + "an array of shape (4, 5), as its shape rule says, got a tuple of 2"),
    "an array for a tuple": Fault(Layer.lift(lambda s: (s, s), lambda x: (x, lambda dy: dy[0])), ParamsError, VALUE + "a tuple of 2, as its shape rule says, got float32 of shape (4, 5)"),
    "an item of a tuple": Fault(Layer.lift(lambda s: (s, s), lambda x: ((x, x[:1]), lambda dy: dy[0])), ShapeError, "the rule of this layer returned as item 1 float32 of shape (1, 5), but its shape rule says (4, 5)"),
    "the value alone": Fault(scaling(lambda p, x: x * p["s"]), ParamsError, VALUE + "the pair (y, pullback), got float32 of shape (4, 5)"),
    "the value alone, lifted": Fault(lifted(lambda x: x), ParamsError, VALUE + "the pair (y, pullback), got float32 of shape (4, 5)"),
    "three": Fault(scaling(lambda p, x: (*right(p, x), 0)), ParamsError, VALUE + "the pair (y, pullback), got a tuple of 3"),
    "no pullback": Fault(lifted(lambda x: (x, x)), ParamsError, VALUE + "the pair (y, pullback), got a tuple of 2"),
    "NumPy's number": Fault(lifted(lambda x: (x * np.sqrt(2.0), lambda dy: dy * 2)), ParamsError, VALUE + "float32, got float64 of shape (4, 5)" + WIDE),
    "an elementwise one": Fault(elementwise(lambda x: x * np.sqrt(2.0), lambda x, y: 2 + 0 * x), ParamsError, VALUE + "float32, got float64 of shape (4, 5)" + WIDE),
    "a sum, elementwise": Fault(elementwise(np.sum, lambda x, y: x), ShapeError, "the rule of this layer returned float32 of shape (), but its shape rule says (4, 5)"),
    "a ufunc of two results": Fault(elementwise(cast(Any, np.modf), np.cos), ParamsError, VALUE + "an array of shape (4, 5), as its shape rule says, got a tuple of 2"),
    # value=
    "a value of another shape": Fault(scaling(right, value=lambda p, x: x[:, :1]), ShapeError, "the rule of this layer returned float32 of shape (4, 1), but its shape rule says (4, 5)"),
    "a value of another dtype": Fault(lifted(lambda x: (x, lambda dy: dy), value=lambda x: x * np.float64(1)), ParamsError, VALUE + "float32, got float64 of shape (4, 5)"),
    "another value": Fault(scaling(right, value=lambda p, x: x * p["s"] + 1), ParamsError, "the value= of this layer gives other numbers than its rule; both must compute the same", False),
    # the pullback
    "half a pair": Fault(scaling(pulled(lambda g, dx: dx)), ParamsError, PULL + "the pair (dparams, dx), got float32 of shape (4, 5)", False),
    "two rows for a pair": Fault(scaling(lambda p, x: (x * p["s"], lambda dy: dy[:2])), ParamsError, PULL + "the pair (dparams, dx), got float32 of shape (2, 5)", False),
    "nothing back": Fault(scaling(pulled(lambda g, dx: None)), ParamsError, PULL + "the pair (dparams, dx), got NoneType", False),
    "dx first": Fault(scaling(pulled(lambda g, dx: (dx, g))), ParamsError, GRADS + "must return a dict of gradients, got ndarray: (dparams, dx)", False),
    "no gradient": Fault(scaling(pulled(lambda g, dx: ({}, dx))), ParamsError, GRADS + "must return float32 of shape (5,) for s, got nothing", False),
    "a gradient too many": Fault(scaling(pulled(lambda g, dx: ({**g, "t": dx}, dx))), ParamsError, GRADS + "returned gradients of what it has not: t", False),
    "a gradient of each row": Fault(scaling(pulled(lambda g, dx: ({"s": dx}, dx))), ParamsError, GRADS + "must return float32 of shape (5,) for s, got float32 of shape (4, 5)", False),
    "a gradient in float64": Fault(scaling(pulled(lambda g, dx: ({"s": g["s"] * np.float64(2)}, dx))), ParamsError, GRADS + "must return float32 of shape (5,) for s, got float64 of shape (5,)" + WIDE, False),
    "a list of numbers": Fault(scaling(pulled(lambda g, dx: ({"s": g["s"].tolist()}, dx))), ParamsError, GRADS + "must return float32 of shape (5,) for s, got list", False),
    "dx of one row": Fault(lifted(lambda x: (x, lambda dy: dy[:1])), ParamsError, PULL + "as dx float32 of shape (4, 5), like the input, got float32 of shape (1, 5)", False),
    "dx summed": Fault(scaling(pulled(lambda g, dx: (g, dx.sum()))), ParamsError, PULL + "as dx float32 of shape (4, 5), like the input, got float32 of shape ()", False),
    "dx in float64": Fault(lifted(lambda x: (x, lambda dy: dy * np.sqrt(2.0))), ParamsError, PULL + "as dx float32 of shape (4, 5), like the input, got float64 of shape (4, 5)" + WIDE, False),
    "no dx": Fault(lifted(lambda x: (x, lambda dy: None)), ParamsError, PULL + "as dx float32 of shape (4, 5), like the input, got NoneType", False),
    "dx a number": Fault(lifted(lambda x: (x, lambda dy: 0.0)), ParamsError, PULL + "as dx float32 of shape (4, 5), like the input, got float", False),
    "dx a tuple": Fault(lifted(lambda x: (x, lambda dy: (dy,))), ParamsError, PULL + "as dx float32 of shape (4, 5), like the input, got a tuple of 1", False),
    "a late dx of one row": Fault(lifted(lambda x: (x, lambda dy: Later(lambda: dy[:1]))), ParamsError, PULL + "as dx float32 of shape (4, 5), like the input, got float32 of shape (1, 5)", False),
    "a slope in float64": Fault(elementwise(lambda x: x * 2, lambda x, y: x * 0 + np.float64(2)), ParamsError, PULL + "as dx float32 of shape (4, 5), like the input, got float64 of shape (4, 5)" + WIDE, False),
    "a slope summed": Fault(elementwise(lambda x: x, lambda x, y: np.ones((2, 4, 5), np.float32)), ParamsError, PULL + "as dx float32 of shape (4, 5), like the input, got float32 of shape (2, 4, 5)", False),
}
# fmt: on


def nets(bad: Layer[Any, Any]) -> dict[str, Layer[Any, Any]]:
    """Networks that have it somewhere, and where."""
    return {
        "bad": serial(Dense(5), bad.named("bad"), Relu, Dense(2)),
        "serial_0/bad": serial(Dense(5), serial(Relu, bad.named("bad")), Dense(2)),
        "residual_0/bad": serial(Dense(5), residual(bad.named("bad")), Dense(2)),
    }


def placed() -> list[tuple[str, str]]:
    """Every fault in every place; a residual connection takes none that gives a tuple."""
    places = ["bad", "serial_0/bad", "residual_0/bad"]
    fits = {name: fault.bad.out_shape((4, 5)) == (4, 5) for name, fault in FAULTS.items()}
    return [(name, path) for name in FAULTS for path in places if fits[name] or path != "residual_0/bad"]


@pytest.mark.parametrize(("name", "path"), placed())
def test_faults_are_reported_at_their_own_path(name: str, path: str) -> None:
    """What came and what was expected; in the forward pass already where that shows it, and never by a neighbour."""
    bad, kind, said, forward = FAULTS[name]
    net = nets(bad)[path]
    try:
        params = net.init(Key(0), (-1, 3))[1]
    except FuncnnError:  # behind this one nothing fits
        net = serial(Dense(5), serial(Relu, bad.named("bad"))) if "/" in path else serial(Dense(5), bad.named("bad"))
        params = net.init(Key(0), (-1, 3))[1]
    if forward:
        assert refusal(lambda: net.apply(params, X), kind).startswith(f"{path} in serial: {said}")
    else:
        net.apply(params, X)

    def train() -> object:
        y, pullback = vjp(net.apply, params, X)
        return pullback(np.ones_like(y))

    assert refusal(train, kind).startswith(f"{path} in serial: {said}")
    if net.out_shape((4, 3)) == (4, 2):
        step = value_and_grad(squared_error, net.apply)
        assert refusal(lambda: step(params, X, T), kind).startswith(f"{path} in serial: {said}")


def test_a_lone_layer_is_looked_at() -> None:
    """Without a path, for there is none."""
    assert refusal(lambda: lifted(lambda x: (x[:1], lambda dy: dy)).apply({}, X), ShapeError) == (
        "the rule of this layer returned float32 of shape (1, 3), but its shape rule says (4, 3); "
        "mend the one that is wrong"
    )


def test_a_combinator_is_looked_at() -> None:
    """Its own params and its value."""

    @layer
    def Twice(f: Layer[Any, Any]) -> Layer[Any, Any]:
        def build(child: Child) -> Combined:
            def rule(params: Any, x: Any, rng: Key | None = None) -> Any:
                y, back = child.pull(params, x, rng)
                return np.concatenate([y, y]), lambda dy: (child.grads(back(dy[: len(y)])[0]), dy)

            return Combined(lambda shape, go: go(child, shape), rule)

        return Layer.over((f,), build, where="Twice")

    net = serial(Dense(5), Twice(Dense(5)))
    _, params = net.init(0, (-1, 3))
    assert refusal(lambda: net.apply(params, X), ShapeError).startswith(
        "twice_0 in serial: the rule of this layer returned float32 of shape (8, 5), but its shape rule says (4, 5)"
    )


def test_what_is_right_passes() -> None:
    """Masks beside features, tokens, numbers of NumPy for a leaf of one number, float64 networks, read-only results."""
    both: Layer[Any, Any] = Layer.lift(lambda s: (s, s), lambda x: ((x, x > 0), lambda dy: dy[0]))
    y, mask = both.apply({}, X)
    assert y.dtype == np.float32 and mask.dtype == bool

    def total(p: Mapping[str, Any], x: Any) -> Any:
        return x * p["s"], lambda dy: ({"s": np.sum(x * dy)}, dy * p["s"])

    one: Layer[Any, Any] = Layer.of(lambda shape: shape, lambda shape: {"s": (ones, ())}, total)
    net = serial(Dense(3), one)
    for dtype in (np.float32, np.float64):
        _, params = net.init(0, (-1, 3), dtype=dtype)
        y, pullback = vjp(net.apply, params, X)
        assert y.dtype == dtype and pullback(y)[0].at("layer_0/s").shape == ()


def test_a_shape_rule_is_asked_once_a_shape() -> None:
    """However often the layer runs."""
    asked: list[object] = []

    def out_shape(shape: Any) -> Any:
        asked.append(shape)
        return shape

    f: Layer[Any, Any] = Layer.lift(out_shape, lambda x: (x, lambda dy: dy))
    for _ in range(5):
        f.apply({}, X)
    assert len(asked) == 2  # by the door and by the rule


def test_whose_a_function_is() -> None:
    """By the module it was compiled in, whatever it was wrapped or bound with."""
    rule = Dense(3).definition.rule

    @functools.wraps(rule)
    def mine(params: Any, x: Any) -> Any:
        return rule(params, x)

    assert ours(rule, None) and ours(functools.partial(rule, {}))
    assert not ours(mine) and not ours(np.sin) and not ours(rule, lambda x: x) and not ours(functools.partial(mine, {}))


def wrapped(net: Layer[Any, Any]) -> set[str]:
    """The layers in a network whose rules are looked at."""
    made = net.definition
    found = {made.name} if "funcnn.promises" in (made.rule.__module__, made.value.__module__) else set[str]()
    return found.union(*map(wrapped, children_of(net).values()))


ROWS: Final = {row.source: row for row in (*LAYERS, *COMBINATORS) if "elementwise" not in row.source}


@pytest.mark.parametrize("source", ROWS)
def test_layers_of_the_library_run_bare(source: str) -> None:
    """Their rules are what their constructors made: nothing stands around them, and nothing is compared."""
    net: Layer[Any, Any] = build(ROWS[source])
    assert wrapped(net) == set()


def test_inputs_stay_untyped() -> None:
    """An array of another layer's gives the dtype where there are no params."""
    double: Layer[Array, Array] = Layer.lift(lambda shape: shape, lambda x: (x * 2, lambda dy: dy * 2))
    assert double.apply({}, X.astype(float)).dtype == np.float64


# what only the whole network shows ------------------------------------------------------------------------------------
def one_hot(dtype: Any) -> Layer[Any, Any]:
    """Tokens as rows of a matrix of this dtype."""
    table = np.eye(5, dtype=dtype)
    return Layer.lift(lambda shape: (*shape, 5), lambda x: (table[x], lambda dy: np.zeros(x.shape)), takes=tokens)


LEAKS: Final[dict[str, tuple[Layer[Any, Any], Any]]] = {
    "tokens": (one_hot(np.float64), np.array([[1, 2], [3, 4]])),
    "integers": (lifted(lambda x: (np.sign(x).astype(int), lambda dy: dy)), X),
    "counts": (lifted(lambda x: (np.argsort(x, -1), lambda dy: dy)), X),
}


@pytest.mark.parametrize("name", LEAKS)
def test_layers_that_make_numbers_wider_are_named(name: str) -> None:
    """In the forward pass and in training, at their own path, though what they return is what was promised."""
    bad, x = LEAKS[name]
    net = serial(bad.named("bad"), Relu, serial(Dense(4), Relu), Dense(2))
    _, params = net.init(0, x.shape)
    target = np.zeros((*x.shape[:-1], 2) if x is X else (2, 2, 2), np.float32)
    for act in (
        lambda: net.apply(params, x),
        lambda: vjp(net.apply, params, x),
        lambda: value_and_grad(squared_error, net.apply)(params, x, target),
    ):
        said = refusal(act, ParamsError)
        assert said.startswith("bad in serial: this layer returned ") and WIDE[2:] in said
        assert "which makes float64 of a network that computes in float32" in said
    wide = net.init(0, x.shape, dtype=np.float64)[1]
    assert net.apply(wide, x).dtype == np.float64


def test_what_makes_no_number_wider_passes() -> None:
    """Tokens as narrow numbers, whatever the network computes in; integers that are looked up; booleans."""
    net = serial(one_hot(np.float32), Dense(2))
    for dtype in (np.float32, np.float64):
        _, params = net.init(0, (2, 2), dtype=dtype)
        assert net.apply(params, np.array([[1, 2], [3, 4]])).dtype == dtype
    looked = serial(Dense(3), lifted(lambda x: (np.argsort(x, -1), lambda dy: np.zeros(x.shape, x.dtype))), Embedding(3, 2))
    _, params = looked.init(0, (4, 3))
    assert looked.apply(params, X).dtype == np.float32
    signs = serial(lifted(lambda x: (x > 0, lambda dy: np.zeros(x.shape, x.dtype))), Dense(2))
    _, params = signs.init(0, (4, 3))
    assert signs.apply(params, X).dtype == np.float32


def test_a_network_is_looked_at_once() -> None:
    """Then its layers run once a pass."""
    runs: list[int] = []
    mine = lifted(lambda x: (runs.append(1) or x, lambda dy: dy))  # type: ignore[func-returns-value]
    net = serial(Dense(2), mine)
    _, params = net.init(0, (4, 3))
    for n in (4, 3, 2, 4):
        net.apply(params, X[:n])
    assert len(runs) == 5
