"""Values that are no good, on networks as people build them: converted once, handed on, or refused with the place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import (
    DTypeError,
    LabelError,
    NonFiniteError,
    ShapeError,
    fit,
    predict,
    sgd,
    softmax_cross_entropy,
    squared_error,
    value_and_grad,
    vjp,
)
from tests.realistic import IMAGES, NESTED, SIDES, TOKENS, Case
from tests.refusals import refusal

FEATURES = {"images": IMAGES, "sides": SIDES, "nested": NESTED}
LABELS = np.array([0, 4, 2, 1])
CLASSES: Any = value_and_grad(softmax_cross_entropy, IMAGES.net.apply)


def each(f: Any, x: Any) -> Any:
    """`f` of every array of an input."""
    return tuple(each(f, v) for v in x) if isinstance(x, tuple) else f(x)


@pytest.mark.parametrize("case", FEATURES.values(), ids=FEATURES)
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_, np.float64, np.float16, ">f4"])
def test_features_of_other_dtypes(case: Case, dtype: Any) -> None:
    """Are converted once: the value and every cotangent are those of float32, in float32."""
    x: Any = each(lambda v: np.abs(3 * v).astype(dtype), case.x)
    same: Any = each(lambda v: v.astype(np.float32), x)
    y, pullback = vjp(case.net.apply, case.params, x)
    wanted, pullback_wanted = vjp(case.net.apply, case.params, same)
    (dparams, dx), (dparams_wanted, dx_wanted) = pullback(y), pullback_wanted(wanted)
    assert y.dtype == np.float32 and np.array_equal(y, wanted) and dparams == dparams_wanted
    flat, flat_wanted = (v if isinstance(v, tuple) else (v,) for v in (dx, dx_wanted))
    assert all(a.dtype == np.float32 and np.array_equal(a, b) for a, b in zip(flat, flat_wanted, strict=True))


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.uint64, ">i4"])
def test_tokens_of_other_dtypes(dtype: Any) -> None:
    """Every integer will do."""
    net, params, x = TOKENS
    assert np.array_equal(net.apply(params, x.astype(dtype)), net.apply(params, x))


@pytest.mark.parametrize("case", FEATURES.values(), ids=FEATURES)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_features_that_are_not_finite(case: Case, bad: float) -> None:
    """`apply` hands them on, in their row alone; `predict` and `fit` say how many there are and where the first is."""
    x: Any = each(np.copy, case.x)
    last = x[-1] if isinstance(x, tuple) else x
    last[2, ..., 1] = bad
    name = "x[1]" if isinstance(x, tuple) else "x"
    with np.errstate(all="ignore"):
        y = case.net.apply(case.params, x)
    assert np.flatnonzero(~np.isfinite(y).all(1)).tolist() == [2]
    loose: Any = fit
    first = [2, *(0 for _ in last.shape[2:]), 1]
    for call in (
        lambda: predict(case.net.apply, case.params, x),
        lambda: loose(squared_error, case.net.apply, sgd(0.1), case.params, (x, np.zeros_like(y)), rng=0),
    ):
        said = refusal(call, NonFiniteError)
        assert said.startswith(f"{name} has {np.count_nonzero(~np.isfinite(last))} value")
        assert f"the first is {name}{first}" in said and "np.nan_to_num" in said
        assert refusal(call, ArithmeticError) == said


# fmt: off
FORMS = ("labels are integers from 0 to 4", "distributions of the same shape")
BAD_LABELS: list[tuple[Any, type[Exception], tuple[str, ...]]] = [
    (LABELS + 1, LabelError, ("label 5 at index 1", "0 to 4", *FORMS)),
    (LABELS - 1, LabelError, ("label -1 at index 0", "0 to 4", *FORMS)),
    (LABELS.astype(np.uint8) + np.uint8(250), LabelError, ("label 250 at index 0", *FORMS)),
    (LABELS.astype(float), LabelError, ("dtype float32", ".astype(np.int64)", *FORMS)),
    (LABELS > 0, LabelError, ("dtype bool", *FORMS)),
    (LABELS[:, None], LabelError, ("(4, 1)", "labels[..., 0]", *FORMS)),
    (np.full((4, 5), 0.3), LabelError, ("row 0", "sums to 1.5", *FORMS)),
    (np.eye(5)[LABELS] * np.nan, LabelError, ("row 0", "nan", *FORMS)),
    (np.eye(4)[LABELS % 4], ShapeError, ("(4, 5)", "(4, 4)", *FORMS)),
    (LABELS[:3], ShapeError, ("x has 4 rows and target has 3",)),
    (np.array(list("abcd")), DTypeError, ("dtype <U1",)),
    (None, DTypeError, ("the target is of type NoneType",)),
    (tuple(LABELS), ShapeError, ("a tuple of 4", "np.array")),
    ("abcd", DTypeError, ("dtype <U4",)),
]
# fmt: on


@pytest.mark.parametrize(("labels", "kind", "said"), BAD_LABELS)
def test_bad_labels(labels: Any, kind: type[Exception], said: tuple[str, ...]) -> None:
    """Of images, in a training pass: the value, the index, the range, and the two forms that labels have."""
    message = refusal(lambda: CLASSES(IMAGES.params, IMAGES.x, labels, rng=0), kind)
    assert [words for words in said if words not in message] == []


# fmt: off
BAD_TARGETS: list[tuple[Any, type[Exception], tuple[str, ...]]] = [
    (np.zeros(4), ShapeError, ("(4, 2), got (4,)", "nothing is broadcast")),
    (np.zeros((4, 1)), ShapeError, ("(4, 2), got (4, 1)", "nothing is broadcast")),
    (np.zeros((5, 2)), ShapeError, ("x has 4 rows and target has 5",)),
    (0.0, ShapeError, ("(4, 2), got ()", "nothing is broadcast")),
    (np.zeros((4, 2)) * 1j, DTypeError, ("complex128", ".real")),
    (np.ma.masked_array(np.zeros((4, 2))), DTypeError, ("masked", ".filled")),
    (None, DTypeError, ("the target is of type NoneType",)),
    ((np.zeros((4, 2)),), ShapeError, ("a tuple of 1",)),
]
# fmt: on


@pytest.mark.parametrize(("target", "kind", "said"), BAD_TARGETS)
def test_bad_targets(target: Any, kind: type[Exception], said: tuple[str, ...]) -> None:
    """Nothing is broadcast, and both shapes are shown."""
    objective: Any = value_and_grad(squared_error, NESTED.net.apply)
    message = refusal(lambda: objective(NESTED.params, NESTED.x, target, rng=0), kind)
    assert [words for words in said if words not in message] == []


# fmt: off
BAD_WEIGHTS: list[tuple[Any, type[Exception], tuple[str, ...]]] = [
    (np.zeros(4), ShapeError, ("empty batch: the weights sum to 0.0", "above 0")),
    (-np.ones(4), ShapeError, ("the weights sum to -8.0", "above 0")),
    (np.full(4, np.nan), ShapeError, ("the weights sum to nan", "above 0")),
    (np.ones(5), ShapeError, ("(4, 2), got (5,)", "nothing is broadcast")),
    (1.0, ShapeError, ("(4, 2), got ()",)),
    ("a", DTypeError, ("dtype <U1",)),
]
# fmt: on


@pytest.mark.parametrize(("weights", "kind", "said"), BAD_WEIGHTS)
def test_bad_weights(weights: Any, kind: type[Exception], said: tuple[str, ...]) -> None:
    """What they sum to, or both shapes."""
    objective: Any = value_and_grad(squared_error, NESTED.net.apply)
    message = refusal(lambda: objective(NESTED.params, NESTED.x, np.zeros((4, 2)), weights=weights, rng=0), kind)
    assert [words for words in said if words not in message] == []


@pytest.mark.parametrize("scale", [1e4, -1e4])
def test_large_logits_of_a_network(scale: float) -> None:
    """Finite loss and gradients, without a warning."""
    params = IMAGES.params.set("dense_0/w", IMAGES.params.at("dense_0/w") * np.float32(scale))
    value, gradients = CLASSES(params, IMAGES.x, LABELS, rng=0)
    assert np.isfinite(value) and all(np.isfinite(gradients.at(path)).all() for path in gradients.paths())


@pytest.mark.parametrize(("rate", "x", "words"), [(1e38, 1e10, "update leaves dense_0/w"), (0.1, 1e37, "loss is")])
def test_an_overflow_in_a_step(rate: float, x: float, words: str) -> None:
    """Is found and named, and no warning comes before it: the step, the first bad path, what to do."""
    data = (np.full((4, 3), x, np.float32), np.zeros((4, 2), np.float32))
    steps = fit(squared_error, NESTED.net.apply, sgd(rate), NESTED.params, data, rng=0)
    said = refusal(lambda: next(steps), NonFiniteError)
    assert said.startswith("step 1, batch 0 of epoch 0: ") and words in said and "lower the rate" in said


@pytest.mark.parametrize("case", FEATURES.values(), ids=FEATURES)
def test_no_rows(case: Case) -> None:
    """Are enough for `predict`, and too few for a mean and for `fit`."""
    x = each(lambda v: v[:0], case.x)
    y = predict(case.net.apply, case.params, x)
    objective: Any = value_and_grad(squared_error, case.net.apply)
    loose: Any = fit
    assert (len(y), y.dtype) == (0, np.float32)
    assert refusal(lambda: objective(case.params, x, y, rng=None), ShapeError).startswith("empty batch")
    said = refusal(lambda: loose(squared_error, case.net.apply, sgd(0.1), case.params, (x, y)), ShapeError)
    assert said.startswith("empty batch")
