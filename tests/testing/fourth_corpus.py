"""The fourth corpus: faults at numbers and sizes that come seldom by luck, and surely in turn."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from funcnn import Optimizer, tree_map
from funcnn.authoring import axes
from funcnn.networks import Layer
from funcnn.params import plain_tree
from funcnn.testing import nested
from funcnn.testing.trials.of_optimizers import optimizer_trials
from tests import closed_forms
from tests.testing.escapes_losses import decaying, stepping
from tests.testing.faulty_layers import pointwise
from tests.testing.faulty_rarely import biased, misled, quickly, seeing_others
from tests.testing.second_corpus import Fault, Tried, measuring, of


def _descent(change: Any) -> Optimizer[Any]:
    """Descent at 0.1, every leaf passed through `change(gradient, params)`."""
    return stepping(lambda g, s, p: (tree_map(lambda a, w: (-0.1 * change(a, w)).astype(a.dtype), g, p), s))


def _as_sgd(optimizer: Optimizer[Any]) -> Tried:
    return lambda: optimizer_trials(optimizer, steps=lambda o: closed_forms.sgd(0.1))


def _after_zero(g: Any, s: Any, p: Any) -> Any:
    """Once a gradient of a leaf has been zero, that leaf stays."""
    alive: dict[str, Any] = {path: s[path] and a.any() for path, a in nested.leaves(g)}
    return nested.located(lambda path, a: (-0.1 * a * bool(alive[path])).astype(a.dtype), plain_tree(g)), alive


def _pairs(x: Any) -> Any:
    """A running maximum that begins at 0."""
    y = np.maximum(np.maximum.accumulate(x, -1), 0)
    first = np.concatenate([y[..., :1] > 0, y[..., 1:] > y[..., :-1]], -1)

    def pullback(dy: Any) -> Any:
        later = np.cumsum(dy[..., ::-1], -1)[..., ::-1]
        after = np.zeros_like(later)
        n = x.shape[-1]
        for i in range(n):
            stop = np.zeros_like(later[..., 0])
            done = np.zeros(x.shape[:-1], bool)
            for j in range(i + 1, n):
                stop = np.where(~done & first[..., j], later[..., j], stop)
                done |= first[..., j]
            after[..., i] = later[..., i] - stop
        return np.where(first, after, 0).astype(x.dtype)

    return y, pullback


def _largest_first(state: Any, y: Any, t: Any, weights: Any = None) -> Any:
    return max(state, float(y.max(initial=-np.inf)))


def _within(x: Any) -> Any:
    return np.clip(x, -500, 500)


FOURTH: Final = (
    # params and gradients that are zero, tiny, large
    Fault("optimizer", "leaves of zeros stay", "closed_form", _as_sgd(_descent(lambda a, w: a * bool(w.any())))),
    Fault("optimizer", "a gradient below 1e-3 is none", "closed_form", _as_sgd(
        _descent(lambda a, w: a * (np.abs(a) >= 1e-3)))),
    Fault("optimizer", "a gradient above 100 is halved", "closed_form", _as_sgd(
        _descent(lambda a, w: np.where(np.abs(a) > 100, a / 2, a)))),
    Fault("optimizer", "a leaf without gradients at first stays for ever", "closed_form", _as_sgd(
        stepping(_after_zero, lambda params: {path: True for path, _ in nested.leaves(params)}))),
    Fault("optimizer", "another sign in float32", "descends", lambda: optimizer_trials(
        _descent(lambda a, w: -a if a.dtype == np.float32 else a))),
    Fault("optimizer", "the third step twice as long", "closed_form", _as_sgd(
        stepping(lambda g, s, p: (tree_map(lambda a: (-0.1 * (1 + (s == 2)) * a).astype(a.dtype), g), s + 1)))),
    Fault("optimizer", "decay that grows", "descends", lambda: optimizer_trials(
        decaying(-1e-2, 2), except_={"fixed_point": "it decays"})),
    # all below zero
    Fault("metric", "the largest, from zero", "plain_value", measuring(
        _largest_first, lambda s: s, lambda: 0.0, value=lambda y, t: y.max(), weighted=False)),
    Fault("layer", "a running maximum from zero", "plain_value", of(
        Layer.lift(lambda s: axes("maximum", s, at_least=1), _pairs), "B", range(2, 5),
        value=lambda p, x: np.maximum.accumulate(x, -1))),
    # sizes
    Fault("layer", "half the bias's gradient above 32 rows", "true_pullback", of(biased(lambda x, dy: len(x) > 32))),
    Fault("layer", "wrong for 33 features and more", "true_pullback", of(misled(lambda x, dy: x.shape[-1] > 32))),
    Fault("layer", "another value for 2 rows of 5", "value_of_rule", of(quickly(lambda x: x.shape[:2] == (2, 5)))),
    Fault("layer", "another value of one row of 4", "value_of_rule", of(quickly(lambda x: x.shape == (1, 4)))),
    Fault("layer", "another value of odd large batches", "value_of_rule", of(
        quickly(lambda x: len(x) > 9 and len(x) % 2 == 1))),
    Fault("layer", "rows see each other above 32", "independent_rows", of(seeing_others(lambda x: len(x) > 32))),
    # large numbers
    Fault("layer", "limited at 500, and the pullback is not", "true_pullback", of(
        pointwise(_within, lambda x, dy: dy * 1))),
)  # fmt: skip
