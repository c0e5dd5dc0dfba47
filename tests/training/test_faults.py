"""Training says at once what is wrong with its arguments, and never yields a state that is not finite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from funcnn import (
    Array,
    Dense,
    DTypeError,
    Embedding,
    FuncnnError,
    Key,
    Layer,
    NonFiniteError,
    Optimizer,
    Params,
    ParamsError,
    Relu,
    ShapeError,
    Tree,
    Updates,
    adam,
    adamw,
    chain,
    fit,
    joint,
    parallel,
    serial,
    sgd,
    squared_error,
    tree_map,
)
from funcnn.optimizers import scale_by_adam, scale_by_rate

X, Y = np.arange(12, dtype=np.float32).reshape(6, 2) / 12, np.ones((6, 1), np.float32)
NET = serial(Dense(3), Relu, Dense(1))
PARAMS = NET.init(Key(0), (-1, 2))[1]


def with_value(array: Array, place: Any, value: float) -> Array:
    """The array with another value at one place."""
    out = array.copy()
    out[place] = value
    return out


# arguments ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"loss": abs}, TypeError, "takes a loss first, got builtin_function_or_method"),
        ({"apply": NET}, TypeError, "take its .apply"),
        ({"optimizer": adam}, TypeError, "fit takes an optimizer, got function"),
        ({"penalties": (3,)}, TypeError, "penalties are differentiable functions of params"),
        ({"batch_size": 0}, ValueError, "fit: batch_size must be an integer of at least 1, got 0"),
        ({"batch_size": 2.5}, ValueError, "fit: batch_size must be an integer of at least 1, got 2.5"),
        ({"epochs": -1}, ValueError, "fit: epochs must be an integer of at least 0, got -1"),
        ({"epochs": 1.0}, ValueError, "fit: epochs must be an integer of at least 0, got 1.0"),
        ({"epochs": True}, ValueError, "fit: epochs must be an integer of at least 0, got True"),
        ({"rng": None}, TypeError, "rng must be a Key or an int seed, got None; write Key(0)"),
        ({"rng": 0.5}, TypeError, "rng must be a Key or an int seed, got float; write Key(0)"),
        ({"batch_size": 7, "drop_last": True}, ValueError, "there are 6 rows, and a batch has 7"),
        ({"start": ((-1, 1), PARAMS)}, ParamsError, "unpack"),
        ({"start": {"w": np.ones(2)}}, ParamsError, "missing dense_0/b"),
        ({"start": 3}, ParamsError, "must be a nested mapping of arrays, got int"),
        ({"data": X}, TypeError, "the data is a tuple (x, target) or (x, target, weights), got ndarray"),
        ({"data": (X,)}, ValueError, "the data is a tuple (x, target) or (x, target, weights), got one of 1"),
        ({"data": (X, Y[:5])}, ShapeError, "x has 6, target has 5"),
        ({"data": (X, Y, Y[:5, 0])}, ShapeError, "x has 6, target has 6, weights has 5"),
        ({"data": (X[:0], Y[:0])}, ShapeError, "empty batch"),
        ({"data": ((), Y)}, ShapeError, "Dense takes an array"),
        ({"data": (X[:, :1], Y)}, ShapeError, "dense_0 in serial: takes (..., 2), got (6, 1)"),
        ({"data": ((X, X), Y)}, ShapeError, "dense_0 in serial: Dense takes an array of at least 1 axis, got a tuple"),
        ({"data": (X + 1j, Y)}, DTypeError, "x has dtype complex64, features are real numbers"),
        ({"data": (X.astype(str), Y)}, DTypeError, "x has dtype <U32, features are real numbers"),
        ({"data": (np.ma.masked_array(X), Y)}, DTypeError, "x is a masked array"),
        ({"data": (X, np.ma.masked_array(Y))}, DTypeError, "target is a masked array"),
        ({"data": ([[1.0, 2.0], [1.0]], Y)}, DTypeError, "x is ragged"),
        ({"data": (with_value(X, (4, 1), np.nan), Y)}, NonFiniteError, "x has 1 value that is not finite in float32"),
        ({"data": (with_value(X, (4, 1), np.nan), Y)}, NonFiniteError, "the first is x[4, 1]; leave such rows out"),
        ({"data": (with_value(X, (slice(2, 4), 0), -np.inf), Y)}, NonFiniteError, "x has 2 values that are not finite"),
        ({"data": (X.astype(float) * 1e300, Y)}, NonFiniteError, "x has 11 values that are not finite in float32"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:invalid value")
def test_refusals(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    """What is wrong with the arguments is said by the call itself, before the first step is asked for."""
    arguments = {"loss": squared_error, "apply": NET.apply, "optimizer": sgd(0.1), "start": PARAMS, "data": (X, Y)}
    with pytest.raises(error) as caught:
        fit(**{**arguments, **changes})
    assert message in str(caught.value)


def test_the_network_is_named() -> None:
    """What the data are refused for says by which network."""
    with pytest.raises(FuncnnError) as caught:
        fit(squared_error, NET.apply, sgd(0.1), PARAMS, (X.astype(str), Y))
    assert caught.value.network == "serial"


def test_the_input_among_several_is_named() -> None:
    """Of several inputs the message names the one."""
    net = parallel(Dense(1), Embedding(3, 1))
    _, params = net.init(0, ((-1, 2), (-1,)))
    tokens = np.array([0, 1, 2, 0, 1, 2])
    loss = joint(squared_error, squared_error)
    with pytest.raises(NonFiniteError, match=r"^x\[0\] has 2 values .* the first is x\[0\]\[3, 0\]"):
        fit(loss, net.apply, sgd(0.1), params, ((with_value(X, 3, np.inf), tokens), (Y, Y)))
    with pytest.raises(DTypeError, match=r"^x\[1\] has dtype float64, but tokens are integers"):
        fit(loss, net.apply, sgd(0.1), params, ((X, tokens / 2), (Y, Y)))  # type: ignore[arg-type]  # tokens are integers


# steps that fail ------------------------------------------------------------------------------------------------------
def failing(run: Any) -> tuple[list[Any], NonFiniteError]:
    """The steps before the one that fails, and its error."""
    done: list[Any] = []
    with np.errstate(all="ignore"), pytest.raises(NonFiniteError) as caught:
        for item in run:
            done.append(item)
    return done, caught.value


def finite(params: Params) -> bool:
    """Is every value finite?"""
    return all(bool(np.isfinite(params.at(path)).all()) for path in params.paths())


@pytest.mark.parametrize("k", [1, 2, 5])
def test_a_loss_that_is_not_finite(k: int) -> None:
    """A target that is NaN stops at its step; the states before it are finite, and are those of a run without it."""
    target = with_value(np.repeat(Y, 2, axis=0), k - 1, np.nan)
    x = np.repeat(X, 2, axis=0)
    options: dict[str, Any] = {"batch_size": 1, "shuffle": False}
    done, error = failing(fit(squared_error, NET.apply, sgd(0.1), PARAMS, (x, target), **options))
    good = list(fit(squared_error, NET.apply, sgd(0.1), PARAMS, (x, np.repeat(Y, 2, axis=0)), **options))
    assert done == good[: k - 1]
    assert str(error).startswith(
        f"step {k}, batch {k - 1} of epoch 0: the loss is nan and the gradient of dense_0/w is not finite; "
        "the states before it are as they were; look at the rows of this batch, lower the rate, or clip"
    )


def test_training_goes_on_without_the_row() -> None:
    """From the last state before the failure, training goes on with data that were repaired."""
    data = (X, with_value(Y, 3, np.nan))
    options: dict[str, Any] = {"batch_size": 1, "shuffle": False}
    done, _ = failing(fit(squared_error, NET.apply, adam(0.1), PARAMS, data, **options))
    whole = list(fit(squared_error, NET.apply, adam(0.1), PARAMS, (X, Y), **options))
    assert list(fit(squared_error, NET.apply, adam(0.1), done[-1][0], (X, Y), **options)) == whole[3:]


def test_a_rate_that_is_too_large() -> None:
    """A run that diverges ends with an error, and with a finite state."""
    done, error = failing(fit(squared_error, NET.apply, sgd(30.0), PARAMS, (X, Y), epochs=100))
    assert str(error).startswith(f"step {len(done) + 1}, batch 0 of epoch {len(done)}: the loss is ")
    assert len(done) > 1 and all(finite(s.params) and np.isfinite(m.loss) for s, m in done)


def spoiled(gradient: Callable[[Array], Array]) -> Layer[Array, Array]:
    """A layer whose pullback is wrong."""
    return Layer.lift(lambda shape: shape, lambda x: (x, gradient))


def test_a_gradient_that_is_not_finite() -> None:
    """A loss may be finite where a gradient is not: that is an error too, and names the leaf."""
    net = serial(Dense(3), spoiled(lambda dy: dy * np.float32(np.inf)), Dense(1))
    _, error = failing(fit(squared_error, net.apply, sgd(0.1), PARAMS, (X, Y)))
    assert str(error).startswith("step 1, batch 0 of epoch 0: the gradient of dense_0/w is not finite; ")


@pytest.mark.parametrize("order", [1, -1])
def test_no_optimizer_hides_such_a_gradient(order: int) -> None:
    """Not one that leaves such leaves alone, before or behind another."""
    careful: Optimizer[int] = Optimizer(lambda params: 0, lambda g, s, p: (Updates(tree_map(np.nan_to_num, g)), s))
    net = serial(Dense(3), spoiled(lambda dy: dy * np.float32(np.nan)), Dense(1))
    for optimizer in (careful, chain(*[careful, sgd(0.1)][::order])):
        _, error = failing(fit(squared_error, net.apply, optimizer, PARAMS, (X, Y)))
        assert str(error).startswith("step 1, batch 0 of epoch 0: the gradient of dense_0/w is not finite; ")


def test_an_update_that_is_not_finite() -> None:
    """An optimizer that makes infinite params of finite gradients is an error, and names the leaf."""

    def update(grads: Tree, state: int, params: Tree) -> tuple[Updates, int]:
        bias = PARAMS.at("dense_1/b")
        return Updates(PARAMS.set("dense_1/b", np.full_like(bias, np.inf))), state + 1

    leap: Optimizer[int] = Optimizer(lambda params: 0, update)
    _, error = failing(fit(squared_error, NET.apply, leap, PARAMS, (X, Y)))
    assert str(error).startswith(
        "step 1, batch 0 of epoch 0: the gradient is finite, but the update leaves dense_1/b not finite; "
    )


@pytest.mark.parametrize(
    ("optimizer", "where"),
    [
        (adam(0.1), "v of "),
        (adamw(0.1), "v of "),
        (chain(scale_by_adam(), scale_by_rate(0.1)), "v of "),
        (chain(sgd(0.1), adam(0.1)), "v of "),
        (Optimizer(adam(0.1).init, lambda g, s, p: adam(0.1).update(g, s, p)), "v of "),
        (chain(Optimizer(adam(0.1).init, lambda g, s, p: adam(0.1).update(g, s, p)), sgd(0.1)), "v of "),
    ],
    ids=repr,
)
def test_a_second_moment_that_is_not_finite(optimizer: Optimizer[Any], where: str) -> None:
    """The square of a gradient of 7e20 is more than float32 holds: the params would never move again."""
    net = serial(Dense(3), spoiled(lambda dy: np.full_like(dy, 7e21)), Dense(1))
    _, error = failing(fit(squared_error, net.apply, optimizer, PARAMS, (X, Y)))
    assert str(error).startswith(
        f"step 1, batch 0 of epoch 0: the gradient is finite, but so large that the update leaves {where}dense_0/w "
        "not finite; "
    )


def test_large_gradients_are_finite() -> None:
    """Gradients whose squares overflow are finite, and no warning comes of them."""
    net = serial(Dense(3), Dense(1))
    run = fit(squared_error.bind(reduce="sum"), net.apply, sgd(1e-30), PARAMS, (X, Y * np.float32(1e18)))
    (state, metrics), *_ = run
    assert finite(state.params) and np.isfinite(metrics.loss)
