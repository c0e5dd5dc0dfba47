"""What broken laws say: programs that run as they stand, one exception told once, no false accusation of kinks."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import funcnn
from funcnn import Dense, Layer, Optimizer, Relu, Shape, Spec, Updates, initializers, layer, serial, sgd, squared_error
from funcnn.authoring import axes
from funcnn.testing import LAWS, Case, Law, LawBroken, LossCase, OptimizerCase, broken, closed_form, holds
from funcnn.testing.casebook.programs import program
from funcnn.testing.trials.of_layers import trials
from tests.testing.faulty_layers import pointwise, right

pytestmark = pytest.mark.usefixtures("same_cases")

def nothing(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """A target of one's own."""
    return np.zeros(shape, dtype)


@layer
def Clumsy() -> Layer[Any, Any]:
    """Raises an exception while params are drawn."""

    def spec(shape: Shape) -> Spec:
        return {"w": (initializers.ones, (axes("Clumsy", shape)[7],))}

    return Layer.of(lambda shape: shape, spec, right)


HALF: Layer[Any, Any] = Layer.lift(lambda shape: shape, lambda x: (x / 2, lambda dy: dy))
STANDING: Optimizer[Any] = Optimizer(lambda params: (), lambda grads, state, params: (Updates(grads), state))


def found(layer: Layer[Any, Any], law: str, **claims: Any) -> LawBroken:
    """How a law is broken."""
    with pytest.raises(LawBroken) as raised:
        holds(layer, ("B", "D"), only=[law], **claims)
    return raised.value


def printed_program(error: LawBroken) -> str:
    """What stands below `again:`."""
    return str(error).partition("  again:\n")[2]


def test_the_end_of_a_failure_is_a_program() -> None:
    """It runs among no names at all, and breaks the law again."""
    again = printed_program(found(HALF, "true_pullback"))
    assert again.splitlines() == [
        "from funcnn.testing import Case, LAWS",
        "from tests.testing.test_laws_told import HALF",
        "LAWS['true_pullback'](Case(HALF, (1, 1)))",
    ]
    with pytest.raises(LawBroken, match="true_pullback"):
        exec(again, {})


@pytest.mark.parametrize(
    "case",
    [
        Case(serial(Dense(3, W_init=initializers.normal(0.1)), Relu, Dense(2).named("neck")), (2, 3)),
        Case(Dense(3, W_init=initializers.ones), (2, 3), domain=(-float("inf"), 2.0), tokens=range(3)),
        Case(funcnn.Dropout(np.float64(0.5)), (2, 3)),
        LossCase(squared_error.bind(reduce="sum"), (2, 3)),
        LossCase(squared_error, (2, 3), target=nothing),
        OptimizerCase(funcnn.chain(sgd(funcnn.cosine_decay(0.1, 3))), {"w": (2,)}),
        OptimizerCase(STANDING, {"w": (2,)}),
    ],
    ids=repr,
)
def test_every_case_is_a_program(case: Any) -> None:
    """With the imports that it needs and no others, it makes an equal case."""
    names: dict[str, Any] = {}
    exec(case.program(f"made = {case!r}"), names)
    assert repr(names["made"]) == repr(case)


def test_arrays_are_programs_too() -> None:
    """So are their dtypes."""
    held = (np.zeros(1, np.float32), float("nan"))
    assert program("", held).splitlines() == ["from math import nan", "from numpy import array, float32"]


def test_what_cannot_be_imported_is_named() -> None:
    """A layer that was made inside a function has no name to import."""
    local: Layer[Any, Any] = Layer.lift(lambda shape: shape, lambda x: (x / 2, lambda dy: dy))
    again = printed_program(found(local, "true_pullback"))
    assert "layer = ...  # to be made first: no module has <layer> by a name" in again


def _never(case: Case) -> None:
    raise broken("never")


NEVER = Law("never", "nothing obeys it", "exact", _never)


def test_laws_of_ones_own_are_programs() -> None:
    """They are imported from where they are."""
    with pytest.raises(LawBroken) as raised:
        NEVER(Case(Relu, (2, 3)))
    assert printed_program(raised.value).splitlines() == [
        "from funcnn import Relu",
        "from funcnn.testing import Case",
        "from tests.testing.test_laws_told import NEVER",
        "NEVER(Case(Relu, (2, 3)))",
    ]


def doubled(optimizer: Any) -> Any:
    """A formula that sgd does not follow."""
    return lambda grads, params: {path: -0.2 * g for path, g in grads.items()}


def test_closed_forms_are_programs() -> None:
    """With the formula."""
    with pytest.raises(LawBroken) as raised:
        closed_form(doubled)(OptimizerCase(sgd(0.1), {"w": (2,)}))
    with pytest.raises(LawBroken, match="off by"):
        exec(printed_program(raised.value), {})


def test_an_exception_says_where_it_comes_from() -> None:
    """The line of the layer, not that of the law."""
    error = found(Clumsy(), "declared_shape")
    assert error.what.startswith("IndexError: tuple index out of range (") and error.what.endswith(" in spec)")
    assert "test_laws_told.py:" in error.what


def test_one_exception_is_told_once() -> None:
    """By the first law that meets it; each of the others fails too, and names that law and the cause."""
    report = holds(Clumsy(), ("B", "D"), report=True, examples=2)
    first, *others = [line.broken for line in report.lines]
    assert first is not None and "again:" in str(first)
    assert len(others) > 25
    for line, error in zip(report.lines[1:], others, strict=True):
        if line.law in ("hands_on_key", "blind_to_hashes"):
            continue  # the one looks at the layers inside alone, the other at what another process says
        head = f"{line.law} is broken by the same exception as declared_shape, which tells more: "
        assert str(error) == head + first.what


def test_one_cause_is_shrunk_once() -> None:
    """The law that tells looks for the smallest case; the others stop at the first that they meet."""
    calls: list[int] = []

    def f(x: Any) -> Any:
        calls.append(1)
        return x[7], lambda dy: dy

    tried = trials(Layer.lift(lambda shape: axes("f", shape, at_least=1), f), ("B", "D"), only=["pure", "value_of_rule"])
    counts: list[int] = []
    for trial in tried.values():
        before = len(calls)
        with pytest.raises(LawBroken):
            trial.run()
        counts.append(len(calls) - before)
    assert counts[1] <= 4 < counts[0]


def test_whichever_law_is_first_tells() -> None:
    """Tests may run in any order, and the same one twice."""
    tried = trials(Clumsy(), ("B", "D"), examples=2)

    def told(law: str) -> str:
        with pytest.raises(LawBroken) as raised:
            tried[law].run()
        return raised.value.told

    assert [told(law) for law in ("pure", "declared_shape", "pure")] == ["", "pure", ""]


def test_other_exceptions_are_told_too() -> None:
    """Laws that are broken without an exception tell their own story each."""
    report = holds(HALF, ("B", "D"), report=True, only=["true_pullback", "full_jacobian"])
    assert all("again:" in str(line.broken) for line in report.lines)


def test_a_wrong_pullback_that_jumps_is_not_called_a_kink() -> None:
    """The sine has none; its pullback is wrong on one side, and that is said."""
    half_sine = pointwise(np.sin, lambda x, dy: dy * np.cos(x) * (x > 0))
    said = found(half_sine, "smooth", kinks=False).what
    assert "it is not the derivative: the pullback says" in said and "kinks=True" not in said


def test_a_kink_with_a_true_pullback_is_called_one() -> None:
    """On both sides the pullback is the derivative."""
    assert "say kinks=True" in found(Relu, "smooth", kinks=False).what


NO_LAYERS: dict[str, tuple[Any, str]] = {
    "a constructor": (Dense, r"got the function Dense: call it if it makes layers: Dense\(\.\.\.\)"),
    "a class": (Layer, r"got the class Layer: call it"),
    "a number": (3, "got 3, an int"),
    "nothing": (None, "got None, a NoneType"),
    "a layer with its shape": ((Relu, (2, 3)), "the layer is its first part"),
    "a loss": (squared_error, "got squared_error, a Loss"),
}


@pytest.mark.parametrize("what", NO_LAYERS)
def test_what_is_no_layer_is_refused_at_once(what: str) -> None:
    """Before any test runs, with the way out."""
    value, message = NO_LAYERS[what]
    from funcnn.testing import laws, parametrize_with_laws

    for refuse in (laws, holds, lambda value, shape: parametrize_with_laws([value], shape)):
        with pytest.raises(TypeError, match=f"a layer.* is to be held to the laws, .*{message}"):
            refuse(value, ("B", "D"))


def test_a_layer_is_no_list_of_layers() -> None:
    """Though it is a tuple."""
    from funcnn.testing import parametrize_with_laws

    wrong: Any = Relu
    with pytest.raises(TypeError, match=r"takes a list of layers, got Relu; write \[Relu\]"):
        parametrize_with_laws(wrong, ("B", "D"))


def test_what_is_no_loss_or_optimizer_is_refused_at_once() -> None:
    """A plain function and a maker."""
    from funcnn.testing import loss_laws, optimizer_laws

    wrong: Any = sgd
    with pytest.raises(
        TypeError, match=r"an optimizer is to be held .* got the function sgd: call it .*: sgd\(\.\.\.\)"
    ):
        optimizer_laws(wrong)
    wrong = doubled
    with pytest.raises(TypeError, match=r"a loss is to be held .* got the function doubled: .*decorated with @loss"):
        loss_laws(wrong, ("B", "D"))


def test_strategies_of_something_else_are_told_so() -> None:
    """When they draw it: `networks()` draws pairs."""
    from funcnn.testing import networks

    wrong: Any = networks((2, 3))
    with pytest.raises(
        LawBroken, match=r"the strategy is to draw layers, it draws Drawn\(.*the layer is its first part"
    ):
        holds(wrong, (2, 3), only=["pure"])


def test_what_is_no_shape_is_refused_at_once() -> None:
    """A number, or the name of a size, is no template."""
    wrong: Any
    for wrong in (3, "B"):
        with pytest.raises(TypeError, match=r"the shape of the input is wanted, shapes\('B', ..., 'D'\)"):
            holds(Relu, wrong)


def test_the_readme_shows_the_failure_of_the_example(monkeypatch: pytest.MonkeyPatch) -> None:
    """Word for word, but for the last digits, and its program breaks the law."""
    root = Path(__file__).parents[2]
    monkeypatch.syspath_prepend(str(root / "examples"))
    _, told = importlib.import_module("own_layer").main([])
    shown = (root / "docs" / "laws.md").read_text(encoding="utf-8")
    rounding = re.compile(r"(?<=\.\d{9})\d+|(?<=± ).*")
    assert rounding.sub("", told) in rounding.sub("", shown)
    with pytest.raises(LawBroken, match="gradient of slope"):
        exec(told.partition("  again:\n")[2], {})


def test_programs_of_the_table_are_those_of_the_catalogue() -> None:
    """The names that programs import are there."""
    assert all(law.table == "LAWS" and LAWS[name] is law for name, law in LAWS.items())
