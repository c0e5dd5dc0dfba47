"""The judge of derivatives: it sees an error of a millionth, and accuses nobody at kinks, ties and tiny inputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from funcnn import (
    BatchNorm, Conv, Dense, Flatten, Layer, LayerNorm, MaxPool, MultiHeadAttention, Relu, Shape, Spec, serial,
)  # fmt: skip
from funcnn.authoring import axes, leaves
from funcnn.initializers import constant, ones, zeros
from funcnn.testing import LAWS, Case, LawBroken, judge, ladder
from funcnn.testing.casebook.programs import program
from funcnn.testing.judging.derivatives import Line, complex_step, jump
from tests.testing.faulty_layers import affine, matrix, pointwise, with_gradients


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


def test_rounding_convicts_nobody() -> None:
    """A staircase has exact differences, and they are wrong."""

    def stairs(t: Any) -> Any:
        return 1.0 + 1e-16 * t - 1.0  # all rounded away

    finding = judge(lambda attempt: Line(stairs, 1.1e-16, 0.0, 1.1e-16, 1.0))
    assert finding.outcome is not False and stairs(1.0) == 0.0


def test_a_jump_of_the_derivative_is_found_wherever_it_is() -> None:
    """Between two samples, too; a steep slope is none."""
    found = jump(lambda t: float(t > 0.123456))
    assert found.size == 1.0 and found.at == pytest.approx(0.123456)
    assert jump(lambda t: float(np.tanh(500 * (t - 0.4321)))).size < 1e-4


def norm(change: Callable[..., Any]) -> Layer[Any, Any]:
    """Rows normalized, times a gain, plus a bias; the gradients of gain, bias and input passed through `change`."""

    def rule(p: Mapping[str, Any], x: Any) -> tuple[Any, Callable[[Any], Any]]:
        gain, bias = leaves(p, "gain", "bias")
        centered = x - x.mean(-1, keepdims=True)
        scale = 1 / np.sqrt((centered * centered).mean(-1, keepdims=True) + 1e-5)
        n = centered * scale

        def pullback(dy: Any) -> Any:
            dn = dy * gain
            dx = scale * (dn - dn.mean(-1, keepdims=True) - n * (dn * n).mean(-1, keepdims=True))
            dgain, dbias, dx = change((dy * n).sum(0), dy.sum(0), dx)
            return {"gain": dgain, "bias": dbias}, dx

        return n * gain + bias, pullback

    def spec(shape: Shape) -> Spec:
        features = axes("norm", shape)[-1:]
        return {"gain": (ones, features), "bias": (zeros, features)}

    return Layer.of(matrix, spec, rule)


def _off(which: int) -> Any:
    """Gradients with one of three off by a millionth."""
    return lambda *gradients: [g * (1 + 1e-6 * (i == which)) for i, g in enumerate(gradients[:3])]


@pytest.mark.parametrize("make", [lambda change: affine(with_gradients(change)), norm], ids=["dense", "norm"])
@pytest.mark.parametrize("which", range(3))
def test_a_millionth_in_one_leaf_is_found(make: Any, which: int) -> None:
    """In a weight, a bias or the input of a dense layer, in a gain, a bias or the input of a norm."""
    with pytest.raises(LawBroken, match="true_pullback is broken"):
        LAWS["true_pullback"](Case(make(_off(which)), (3, 4), seed=5))
    LAWS["true_pullback"](Case(make(_off(3)), (3, 4), seed=5))


@pytest.mark.parametrize("kind", ["mixed", "sparse", "tiny", "subnormal", "small", "large"])
@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (Relu, (3, 4)),
        (MaxPool((2, 2)), (2, 4, 4, 2)),
        (LayerNorm(), (3, 4)),
        (serial(Dense(4), Relu, LayerNorm()), (3, 4)),
    ],
    ids=repr,
)
def test_nobody_is_accused_at_zeros_ties_and_tiny_inputs(layer: Layer[Any, Any], shape: Any, kind: str) -> None:
    """Correct layers are never convicted, at whatever inputs."""
    for seed in range(20):
        for law in ("true_pullback", "additive_pullback", "linear_pullback", "independent_rows"):
            LAWS[law](Case(layer, shape, seed=seed, kind=kind))
        LAWS["float32_tracks_float64"](Case(layer, shape, dtype="float32", seed=seed, kind=kind))


def running_sum(x: Any) -> Any:
    """Sums up to each place, in an array made for real numbers; the pullback has forgotten the sums."""
    y = np.zeros(x.shape)
    for t in range(x.shape[1]):
        y[:, t] = x[:, t] + (y[:, t - 1] if t else 0)
    return y, lambda dy: dy * 1


@pytest.mark.parametrize("law", ["full_jacobian", "true_pullback"])
@pytest.mark.filterwarnings("default")
def test_an_imaginary_part_that_was_lost_proves_nothing(law: str, recwarn: pytest.WarningsRecorder) -> None:
    """The complex step says 0 where the pullback does; differences are heard, and the user is warned of nothing."""
    with pytest.raises(LawBroken, match="differences say"):
        LAWS[law](Case(Layer.lift(matrix, running_sum), (2, 3), seed=1))
    assert len(recwarn) == 0


def test_nobody_is_accused_of_denormal_numbers() -> None:
    """exp(-x^2) has gradients of 1e-40 in float32, which lose bits when they are halved and doubled."""
    bell = pointwise(lambda x: np.exp(-x * x), lambda x, dy: -2 * x * np.exp(-x * x) * dy)
    for seed in range(200):
        LAWS["linear_pullback"](Case(bell, (3, 4), dtype="float32", seed=seed, kind="large"))


@pytest.mark.parametrize("seed", [18954, 19186])
def test_nobody_is_accused_of_denormal_numbers_on_the_way(seed: int) -> None:
    """The weights of a softmax may be 1e-40: halved they lose bits, and a sum between two numbers is rounded to one or
    the other. Gradients are of usual sizes, and differ in their last place.
    """
    case = Case(MultiHeadAttention(2, causal=True), (2, 70, 8), dtype="float32", seed=seed, kind="large")
    assert LAWS["linear_pullback"](case).value == "holds"


@pytest.mark.parametrize("net", [serial(Dense(4), BatchNorm()), serial(Dense(4), BatchNorm(), Relu, Dense(2))])
def test_nobody_is_accused_of_the_rounding_of_nothing(net: Layer[Any, Any]) -> None:
    """The bias in front of a norm of the batch has no gradient: in float32 there is 1e-3 of it, in float64 1e-12."""
    for seed in range(60):
        case = Case(net, (6, 3), dtype="float32", seed=seed, kind="small", training=True)
        assert LAWS["float32_tracks_float64"](case).value != "broken"


def test_nothing_in_float64_is_not_nothing_in_float32() -> None:
    """A bias whose gradient is 0 in float64 and 1 in float32 is found."""

    def wide(dw: Any, db: Any, dx: Any, dy: Any, *_: Any) -> Any:
        return dw, db * 0 + (dy.dtype == np.float32), dx

    with pytest.raises(LawBroken, match="strays"):
        LAWS["float32_tracks_float64"](Case(affine(with_gradients(wide)), (3, 4), dtype="float32"))


def test_nobody_is_accused_of_many_small_kinks() -> None:
    """Among six thousand rectified numbers from 1/1000 to 1000, a network looks smooth from afar, with another slope.

    The complex step agrees with the pullback; differences, which are heard all the same, must not overrule it.
    """
    net = serial(Conv(8, (3, 3)), Relu, MaxPool((2, 2), (2, 2)), Flatten, Dense(10))
    with np.errstate(all="ignore"):
        assert LAWS["true_pullback"](Case(net, (4, 16, 16, 8), seed=37191, kind="wide")).value != "broken"


def test_denormal_numbers_are_no_excuse() -> None:
    """A pullback with an offset of a millionth is found where there are such numbers, too."""

    def value(x: Any) -> Any:
        return x * np.exp(-x * x)

    off = pointwise(value, lambda x, dy: (1 - 2 * x * x) * np.exp(-x * x) * dy + np.float32(1e-5))
    with pytest.raises(LawBroken, match="to the last bit"):
        for seed in range(5):
            LAWS["linear_pullback"](Case(off, (3, 4), dtype="float32", seed=seed, kind="large"))


def test_nobody_is_accused_of_large_params() -> None:
    """Beside 1e9, one more is nothing in float32."""
    large = affine(with_gradients(lambda dw, db, dx, *_: (dw, db, dx)), init=constant(1e9))
    assert LAWS["immutable_params"](Case(large, (2, 3), dtype="float32")).value == "holds"


def test_ufuncs_without_a_module_are_printed() -> None:
    """SciPy's have none, and those made of functions; a broken law shows them."""
    made = np.frompyfunc(math.erf, 1, 1)
    assert not hasattr(made, "__module__")
    assert program("erf", made).startswith("erf_vectorized = ...  # to be made first")
