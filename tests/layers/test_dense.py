"""Dense, with a bias and without."""

from __future__ import annotations

import numpy as np
import pytest

from funcnn import Dense, Key, Params, ParamsError, serial, summary, vjp


@pytest.mark.parametrize("batch", [(5,), (2, 3), (), (0,)])
def test_without_bias_it_is_the_product(batch: tuple[int, ...]) -> None:
    """One leaf, the value less the bias, the same gradients of what is left."""
    rng = np.random.default_rng(0)
    x, w, dy = rng.normal(size=(*batch, 4)), rng.normal(size=(4, 3)), rng.normal(size=(*batch, 3))
    y, pullback = vjp(Dense(3, bias=False).apply, {"w": w}, x)
    z, pull = vjp(Dense(3).apply, {"w": w, "b": np.zeros(3)}, x)
    assert y.tolist() == z.tolist()
    dparams, dx = pullback(dy)
    assert dparams.paths() == ("w",)
    assert dparams.at("w").tolist() == pull(dy)[0].at("w").tolist() and dx.tolist() == pull(dy)[1].tolist()


def test_weights_are_drawn_as_with_a_bias() -> None:
    """A leaf's initial value depends on its path alone."""
    without = Dense(3, bias=False).init(Key(0), (-1, 4))[1]
    assert without == Params({"w": Dense(3).init(Key(0), (-1, 4))[1].at("w")})


def test_a_bias_that_nothing_takes_is_refused() -> None:
    """Params with a leaf too many are another network's."""
    with pytest.raises(ParamsError):
        Dense(3, bias=False).apply({"w": np.ones((4, 3)), "b": np.ones(3)}, np.ones((1, 4)))


def test_it_prints_and_counts() -> None:
    """`bias=False` is part of what it is."""
    net = serial(Dense(3, bias=False), Dense(2))
    assert repr(net) == "serial(Dense(3, bias=False), Dense(2))"
    assert summary(net, (-1, 4)).params == 3 * 4 + 3 * 2 + 2
