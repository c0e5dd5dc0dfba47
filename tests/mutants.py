"""Layers with planted faults: the tests of the laws. Each mutant says which law must find it.

`alone` says that no other law may find it: were that law gone, the fault would pass.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from funcnn import Key, Layer, Shape, Spec, axes, glorot_uniform, known, layer, leaves
from funcnn.initializers import ones, zeros
from funcnn.networks import EMPTY
from funcnn.testing import Template

Rule = Callable[[Mapping[str, Any], Any], tuple[Any, Callable[[Any], Any]]]


class Mutant(NamedTuple):
    """A layer with a planted fault, and the law that names it."""

    fault: str
    law: str
    layer: Layer[Any, Any]
    shape: Template = ("B", "D")
    alone: bool = False
    claims: dict[str, Any] = {}  # noqa: RUF012  (read only)


def affine(rule: Rule, *, units: int = 3, init: Any = glorot_uniform) -> Layer[Any, Any]:
    """y = x w + b, with another rule."""
    return Layer.of(
        lambda shape: (*axes("affine", shape, at_least=1)[:-1], units),
        lambda shape: {"w": (init, (axes("affine", shape)[-1], units)), "b": (zeros, (units,))},
        rule,
    )


def right(p: Mapping[str, Any], x: Any) -> tuple[Any, Callable[[Any], Any]]:
    """The rule without a fault."""
    w, b = leaves(p, "w", "b")

    def pullback(dy: Any) -> Any:
        rows, drows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
        return {"w": rows.T @ drows, "b": drows.sum(0)}, dy @ w.T

    return x @ w + b, pullback


def with_gradients(change: Callable[..., Any]) -> Rule:
    """The right rule, its cotangents passed through `change(dw, db, dx, dy, x, p)`, which gives all three."""

    def rule(p: Mapping[str, Any], x: Any) -> tuple[Any, Callable[[Any], Any]]:
        y, back = right(p, x)

        def pullback(dy: Any) -> Any:
            g, dx = back(dy)
            dw, db, dx = change(g["w"], g["b"], dx, dy, x, p)
            return {"w": dw, "b": db}, dx

        return y, pullback

    return rule


def matrix(shape: Shape) -> Shape:
    """The shape rule of what keeps the shape of a matrix."""
    return axes("mutant", shape, exactly=2)


def pointwise(f: Callable[[Any], Any], df: Callable[[Any, Any], Any]) -> Layer[Any, Any]:
    """A layer without params: `f` of x, and its pullback `df(x, dy)`."""
    return Layer.lift(matrix, lambda x: (f(x), lambda dy: df(x, dy)))


def counting() -> Layer[Any, Any]:
    """Remembers how often it was called."""
    calls = itertools.count()
    return pointwise(lambda x: x + x.dtype.type(1e-3 * next(calls)), lambda x, dy: dy * 1)


def accumulating() -> Layer[Any, Any]:
    """Adds the gradients of every call to those of the last."""

    def rule(p: Mapping[str, Any], x: Any) -> tuple[Any, Callable[[Any], Any]]:
        y, back = right(p, x)
        total: dict[str, Any] = {}

        def pullback(dy: Any) -> Any:
            g, dx = back(dy)
            for name in g:
                total[name] = total.get(name, 0) + g[name]
            return {name: np.array(a) for name, a in total.items()}, dx

        return y, pullback

    return affine(rule)


def reusing() -> Layer[Any, Any]:
    """Writes every gradient into one array, which it returns each time."""

    def rule(p: Mapping[str, Any], x: Any) -> tuple[Any, Callable[[Any], Any]]:
        y, back = right(p, x)
        room: dict[str, Any] = {}

        def pullback(dy: Any) -> Any:
            g, dx = back(dy)
            for name in g:
                if name in room and room[name].flags.writeable:
                    room[name][...] = g[name]
                else:
                    room[name] = g[name]
            return dict(room), dx

        return y, pullback

    return affine(rule)


def writing(p: Mapping[str, Any], x: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Works in the memory of its input."""
    x *= 2
    return right(p, x)


def writing_cotangents(p: Mapping[str, Any], x: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Doubles the cotangent and halves it again, in place, where it may."""
    y, back = right(p, x)

    def pullback(dy: Any) -> Any:
        if dy.flags.writeable:
            dy += 1
            return back(dy - 1)
        return back(dy)

    return y, pullback


def in_float16(p: Mapping[str, Any], x: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Loses digits on the way, where numbers are real."""
    y, back = right(p, x)
    return (y.astype(np.float16).astype(y.dtype) if y.dtype.kind == "f" else y), back


def doubled_bias() -> Layer[Any, Any]:
    """Two biases whose gradients are one array."""

    def rule(p: Mapping[str, Any], x: Any) -> tuple[Any, Callable[[Any], Any]]:
        def pullback(dy: Any) -> Any:
            db = dy.reshape(-1, dy.shape[-1]).sum(0)
            return {"a": db, "b": db}, dy * 1

        return x + p["a"] + p["b"], pullback

    return Layer.of(lambda shape: shape, lambda shape: {n: (zeros, axes("doubled", shape)[-1:]) for n in "ab"}, rule)


def dropout(*, stale: bool = False, unkeyed: bool = False) -> Layer[Any, Any]:
    """Drops a half; the mask of the pullback is another one, or comes from nowhere."""
    unseeded = np.random.default_rng()

    def rule(p: Mapping[str, Any], x: Any, rng: Key | None) -> tuple[Any, Callable[[Any], Any]]:
        if rng is None:
            return x * 1, lambda dy: (EMPTY, dy * 1)
        source = unseeded if unkeyed else rng.generator()
        mask = (source.random(x.shape) < 0.5) * 2
        used = (rng.fold("again").generator().random(x.shape) < 0.5) * 2 if stale else mask
        return x * mask.astype(x.dtype), lambda dy: (EMPTY, dy * used.astype(dy.dtype))

    return Layer.of(lambda shape: shape, lambda shape: EMPTY, rule)


def moving_average(*, pad: int) -> Layer[Any, Any]:
    """The mean of three neighbours; the pullback pads by `pad`, where 1 is right."""

    def f(x: Any) -> Any:
        wide = np.pad(x, ((0, 0), (1, 1)))
        return (wide[:, :-2] + wide[:, 1:-1] + wide[:, 2:]) / 3

    def df(x: Any, dy: Any) -> Any:
        wide = np.pad(dy, ((0, 0), (pad, 2 - pad)))
        return (wide[:, :-2] + wide[:, 1:-1] + wide[:, 2:]) / 3

    return pointwise(f, df)


def residual_sum(*, shortcut: float) -> Layer[Any, Any]:
    """x + tanh x; the pullback counts the shortcut `shortcut` times."""
    return pointwise(lambda x: x + np.tanh(x), lambda x, dy: dy * (1 - np.tanh(x) ** 2) + shortcut * dy)


def softmax_without_shift(x: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Overflows."""
    e = np.exp(x)
    y = e / e.sum(-1, keepdims=True)
    return y, lambda dy: y * (dy - (dy * y).sum(-1, keepdims=True))


def ordered_by_name() -> Layer[Any, Any]:
    """Takes its params in the order of the dict, not by name."""

    def rule(p: Mapping[str, Any], x: Any) -> tuple[Any, Callable[[Any], Any]]:
        first, second = p.values()

        def pullback(dy: Any) -> Any:
            grads = [a.reshape(-1, a.shape[-1]).sum(0) for a in (dy * x, dy)]
            return dict(zip(p, grads, strict=True)), dy * first

        return x * first + second, pullback

    def spec(shape: Shape) -> Spec:
        features = axes("ordered", shape)[-1:]
        return {"scale": (ones, features), "bias": (zeros, features)}

    return Layer.of(lambda shape: shape, spec, rule)


@layer
def Fickle() -> Layer[Any, Any]:
    """Another layer at every construction."""
    by = float(next(_made))
    return pointwise(lambda x: x * by, lambda x, dy: dy)


_made = itertools.count(1)


def positions(f: Callable[[Any], Any]) -> Layer[Any, Any]:
    """Every place along axis 1 times its number."""

    def places(x: Any) -> Any:
        return np.arange(1.0, x.shape[1] + 1).astype(x.dtype).reshape(1, -1, *[1] * (x.ndim - 2))

    return Layer.lift(lambda shape: shape, lambda x: (f(x) * places(x), lambda dy: dy * places(x)))


def only_four(units: int = 3) -> Layer[Any, Any]:
    """A shape rule that takes everything, and a rule that takes four features."""

    def rule(p: Mapping[str, Any], x: Any) -> tuple[Any, Callable[[Any], Any]]:
        w = p["w"]
        return x @ w, lambda dy: ({"w": x.reshape(-1, 4).T @ dy.reshape(-1, units)}, dy @ w.T)

    return Layer.of(lambda shape: (*shape[:-1], units), lambda shape: {"w": (glorot_uniform, (4, units))}, rule)


PLAIN: Final = affine(right)
"""What most mutants are made of, without a fault."""


def _unkeyed(key: Key, shape: tuple[int, ...], dtype: Any) -> Any:
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


def _unseeded(key: Key, shape: tuple[int, ...], dtype: Any) -> Any:
    return np.random.default_rng().standard_normal(shape).astype(dtype)


_SMOOTH = {"kinks": False}
_ANALYTIC = {"analytic": True}

# fmt: off
MUTANTS: Final = (
    # those of the study that the laws were measured with
    Mutant("the input's cotangent rolled", "true_pullback", affine(with_gradients(lambda dw, db, dx, *_: (dw, db, np.roll(dx, 1, -1)))), ("B", 4)),
    Mutant("the bias summed over the wrong axis", "true_pullback", affine(with_gradients(lambda dw, db, dx, dy, *_: (dw, dy.sum(1) if dy.shape[0] == dy.shape[1] else db, dx))), (3, "D")),
    Mutant("one leaf off by 1e-6", "true_pullback", affine(with_gradients(lambda dw, db, dx, *_: (dw, db * (1 + 1e-6), dx)))),
    Mutant("Relu whose derivative is 1", "true_pullback", pointwise(lambda x: x * (x > 0), lambda x, dy: dy * 1)),
    Mutant("weight decay in the pullback", "linear_pullback", affine(with_gradients(lambda dw, db, dx, dy, x, p: (dw + p["w"] / 8, db, dx)))),
    Mutant("a pullback that clips", "linear_pullback", affine(with_gradients(lambda dw, db, dx, *_: (np.clip(dw, -1, 1), db, dx)))),
    Mutant("a hidden counter", "pure", counting()),
    Mutant("writes into its input", "pure", affine(writing)),
    Mutant("a float64 scalar inside", "dtype_kept", pointwise(lambda x: x * np.float64(2), lambda x, dy: dy * 2)),
    Mutant("a gradient in float64", "dtype_kept", affine(with_gradients(lambda dw, db, dx, *_: (dw.astype(np.float64), db, dx)))),
    Mutant("subtracts the batch's mean", "independent_rows", pointwise(lambda x: x - x.sum(0) / max(len(x), 1), lambda x, dy: dy - dy.sum(0) / max(len(x), 1)), alone=True),
    Mutant("float16 inside", "true_pullback", affine(in_float16)),
    Mutant("assumes C order", "layout_blind", pointwise(lambda x: np.ravel(x, "K").reshape(x.shape) * 2, lambda x, dy: dy * 2), alone=True),
    Mutant("gradients add up between calls", "pure", accumulating()),
    Mutant("declares the wrong shape", "declared_shape", Layer.lift(lambda shape: (*shape, 1), lambda x: (x * 2, lambda dy: dy * 2))),
    Mutant("vjp gives another value than apply", "value_of_rule", Layer.lift(lambda shape: shape, lambda x: (np.tanh(x), lambda dy: dy * (1 - np.tanh(x) ** 2)), value=lambda x: np.tanh(x) * (1 + 1e-6))),
    Mutant("softmax without shift", "finite", Layer.lift(matrix, softmax_without_shift), alone=True),
    # ten more
    Mutant("the wrong axis summed", "true_pullback", pointwise(lambda x: x.sum(-1, keepdims=True) * x, lambda x, dy: dy * x.sum(-1, keepdims=True) + (dy * x).sum(0, keepdims=True))),
    Mutant("a transpose missing", "true_pullback", affine(with_gradients(lambda dw, db, dx, dy, x, p: (dw, db, dy @ p["w"]))), ("B", 3)),
    Mutant("a stale mask", "true_pullback", dropout(stale=True), ("B", 4)),
    Mutant("the bias's gradient dropped", "true_pullback", affine(with_gradients(lambda dw, db, dx, *_: (dw, db * 0, dx)))),
    Mutant("a wrong residual sum", "true_pullback", residual_sum(shortcut=2.0)),
    Mutant("padding off by one", "true_pullback", moving_average(pad=2), ("B", range(3, 6))),
    Mutant("one array for two gradients", "fresh_gradients", doubled_bias(), alone=True),
    Mutant("params by the order of the dict", "order_blind", ordered_by_name()),
    Mutant("the gradient of another point", "true_pullback", pointwise(np.sin, lambda x, dy: dy * np.cos(np.sin(x)))),
    Mutant("forgets that the largest depends on x", "true_pullback", pointwise(lambda x: x / (1 + np.abs(x).max(-1, keepdims=True)), lambda x, dy: dy / (1 + np.abs(x).max(-1, keepdims=True)))),
    # and one for every law that these leave out
    Mutant("a rule that knows more of unknown sizes", "shape_rule", Layer.lift(lambda shape: tuple(d if known(d) else 7 for d in axes("mutant", shape, exactly=2)), lambda x: (x * 2, lambda dy: dy * 2)), alone=True),
    Mutant("divides by the number of rows", "empty_batch", pointwise(lambda x: x * (len(x) / len(x)), lambda x, dy: dy * 1), alone=True),
    Mutant("returns one array twice", "cotangent_kept", reusing()),
    Mutant("writes into the cotangent", "cotangent_kept", affine(writing_cotangents)),
    Mutant("breaks down on other sizes", "refuses_wrong_shapes", only_four(), ("B", 4), alone=True),
    Mutant("homogeneous, not additive", "additive_pullback", pointwise(np.tanh, lambda x, dy: dy * (1 - np.tanh(x) ** 2) * (dy * dy >= (dy * dy).mean() / 8)), ("B", range(3, 6))),
    Mutant("cancellation", "float32_tracks_float64", pointwise(lambda x: (x + 1e4) - 1e4, lambda x, dy: dy * 1)),
    Mutant("blind to sparse cotangents", "full_jacobian", pointwise(lambda x: x * 2, lambda x, dy: dy * 2 * ((dy != 0).all() or not dy.any() or dy.size == 1)), ("B", range(2, 5)), alone=True),
    Mutant("not linear, though it says so", "linear", pointwise(lambda x: x * x, lambda x, dy: 2 * x * dy), claims={"linear": True}, alone=True),
    Mutant("abs in the rule", "analytic", pointwise(lambda x: np.abs(x) ** 2, lambda x, dy: 2 * x * dy), claims=_ANALYTIC, alone=True),
    Mutant("abs in the pullback", "second_derivative", pointwise(lambda x: x * x * x, lambda x, dy: 3 * np.abs(x) ** 2 * dy), claims=_ANALYTIC, alone=True),
    Mutant("a kink that was not declared", "smooth", pointwise(lambda x: np.maximum(x, 0.25), lambda x, dy: dy * (x > 0.25)), claims=_SMOOTH, alone=True),
    Mutant("a kink declared, but not there", "smooth", PLAIN, claims={"kinks": True}, alone=True),
    Mutant("rows declared to mix, which do not", "independent_rows", PLAIN, claims={"mixes_batch": True}, alone=True),
    Mutant("initial values without the key", "repeatable_init", affine(right, init=_unkeyed), ("B", range(4, 6)), alone=True),
    Mutant("initial values out of nowhere", "repeatable_init", affine(right, init=_unseeded)),
    Mutant("another layer at every construction", "is_data", Fickle()),
    Mutant("a mask out of nowhere", "key_decides", dropout(unkeyed=True), ("B", 4)),
)

# A layer for which each law of a domain fails.
STRANGERS: Final[dict[str, tuple[Layer[Any, Any], Template]]] = {
    "rows_sum_to_one": (pointwise(lambda x: np.exp(np.tanh(x)), lambda x, dy: dy), ("B", "D")),
    "shift_invariant": (pointwise(np.tanh, lambda x, dy: dy), ("B", "D")),
    "scale_invariant": (pointwise(lambda x: x - x.mean(-1, keepdims=True), lambda x, dy: dy), ("B", range(3, 6))),
    "translation_equivariant": (positions(lambda x: x), ("B", range(6, 9), "C")),
    "permutation_equivariant": (positions(lambda x: x), ("B", range(3, 6), "D")),
    "permutation_invariant": (Layer.lift(lambda shape: shape, lambda x: (x * 1, lambda dy: dy)), ("B", range(3, 6), "D")),
    "identity_at_inference": (pointwise(lambda x: x * 1.0001, lambda x, dy: dy), ("B", "D")),
    "within_input": (pointwise(lambda x: x * 1.5, lambda x, dy: dy), ("B", "D")),
    "unit_interval": (pointwise(lambda x: np.tanh(x), lambda x, dy: dy), ("B", "D")),
    "increasing": (pointwise(lambda x: x * x, lambda x, dy: dy), ("B", "D")),
    "odd": (pointwise(lambda x: x + x * x / 8, lambda x, dy: dy), ("B", "D")),
    "propagates_nan": (pointwise(np.nan_to_num, lambda x, dy: dy), ("B", "D")),
}
# fmt: on
