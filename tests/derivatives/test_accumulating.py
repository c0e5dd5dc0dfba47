"""A batch in parts: the gradient of the whole, for every kind of loss, and what parts see."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from funcnn import (
    Array, BatchNorm, Dense, Dropout, FanInSum, FanOut, Flatten, Gradients, Key, Layer, LayerNorm, Loss, MeanOver,
    Params, ShapeError, Tanh, Terms, absolute_error, accumulate, adam, fit, gaussian_kl, huber, joint, l1, l2, loss, minimize,
    on_item, parallel, sam, serial, softmax_cross_entropy, squared_error, sum_squared_error, tree_map,
    value_and_grad,
)  # fmt: skip

RNG = np.random.default_rng(0)
X = RNG.normal(size=(11, 3))
Y = RNG.normal(size=(11, 2))
LABELS = RNG.integers(0, 2, size=11)
WEIGHTS = RNG.uniform(0.5, 2, size=11)
NET = serial(Dense(4), Tanh, LayerNorm(), Dense(2))
_, PARAMS = NET.init(Key(0), (-1, 3), dtype=np.float64)
HEADS = serial(Dense(4), FanOut(2), parallel(Dense(2), Dense(2)))
SEQUENCES = RNG.normal(size=(11, 5, 3))
STEPS = RNG.integers(-1, 2, size=(11, 5))  # -1 is padding


@loss
def contrastive(a: Array, b: Array) -> Terms[Array]:
    """Every row beside all others: the softmax of inner products. What a part would see is another loss."""
    scores = a @ b.T
    e = np.exp(scores - scores.max(1, keepdims=True))
    p = e / e.sum(1, keepdims=True)

    def pullback(d: Any) -> tuple[Array, Array]:
        ds = (p - np.eye(len(a))) * np.reshape(d, (-1, 1))
        return ds @ b, ds.T @ a

    return -np.log(np.diagonal(p)), pullback


CASES: dict[str, tuple[Loss[Any, Any], Layer[Any, Any], Any, Any, Any]] = {
    "mean": (squared_error, NET, X, Y, None),
    "sum": (sum_squared_error.bind(reduce="sum"), NET, X, Y, None),
    "batch": (huber.bind(reduce="batch"), NET, X, Y, None),
    "weights": (squared_error, NET, X, Y, WEIGHTS),
    "a mask that leaves a part empty": (squared_error, NET, X, Y, np.arange(11) > 4),
    "weights in batch": (squared_error.bind(reduce="batch"), NET, X, Y, WEIGHTS),
    "labels": (softmax_cross_entropy.bind(label_smoothing=0.1), NET, X, LABELS, WEIGHTS),
    "class weights": (softmax_cross_entropy.bind(class_weights=(0.2, 3.0)), NET, X, LABELS, None),
    "labels to ignore": (softmax_cross_entropy.bind(ignore=-1), NET, SEQUENCES, STEPS, None),
    "joint": (joint(squared_error, softmax_cross_entropy, scales=(1.0, 0.3)), HEADS, X, (Y, LABELS), WEIGHTS),
    "joint of sum and mean": (
        joint(squared_error.bind(reduce="sum"), softmax_cross_entropy.bind(ignore=1)), HEADS, X, (Y, LABELS), None,
    ),
    "an item": (on_item(1, absolute_error), HEADS, X, Y, None),
    "no target": (gaussian_kl, HEADS, X, None, None),
    "rows compared": (contrastive, NET, X, Y, None),
    "a tuple as input": (squared_error, serial(parallel(Dense(2), Dense(2)), FanInSum), (X, X[:, ::-1]), Y, None),
    "over time": (squared_error, serial(Dense(2), MeanOver(1)), SEQUENCES, Y, None),
}  # fmt: skip


def shape_of(x: Any) -> Any:
    """Its shape, the batch left open."""
    return tuple(map(shape_of, x)) if isinstance(x, tuple) else (-1, *x.shape[1:])


@pytest.mark.parametrize("n", [1, 2, 3, 11, 40])
@pytest.mark.parametrize("case", CASES)
def test_value_and_gradient_are_those_of_the_whole(case: str, n: int) -> None:
    """To rounding in float64, parts of different sizes, weights and penalties included."""
    kind, net, x, target, weights = CASES[case]
    _, params = net.init(Key(1), shape_of(x), dtype=np.float64)
    objective = value_and_grad(kind, net.apply, l2(0.1), l1(0.01, where="**/b"))
    params = tree_map(lambda p: p + 0.1, params)  # away from the kinks
    value, gradients = objective(params, x, target, weights=weights)
    batch = (x, target) if weights is None else (x, target, weights)
    in_parts, found = accumulate(objective, n)(params, batch)
    assert in_parts == pytest.approx(value, rel=1e-13)
    assert found.paths() == gradients.paths() and isinstance(found, Gradients)
    for path in gradients.paths():
        np.testing.assert_allclose(found.at(path), gradients.at(path), rtol=1e-12, atol=1e-14)
        assert not found.at(path).flags.writeable


def test_parts_are_parts() -> None:
    """The network never sees more than its share of the rows, and sees each twice."""
    seen: list[int] = []

    def watched(x: Any) -> Any:
        seen.append(len(x))
        return x, lambda d: d

    net = serial(Layer.lift(lambda shape: shape, watched), Dense(2))
    _, params = net.init(0, (-1, 3), dtype=np.float64)
    objective = accumulate(value_and_grad(squared_error, net.apply), 4)
    objective(params, (X, Y))  # the first look at a layer that is not ours takes a batch as it comes
    seen.clear()
    objective(params, (X, Y))
    assert seen == [2, 3, 3, 3] * 2


def test_parts_have_keys_of_their_own() -> None:
    """Part i draws with `rng.fold(i)`, the same in both passes."""
    net = serial(Dense(8), Dropout(0.5), Dense(2))
    _, params = net.init(0, (-1, 3), dtype=np.float64)
    objective, key = value_and_grad(squared_error, net.apply), Key(7)
    value, gradients = accumulate(objective, 2)(params, (X, Y), key)
    first = objective(params, X[:5], Y[:5], rng=key.fold(0))
    second = objective(params, X[5:], Y[5:], rng=key.fold(1))
    assert value == pytest.approx((5 * first[0] + 6 * second[0]) / 11, rel=1e-14)
    for path in gradients.paths():
        mean = (5 * first[1].at(path) + 6 * second[1].at(path)) / 11
        np.testing.assert_allclose(gradients.at(path), mean, rtol=1e-12, atol=1e-15)
    assert accumulate(objective, 2)(params, (X, Y), 7)[0] == value  # a seed is a key
    with pytest.raises(TypeError, match="takes a key in training"):
        accumulate(objective, 2)(params, (X, Y))
    inference = accumulate(objective, 2)(params, (X, Y), None)
    assert inference[0] == pytest.approx(objective(params, X, Y, rng=None)[0], rel=1e-14)


def test_norms_of_batches_see_a_part() -> None:
    """As it is said."""
    net = serial(Dense(3), BatchNorm(), Dense(2))
    _, params = net.init(0, (-1, 3), dtype=np.float64)
    objective = value_and_grad(squared_error, net.apply)
    value, _ = accumulate(objective, 2)(params, (X, Y), Key(0))
    each = [objective(params, X[s], Y[s], rng=0)[0] for s in (slice(0, 5), slice(5, 11))]
    assert value == pytest.approx((5 * each[0] + 6 * each[1]) / 11, rel=1e-13)


def test_functions_of_ones_own() -> None:
    """The mean over parts by their rows; keys are handed on, batches nested in any way."""
    keys: list[Any] = []

    def distance(params: Params, batch: Any, rng: Any) -> tuple[float, Any]:
        keys.append(rng)
        off = params.at("at") - batch["rows"]
        return float((off**2).mean()), {"at": 2 * off.mean(0) / off.shape[1]}

    params, batch = Params({"at": np.zeros(3)}), {"rows": X}
    value, gradients = distance(params, batch, None)
    in_parts, found = accumulate(distance, 4)(params, batch, Key(3))
    assert in_parts == pytest.approx(value, rel=1e-14)
    np.testing.assert_allclose(found.at("at"), gradients["at"], rtol=1e-13)
    assert keys == [None, *(Key(3).fold(i) for i in range(4))]
    assert isinstance(found, Gradients) and accumulate(distance, 4)(params, batch)[0] == in_parts


def test_training_in_parts_is_training() -> None:
    """`fit` makes the steps of whole batches, to rounding; also behind `sam`, and `minimize` finds the same minimum."""
    objective = value_and_grad(squared_error, NET.apply)
    whole = list(fit(objective, adam(0.01), PARAMS, (X, Y, WEIGHTS), epochs=3, batch_size=8, rng=1))
    parts = list(fit(accumulate(objective, 3), adam(0.01), PARAMS, (X, Y, WEIGHTS), epochs=3, batch_size=8, rng=1))
    assert [m.examples for _, m in parts] == [8, 3] * 3
    for (a, m), (b, n) in zip(whole, parts, strict=True):
        assert n.loss == pytest.approx(m.loss, rel=1e-12)
        for path in a.params.paths():
            np.testing.assert_allclose(b.params.at(path), a.params.at(path), rtol=1e-9, atol=1e-12)
    one = sam(accumulate(objective, 3))(PARAMS, (X, Y))
    other = sam(objective)(PARAMS, (X, Y))
    for path in PARAMS.paths():
        np.testing.assert_allclose(one[1].at(path), other[1].at(path), rtol=1e-10, atol=1e-13)
    net = Dense(2)
    _, params = net.init(0, (-1, 3), dtype=np.float64)
    linear = value_and_grad(squared_error, net.apply)
    np.testing.assert_allclose(
        minimize(accumulate(linear, 4), params, (X, Y)).params.at("w"), minimize(linear, params, X, Y).params.at("w"),
        atol=1e-5,
    )  # fmt: skip


def test_it_keeps_float32() -> None:
    """Gradients come in the dtype of the params."""
    _, params = NET.init(Key(0), (-1, 3))
    value, gradients = accumulate(value_and_grad(squared_error, NET.apply), 3)(params, (X, Y))
    assert type(value) is float and {gradients.at(path).dtype for path in gradients.paths()} == {np.dtype(np.float32)}


def test_it_is_a_value() -> None:
    """It prints, compares and pickles."""
    objective = value_and_grad(squared_error, NET.apply)
    made = accumulate(objective, 3)
    assert repr(made) == f"accumulate({objective!r}, 3)"
    assert made == accumulate(objective, 3) != accumulate(objective, 4)
    again = pickle.loads(pickle.dumps(made))
    assert again(PARAMS, (X, Y)) == made(PARAMS, (X, Y))


def nothing(params: Params, batch: Any, rng: Any) -> tuple[float, Any]:
    """An objective that says nothing."""
    return 0.0, {}


OBJECTIVE = value_and_grad(squared_error, NET.apply)
SUMMED = serial(Dense(1), Flatten, Layer.lift(lambda shape: (), lambda x: (x.sum(), lambda d: np.full(x.shape, d))))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: accumulate(3, 2), TypeError, "accumulate takes an objective first, value_and_grad(...) or any"),  # type: ignore[call-overload]
        (lambda: accumulate(OBJECTIVE, 0), ValueError, "accumulate: n must be an integer of at least 1, got 0"),
        (lambda: accumulate(OBJECTIVE, 2)(PARAMS, X), TypeError, r"(params, (x, target))"),  # type: ignore[arg-type]
        (lambda: accumulate(OBJECTIVE, 2)(PARAMS, (X[:0], Y[:0])), ShapeError, "empty batch"),
        (lambda: accumulate(OBJECTIVE, 2)(PARAMS, (X, Y[:4])), ShapeError, "x has 11 rows and target has 4"),
        (lambda: accumulate(nothing, 2)(PARAMS, (X, Y[:4])), ShapeError, "got (11, 3), (4, 2)"),
        (lambda: accumulate(nothing, 2)(PARAMS, np.float64(3)), ShapeError, "accumulate cuts rows"),
        (lambda: accumulate(nothing, 2)(PARAMS, ()), ShapeError, "on the first axis, got no array"),
        (lambda: accumulate(nothing, 2)(PARAMS, (X, np.float64(3))), ShapeError, "got (11, 3), ()"),
        (lambda: accumulate(nothing, 2)(PARAMS, X, Y), TypeError, "write (params, (x, target), rng)"),  # type: ignore[arg-type]
    ],
)  # fmt: skip
def test_what_it_refuses(call: Callable[[], object], error: type[Exception], message: str) -> None:
    """By name."""
    with pytest.raises(error, match=re.escape(message)):
        call()


def test_a_prediction_must_have_rows() -> None:
    """One number for the whole batch cannot be cut."""
    _, params = SUMMED.init(0, (11, 3), dtype=np.float64)
    with pytest.raises(ShapeError, match="accumulate needs a prediction with a row for every example"):
        accumulate(value_and_grad(squared_error, SUMMED.apply), 2)(params, (X, np.array(1.0)))
