"""Layers of Thinc's kind, right and wrong, held to the laws as pairs. Needs it: `python -m tests.bridges thinc`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pytest
from thinc.model import Model

from funcnn import Layer
from funcnn.testing import LawBroken, holds, pair

KEEPS: Final = {name: "a model of Thinc's keeps its params, and the gradients of the last pass" for name in (
    "threads", "pure", "remembers_nothing", "additive_pullback", "linear_pullback")}  # fmt: skip


def as_pair(forward: Callable[..., Any], params: dict[str, tuple[int, ...]]) -> Layer[Any, Any]:
    """A model of this forward function, which is given params and asked for gradients at every pass."""
    model: Any = Model("own", forward, params=dict.fromkeys(params))

    def value(params: Any, x: Any) -> Any:
        for name, a in params.items():
            model.set_param(name, a)
        return model(x, is_train=True)

    def gradients(dy: Any, back: Any) -> Any:
        for name in params:
            model.set_grad(name, np.zeros_like(model.get_param(name)))
        dx = back(dy)
        return {name: np.array(model.get_grad(name)) for name in params}, dx

    return pair(value, gradients, params=params)


def affine(wrong: str = "") -> Callable[..., Any]:
    """A Thinc layer, with something wrong."""

    def forward(model: Any, x: Any, is_train: bool) -> Any:
        w, b = model.get_param("W"), model.get_param("b")

        def backprop(dy: Any) -> Any:
            model.inc_grad("b", dy.mean(0) if wrong == "a mean" else dy.sum(0))
            model.inc_grad("W", (x[:4].T @ dy[:4]) if wrong == "four rows" else x.T @ dy)
            return dy @ (w if wrong == "not turned" else w.T)

        return x @ w + b, backprop

    return forward


def scaled(model: Any, x: Any, is_train: bool) -> Any:
    """A gain, as small as a layer of Thinc's can be."""
    g = model.get_param("g")

    def backprop(dy: Any) -> Any:
        model.inc_grad("g", (dy * x).sum(0))
        return dy * g

    return x * g, backprop


AFFINE: Final = {"W": (3, 3), "b": (3,)}
RIGHT: Final[dict[str, tuple[Callable[..., Any], dict[str, tuple[int, ...]]]]] = {"affine": (affine(), AFFINE), "a gain": (scaled, {"g": (3,)})}


@pytest.mark.law
@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_keeps_the_laws(name: str) -> None:
    """All that a model which remembers can keep."""
    forward, params = RIGHT[name]
    holds(as_pair(forward, params), ("B", 3), examples=8, may_fail=KEEPS)


@pytest.mark.law
@pytest.mark.parametrize("wrong", ["a mean", "four rows", "not turned"])
def test_what_is_wrong_is_convicted(wrong: str) -> None:
    """By the law about pullbacks."""
    with pytest.raises(LawBroken, match="true_pullback"):
        holds(as_pair(affine(wrong), AFFINE), ("B", 3), only=["true_pullback"])
