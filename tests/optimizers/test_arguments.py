"""Optimizers: rates, weight decay, clipping, chains, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.catalogue import OPTIMIZERS, OptimizerRow, build
from tests.closed_forms import gradients, run, tree

from funcnn import (
    Array,
    DTypeError,
    Gradients,
    Optimizer,
    Params,
    ParamsError,
    Updates,
    adam,
    adamw,
    apply_updates,
    astype,
    chain,
    clip_by_global_norm,
    cosine_decay,
    momentum,
    sgd,
    tree_map,
)
from funcnn.optimizers import SgdState

every_row = pytest.mark.parametrize("row", OPTIMIZERS, ids=lambda row: row.source)


# rates ----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "make", [sgd, lambda r: momentum(r, 0.9), adam, adamw], ids=["sgd", "momentum", "adam", "adamw"]
)
def test_a_schedule_is_read_at_the_step_of_the_state(make: Callable[[Any], Optimizer[Any]]) -> None:
    """The first update asks the schedule for step 0, the next ones for 1 and 2."""
    asked: list[int] = []

    def schedule(step: int) -> float:
        asked.append(step)
        return 0.1

    assert run(make(schedule), tree(0), [gradients(1)] * 3)[1] == run(make(0.1), tree(0), [gradients(1)] * 3)[1]
    assert asked == [0, 1, 2]


def test_a_schedule_of_numpy_scalars_keeps_float32() -> None:
    """A float64 scalar from a schedule does not make float32 params float64."""
    updates, _, _ = run(adamw(lambda step: np.float64(0.1)), tree(0, np.float32), [gradients(1, np.float32)])
    assert updates[0].at("w").dtype == np.float32


@pytest.mark.parametrize("rate", [float("nan"), -0.1, float("inf")])
def test_a_schedule_that_gives_no_rate_is_refused(rate: float) -> None:
    """The message names the optimizer, the step and the value."""
    with pytest.raises(ValueError, match=rf"adam: the rate at step 0 must be in \[0, inf\), the schedule gave {rate}"):
        run(adam(lambda step: rate), tree(0), [gradients(1)])


@pytest.mark.parametrize(
    "make", [sgd, lambda r: momentum(r, 0.9), adam, adamw], ids=["sgd", "momentum", "adam", "adamw"]
)
@pytest.mark.parametrize("rate", [0, -1.0, float("nan"), float("inf")])
def test_rates_are_checked_at_construction(make: Callable[[Any], Optimizer[Any]], rate: float) -> None:
    """A rate that is not positive and finite is refused with its name and value."""
    with pytest.raises(ValueError, match=rf"rate must be a positive finite number, got {rate}"):
        make(rate)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: momentum(0.1, 1.0), r"momentum: mass must be in \[0, 1\), got 1.0"),
        (lambda: momentum(0.1, -0.1), r"momentum: mass must be in \[0, 1\), got -0.1"),
        (lambda: adam(0.1, b1=1.0), r"adam: b1 must be in \[0, 1\), got 1.0"),
        (lambda: adam(0.1, b2=float("nan")), r"adam: b2 must be in \[0, 1\), got nan"),
        (lambda: adam(0.1, eps=0.0), r"adam: eps must be a positive finite number, got 0.0"),
        (lambda: adamw(0.1, weight_decay=-1.0), r"adamw: weight_decay must be in \[0, inf\), got -1.0"),
        (lambda: clip_by_global_norm(0.0), r"clip_by_global_norm: max_norm must be a positive finite number, got 0.0"),
    ],
)
def test_hyperparameters_are_checked_at_construction(make: Callable[[], Any], message: str) -> None:
    """A value out of range is refused with its name, the range and the value."""
    with pytest.raises(ValueError, match=message):
        make()


# weight decay ---------------------------------------------------------------------------------------------------------
def decayed(o: Optimizer[Any]) -> set[str]:
    """The paths of the leaves that shrink under zero gradients."""
    params = tree(0)
    updates, _, _ = run(o, params, [Gradients(tree_map(np.zeros_like, params))])
    return {path for path in params.paths() if updates[0].at(path).any()}


def test_matrices_decay_and_nothing_else() -> None:
    """Leaves with fewer than two axes (biases, scales, statistics) are left alone."""
    assert decayed(adamw(0.1)) == {"f/c", "f/d", "w"}


@pytest.mark.parametrize("where", ["f/*", lambda path, leaf: path.startswith("f/")], ids=["pattern", "predicate"])
def test_where_chooses_what_decays(where: Any) -> None:
    """A pattern of paths, or a predicate, is taken instead."""
    assert decayed(adamw(0.1, where=where)) == {"f/a", "f/b", "f/c", "f/d"}


def test_decay_is_decoupled() -> None:
    """Under zero gradients a weight shrinks by `rate * weight_decay` of itself, whatever the moments."""
    params = Params({"w": np.full((1, 2), 4.0)})
    updates, _, _ = run(adamw(0.5, weight_decay=0.25), params, [Gradients(tree_map(np.zeros_like, params))])
    assert updates[0].at("w").tolist() == [[-0.5, -0.5]]


def test_where_that_chooses_nothing_is_refused() -> None:
    """A pattern that fits no path is an error of `init`, which lists the paths."""
    with pytest.raises(
        ParamsError, match=r"adamw: where='\*\*/kernel' matches no path of the params: f/a, f/b, f/c, f/d, w"
    ):
        adamw(0.1, where="**/kernel").init(tree(0))


# clipping -------------------------------------------------------------------------------------------------------------
def clip(limit: float, leaf: Array) -> Array:
    """One leaf, clipped."""
    params = Params({"w": leaf})
    return clip_by_global_norm(limit).update(Gradients(params), (), params)[0].at("w")


def test_small_gradients_are_not_clipped() -> None:
    """Up to the limit gradients stay as they are, bit for bit."""
    leaf = np.array([3.0, 4.0])
    assert clip(5.0, leaf).tobytes() == leaf.tobytes()


@pytest.mark.parametrize("size", [1e30, 1e-30])
def test_clipping_knows_the_norm_of_extreme_float32(size: float) -> None:
    """Squares that float32 cannot hold do not disturb the norm."""
    leaf = np.array([3.0 * size, 4.0 * size], np.float32)
    np.testing.assert_allclose(clip(size, leaf), [0.6 * size, 0.8 * size], rtol=1e-6)


def test_gradients_that_are_not_finite_pass() -> None:
    """NaN and infinity are passed on as they are, for whoever looks for them."""
    assert clip(1.0, np.array([np.inf, 5.0])).tolist() == [np.inf, 5.0]
    np.testing.assert_array_equal(clip(1.0, np.array([np.nan, 5.0])), [np.nan, 5.0])


# chains ---------------------------------------------------------------------------------------------------------------
def test_the_state_of_a_chain_is_the_tuple_of_states() -> None:
    """`chain(f, g)` has the states of f and of g."""
    params = tree(0)
    assert chain(clip_by_global_norm(1.0), adam(0.1)).init(params) == ((), adam(0.1).init(params))


def test_an_empty_chain_gives_gradients_back() -> None:
    """`chain()` is the identity."""
    params, grads = tree(0), gradients(1)
    assert chain().update(grads, chain().init(params), params) == (Updates(grads), ())


def test_chain_takes_optimizers_only() -> None:
    """The message names the position, the type, and the fix for one that was not called."""
    with pytest.raises(TypeError, match=r"chain takes optimizers, argument 1 is function .*; call it, sgd\(...\)"):
        chain(adam(0.1), sgd)  # type: ignore[call-overload]


def test_the_state_of_another_chain_is_refused() -> None:
    """Lengths are compared, never zipped."""
    params = tree(0)
    with pytest.raises(ValueError, match=r"this chain of 2 has a state of 2 parts, got 1; make it with init"):
        chain(sgd(0.1), sgd(0.1)).update(gradients(1), (SgdState(0),), params)  # type: ignore[arg-type]


# messages -------------------------------------------------------------------------------------------------------------
@every_row
def test_gradients_of_another_structure_are_refused(row: OptimizerRow) -> None:
    """The message lists the paths that are missing and those that are unexpected."""
    o, params = build(row), tree(0)
    with pytest.raises(ParamsError, match=r"^grads: .*missing f/a, missing f/b, .*unexpected f/x"):
        o.update(Gradients({"f": {"x": np.ones(1)}, "w": params.at("w")}), o.init(params), params)


@every_row
def test_gradients_of_another_shape_are_refused(row: OptimizerRow) -> None:
    """The message names the path and both shapes."""
    o, params = build(row), tree(0)
    wrong = params.to_dict() | {"w": np.ones((2, 3))}
    with pytest.raises(ParamsError, match=r"^grads: .*w \(2, 3\) for \(2, 2\)"):
        o.update(wrong, o.init(params), params)


@every_row
def test_gradients_of_another_dtype_are_refused(row: OptimizerRow) -> None:
    """The message names both dtypes and the fix."""
    o, params = build(row), tree(0, np.float32)
    with pytest.raises(
        DTypeError, match=r"^grads: the params are float32, got float64; convert with astype\(..., np.float32\)"
    ):
        o.update(gradients(1), o.init(params), params)


def test_the_state_of_other_params_is_refused() -> None:
    """The message says that it is the state, and lists the paths."""
    params = tree(0)
    with pytest.raises(ParamsError, match=r"^state/m: .*missing f/a.*"):
        adam(0.1).update(gradients(1), adam(0.1).init({"w": params.at("w")}), params)
    with pytest.raises(DTypeError, match=r"^state/m: the params are float64, got float32"):
        adam(0.1).update(gradients(1), adam(0.1).init(astype(params, np.float32)), params)


def test_the_pair_of_init_is_refused_as_params() -> None:
    """The message says to unpack it."""
    with pytest.raises(ParamsError, match="unpack it"):
        sgd(cosine_decay(0.1, 10)).init(((-1, 3), tree(0)))  # type: ignore[arg-type]


def test_updates_of_another_structure_are_refused() -> None:
    """`apply_updates` compares trees too."""
    with pytest.raises(ParamsError, match=r"^updates: .*missing w"):
        apply_updates(tree(0), Updates(tree(1)).sub("f"))


def test_an_empty_tree_has_empty_updates() -> None:
    """A network without params can be trained, to no effect."""
    assert [run(build(row), Params({}), [Gradients({})])[1] for row in OPTIMIZERS] == [Params({})] * len(OPTIMIZERS)
