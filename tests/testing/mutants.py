"""Planted faults: the tests of the laws. Each mutant says which law must find it.

`alone` says that no other law may find it: were that law gone, the fault would pass.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from funcnn import Dense, Dropout, Layer, MeanOver, Tanh, first
from funcnn.authoring import axes, known
from funcnn.testing import Template
from tests.testing.faulty_combinators import (
    after, alike, constant_for_one, drawing, drawing_always, one_for_both, scaled, second_before,
    second_unasked, twice,
)  # fmt: skip
from tests.testing.faulty_layers import (
    PLAIN,
    Fickle,
    Keyless,
    accumulating,
    affine,
    caching,
    counting,
    doubled_bias,
    dropout,
    in_float16,
    matrix,
    moving_average,
    only_four,
    ordered_by_name,
    pointwise,
    positions,
    residual_sum,
    reusing,
    right,
    running_sum,
    scratch,
    softmax_without_shift,
    unkeyed,
    unseeded,
    with_gradients,
    writing,
    writing_cotangents,
)
from tests.testing.faulty_outside import clearing, reseeding, shared, silencing, single


class Mutant(NamedTuple):
    """A layer with a planted fault, and the law that names it."""

    fault: str
    law: str
    layer: Layer[Any, Any]
    shape: Template = ("B", "D")
    alone: bool = False
    claims: dict[str, Any] = {}  # noqa: RUF012  (read only)


_SMOOTH = {"kinks": False}
_ANALYTIC = {"analytic": True}

# fmt: off
MUTANTS: Final = (
    # those of the study that the laws were measured with
    Mutant(
        "the input's cotangent rolled",
        "true_pullback",
        affine(with_gradients(lambda dw, db, dx, *_: (dw, db, np.roll(dx, 1, -1)))),
        ("B", 4),
    ),
    Mutant(
        "the bias summed over the wrong axis",
        "true_pullback",
        affine(with_gradients(lambda dw, db, dx, dy, *_: (dw, dy.sum(1) if dy.shape[0] == dy.shape[1] else db, dx))),
        (3, "D"),
    ),
    Mutant(
        "one leaf off by 1e-6",
        "true_pullback",
        affine(with_gradients(lambda dw, db, dx, *_: (dw, db * (1 + 1e-6), dx))),
    ),
    Mutant("Relu whose derivative is 1", "true_pullback", pointwise(lambda x: x * (x > 0), lambda x, dy: dy * 1)),
    Mutant(
        "weight decay in the pullback",
        "linear_pullback",
        affine(with_gradients(lambda dw, db, dx, dy, x, p: (dw + p["w"] / 8, db, dx))),
    ),
    Mutant(
        "a pullback that clips",
        "linear_pullback",
        affine(with_gradients(lambda dw, db, dx, *_: (np.clip(dw, -1, 1), db, dx))),
    ),
    Mutant("a hidden counter", "pure", counting()),
    Mutant("writes into its input", "pure", affine(writing)),
    Mutant("hands out its scratch memory", "pure", scratch()),
    Mutant("a float64 scalar inside", "dtype_kept", pointwise(lambda x: x * np.float64(2), lambda x, dy: dy * 2)),
    Mutant(
        "a gradient in float64",
        "dtype_kept",
        affine(with_gradients(lambda dw, db, dx, *_: (dw.astype(np.float64), db, dx))),
    ),
    Mutant(
        "subtracts the batch's mean",
        "independent_rows",
        pointwise(lambda x: x - x.sum(0) / max(len(x), 1), lambda x, dy: dy - dy.sum(0) / max(len(x), 1)),
        alone=True,
    ),
    Mutant("float16 inside", "true_pullback", affine(in_float16)),
    Mutant(
        "assumes C order",
        "layout_blind",
        pointwise(lambda x: np.ravel(x, "K").reshape(x.shape) * 2, lambda x, dy: dy * 2),
        alone=True,
    ),
    Mutant("gradients add up between calls", "pure", accumulating()),
    Mutant("keeps the pass in the layer", "pure", caching()),
    Mutant(
        "declares the wrong shape",
        "declared_shape",
        Layer.lift(lambda shape: (*shape, 1), lambda x: (x * 2, lambda dy: dy * 2)),
    ),
    Mutant(
        "vjp gives another value than apply",
        "value_of_rule",
        Layer.lift(
            lambda shape: shape,
            lambda x: (np.tanh(x), lambda dy: dy * (1 - np.tanh(x) ** 2)),
            value=lambda x: np.tanh(x) * (1 + 1e-6),
        ),
    ),
    Mutant("softmax without shift", "finite", Layer.lift(matrix, softmax_without_shift), alone=True),
    # ten more
    Mutant(
        "the wrong axis summed",
        "true_pullback",
        pointwise(
            lambda x: x.sum(-1, keepdims=True) * x,
            lambda x, dy: dy * x.sum(-1, keepdims=True) + (dy * x).sum(0, keepdims=True),
        ),
    ),
    Mutant(
        "a transpose missing",
        "true_pullback",
        affine(with_gradients(lambda dw, db, dx, dy, x, p: (dw, db, dy @ p["w"]))),
        ("B", 3),
    ),
    Mutant("a stale mask", "true_pullback", dropout(stale=True), ("B", 4)),
    Mutant("the key of a child dropped", "hands_on_key", Keyless(Dropout(0.5)), ("B", 4)),
    Mutant(
        "the bias's gradient dropped", "true_pullback", affine(with_gradients(lambda dw, db, dx, *_: (dw, db * 0, dx)))
    ),
    Mutant("a wrong residual sum", "true_pullback", residual_sum(shortcut=2.0)),
    Mutant("padding off by one", "true_pullback", moving_average(pad=2), ("B", range(3, 6))),
    Mutant("one array for two gradients", "fresh_gradients", doubled_bias(), alone=True),
    Mutant("params by the order of the dict", "order_blind", ordered_by_name()),
    Mutant("the gradient of another point", "true_pullback", pointwise(np.sin, lambda x, dy: dy * np.cos(np.sin(x)))),
    Mutant(
        "forgets that the largest depends on x",
        "true_pullback",
        pointwise(
            lambda x: x / (1 + np.abs(x).max(-1, keepdims=True)),
            lambda x, dy: dy / (1 + np.abs(x).max(-1, keepdims=True)),
        ),
    ),
    # and one for every law that these leave out
    Mutant(
        "a rule that knows more of unknown sizes",
        "shape_rule",
        Layer.lift(
            lambda shape: tuple(d if known(d) else 7 for d in axes("mutant", shape, exactly=2)),
            lambda x: (x * 2, lambda dy: dy * 2),
        ),
        alone=True,
    ),
    Mutant(
        "divides by the number of rows",
        "empty_batch",
        pointwise(lambda x: x * (len(x) / len(x)), lambda x, dy: dy * 1),
        alone=True,
    ),
    Mutant("returns one array twice", "cotangent_kept", reusing()),
    Mutant("writes into the cotangent", "cotangent_kept", affine(writing_cotangents)),
    Mutant("breaks down on other sizes", "refuses_wrong_shapes", only_four(), ("B", 4), alone=True),
    Mutant(
        "homogeneous, not additive",
        "additive_pullback",
        pointwise(np.tanh, lambda x, dy: dy * (1 - np.tanh(x) ** 2) * (dy * dy >= (dy * dy).mean() / 8)),
        ("B", range(3, 6)),
    ),
    Mutant("cancellation", "float32_tracks_float64", pointwise(lambda x: (x + 1e4) - 1e4, lambda x, dy: dy * 1)),
    Mutant(
        "blind to sparse cotangents",
        "full_jacobian",
        pointwise(lambda x: x * 2, lambda x, dy: dy * 2 * ((dy != 0).all() or not dy.any() or dy.size == 1)),
        ("B", range(2, 5)),
    ),
    Mutant(
        "forgets a way that drops imaginary parts",
        "full_jacobian",
        pointwise(lambda x: x * 2 + np.real(x).sum(-1, keepdims=True), lambda x, dy: dy * 2),
        ("B", range(2, 5)),
    ),
    Mutant(
        "not linear, though it says so",
        "linear",
        pointwise(lambda x: x * x, lambda x, dy: 2 * x * dy),
        claims={"linear": True},
        alone=True,
    ),
    Mutant(
        "abs in the rule",
        "analytic",
        pointwise(lambda x: np.abs(x) ** 2, lambda x, dy: 2 * x * dy),
        claims=_ANALYTIC,
        alone=True,
    ),
    Mutant(
        "abs in the pullback",
        "second_derivative",
        pointwise(lambda x: x * x * x, lambda x, dy: 3 * np.abs(x) ** 2 * dy),
        claims=_ANALYTIC,
        alone=True,
    ),
    Mutant(
        "a kink that was not declared",
        "smooth",
        pointwise(lambda x: np.maximum(x, 0.25), lambda x, dy: dy * (x > 0.25)),
        claims=_SMOOTH,
        alone=True,
    ),
    Mutant("a kink declared, but not there", "smooth", PLAIN, claims={"kinks": True}, alone=True),
    Mutant("rows declared to mix, which do not", "independent_rows", PLAIN, claims={"mixes_batch": True}, alone=True),
    Mutant(
        "initial values without the key", "repeatable_init", affine(right, init=unkeyed), ("B", range(4, 6)), alone=True
    ),
    Mutant("initial values out of nowhere", "repeatable_init", affine(right, init=unseeded)),
    Mutant("another layer at every construction", "is_data", Fickle()),
    Mutant("clears inputs that are writeable", "writes_nothing", pointwise(clearing, lambda x, dy: dy * 2), alone=True),
    Mutant("seeds the global generator", "leaves_random_state", pointwise(reseeding, lambda x, dy: dy * 2), alone=True),
    Mutant("silences warnings for ever", "leaves_random_state", pointwise(silencing, lambda x, dy: dy * 2), alone=True),
    Mutant(
        "rounds its input to float32", "full_precision",
        pointwise(lambda x: single(x) ** 2, lambda x, dy: 2 * single(x) * dy), alone=True,
    ),
    Mutant("one place for all threads", "threads", shared(), alone=True),
    Mutant("forgets the steps before the last call", "steps_agree", running_sum(forgets=True), ("B", range(2, 5), "D"), alone=True),
    # combinators
    Mutant("each child has the other's params", "own_params", alike(swapped=True), alone=True),
    Mutant("a param of its own that is not read", "own_params", scaled(Dense(3), read=False), alone=True),
    Mutant("the factor's gradient is half", "true_pullback", scaled(Dense(3), gradient=0.5)),
    Mutant("a child's gradient under the other's name", "true_pullback", alike(names=(1, 0))),
    Mutant("the cotangents of two children do not add", "true_pullback", alike(add=False)),
    Mutant("a child is used twice, one gradient stays", "true_pullback", twice(Dense(3), add=False), ("B", 3)),
    Mutant("one key for two children", "own_keys", one_for_both(), ("B", 4), alone=True),
    Mutant(
        "a child draws the same in every pass", "own_keys", drawing(key=constant_for_one), ("B", 4), alone=True
    ),
    Mutant("a child draws at inference", "own_keys", drawing(key=drawing_always), ("B", 4)),
    Mutant(
        "a child is never asked for its shape", "asks_what_it_meets", after(Dense(3), Tanh, asked=second_unasked),
        alone=True,
    ),
    Mutant(
        "a child is asked for another shape", "asks_what_it_meets", after(Dense(3), Tanh, asked=second_before),
        alone=True,
    ),
    Mutant("children are called past their names", "tells_where", alike(past=True), alone=True),
    Mutant("a mask out of nowhere", "key_decides", dropout(unkeyed=True), ("B", 4)),
)

# A layer for which each law of a domain fails.
STRANGERS: Final[dict[str, tuple[Layer[Any, Any], Template]]] = {
    "rows_sum_to_one": (pointwise(lambda x: np.exp(np.tanh(x)), lambda x, dy: dy), ("B", "D")),
    "shift_invariant": (pointwise(np.tanh, lambda x, dy: dy), ("B", "D")),
    "scale_invariant": (pointwise(lambda x: x - x.mean(-1, keepdims=True), lambda x, dy: dy), ("B", range(3, 6))),
    "translation_equivariant": (positions(lambda x: x), ("B", range(6, 9), "C")),
    "permutation_equivariant": (positions(lambda x: x), ("B", range(3, 6), "D")),
    "permutation_invariant": (
        Layer.lift(lambda shape: shape, lambda x: (x * 1, lambda dy: dy)), ("B", range(3, 6), "D")
    ),
    "identity_at_inference": (pointwise(lambda x: x * 1.0001, lambda x, dy: dy), ("B", "D")),
    "within_input": (pointwise(lambda x: x * 1.5, lambda x, dy: dy), ("B", "D")),
    "unit_interval": (pointwise(lambda x: np.tanh(x), lambda x, dy: dy), ("B", "D")),
    "increasing": (pointwise(lambda x: x * x, lambda x, dy: dy), ("B", "D")),
    "odd": (pointwise(lambda x: x + x * x / 8, lambda x, dy: dy), ("B", "D")),
    "unbiased": (dropout(scale=1.0), ("B", 4)),
    "causal": (
        Layer.lift(lambda shape: axes("mutant", shape, exactly=3), lambda x: (x[:, ::-1] * 1, lambda dy: dy[:, ::-1] * 1)),
        ("B", range(2, 5), "D"),
    ),
    "padding_inert": (first(MeanOver(1)), (("B", "T", 2), ("B", "T"))),
    "propagates_nan": (pointwise(np.nan_to_num, lambda x, dy: dy), ("B", "D")),
}
# fmt: on
