"""The tools behind the laws: the judge, cases, strategies, runs."""

from __future__ import annotations

import itertools
import pkgutil
from typing import Any

import numpy as np
import pytest
from hypothesis import find, given
from hypothesis import strategies as st

import funcnn
import funcnn.testing
from funcnn import Array, Dense, Key, Layer, LayerNorm, MaxPool, Params, Relu, ShapeError, Tanh, Tokens, serial
from funcnn.children import children_of
from funcnn.hooks import for_hypothesis
from funcnn.testing import (
    LAWS,
    Case,
    Drawn,
    IllFormed,
    Law,
    LawBroken,
    LossCase,
    OptimizerCase,
    Report,
    Trial,
    Verdict,
    broken,
    cases,
    holds,
    ill_formed_networks,
    judge,
    ladder,
    laws,
    layers,
    networks,
    params,
    shapes,
    trees,
)
from funcnn.testing.judging import Line, complex_step, jump

for_hypothesis.register()  # as Hypothesis does where funcnn is installed


# the judge ------------------------------------------------------------------------------------------------------------
def line(f: Any, claimed: float) -> Line:
    """A function of one number, with a claim about its derivative at 0."""
    return Line(f, claimed, float(np.real(f(0.0))), abs(claimed), abs(float(np.real(f(0.0)))) + 1.0)


def test_a_true_derivative_is_true() -> None:
    """By the complex step, in one evaluation."""
    finding = judge(lambda attempt: line(lambda t: np.exp(np.sin(t)), 1.0))
    assert (finding.outcome, finding.by) == (True, "the complex step says")


def test_a_derivative_off_by_a_millionth_is_false() -> None:
    """The differences that convict know their error, which is far below."""
    finding = judge(lambda attempt: line(lambda t: np.exp(np.sin(t)), 1.0 + 1e-6))
    assert finding.outcome is False and finding.error < 1e-9


def test_functions_that_are_not_analytic_are_judged_by_differences() -> None:
    """The complex step is wrong about |t + 1|^2, and convicts nobody."""
    finding = judge(lambda attempt: line(lambda t: np.abs(t + 1) ** 2, 2.0))
    assert (finding.outcome, finding.by) == (True, "differences say")


@pytest.mark.parametrize("doubt", [True, False])
def test_forgotten_ways_are_found_where_there_is_doubt(doubt: bool) -> None:
    """|t + 1| has no imaginary part to first order: the complex step agrees with a claim that forgets it."""
    finding = judge(lambda attempt: line(lambda t: t * 2 + np.abs(t + 1), 2.0), doubt=doubt)
    assert finding.outcome is not doubt


def test_zero_is_never_believed_without_differences() -> None:
    """A function that drops all imaginary parts says 0, whatever its derivative is."""
    assert judge(lambda attempt: line(lambda t: np.sin(np.real(t)), 0.0)).outcome is False


def test_functions_that_are_others_at_complex_numbers_are_not_believed() -> None:
    """Where the real part is not the value, the complex step says nothing."""
    assert np.isnan(complex_step(lambda t: t + 1, value=0.0, room=1e-12))


@pytest.mark.parametrize("claimed", [0.5, 1.0])
def test_kinks_give_no_verdict(claimed: float) -> None:
    """Central differences of max(t, 0) all say 1/2; the quotients from both sides tell that there is a kink."""
    assert judge(lambda attempt: line(lambda t: max(np.real(t), 0.0) + 0.0, claimed)).outcome is None


def test_the_ladder_knows_its_error() -> None:
    """The estimate of the error is above the error, and small."""
    found = ladder(lambda t: np.exp(3 * t), 1.0)
    assert abs(found.value - 3.0) <= found.error < 1e-9


def test_a_jump_of_the_derivative_is_found_wherever_it_is() -> None:
    """Between two samples, too; a steep slope is none."""
    assert jump(lambda t: float(t > 0.123456)) == 1.0
    assert jump(lambda t: float(np.tanh(500 * (t - 0.4321)))) < 1e-6


@pytest.mark.parametrize("kind", ["mixed", "sparse", "tiny", "subnormal", "small", "large"])
@pytest.mark.parametrize(
    ("layer", "shape"),
    [(Relu, (3, 4)), (MaxPool((2, 2)), (2, 4, 4, 2)), (LayerNorm(), (3, 4)), (serial(Dense(4), Relu, LayerNorm()), (3, 4))],
    ids=repr,
)
def test_nobody_is_accused_at_zeros_ties_and_tiny_inputs(layer: Layer[Any, Any], shape: Any, kind: str) -> None:
    """Correct layers are never convicted, at whatever inputs."""
    for seed in range(20):
        for law in ("true_pullback", "additive_pullback", "linear_pullback", "independent_rows"):
            LAWS[law](Case(layer, shape, seed=seed, kind=kind))
        LAWS["float32_tracks_float64"](Case(layer, shape, dtype="float32", seed=seed, kind=kind))


# cases ----------------------------------------------------------------------------------------------------------------
@given(drawn=layers(), seed=st.integers(0, 99), kind=st.sampled_from(["normal", "mixed"]), training=st.booleans())
def test_the_repr_of_a_case_rebuilds_it(drawn: Drawn, seed: int, kind: str, training: bool) -> None:
    """Params and input are the same bit for bit."""
    case = Case(drawn.layer, drawn.shape, seed=seed, kind=kind, training=training)
    again = eval(repr(case), {**vars(funcnn), "Case": Case})
    assert (again.params, again.x.tobytes(), again.key) == (case.params, case.x.tobytes(), case.key)


def test_the_repr_of_other_cases_rebuilds_them() -> None:
    """Cases of losses and of optimizers too."""
    loss = LossCase(funcnn.softmax_cross_entropy, (2, 3), target="labels", seed=3, weighted=True)
    again = eval(repr(loss), {**vars(funcnn), "LossCase": LossCase})
    step = OptimizerCase(funcnn.sgd(0.5), {"w": (2,), "a/b": ()}, seed=3, dtype="float32")
    other = eval(repr(step), {**vars(funcnn), "OptimizerCase": OptimizerCase})
    assert (again.value(), other.walk()[-1]) == (loss.value(), step.walk()[-1])


def test_params_of_cases_are_moved_away_from_initial_values() -> None:
    """No bias of a case is zero."""
    assert np.abs(Case(Dense(3), (2, 4)).params.at("b")).min() > 0.1


def test_tokens_of_cases_are_tokens() -> None:
    """Integers of the range, both ends included."""
    x = Case(funcnn.Embedding(9, 2), (4, 5), tokens=range(3, 8)).x
    assert (x.dtype.kind, x.min(), x.max()) == ("i", 3, 7)


# strategies -----------------------------------------------------------------------------------------------------------
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
    def drawn(net: Layer[Array, Array], words: Layer[Tokens, Array], tree: Params, key: Key) -> None:
        assert isinstance(net, Layer) and "Embedding" in repr(words)
        assert isinstance(tree, Params) and isinstance(key, Key)

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


# runs -----------------------------------------------------------------------------------------------------------------
def trial(check: Any, kind: Any = "exact", reason: str = "") -> Trial:
    """A law of one's own, tried on Tanh."""
    return Trial(Law("mine", "a sentence", kind, check), cases(Tanh, shapes("B", "D")), "Tanh", reason)


def test_what_holds_is_counted() -> None:
    """So is what does not apply."""
    tally = trial(lambda case: Verdict.MOOT if case.seed % 2 else None).run(20)
    assert tally.holds + tally.moot == 20 and tally.undecided == 0


def test_a_run_without_any_verdict_fails() -> None:
    """A law that says nothing has tested nothing."""
    with pytest.raises(LawBroken, match="no verdict in any of 60 cases"):
        trial(lambda case: Verdict.NONE).run(20)


def test_outliers_are_not_convicted() -> None:
    """A numeric law that fails once, and not again on fresh values, gives no verdict."""

    def check(case: Case) -> None:
        if case.attempt == 0 and case.seed > 0:
            raise broken("once")

    assert trial(check, "numeric").run(20).none > 0


def test_the_last_line_of_a_failure_is_a_program() -> None:
    """It breaks the law again."""
    with pytest.raises(LawBroken) as raised:
        holds(Tanh, ("B", "D"), only=["unit_interval"], also=["unit_interval"])
    again = str(raised.value).splitlines()[-1].removeprefix("  again:")
    with pytest.raises(LawBroken, match="values from"):
        eval(again.strip(), {**vars(funcnn), "LAWS": LAWS, "Case": Case})


def test_exact_laws_convict_at_once() -> None:
    """Once is enough."""

    def check(case: Case) -> None:
        if case.attempt == 0:
            raise broken("once")

    with pytest.raises(LawBroken, match="once"):
        trial(check).run(20)


def test_a_law_that_is_broken_once_is_broken() -> None:
    """Even if the same case passes when it is tried again: a layer that changes its mind is at fault."""
    calls = itertools.count()

    def check(case: Case) -> None:
        if next(calls) == 5:
            raise broken("once")

    with pytest.raises(LawBroken, match="not at every run"):
        trial(check).run(20)


def test_flags_that_do_not_come_again_are_nobodys_fault() -> None:
    """BLAS sets floating-point flags for memory beyond short rows, once in a million times."""
    calls = itertools.count()

    def check(case: Case) -> None:
        if next(calls) == 5:
            raise FloatingPointError("invalid value encountered in dot")

    assert trial(check).run(20).holds == 20


def test_rounding_convicts_nobody() -> None:
    """A staircase has exact differences, and they are wrong."""

    def stairs(t: Any) -> Any:
        return 1.0 + 1e-16 * t - 1.0  # all rounded away

    finding = judge(lambda attempt: Line(stairs, 1.1e-16, 0.0, 1.1e-16, 1.0))
    assert finding.outcome is not False and stairs(1.0) == 0.0


def test_an_exception_must_be_needed() -> None:
    """A law that is said not to hold, and does, fails."""
    with pytest.raises(LawBroken, match="is said not to hold .a lookup table.*drop what is said"):
        trial(lambda case: None, reason="a lookup table").run(20)


def test_an_exception_makes_a_failing_law_pass() -> None:
    """It fails as it was said to."""

    def check(case: Case) -> None:
        raise broken("always")

    assert sum(trial(check, reason="a lookup table").run(20)) == 0


def test_an_error_of_the_layer_breaks_the_law() -> None:
    """Whatever it raises, with its cause."""
    with pytest.raises(LawBroken, match="ZeroDivisionError") as raised:
        trial(lambda case: 1 // 0).run(20)
    assert isinstance(raised.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"except_": {"pure": ""}}, "takes {law: reason}"),
        ({"except_": {"puer": "why"}}, "takes {law: reason}"),
        ({"only": ["puer"]}, "not held to puer"),
        ({"also": ["puer"]}, "there is no law 'puer'"),
    ],
)
def test_names_of_laws_are_checked(wrong: dict[str, Any], message: str) -> None:
    """A typing error does not leave a law out."""
    with pytest.raises(ValueError, match=message):
        laws(Tanh, ("B", "D"), **wrong)


def test_reports_are_tables() -> None:
    """One line a law, and the message of what is broken."""
    report: Report = holds(Tanh, (2, 3), report=True, only=["pure", "odd", "unit_interval"], also=["odd", "unit_interval"])
    assert (report.held, len(report.lines)) == (False, 3)
    assert "unit_interval  BROKEN" in str(report) and "values from" in str(report)


def test_families_of_layers_are_tried_too() -> None:
    """A strategy of layers stands where a layer may."""
    holds(st.builds(Dense, st.integers(1, 3)), shapes("B", "D"), only=["true_pullback", "key_decides"], examples=10)


def test_a_layer_that_refuses_the_template_is_told_so() -> None:
    """The message is the layer's own."""
    with pytest.raises(LawBroken, match="ShapeError: .*MaxPool"):
        holds(MaxPool((2, 2)), ("B", "D"), only=["pure"])


def test_no_module_shadows_a_name() -> None:
    """What `funcnn.testing` exports is never one of its modules."""
    modules = {module.name for module in pkgutil.iter_modules(funcnn.testing.__path__)}
    assert modules & set(funcnn.testing.__all__) == set()
