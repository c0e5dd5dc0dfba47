"""float16 and longdouble hold numbers in files and arrays; whatever computes refuses them, with the fix."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import funcnn as f
from funcnn.optimizers import add_decayed_weights, scale_by_adam, scale_by_rate
from tests.refusals import refusal

NET = f.serial(f.Dense(3), f.Relu, f.Dense(1))
PARAMS = NET.init(0, (-1, 2))[1]
X, Y = np.ones((4, 2), np.float32), np.ones((4, 1), np.float32)
GRADS = f.grad(f.squared_error, NET.apply)(PARAMS, X, Y)
STATE = f.adam(0.1).init(PARAMS)
WIDE = {np.float16: "float32", np.longdouble: "float64"}
OPTIMIZERS: list[f.Optimizer[Any]] = [
    f.sgd(0.1), f.momentum(0.1, 0.9), f.adam(0.1), f.adamw(0.1), f.clip_by_global_norm(1.0), scale_by_adam(),
    scale_by_rate(0.1), add_decayed_weights(0.1), f.chain(f.clip_by_global_norm(1.0), f.adam(0.1)),
]  # fmt: skip

CASES: dict[str, Callable[[Any, Any], Any]] = {
    "apply": lambda p, g: NET.apply(p, X),
    "a training pass": lambda p, g: NET.apply(p, X, rng=0),
    "vjp": lambda p, g: f.vjp(NET.apply, p, X),
    "value_and_grad": lambda p, g: f.value_and_grad(f.squared_error, NET.apply)(p, X, Y),
    "predict": lambda p, g: f.predict(NET.apply, p, X),
    "evaluate": lambda p, g: f.evaluate(NET.apply, p, (X, Y), f.mean_of(f.squared_error)),
    "fit": lambda p, g: f.fit(f.squared_error, NET.apply, f.sgd(0.1), p, (X, Y)),
    "fit on": lambda p, g: f.fit(f.squared_error, NET.apply, f.adam(0.1), f.TrainState(0, p, STATE, f.Key(0)), (X, Y)),
    "calibrate": lambda p, g: f.calibrate(NET, p, [X]),
    "apply_updates": lambda p, g: f.apply_updates(p, f.Updates(g)),
}
for o in OPTIMIZERS:
    CASES |= {
        f"{o!r}.init": functools.partial(lambda o, p, g: o.init(p), o),
        f"{o!r}.update": functools.partial(lambda o, p, g: o.update(g, o.init(PARAMS), p), o),
        f"{o!r}.step": functools.partial(lambda o, p, g: o.step(g, o.init(PARAMS), p), o),
    }


@pytest.mark.parametrize("dtype", WIDE)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("form", [lambda tree: tree, lambda tree: tree.to_dict()], ids=["tree", "dict"])
def test_params_that_are_stored_are_not_computed_with(dtype: Any, case: Callable[..., Any], form: Any) -> None:
    """Wherever params go in, as one of our trees or a dict; the message names the dtype and the fix."""
    params, grads = f.astype(PARAMS, dtype), f.astype(GRADS, dtype)
    told = refusal(lambda: case(form(params), form(grads)), f.DTypeError)
    name = np.dtype(dtype).name
    assert re.search(
        f"the params are {name}, which is for storage; float32 and float64 are computed in: "
        rf"write astype\(params, np.{WIDE[dtype]}\)$",
        told,
    )


@pytest.mark.parametrize("dtype", WIDE)
def test_params_are_not_drawn_in_them(dtype: Any) -> None:
    """The message says how such params are made: drawn in another dtype, and converted."""
    name = np.dtype(dtype).name
    assert refusal(lambda: NET.init(0, (-1, 2), dtype=dtype), f.DTypeError) == (
        f"params cannot be drawn in {name}, which is for storage; float32 and float64 are computed in: "
        f"write dtype=np.{WIDE[dtype]}, and astype(params, np.{name}) to store them"
    )


@pytest.mark.parametrize("dtype", WIDE)
@pytest.mark.parametrize("loss", [f.squared_error, f.sum_squared_error, f.softmax_cross_entropy], ids=repr)
def test_predictions_are_not_judged_in_them(dtype: Any, loss: Any) -> None:
    """By losses and their pullbacks, in the parts of joint losses too."""
    y, target = np.ones((4, 3), dtype), np.full((4, 3), 1 / 3, np.float32)
    fix = rf"the prediction is {np.dtype(dtype).name}, which is for storage; .* write .astype\(np.{WIDE[dtype]}\)"
    for call in (
        lambda: loss(y, target), lambda: f.vjp(loss, y, target), lambda: f.joint(loss, loss)((y, y), (target, target)),
        lambda: f.mean_of(loss)(y, target),
    ):  # fmt: skip
        with pytest.raises(f.DTypeError, match=fix):
            call()


@pytest.mark.parametrize("dtype", WIDE)
@pytest.mark.parametrize("penalty", [f.l1(0.1), f.l2(0.1)], ids=repr)
def test_penalties_are_not_computed_in_them(dtype: Any, penalty: Any) -> None:
    """The message names the leaf."""
    told = refusal(lambda: penalty(f.astype(PARAMS, dtype)), f.DTypeError)
    assert f": dense_0/w is {np.dtype(dtype).name}, which is for storage" in told


@pytest.mark.parametrize("dtype", WIDE)
def test_they_store(dtype: Any, tmp_path: Path) -> None:
    """`astype`, files, `ravel` and `tree_map`; what comes back computes what the rounded params compute."""
    stored = f.astype(PARAMS, dtype)
    f.save_params(tmp_path / "params", stored)
    loaded = f.load_params(tmp_path / "params", like=stored)
    vector, unravel = f.ravel(loaded)
    assert loaded == stored == unravel(vector) and f.tree_map(np.array, loaded) == stored
    again = f.astype(loaded, np.float32)
    np.testing.assert_allclose(NET.apply(again, X), NET.apply(PARAMS, X), rtol=2e-3)


@pytest.mark.parametrize(("dtype", "wide"), [(np.float16, np.float32), (np.longdouble, np.float64)])
def test_features_may_be_stored_in_them(dtype: Any, wide: Any) -> None:
    """They are converted to the dtype of the params; without params to the next that is computed in."""
    x: Any = X.astype(dtype)
    assert np.array_equal(NET.apply(PARAMS, x), NET.apply(PARAMS, X))
    y, pullback = f.vjp(f.Tanh.apply, {}, x)
    assert (y.dtype, pullback(y)[1].dtype) == (wide, wide)
    assert f.squared_error(Y, Y.astype(dtype)) == 0.0
