"""Steps with objectives: those of `value_and_grad`, and any function that gives a value and gradients."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import funcnn
from funcnn import (
    Array, Dense, Gradients, Key, NonFiniteError, Params, ParamsError, Relu, adam, fit, l2, serial, sgd,
    sigmoid_binary_cross_entropy, squared_error, value_and_grad, vjp,
)  # fmt: skip
from tests.refusals import refusal
from tests.training.small_runs import NET, PLAIN, W, X, Y, params_of, trained

loose: Any = funcnn
OPTIONS: dict[str, Any] = {"epochs": 3, "batch_size": 4}


# ours -----------------------------------------------------------------------------------------------------------------
def test_an_objective_is_a_loss_with_its_network() -> None:
    """The same steps, to the last bit, with all its penalties; in the form for batches too."""
    objective = value_and_grad(squared_error, NET.apply, l2(0.1))
    expected = trained(penalties=[l2(0.1)])
    assert list(fit(objective, adam(0.01), params_of(NET), (X, Y, W), **OPTIONS)) == expected
    assert list(fit(objective.on_batch, adam(0.01), params_of(NET), (X, Y, W), **OPTIONS)) == expected


def test_an_objective_is_checked_as_its_parts_are() -> None:
    """By the call: features, targets, and the network that they go through."""
    objective = value_and_grad(squared_error, PLAIN.apply)
    for given in (objective, objective.on_batch):
        with pytest.raises(NonFiniteError, match="x has 30 values"):
            loose.fit(given, adam(0.01), params_of(PLAIN), (X * np.inf, Y))
        with pytest.raises(TypeError, match=r"the data is a tuple \(x, target\)"):
            loose.fit(given, adam(0.01), params_of(PLAIN), X)


def test_on_batch() -> None:
    """It is the objective of the items of a batch."""
    objective = value_and_grad(squared_error, NET.apply)
    params = params_of(NET)
    assert objective.on_batch(params, (X, Y), Key(3)) == objective(params, X, Y, rng=Key(3))
    assert objective.on_batch(params, (X, Y, W), None) == objective(params, X, Y, weights=W, rng=None)
    with pytest.raises(TypeError, match="takes a key in training"):
        objective.on_batch(params, (X, Y))


# one's own ------------------------------------------------------------------------------------------------------------
def test_a_wrapped_objective_makes_the_same_steps() -> None:
    """Called with the key of the step, which is that of the network."""
    objective = value_and_grad(squared_error, NET.apply)

    def mine(params: Params, batch: Any, rng: Key) -> tuple[float, Gradients]:
        return objective.on_batch(params, batch, rng)

    assert list(fit(mine, adam(0.01), params_of(NET), (X, Y, W), **OPTIONS)) == trained()


@pytest.mark.parametrize("make", [lambda f: functools.partial(f, 2.0), lambda f: (lambda p, b, rng: f(2.0, p, b, rng))])
def test_any_callable(make: Any) -> None:
    """Functions, parts of them, and objects that are called."""

    def scaled(scale: float, params: Any, batch: Array, rng: Key) -> Any:
        return np.float32(scale), {"w": scale * np.ones(1)}

    steps = list(loose.fit(make(scaled), sgd(0.5), {"w": np.zeros(1)}, X, batch_size=10))
    assert [(m.loss, s.params.at("w").item(), m.examples) for s, m in steps] == [(2.0, -1.0, 10)]


def test_a_value_may_be_an_array_of_no_axes() -> None:
    """What NumPy gives for a mean."""
    steps = list(loose.fit(lambda p, b, rng: (np.array(2.0), {"w": np.ones(1)}), sgd(0.5), {"w": np.zeros(1)}, X))
    assert type(steps[0][1].loss) is float


def test_every_step_has_a_key_of_its_own() -> None:
    """A function of the key and the step alone."""
    keys: list[Key] = []

    def mine(params: Params, batch: Array, rng: Key) -> Any:
        keys.append(rng)
        return 0.0, {"w": np.zeros(1)}

    steps = list(fit(mine, sgd(0.1), {"w": np.zeros(1)}, X, batch_size=4, epochs=2, rng=9))
    assert len(set(keys)) == 6
    again, keys[:] = keys[4:], []
    list(fit(mine, sgd(0.1), steps[3][0], X, batch_size=4, epochs=2))
    assert keys == again


def test_two_networks_in_one_tree() -> None:
    """A generator against a critic, by hand: one step of each, whose gradients go into one tree."""
    generator, critic = serial(Dense(4), Relu, Dense(2)), Dense(1)
    params = Params({"generator": generator.init(0, (-1, 3))[1], "critic": critic.init(1, (-1, 2))[1]})

    def game(params: Any, real: Array, rng: Key) -> tuple[float, Gradients]:
        noise = rng.generator().normal(size=(len(real), 3)).astype(np.float32)
        fake, back = vjp(generator.apply, params["generator"], noise)
        both = np.concatenate([real, fake])
        logits, down = vjp(critic.apply, params["critic"], both)
        truth = np.repeat([1.0, 0.0], len(real))[:, None].astype(np.float32)
        value, pull = vjp(sigmoid_binary_cross_entropy, logits, truth)
        dlogits, _ = pull(1.0)
        for_critic, dboth = down(dlogits)
        for_generator, _ = back(-dboth[len(real) :])
        return value, Gradients({"generator": for_generator, "critic": for_critic})

    (state, metrics), *_ = fit(game, sgd(0.1), params, Y, batch_size=10)
    value, grads = game(params, Y, Key(0).fold("pass").fold(0))
    assert metrics.loss == value
    for path in params.paths():
        np.testing.assert_allclose(state.params.at(path), params.at(path) - np.float32(0.1) * grads.at(path), rtol=1e-6)


# augmentation ---------------------------------------------------------------------------------------------------------
def noise(x: Array, key: Key) -> Array:
    """Some noise on the features."""
    return x + np.float32(0.1) * key.generator().standard_normal(x.shape, np.float32)


def test_augmented_features() -> None:
    """The loss is that of the features that `augment` gave for the batch, with a key of the step."""
    steps = trained(PLAIN, augment=noise, batch_size=10, rng=3)
    before = [params_of(PLAIN), *(s.params for s, _ in steps)]
    objective, key = value_and_grad(squared_error, PLAIN.apply), Key(3).fold("augment")
    expected = [objective(p, noise(X, key.fold(i)), Y, weights=W)[0] for i, p in enumerate(before[:-1])]
    assert [m.loss for _, m in steps] == expected


def test_augmentation_draws_nothing_else() -> None:
    """The order of the rows and the keys of the network are the same with and without."""
    assert trained(augment=lambda x, key: x) == trained()


def test_augmentation_may_change_shapes() -> None:
    """The network fits what comes out, not what goes in."""
    assert trained(PLAIN, data=(np.hstack([X, X]), Y, W), augment=lambda x, key: x[:, :3]) == trained(PLAIN)


@pytest.mark.parametrize("options", [{}, {"batch_size": 10}, {"shuffle": False}])
def test_augmentation_in_place_spoils_no_data(options: Any) -> None:
    """It has a copy, or is refused by NumPy."""
    x = X.copy()

    def spoil(x: Array, key: Key) -> Array:
        x *= 0
        return x

    try:
        trained(PLAIN, data=(x, Y), augment=spoil, **options)
    except ValueError as error:
        assert options and "read-only" in str(error)
    assert x.tobytes() == X.tobytes()


def test_whole_batches_are_augmented_for_functions() -> None:
    """Features with targets, as mixing rows wants it."""
    objective = value_and_grad(squared_error, PLAIN.apply)
    seen: list[Any] = []

    def mixed(batch: Any, key: Key) -> Any:
        x, y = batch
        return (x + x[::-1]) / 2, (y + y[::-1]) / 2

    def mine(params: Params, batch: Any, rng: Key) -> Any:
        seen.append(batch)
        return objective.on_batch(params, batch, None)

    list(fit(mine, sgd(0.1), params_of(PLAIN), (X, Y), batch_size=10, augment=mixed))
    np.testing.assert_array_equal(seen[0][1], (Y + Y[::-1]) / 2)


def test_batches_of_an_objective_are_augmented_whole_too() -> None:
    """`on_batch` takes a batch, so `augment` gets one; the objective itself takes features, and it gets those."""
    objective = value_and_grad(squared_error, PLAIN.apply)

    def doubled(batch: Any, key: Key) -> Any:
        return batch[0] * 2, batch[1] * 2

    run: Any = fit(objective.on_batch, sgd(0.1), params_of(PLAIN), (X, Y), batch_size=10, augment=doubled)
    assert next(run)[1].loss == objective(params_of(PLAIN), X * 2, Y * 2)[0]
    half: Any = fit(objective, sgd(0.1), params_of(PLAIN), (X, Y), batch_size=10, augment=lambda x, key: x * 2)
    assert next(half)[1].loss == objective(params_of(PLAIN), X * 2, Y)[0]


# refusals -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("objective", "options", "message"),
    [
        (3, {}, "takes an objective first, value_and_grad(...) or any (params, batch, rng)"),
        (lambda params, batch: 0, {}, "which does not take three arguments"),
        (squared_error, {}, "takes five arguments, got four; what is missing?"),
        (lambda p, b, rng: (0.0, {}), {"penalties": [l2(0.1)]}, "penalties belong to the objective"),
    ],
)  # fmt: skip
def test_what_is_no_objective(objective: Any, options: Any, message: str) -> None:
    """By the call itself."""
    assert message in refusal(lambda: loose.fit(objective, sgd(0.1), {"w": np.ones(1)}, X, **options), TypeError)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (0.0, TypeError, "the objective mine must return the pair (value, gradients)"),
        ((0.0, {"w": np.ones(1)}, 3), TypeError, "must return the pair (value, gradients)"),
        ((0.0, np.ones(1)), TypeError, "must return the pair (value, gradients)"),
        ((np.ones(2), {"w": np.ones(1)}), TypeError, "must return one number as its value"),
        ((None, {"w": np.ones(1)}), TypeError, "must return one number as its value"),
        ((0.0, {"v": np.ones(1)}), ParamsError, "missing w"),
        ((0.0, {"w": np.ones(2)}), ParamsError, "w"),
        ((0.0, Params({"w": np.ones(1)})), ParamsError, "got Params where gradients belong"),
        ((np.nan, {"w": np.ones(1)}), NonFiniteError, "step 1, batch 0 of epoch 0: the loss is nan"),
        ((0.0, {"w": np.full(1, np.inf)}), NonFiniteError, "the gradient of w is not finite"),
    ],
)  # fmt: skip
def test_what_an_objective_returns(given: Any, error: type[Exception], message: str) -> None:
    """By the step."""

    def mine(params: Params, batch: Array, rng: Key) -> Any:
        return given

    for optimizer in (sgd(0.1), adam(0.1), loose.chain(sgd(0.1))):
        said = refusal(lambda o=optimizer: list(fit(mine, o, {"w": np.zeros(1)}, X)), error)  # type: ignore[misc]
        assert message in said
