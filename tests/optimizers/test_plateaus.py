"""Steps that become smaller where the value no longer falls: by hand, as PyTorch does it, and who hands it on."""

from __future__ import annotations

import functools
import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from funcnn import (
    Dense, Gradients, Key, Optimizer, Params, Updates, adam, by_label, chain, ema, fit, frozen, lookahead, masked, muon,
    reduce_on_plateau, sgd, skip_nonfinite, squared_error,
)  # fmt: skip
from funcnn.optimizers import PlateauState
from tests.optimizers.small_trees import GRADS, PARAMS

LOSSES = (
    5.0, 4.0, 4.2, 3.9999, 3.99, 4.1, 4.0, 4.2, 3.98, 4.5, 4.4, 4.3, 3.9, 3.9, 3.9, 3.9, 3.9, 2.0, 2.1, 2.2, 2.3,
    1.9999, 1.9998, 1.9997, 2.0, float("nan"), 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.9, 0.9, 0.9, 0.9,
)  # fmt: skip


def scales(values: tuple[float, ...], **options: Any) -> list[float]:
    """The scale after each value."""
    optimizer = reduce_on_plateau(**options)
    state, found = optimizer.init(PARAMS), []
    for value in values:
        _, state = optimizer.step(GRADS, state, PARAMS, value=value)
        found.append(state.scale)
    return found


def plain(
    values: tuple[float, ...],
    factor: float,
    patience: int,
    threshold: float,
    relative: bool,
    cooldown: int,
    least: float,
) -> list[float]:
    """The same written down plainly, for positive values that fall."""
    scale, best, bad, cooling, found = 1.0, np.inf, 0, 0, []
    for value in values:
        if value < (best * (1 - threshold) if relative else best - threshold):
            best, bad = value, 0
        else:
            bad += 1
        if cooling > 0:
            cooling, bad = cooling - 1, 0
        if bad > patience:
            scale, cooling, bad = max(scale * factor, least), cooldown, 0
        found.append(scale)
    return found


def test_by_hand() -> None:
    """A patience of one: the second value that is no better halves; after it one value is let go."""
    values = (3.0, 2.0, 2.0, 2.5, 2.5, 2.5, 2.5, 1.0, 1.0, 1.0)
    assert scales(values, factor=0.5, patience=1) == [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.125]
    assert scales(values, factor=0.5, patience=1, cooldown=1) == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]
    assert scales(values, factor=0.5, patience=1, least=0.4) == [1, 1, 1, 0.5, 0.5, 0.4, 0.4, 0.4, 0.4, 0.4]
    turned = tuple(-v for v in values)
    assert scales(turned, factor=0.5, patience=1, mode="max") == scales(values, factor=0.5, patience=1)


def test_what_is_better() -> None:
    """By a share of the best, whatever its sign, or by a number."""
    assert scales((1.0, 0.95, 0.9), patience=0, threshold=0.1) == [1.0, 0.1, 0.1 * 0.1]
    assert scales((1.0, 0.89), patience=0, threshold=0.1) == [1.0, 1.0]
    assert scales((-1.0, -1.05), patience=0, threshold=0.1) == [1.0, 0.1]  # PyTorch's takes -0.95 as better than -1
    assert scales((-1.0, -1.11), patience=0, threshold=0.1) == [1.0, 1.0]
    assert scales((100.0, 99.95), patience=0, threshold=0.1, relative=False) == [1.0, 0.1]
    assert scales((100.0, 99.8), patience=0, threshold=0.1, relative=False) == [1.0, 1.0]
    assert scales((0.0, 0.0), patience=0) == [1.0, 0.1]


@pytest.mark.parametrize("patience", [0, 1, 3])
@pytest.mark.parametrize("cooldown", [0, 2])
@pytest.mark.parametrize(("threshold", "relative"), [(1e-4, True), (0.1, True), (0.05, False)])
def test_the_rule_written_down_plainly(patience: int, cooldown: int, threshold: float, relative: bool) -> None:
    """Over a long sequence with ties, setbacks and NaN."""
    options = {"factor": 0.3, "patience": patience, "threshold": threshold, "relative": relative, "cooldown": cooldown}
    assert scales(LOSSES, **options, least=0.01) == plain(LOSSES, **options, least=0.01)  # type: ignore[arg-type]


def test_means_of_several_values() -> None:
    """Are what is looked at, once in so many steps."""
    values = (4.0, 2.0, 0.0, 6.0, 5.0, 1.0, 1.0, 1.0)  # means 3, 3, 3, 1
    assert scales(values, factor=0.5, patience=0, every=2) == [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25]


def test_the_state_is_a_value() -> None:
    """It prints, compares and pickles, after NaN as well."""
    optimizer = reduce_on_plateau(0.5, patience=2, every=3)
    state = optimizer.init(PARAMS)
    assert state == PlateauState(step=0, scale=1.0, best=np.inf, bad=0, cooling=0, total=0.0)
    _, state = optimizer.step(GRADS, state, PARAMS, value=float(np.float32("nan")))
    assert repr(state) == "PlateauState(step=1, scale=1.0, best=inf, bad=0, cooling=0, total=inf)"
    assert pickle.loads(pickle.dumps(state)) == state
    assert repr(optimizer) == "reduce_on_plateau(0.5, patience=2, every=3)"
    assert optimizer == pickle.loads(pickle.dumps(optimizer))


WITHIN: dict[str, Optimizer[Any]] = {
    "chain": chain(sgd(1.0), reduce_on_plateau(0.5, patience=0)),
    "chain in a chain": chain(chain(reduce_on_plateau(0.5, patience=0)), sgd(1.0), ema(0.5)),
    "masked": chain(sgd(1.0), masked(reduce_on_plateau(0.5, patience=0), "body/**")),
    "by_label": by_label({"body/**": chain(sgd(1.0), reduce_on_plateau(0.5, patience=0)), "**": frozen}),
    "lookahead": lookahead(chain(sgd(1.0), reduce_on_plateau(0.5, patience=0)), every=10),
    "skip_nonfinite": skip_nonfinite(chain(sgd(1.0), reduce_on_plateau(0.5, patience=0))),
    "muon": muon(1.0, others=chain(sgd(1.0), reduce_on_plateau(0.5, patience=0))),
}


@pytest.mark.parametrize("within", WITHIN)
def test_the_value_is_handed_on(within: str) -> None:
    """By `update` and by `step` alike; the second value is no better, and halves the update."""
    optimizer, place = WITHIN[within], "body/b"
    state, update = optimizer.init(PARAMS), functools.partial(optimizer.update, value=1.0)  # type: ignore[call-arg]
    first, state = update(GRADS, state, PARAMS)
    second, _ = update(GRADS, state, PARAMS)
    assert np.all(first.at(place) == -2) and np.all(second.at(place) == -1)
    after, _ = optimizer.step(GRADS, state, PARAMS, value=1.0)
    assert np.all(after.at(place) == 0)
    with pytest.raises(TypeError, match="looks at the value of the objective, none was told"):
        optimizer.step(GRADS, state, PARAMS)


def test_optimizers_of_others() -> None:
    """Those with a parameter of the name get the value, in chains too; those without do not."""

    def without(g: Any, state: int, params: Any) -> tuple[Updates, int]:
        return Updates(g), state + 1

    def with_value(g: Any, state: float, params: Any, value: float = 0.0) -> tuple[Updates, float]:
        return Updates(g), state + value

    one: Optimizer[int] = Optimizer(lambda params: 0, without)
    other: Optimizer[float] = Optimizer(lambda params: 0.0, with_value)
    assert one.step(GRADS, 0, PARAMS, value=3.0)[1] == 1
    assert other.step(GRADS, 0.0, PARAMS, value=3.0)[1] == 3
    all_three = chain(one, other, sgd(1.0))
    assert all_three.step(GRADS, all_three.init(PARAMS), PARAMS, value=3.0)[1][:2] == (1, 3.0)


def test_fit_tells_the_loss_of_the_batch() -> None:
    """Training that gets nowhere takes smaller and smaller steps."""
    net = Dense(1, bias=False)
    data = np.zeros((4, 2)), np.ones((4, 1))  # nothing to learn: the loss is 1 at every step
    _, params = net.init(Key(0), (-1, 2), dtype=np.float64)
    optimizer = chain(sgd(0.1), reduce_on_plateau(0.5, patience=1, every=2))
    found = [state.optimizer[1] for state, _ in fit(squared_error, net.apply, optimizer, params, data, epochs=10)]
    assert [state.scale for state in found] == [1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25]
    assert found[0].total == 1.0 and found[-1].best == 1.0 and found[-1].step == 10


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: reduce_on_plateau(1.0), "factor must be in (0, 1), got 1.0"),
        (lambda: reduce_on_plateau(patience=-1), "patience must be an integer of at least 0, got -1"),
        (lambda: reduce_on_plateau(cooldown=1.5), "cooldown must be an integer of"),  # type: ignore[arg-type]
        (lambda: reduce_on_plateau(threshold=float("nan")), "threshold must be a finite number, got nan"),
        (lambda: reduce_on_plateau(threshold=-1), "threshold must not be negative, got -1"),
        (lambda: reduce_on_plateau(mode="low"), "mode must be 'min' or 'max', got 'low'"),  # type: ignore[arg-type]
        (lambda: reduce_on_plateau(least=2), "least, a share of the first steps, must be in [0, 1], got 2"),
        (lambda: reduce_on_plateau(every=0), "every must be an integer of at least 1, got 0"),
    ],
)  # fmt: skip
def test_what_it_refuses(call: Callable[[], object], message: str) -> None:
    """By name."""
    with pytest.raises(ValueError, match=re.escape(f"reduce_on_plateau: {message}")):
        call()


def test_a_value_is_a_number() -> None:
    """And a state its own."""
    optimizer = reduce_on_plateau()
    with pytest.raises(TypeError, match=r"the value of the objective, got .*; write optimizer.step\("):
        optimizer.step(GRADS, optimizer.init(PARAMS), PARAMS, value="1.0")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="reduce_on_plateau takes the PlateauState that its init"):
        optimizer.step(GRADS, sgd(0.1).init(PARAMS), PARAMS, value=1.0)  # type: ignore[arg-type]
    empty = Params({})
    _, state = optimizer.step(Gradients({}), optimizer.init(empty), empty, value=1.0)
    assert state.step == 1
