"""stax's nested tuples: what its networks computed, and how they nest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import BatchNorm, Dense, Flatten, Key, Params, ParamsError, Relu, serial
from funcnn.weights import from_stax, to_stax
from tests.weights.cases import recorded
from tests.weights.stax_cases import CASES


def nest(weights: dict[str, Any]) -> list[Any]:
    """What "0/1" names: the second of the first."""
    tree: dict[str, Any] = {}
    for path, a in weights.items():
        here = tree
        *above, end = path.split("/")
        for step in above:
            here = here.setdefault(step, {})
        here[end] = a

    def tuples(part: Any) -> Any:
        if not isinstance(part, dict):
            return part
        return tuple(tuples(part.get(str(i), {})) for i in range(1 + max(map(int, part), default=-1)))

    return [*tuples(tree)]


def params(case: str) -> Params:
    """Those of a case."""
    net, shape, _ = CASES[case]
    return from_stax(net, shape, nest(recorded("stax")[case].weights))


@pytest.mark.parametrize("case", CASES)
def test_the_network_computes_what_stax_did(case: str) -> None:
    """In float64, to rounding; with a norm in a training pass, for stax knows no other."""
    there, net = recorded("stax")[case], CASES[case].net
    mine = net.apply(params(case), there.x, rng=Key(0) if case == "norm" else None)
    np.testing.assert_allclose(mine, there.y, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_back_again_are_the_same_tuples(case: str) -> None:
    """To the bit, tuples and lists where they were."""
    net, shape, _ = CASES[case]
    theirs = nest(recorded("stax")[case].weights)
    same(to_stax(net, shape, params(case), like=theirs), theirs)


@pytest.mark.parametrize("case", CASES)
def test_out_and_in_again_are_the_same_params(case: str) -> None:
    """Of params that stax never drew."""
    net, shape, _ = CASES[case]
    _, drawn = net.init(3, shape, dtype=np.float32)
    assert from_stax(net, shape, to_stax(net, shape, drawn)) == drawn


def same(a: Any, b: Any) -> None:
    """The same arrays in the same tuples and lists."""
    assert type(a) is type(b)
    if isinstance(a, np.ndarray):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
        return
    for one, other in zip(a, b, strict=True):
        same(one, other)


def test_tuples_nest_as_the_network_does() -> None:
    """One for each combinator, an empty one for a layer without params."""
    net = serial(Flatten, serial(Dense(2), Relu))
    _, drawn = net.init(0, (-1, 3))
    flatten, (dense, relu) = to_stax(net, (-1, 3), drawn)
    assert (flatten, relu) == ((), ()) and [a.shape for a in dense] == [(3, 2), (2,)]


def test_statistics_start_as_init_has_them() -> None:
    """stax has none."""
    net = serial(BatchNorm())
    made = from_stax(net, (-1, 2), [(np.ones(2), np.full(2, 3.0))])
    assert made.at("batch_norm_0/mean").tolist() == [0, 0] and made.at("batch_norm_0/var").tolist() == [1, 1]
    assert made.at("batch_norm_0/scale").tolist() == [3, 3] and made.at("batch_norm_0/mean").dtype == np.float64


def test_what_is_no_tree_of_arrays_is_refused() -> None:
    """With its place; what does not fit is told as elsewhere."""
    with pytest.raises(ParamsError, match=r"from_stax takes nested tuples of arrays, params\[1\] is 'w'"):
        from_stax(Dense(1), (-1, 2), [(), "w"])
    with pytest.raises(ParamsError, match=r"array 0 of shape \(1, 2\), the transpose, does not go into w \(2, 1\)"):
        from_stax(Dense(1), (-1, 2), [np.ones((1, 2)), np.ones(1)])
    with pytest.raises(ParamsError, match=r"array 2 \(3,\) float64 goes nowhere"):
        from_stax(Dense(1), (-1, 2), [np.ones((2, 1)), np.ones(1), np.ones(3)])
    with pytest.raises(ParamsError, match=r"nothing goes into b \(1,\)"):
        from_stax(Dense(1), (-1, 2), [np.ones((2, 1))])
