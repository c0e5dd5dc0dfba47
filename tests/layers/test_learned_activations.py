"""PRelu, GLU, Maxout and Sparsemax: values by hand, ties, one row and none, messages."""

from __future__ import annotations

import numpy as np
import pytest

from funcnn import GLU, Array, Layer, Maxout, PRelu, ShapeError, Sparsemax, serial, vjp
from funcnn.initializers import constant


def test_prelu_by_hand() -> None:
    """`y = x` for x > 0, else `s x`; at 0 the cotangent is the left one."""
    net, params = PRelu(), {"slope": np.array([0.5, 2.0, -1.0])}
    y, pullback = vjp(net.apply, params, np.array([[-2.0, 3.0, -4.0], [1.0, -1.0, 0.0]]))
    assert y.tolist() == [[-1.0, 3.0, 4.0], [1.0, -2.0, 0.0]]
    dparams, dx = pullback(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
    assert dparams.at("slope").tolist() == [-2.0, -5.0, -12.0]
    assert dx.tolist() == [[0.5, 2.0, -3.0], [4.0, 10.0, -6.0]]


def test_prelu_starts_at_a_quarter_and_takes_another_start() -> None:
    """The paper's 0.25 for every feature."""
    assert PRelu().init(0, (-1, 3))[1].at("slope").tolist() == [0.25, 0.25, 0.25]
    assert PRelu(slope_init=constant(0.5)).init(0, (2, 4, 2))[1].at("slope").tolist() == [0.5, 0.5]


def test_prelu_sums_over_all_batch_axes_and_over_no_row() -> None:
    """A slope is shared by every place; without rows its gradient is zero."""
    x = np.full((2, 3, 2), -1.0)
    _, pullback = vjp(PRelu().apply, {"slope": np.zeros(2)}, x)
    assert pullback(np.ones_like(x))[0].at("slope").tolist() == [-6.0, -6.0]
    y, pullback = vjp(PRelu().apply, {"slope": np.zeros(2)}, np.zeros((0, 2)))
    assert (y.shape, pullback(y)[0].at("slope").tolist()) == ((0, 2), [0.0, 0.0])


def test_glu_by_hand() -> None:
    """`a / (1 + e^-b)`; at b = log 3 the gate is 3/4, at 0 it is 1/2."""
    x = np.array([[8.0, 4.0, np.log(3.0), 0.0]])
    y, pullback = vjp(GLU.apply, {}, x)
    assert y == pytest.approx(np.array([[6.0, 2.0]]))
    assert pullback(np.array([[1.0, 10.0]]))[1] == pytest.approx(np.array([[0.75, 5.0, 8 * 3 / 16, 10.0]]))


def test_glu_with_open_and_closed_gates() -> None:
    """Beyond all digits of the gate its derivative still has its own: `e^-40` and `e^-80`."""
    x = np.array([[1.0, 1.0, 40.0, -80.0]])
    y, pullback = vjp(GLU.apply, {}, x)
    assert y == pytest.approx(np.array([[1.0, np.exp(-80.0)]]), rel=1e-15)
    assert pullback(np.ones((1, 2)))[1][0, 2:] == pytest.approx([np.exp(-40.0), np.exp(-80.0)], rel=1e-14)


def test_maxout_by_hand() -> None:
    """Groups of neighbours; of equal ones the first gets the cotangent."""
    x = np.array([[1.0, 5.0, 5.0, -3.0, -2.0, -9.0]])
    y, pullback = vjp(Maxout(3).apply, {}, x)
    assert y.tolist() == [[5.0, -2.0]]
    assert pullback(np.array([[7.0, 8.0]]))[1].tolist() == [[0.0, 7.0, 0.0, 0.0, 8.0, 0.0]]
    assert Maxout(1).apply({}, x).tolist() == x.tolist()
    assert Maxout(2).apply({}, np.zeros((0, 4))).shape == (0, 2)


def nearest(x: list[float]) -> list[float]:
    """The nearest point of the simplex, by bisection on the threshold."""
    low, high = min(x) - 1, max(x)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(max(v - middle, 0.0) for v in x) > 1 else (low, middle)
    return [max(v - low, 0.0) for v in x]


@pytest.mark.parametrize("scale", [1e-3, 0.3, 1.0, 30.0, 1e4])
def test_sparsemax_is_the_nearest_point_of_the_simplex(scale: float) -> None:
    """For rows of all widths, one number too."""
    rng = np.random.default_rng(3)
    for n in (1, 2, 3, 7):
        x = rng.normal(size=(20, n)) * scale
        wanted = np.array([nearest(row) for row in x.tolist()])
        assert Sparsemax.apply({}, x) == pytest.approx(wanted, abs=1e-12 * (1 + scale))


def test_sparsemax_by_hand() -> None:
    """Equal numbers share; the cotangent loses its mean over what is not 0."""
    x = np.array([[1.0, 1.0, 0.5, -3.0]])
    y, pullback = vjp(Sparsemax.apply, {}, x)
    assert y == pytest.approx(np.array([[0.5, 0.5, 0.0, 0.0]]))
    assert pullback(np.array([[1.0, 3.0, 50.0, 7.0]]))[1].tolist() == [[-1.0, 1.0, 0.0, 0.0]]
    assert Sparsemax.apply({}, np.zeros((2, 5))) == pytest.approx(np.full((2, 5), 0.2))
    assert Sparsemax.apply({}, np.zeros((0, 5))).shape == (0, 5)


@pytest.mark.parametrize(
    ("net", "shape", "message"),
    [
        (GLU, (-1, 3), r"GLU takes an even number of features, the values and their gates, got \(\?, 3\)"),
        (Maxout(2), (4, 5), r"Maxout\(2\) takes a multiple of 2 features, got \(4, 5\)"),
        (PRelu(), (), r"PRelu takes an array of at least 1 axis, got \(\)"),
        (Sparsemax, ((2, 3), (2, 3)), "Sparsemax takes an array .* got a tuple of 2"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(net: Layer[Array, Array], shape: tuple[int, ...], message: str) -> None:
    """With what came and what is taken, and the path."""
    with pytest.raises(ShapeError, match=message):
        serial(net).out_shape(shape)


def test_unknown_sizes_are_silent() -> None:
    """An unknown number of features may be even."""
    assert (GLU.out_shape((2, -1)), Maxout(3).out_shape((2, -1))) == ((2, -1), (2, -1))


def test_maxout_wants_pieces() -> None:
    with pytest.raises(ValueError, match="Maxout: pieces must be an integer of at least 1, got 0"):
        Maxout(0)
