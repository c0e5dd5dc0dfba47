"""Losses as values: printed, compared, pickled, their options bound."""

from __future__ import annotations

import copy
import pickle
import re
from typing import Any

import numpy as np
import pytest

from funcnn import (
    Array, Differentiable, Loss, ShapeError, Terms, joint, loss, softmax_cross_entropy, squared_error,
    sum_squared_error, vjp,
)  # fmt: skip
from funcnn.authoring import Later, force

X = np.random.default_rng(0).normal(size=(5, 3))


@loss
def product(prediction: Array, target: Array, *, power: float = 1.0) -> Terms[Array]:
    """`t y^power`."""

    def pullback(d: Any) -> tuple[Array, Later[Array]]:
        return d * target * power * prediction ** (power - 1), Later(lambda: d * prediction**power)

    return target * prediction**power, pullback


LOSSES: tuple[Loss[Any, Any], ...] = (
    squared_error,
    squared_error.bind(reduce="sum"),
    sum_squared_error,
    softmax_cross_entropy,
    softmax_cross_entropy.bind(label_smoothing=0.1),
    softmax_cross_entropy.bind(label_smoothing=0.1, reduce="batch"),
    joint(squared_error, softmax_cross_entropy),
    joint(squared_error, softmax_cross_entropy.bind(label_smoothing=0.1), scales=(1.0, 0.5)).bind(reduce="sum"),
    product,
)
every_loss = pytest.mark.parametrize("f", LOSSES, ids=repr)


@every_loss
def test_losses_print_as_source(f: Loss[Any, Any]) -> None:
    """What a loss prints evaluates to an equal loss."""
    assert eval(repr(f)) == f


@every_loss
def test_losses_pickle_and_copy(f: Loss[Any, Any]) -> None:
    """They come back equal, with equal hashes."""
    again = pickle.loads(pickle.dumps(f))
    assert again == f == copy.deepcopy(f) == copy.copy(f)
    assert hash(again) == hash(f)


def test_no_two_losses_are_equal() -> None:
    """Other names, options or reductions are other losses."""
    assert len(set(LOSSES)) == len(LOSSES)
    name: object = "squared_error"
    assert squared_error != name


def test_losses_have_their_own_documentation() -> None:
    """`help(squared_error)` is about squared error."""
    assert (squared_error.__doc__ or "").startswith("Squared error")
    assert (squared_error.bind(reduce="sum").__doc__ or "").startswith("Squared error")


def test_losses_never_change() -> None:
    """Assignment says what to do instead."""
    with pytest.raises(AttributeError, match="losses never change; reduce cannot be set, make another loss with .bind"):
        squared_error.reduce = "sum"


def _hinge(prediction: Array, target: Array) -> Terms[Array]:
    """A rule, whose loss has another name."""
    short = np.maximum(1 - prediction * target, 0)
    return short, lambda d: (-d * target * (short > 0), -d * prediction * (short > 0))


hinge = loss(_hinge)
summed_hinge = loss(reduce="sum")(_hinge)


@pytest.mark.parametrize("f", [hinge, summed_hinge, hinge.bind(reduce="batch"), joint(hinge, summed_hinge)], ids=repr)
def test_losses_under_another_name_than_their_rule_pickle(f: Loss[Any, Any]) -> None:
    """By their rule, in another process too: with their reduction and what is bound."""
    again = pickle.loads(pickle.dumps(f))
    x = (X, X) if f.parts else X
    assert again == f and again(x, x) == f(x, x)


def test_a_loss_whose_rule_is_not_found_does_not_pickle() -> None:
    """It is refused here, and not by whoever loads it."""

    def lost(prediction: Array, target: Array) -> Terms[Array]:
        return prediction * target, lambda d: (d * target, d * prediction)

    for name in ("gone", "hinge", "X"):
        lost.__qualname__ = name
        with pytest.raises(TypeError, match=f"{name} cannot be pickled: define it at the top level of a module"):
            pickle.dumps(loss(lost))


def test_losses_made_in_functions_do_not_pickle() -> None:
    """They cannot be found again by their name."""

    @loss
    def inside(prediction: Array, target: Array) -> Terms[Array]:
        return prediction, lambda d: (d * np.ones_like(prediction), d)

    with pytest.raises(TypeError, match="cannot be pickled: define it at the top level of a module"):
        pickle.dumps(inside)


def test_bound_options_are_used() -> None:
    """Options are fixed by `bind`; a call may say otherwise."""
    y, t = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    cubes = product.bind(power=3.0, reduce="sum")
    assert (cubes(y, t), cubes(y, t, power=2.0), cubes(y, t, reduce="mean")) == (43.0, 23.0, 21.5)


def test_unknown_options() -> None:
    """The message lists the options there are."""
    with pytest.raises(TypeError, match="product has no option powr; it has power, reduce"):
        product.bind(powr=2.0)
    with pytest.raises(TypeError, match="squared_error has no option label_smoothing; it has reduce"):
        squared_error(X, X, label_smoothing=0.1)
    with pytest.raises(TypeError, match="has no option power; it has reduce"):
        joint(product, product).bind(power=2.0)


def test_unknown_reductions() -> None:
    """The message lists the four."""
    bad: Any = "average"
    for call in (lambda: squared_error(X, X, reduce=bad), lambda: squared_error.bind(reduce=bad)):
        with pytest.raises(ValueError, match="reduce must be 'mean', 'sum', 'batch' or 'none', got 'average'"):
            call()


def test_none_is_not_bound() -> None:
    """A loss is a number; terms are asked for in the call."""
    none: Any = "none"
    with pytest.raises(ValueError, match="reduce='none' gives an array; it belongs in the call"):
        squared_error.bind(reduce=none)


def test_terms_and_cotangents_are_read_only() -> None:
    """What a loss hands out cannot be written through."""
    y, t = X.copy(), X + 1
    terms, pullback = vjp(product, y, t, reduce="none")
    for array in (product(y, t, reduce="none"), terms, *pullback(np.ones_like(terms))):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_cotangents_of_terms_have_their_shape() -> None:
    """As for every other `vjp`."""
    _, pullback = vjp(squared_error, X, X, reduce="none")
    with pytest.raises(ShapeError, match=re.escape("(5, 3), got (5,)")):
        pullback(np.ones(5))


def test_rules_of_losses_are_reached_by_vjp() -> None:
    """A loss is no `Differentiable`, but carries its pullback all the same."""
    assert not isinstance(squared_error, Differentiable)
    value, pullback = vjp(squared_error, X, X + 2)
    dprediction, dtarget = pullback(1.0)
    assert value == pytest.approx(4.0)
    assert np.allclose(dprediction, -4 / 15) and np.array_equal(force(dtarget), -dprediction)
