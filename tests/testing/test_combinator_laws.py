"""Combinators of one's own are held to the laws in one line, with layers inside that bring out what they do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import funcnn
from funcnn import Array, Bilinear, Key, Layer, Pullback, Shape, Tree, layer, residual
from funcnn.authoring import Child, Combined, Go, force, leaves
from funcnn.initializers import zeros
from funcnn.testing import LawBroken, combinator_laws
from funcnn.testing.ghostwriting import Guess, guess, write_tests
from funcnn.testing.trials.of_combinators import combinator_trials
from tests.testing.faulty_combinators import after, in_order, second_unasked, two

pytestmark = pytest.mark.usefixtures("same_cases")


@layer
def ReZero(f: Layer[Array, Array]) -> Layer[Array, Array]:
    """A residual connection with a learned factor."""

    def build(child: Child) -> Combined:
        def meets(shape: Shape, go: Go) -> Shape:
            return go(child, shape)

        def rule(params: Tree, x: Array, rng: Key | None = None) -> tuple[Array, Pullback]:
            (s,) = leaves(params, "s")
            h, back = child.pull(params, x, rng)

            def pullback(dy: Array) -> tuple[Tree, Array]:
                dparams, dx = back(s * dy)
                return {"s": np.sum(dy * h), **child.grads(dparams)}, dy + force(dx)

            return x + s * h, pullback

        return Combined(meets, rule, own=lambda shape: {"s": (zeros, ())})

    return Layer.over((f,), build, where="ReZero")


@layer
def by_hand(f: Layer[Array, Array]) -> Layer[Array, Array]:
    """Twice f, as a layer that nobody can look into."""

    def rule(params: Any, x: Any, rng: Any) -> Any:
        h, back = f.definition.rule(params, x, *((rng,) if f.apply.random else ()))
        return h * 2, lambda dy: back(dy * 2)

    return Layer.of(f.out_shape, f.definition.spec, rule, random=True)


def tried(make: Callable[..., Any], shape: Any = ("B", "D"), **options: Any) -> dict[str, str]:
    """The laws that are broken, with what was found."""
    broken: dict[str, str] = {}
    for name, trial in combinator_trials(make, shape, **options).items():
        try:
            trial.run(12, shrink=False)
        except LawBroken as error:
            broken[name] = error.what
    return broken


RIGHT: dict[str, tuple[Callable[..., Any], Any, dict[str, Any]]] = {
    "ReZero": (ReZero, ("B", ..., "D"), {}),
    "residual": (residual, ("B", "D"), {}),
    "serial": (funcnn.serial, ("B", "D"), {}),
    "parallel": (funcnn.parallel, (("B", "D"), ("B", "E")), {}),
    "repeat": (lambda f: funcnn.repeat(f, 2, shared=True), ("B", "D"), {}),
    "map_over": (funcnn.map_over, ("B", "T", "D"), {}),
    "keep": (funcnn.keep, (("B", "D"), ("B", "E")), {"layers": [Bilinear(3)]}),
    "one after the other": (lambda f, g: after(f, g, asked=in_order), ("B", "D"), {}),
    "two beside each other": (two, ("B", "D"), {}),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_combinators_are_acquitted(name: str) -> None:
    """With whatever stands inside."""
    make, shape, options = RIGHT[name]
    assert tried(make, shape, **options) == {}


@pytest.mark.parametrize(
    ("make", "law", "message"),
    [
        (lambda f, g: two(f, g, swapped=True), "own_params", "_0 is given "),
        (lambda f, g: two(f, g, names=(1, 0)), "true_pullback", "gradient of"),
        (lambda f, g: two(f, g, add=False), "true_pullback", "gradient of x"),
        (lambda f, g: two(f, g, past=True), "tells_where", "is told to be in no place at all"),
        (lambda f, g: two(f, g, key=lambda rng, i: rng and Key(7)), "own_keys", "the same key"),
        (lambda f, g: after(f, g, asked=second_unasked), "asks_what_it_meets", "the shape rule never asks"),
        (by_hand, "knows_its_layers", "make it by Layer.over"),
    ],
)
def test_wrong_combinators_are_convicted(make: Callable[..., Any], law: str, message: str) -> None:
    """By the law about what is wrong."""
    found = tried(make, only=[law])
    assert message in found[law]


def test_it_is_a_test_class() -> None:
    """One line in a test file."""
    suite = combinator_laws(ReZero, ("B", "D"), examples=4)
    vars(suite)["test_own_params"](suite)
    assert suite.__name__ == "Laws of ReZero" and "test_knows_its_layers" in vars(suite)


NO_FUNCTION: Any = ReZero(funcnn.Tanh)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (NO_FUNCTION, r"takes what makes a layer of layers, got ReZero\(Tanh\)"),
        (lambda f: 3, "<lambda> is to make a layer of layers, it gave 3"),
    ],
)
def test_arguments_are_checked(make: Any, message: str) -> None:
    """At once."""
    with pytest.raises(TypeError, match=message):
        combinator_laws(make, ("B", "D"))


def test_files_of_tests_hold_combinators_too() -> None:
    """`python -m funcnn.testing` writes a line for what takes layers alone, and tries it."""
    assert guess("ReZero", ReZero) == Guess("ReZero", "ReZero", '"B", ..., "D"', True)
    text = write_tests(__name__)
    assert "from funcnn.testing import combinator_laws, laws, shapes" in text
    assert 'TestReZero = combinator_laws(ReZero, shapes("B", ..., "D"))' in text
