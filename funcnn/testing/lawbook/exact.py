"""Laws about one pass that hold to the last bit: shapes, dtypes, purity, memory, linearity of the pullback."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from funcnn.params import plain_tree
from funcnn.shapes import shape_of
from funcnn.testing import nested
from funcnn.testing.casebook.of_layers import Case
from funcnn.testing.judging.scaling import commutes, times
from funcnn.testing.judging.tolerances import compare_exactly
from funcnn.testing.judging.verdicts import Law, Verdict, broken


STAINS: Final = 4  # arrays of a size: as many as a pass may make of it


def _declared_shape(case: Case) -> None:
    y = case.apply()
    if shape_of(y) != case.out_shape:
        raise broken(f"declares {case.out_shape} for an input of shape {case.shape}, gives {shape_of(y)}")


def _shape_rule(case: Case) -> None:
    out = case.layer.out_shape(case.shape)
    for seed in (0, 1):
        said = case.layer.init(seed, case.shape, dtype=case.dtype)[0]
        if said != out:
            raise broken(f"init says {said}, out_shape {out}, for an input of shape {case.shape}")
    for unknown in _with_one_unknown(case.shape):
        vague = case.layer.out_shape(unknown)
        if not _agrees(vague, out):
            raise broken(f"an input of shape {unknown} gives {vague}, one of shape {case.shape} gives {out}")


def _with_one_unknown(shape: Any) -> list[Any]:
    found: list[Any] = []
    for i, d in enumerate(shape):
        others = _with_one_unknown(d) if isinstance(d, tuple) else [-1]
        found += [(*shape[:i], other, *shape[i + 1 :]) for other in others]
    return found


def _agrees(vague: Any, exact: Any) -> bool:
    if nested.is_tuple(vague) and nested.is_tuple(exact):
        return len(vague) == len(exact) and all(map(_agrees, vague, exact))
    return bool(vague in (-1, exact))


def _empty_batch(case: Case) -> Verdict | None:
    if case.batch_axis != 0:
        return Verdict.MOOT  # only the first axis may be empty
    none = case.like(shape=resized(case.shape, 0))
    y, pullback = none.pull(params=case.params)
    wanted = resized(case.out_shape, 0)
    if shape_of(y) != wanted:
        raise broken(f"an empty batch gives {shape_of(y)}, expected {wanted}")
    for path, g in nested.leaves(pullback(none.cotangent(y))["params"]):
        if g.any():
            raise broken(f"an empty batch gives {path} a gradient, {g.reshape(-1)[0]!r}; a sum over nothing is 0")
    return None


def resized(shape: Any, batch: int, axis: int = 0) -> Any:
    """The same (nested) shape for another number of rows."""
    if isinstance(shape[0], tuple):
        return tuple(resized(s, batch, axis) for s in shape)
    return (*shape[:axis], batch, *shape[axis + 1 :])


def _dtype_kept(case: Case) -> None:
    y, pullback = case.pull()
    for path, a in nested.leaves(y, "y"):
        if a.dtype.kind in "fc" and a.dtype != case.dtype:
            raise broken(f"{case.dtype} in, {path} is {a.dtype}")
    gradients = pullback(case.cotangent(y))
    for (path, g), (_, a) in zip(nested.leaves(gradients), nested.leaves(case.z), strict=True):
        if g.dtype != case.dtype or g.shape != a.shape:
            raise broken(f"the cotangent of {path} is {g.dtype} {g.shape}, expected {case.dtype} {a.shape}")
        if not nested.is_real(a) and g.any():
            raise broken(f"the cotangent of {path} is not zero, but {a.dtype} has no derivative")


def _pure(case: Case) -> None:
    before = nested.bits(case.z)
    first = case.apply()
    y, pullback = case.pull()
    dy, other = case.cotangent(y), case.cotangent(y, "other")
    g = pullback(dy)
    out = nested.bits((first, y, g))
    another = case.again(1)
    another.apply()
    another.pull()[1](other)
    if nested.bits((first, y, g)) != out:
        raise broken("what was returned has changed since: it is memory that is used again")
    _repeats(pullback(dy), g, "after a pass over other values the pullback differs: it reads what the layer remembers")
    pullback(other)
    _stain((first, y, g))
    _repeats(case.apply(), first, "the value differs the second time")
    _repeats(pullback(dy), g, "the pullback differs the second time")
    _stain((first, y, g))
    _repeats(case.pull()[1](dy), g, "another pullback of the same input differs")
    if nested.bits(case.z) != before:
        raise broken("the params or the input have changed")


def _stain(outs: Any) -> None:
    """Leave numbers behind where arrays of these sizes come to lie: what is not written shows them."""
    stains = [np.full(a.shape, 77, a.dtype) for _, a in nested.leaves(outs) for _ in range(STAINS)]
    stains.clear()


def _repeats(got: Any, wanted: Any, what: str) -> None:
    for (path, a), (_, b) in zip(nested.leaves(got), nested.leaves(wanted), strict=True):
        if not nested.same_bytes(a, b):
            raise broken(f"{what}: {path or 'y'}")


def _value_of_rule(case: Case) -> None:
    if case.kind == "wide":  # far out a layer may overflow, both ways alike
        with np.errstate(all="ignore"):
            _one_value(case)
    else:
        _one_value(case)


def _one_value(case: Case) -> None:
    compare_exactly({"y": case.pull()[0]}, {"y": case.apply()}, "vjp gives another value than apply")


def _cotangent_kept(case: Case) -> None:
    y, pullback = case.bare_pull(case.z)
    dy = nested.mapped(np.array, case.cotangent(y))
    before = nested.bits((dy, case.z, y))
    gradients = pullback(dy)
    kept = nested.bits(gradients)
    if nested.bits((dy, case.z, y)) != before:
        raise broken("the pullback wrote into its cotangent, its input or the value it had returned")
    pullback(nested.mapped(np.array, case.cotangent(y, "other")))
    if nested.bits(gradients) != kept:
        raise broken("a second pullback wrote into the gradients that the first had returned")


def _fresh_gradients(case: Case) -> None:
    y, pullback = case.bare_pull(case.z)
    dy = nested.mapped(np.array, case.cotangent(y))
    gradients = list(nested.leaves(pullback(dy)["params"]))
    others = list(nested.leaves({**case.z, "dy": dy, "y": y}))
    for i, (path, g) in enumerate(gradients):
        for other, a in others + gradients[:i]:
            if _overlap(g, a):
                raise broken(f"the gradient of {path} shares memory with {other}; write .copy()")


def _overlap(a: Any, b: Any) -> bool:
    return a is b or (np.may_share_memory(a, b) and np.shares_memory(a, b))


def _nothing_to_write_through(case: Case) -> None:
    y, pullback = case.pull()
    outs = {"the value of apply": case.apply(), "the value of vjp": y, "a cotangent": pullback(case.cotangent(y))}
    owned = list(nested.leaves({**case.z, "params": plain_tree(case.params)}))
    for what, out in outs.items():
        for _, a in nested.leaves(out):
            if a.flags.writeable and (what != "the value of apply" or any(_overlap(a, b) for _, b in owned)):
                raise broken(f"{what} is writeable and belongs to somebody else")


def _linear_pullback(case: Case) -> None:
    y, pullback = case.pull()
    dy = case.cotangent(y)
    g = pullback(dy)
    with np.errstate(over="ignore", invalid="ignore"):
        for factor, name in FACTORS.items():
            scaled, said = times(factor, dy), f"{name} must hold to the last bit"
            commutes(said, factor, pullback(scaled), times(factor, g), lambda: case.pull()[1](scaled))  # noqa: B023


FACTORS: Final = {
    2.0: "pullback(2 dy) = 2 pullback(dy)",
    -1.0: "pullback(-dy) = -pullback(dy)",
    0.0: "pullback(0) = 0",
    2.0**-30: "pullback(dy / 2^30) = pullback(dy) / 2^30",
    2.0**20: "pullback(2^20 dy) = 2^20 pullback(dy)",
}


def _order_blind(case: Case) -> None:
    y, pullback = case.pull()
    dy = case.cotangent(y)
    there, back = case.pull(params=_turned(case.z["params"]))
    compare_exactly(
        {"y": there, **back(dy)}, {"y": y, **pullback(dy)}, "with the names of the params in another order"
    )


def _turned(tree: Any) -> Any:
    return {name: _turned(tree[name]) for name in reversed(list(tree))} if nested.is_mapping(tree) else tree


EXACT_LAWS = (
    Law(
        "declared_shape",
        "the output has the shape that the shape rule declares",
        "exact", _declared_shape, large=True,
    ),
    Law(
        "shape_rule",
        "the output's shape is a function of the input's: init and out_shape agree, and with one size unknown the rule "
        "says the same wherever it knows",
        "exact", _shape_rule, dtypes=("float32",), kinds=("normal",), passes="inference",
    ),
    Law(
        "dtype_kept",
        "value and cotangents have the dtype of the params, and the shapes of their leaves",
        "exact", _dtype_kept,
    ),
    Law(
        "pure",
        "nothing is changed and nothing remembered: twice the same input gives twice the same bits",
        "exact", _pure, large=True, rare=("zeros",),
    ),
    Law("value_of_rule", "vjp's value is apply's", "exact", _value_of_rule, large=True, rare=("wide",)),
    Law("cotangent_kept", "the pullback writes into nothing it was given or has returned", "exact", _cotangent_kept),
    Law("fresh_gradients", "gradients of params share memory with nothing", "exact", _fresh_gradients),
    Law(
        "nothing_to_write_through",
        "what goes out to users is read-only wherever it is somebody else's memory",
        "exact", _nothing_to_write_through, kinds=("normal",),
    ),
    Law(
        "linear_pullback",
        "the pullback is linear to the last bit: it commutes with doubling, negation and zero, and with 2^-30 and 2^20",
        "exact", _linear_pullback, large=True,
    ),
    Law(
        "empty_batch",
        "a batch of nothing gives an output of nothing, and no gradient",
        "exact", _empty_batch, dtypes=("float32",), kinds=("normal",), wants="rows",
    ),
    Law("order_blind", "params are known by name: the order of a mapping does not matter", "exact", _order_blind),
)  # fmt: skip
