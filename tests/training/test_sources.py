"""What `fit` takes as data: arrays nested anyhow, memory maps, functions of the epoch, iterables; its place."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import funcnn
from funcnn import (
    Array, Dense, DTypeError, FanInSum, Flatten, Key, NonFiniteError, Params, ShapeError, adam, batches, fit, parallel,
    serial, sgd, squared_error, value_and_grad,
)  # fmt: skip
from funcnn.training import rows
from tests.refusals import refusal
from tests.training.small_runs import NET, PLAIN, W, X, Y, params_of, run_of, trained

loose: Any = funcnn


def epoch_of(epoch: int) -> Iterator[Any]:
    """Batches of other sizes in every epoch: two, three, two, ... of them."""
    source = Key(7).fold(epoch).generator()
    for _ in range(2 + epoch % 2):
        index = source.permutation(len(X))[: 3 + epoch]
        yield X[index], Y[index], W[index]


def listed(epoch: int) -> list[Any]:
    """The same as a list, which has a length."""
    return list(epoch_of(epoch))


def from_batches(data: Any, **options: Any) -> list[Any]:
    """All steps of a small run on batches."""
    options = {"epochs": 3, **options}
    return list(loose.fit(squared_error, NET.apply, adam(0.01), options.pop("start", params_of(NET)), data, **options))


# functions of the epoch -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("data", [epoch_of, listed])
def test_the_batches_of_every_epoch(data: Any) -> None:
    """Steps are those of the objective on these batches, and count as they do elsewhere."""
    steps = from_batches(data)
    expected = [(0, 3, False), (0, 3, True), (1, 4, False), (1, 4, False), (1, 4, True), (2, 5, False), (2, 5, True)]
    assert [(m.epoch, m.examples, m.last_of_epoch) for _, m in steps] == expected
    assert [(s.epoch, s.batch) for s, _ in steps] == [(0, 1), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (3, 0)]
    objective = value_and_grad(squared_error, NET.apply)
    params, keys = params_of(NET), Key(0).fold("pass")
    cut = itertools.chain.from_iterable(map(epoch_of, range(3)))
    for i, ((x, y, w), (state, metrics)) in enumerate(zip(cut, steps, strict=True)):
        assert metrics.loss == objective(params, x, y, weights=w, rng=keys.fold(i))[0]
        params = state.params


def test_batches_of_arrays_are_arrays_in_batches() -> None:
    """What `fit` does with arrays is what it does with the batches that `batches` cuts of them."""
    cut = lambda epoch: batches((X, Y, W), 4, key=0, epoch=epoch)  # noqa: E731
    assert from_batches(cut) == trained()


@pytest.mark.parametrize("data", [epoch_of, listed])
@pytest.mark.parametrize("k", range(7))
def test_going_on_inside_an_epoch(data: Any, k: int) -> None:
    """From the state after step k come the steps that would have come; no epoch that is over is asked for again."""
    asked = []

    def watched(epoch: int) -> Any:
        asked.append(epoch)
        return data(epoch)

    steps = from_batches(data)
    assert from_batches(watched, start=steps[k][0]) == steps[k + 1 :]
    assert asked == list(range(steps[k][0].epoch, 3))


def test_an_epoch_with_a_length_is_not_asked_ahead() -> None:
    """So its batches may depend on the step before; without a length, one is asked for too early."""

    class Counted:
        taken = 0

        def __len__(self) -> int:
            return 4

        def __iter__(self) -> Iterator[Any]:
            for _ in range(4):
                self.taken += 1
                yield X, Y

    data = Counted()
    run = loose.fit(squared_error, PLAIN.apply, sgd(0.1), params_of(PLAIN), lambda _: data)
    assert [data.taken for _ in run] == [1, 2, 3, 4]
    data.taken = 0
    run = loose.fit(squared_error, PLAIN.apply, sgd(0.1), params_of(PLAIN), lambda _: iter(data))
    assert [data.taken for _ in run] == [2, 3, 4, 4]


def test_doubles_in_batches() -> None:
    """Features and targets are converted with their batch: float64 data train a float32 network as float32 data do."""

    def wide(epoch: int) -> Iterator[Any]:
        return (tuple(array.astype(float) for array in batch) for batch in epoch_of(epoch))

    assert from_batches(wide)[-1] == from_batches(epoch_of)[-1]


def test_the_data_of_a_function_stay_as_they_are() -> None:
    """Arrays that are handed out again and again are not written into."""
    x, y = X.copy(), Y.copy()
    from_batches(lambda epoch: [(x, y)] * 2, augment=lambda x, key: x + 1)
    assert (x.tobytes(), y.tobytes()) == (X.tobytes(), Y.tobytes())


def test_augmentation_in_place() -> None:
    """What a function writes into is nobody's: rows that are drawn are copies, and batches of somebody's are refused."""

    def noisy(x: Any, key: Key) -> Any:
        x += 1
        return x

    x, y = X.copy(), Y.copy()
    for data in ([(x, y)], lambda epoch: [(x, y)], iter([(x, y)])):
        with pytest.raises(ValueError, match="read-only"):
            from_batches(data, augment=noisy, epochs=1)
    from_batches((x, y), augment=noisy, batch_size=8)
    assert x.tobytes() == X.tobytes() and x.flags.writeable


def test_one_batch_for_the_batches_of_an_epoch() -> None:
    """Is told, for its arrays would be taken for batches."""
    with pytest.raises(TypeError, match=r"a batch is a tuple .* got an array of .*; of one batch write \[\(x, target\)\]"):
        from_batches(lambda epoch: (X, Y))


# other iterables ------------------------------------------------------------------------------------------------------
def test_a_list_of_batches() -> None:
    """The same batches in every epoch, and a state goes on inside."""
    data = listed(0)
    steps = from_batches(data)
    assert [m.epoch for _, m in steps] == [0, 0, 1, 1, 2, 2]
    assert from_batches(data, start=steps[2][0]) == steps[3:]


def test_a_stream() -> None:
    """A generator is one pass."""
    assert from_batches(epoch_of(0), epochs=1) == from_batches(epoch_of, epochs=1)


def test_a_stream_without_end() -> None:
    """Training on it ends when the loop is left."""
    stream = itertools.cycle([(X, Y)])
    run = loose.fit(squared_error, PLAIN.apply, sgd(0.1), params_of(PLAIN), stream)
    assert [m.last_of_epoch for _, m in itertools.islice(run, 5)] == [False] * 5


def test_a_stream_is_one_pass() -> None:
    """Neither several epochs, nor going on from inside it; what to do is said."""
    said = refusal(lambda: from_batches(epoch_of(0), epochs=2), ValueError)
    assert "can be gone through only once, and epochs is 2; give a function of the epoch" in said
    (state, _), *_ = from_batches(epoch_of)
    said = refusal(lambda: from_batches(epoch_of(1), epochs=1, start=state), ValueError)
    assert "the state stands at batch 1 of epoch 0" in said and "state._replace(epoch=0, batch=0)" in said
    assert len(from_batches(epoch_of(1), epochs=1, start=state._replace(epoch=0, batch=0))) == 3


# arrays of any kind ---------------------------------------------------------------------------------------------------
@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is large."""
    monkeypatch.setattr(rows, "_SMALL", 1)


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("dtype", ["f4", "f8", ">f4"])
def test_memory_maps(tmp_path: Path, dtype: str) -> None:
    """Files train as the arrays that were written into them."""
    files = []
    for i, array in enumerate((X, Y, W)):
        np.save(tmp_path / f"{i}.npy", array.astype(dtype))
        files.append(np.load(tmp_path / f"{i}.npy", mmap_mode="r"))
    assert trained(data=tuple(files))[-1] == trained()[-1]
    assert trained(data=tuple(files), batch_size=99)[-1] == trained(batch_size=99)[-1]


def test_memory_maps_stay_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only batches are in memory, where they have to be converted too."""
    monkeypatch.setattr(rows, "_SMALL", 1 << 20)
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(20_000, 100)))
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    net = Dense(1)
    _, params = net.init(0, (-1, 100))
    run = fit(squared_error, net.apply, sgd(1e-3), params, (x, x[:, :1]), batch_size=256)
    tracemalloc.start()
    for _ in run:
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < x.nbytes / 8


def test_rows_in_dicts_and_tuples() -> None:
    """For an objective of one's own data may be nested anyhow, and hold None."""
    objective = value_and_grad(squared_error, PLAIN.apply)
    seen = []

    def mine(params: Params, batch: Any, rng: Key) -> Any:
        seen.append(batch)
        return objective(params, batch["in"][0], batch["out"], weights=batch["in"][1])

    data = {"in": (X, W), "out": Y, "none": None}
    assert list(fit(mine, adam(0.01), params_of(PLAIN), data, epochs=3, batch_size=4)) == trained(PLAIN)
    assert {tuple(b) for b in seen} == {("in", "out", "none")} and {b["none"] for b in seen} == {None}


def test_rows_of_one_batch_are_not_written_into() -> None:
    """An objective that writes into its batch is refused by NumPy, or has a copy."""

    def mine(params: Params, batch: Array, rng: Key) -> Any:
        batch += 1
        return 1.0, {"w": np.zeros(1)}

    x = X.copy()
    for options in ({"batch_size": 10}, {"batch_size": 4, "shuffle": False}):
        with pytest.raises(ValueError, match="read-only"):
            list(loose.fit(mine, sgd(0.1), {"w": np.zeros(1)}, x, **options))
    list(fit(mine, sgd(0.1), {"w": np.zeros(1)}, x, batch_size=4))
    assert x.tobytes() == X.tobytes()


# refusals -------------------------------------------------------------------------------------------------------------
def two(epoch: int, other: int) -> None:
    """Not a function of the epoch alone."""


@pytest.mark.parametrize(
    ("data", "options", "error", "message"),
    [
        (two, {}, TypeError, "two does not take one argument: def two(epoch): ..."),
        (lambda: [], {}, TypeError, "does not take one argument"),
        (3, {}, TypeError, "the data is arrays in a tuple, or batches of them, got 3"),
        (None, {}, TypeError, "got None"),
        ("abc", {}, TypeError, "the data is a tuple (x, target) or (x, target, weights), got str"),
        (X, {}, TypeError, "the data is a tuple (x, target) or (x, target, weights), got ndarray"),
        ({"x": X}, {}, TypeError, "the data is a tuple (x, target) or (x, target, weights), got dict"),
        ([X, Y], {}, TypeError, "the data is a tuple (x, target) or (x, target, weights), got list"),
        ([], {}, ShapeError, "empty batch: the data is a list without batches"),
        ((X, Y), {"shuffle": "batch"}, ValueError, "fit: shuffle must be True or False, got 'batch'"),
        ((X, Y), {"drop_last": 1}, ValueError, "fit: drop_last must be True or False, got 1"),
        (epoch_of, {"batch_size": 64}, ValueError, "batch_size, shuffle and drop_last cut arrays"),
        (epoch_of, {"shuffle": False}, ValueError, "this data comes cut, leave them out"),
        (epoch_of, {"drop_last": True}, ValueError, "this data comes cut, leave them out"),
        (epoch_of, {"augment": 0.5}, TypeError, "augment must be a function (x, key) -> x, got 0.5"),
    ],
)  # fmt: skip
def test_refusals(data: Any, options: Any, error: type[Exception], message: str) -> None:
    """By the call itself."""
    with pytest.raises(error) as caught:
        loose.fit(squared_error, NET.apply, adam(0.1), params_of(NET), data, **options)
    assert message in str(caught.value)


def bad(**changes: Any) -> Any:
    """Two good batches, and one that is not."""
    return lambda epoch: [(X, Y), (X, Y), (changes.get("x", X), changes.get("y", Y))]


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (lambda epoch: None, TypeError, "the data of epoch 0 must be an iterable of batches, got None"),
        (lambda epoch: [], ShapeError, "epoch 0 of the data has no batches"),
        (lambda epoch: iter(()), ShapeError, "epoch 0 of the data has no batches"),
        (lambda epoch: [X], TypeError, "a batch is a tuple (x, target) or (x, target, weights), got an array"),
        (lambda epoch: [(X,)], ValueError, "got one of 1"),
        (bad(x=X[:3]), ShapeError, "step 3, batch 2 of epoch 0: all arrays must have the same number of rows"),
        (bad(x=X[:, :2]), ShapeError, "step 3, batch 2 of epoch 0: "),
        (bad(x=X[:0], y=Y[:0]), ShapeError, "step 3, batch 2 of epoch 0: empty batch"),
        (bad(x=X.astype(str)), DTypeError, "step 3, batch 2 of epoch 0: x has dtype <U32"),
        (bad(x=X * np.inf), NonFiniteError, "step 3, batch 2 of epoch 0: x has 30 values that are not finite"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:invalid value")
def test_bad_batches(data: Any, error: type[Exception], message: str) -> None:
    """By the step, with the place."""
    with pytest.raises(error) as caught:
        from_batches(data)
    assert message in str(caught.value)


def test_a_length_that_is_wrong() -> None:
    """It would end an epoch too early, or never."""

    class Wrong(list[Any]):
        def __len__(self) -> int:
            return 5

    with pytest.raises(ValueError, match="epoch 0 of the data has a length of 5, and gave 2 batches"):
        from_batches(lambda epoch: Wrong(listed(0)))


def test_an_epoch_that_has_become_shorter() -> None:
    """The state stands behind its end: these are other data."""
    steps = from_batches(epoch_of)
    with pytest.raises(ShapeError, match="epoch 1 of the data has only 2 batches or fewer"):
        from_batches(lambda epoch: listed(0), start=steps[3][0])


def test_several_inputs_in_batches() -> None:
    """Tuples of inputs come in batches as well."""
    net = serial(parallel(Dense(2), serial(Flatten, Dense(2))), FanInSum)
    _, params = net.init(0, ((-1, 3), (-1, 2)))
    cut = lambda epoch: batches(((X, Y), Y), 4, key=0, epoch=epoch)  # noqa: E731
    one = list(loose.fit(squared_error, net.apply, adam(0.1), params, cut, epochs=2))
    assert one == list(fit(squared_error, net.apply, adam(0.1), params, ((X, Y), Y), epochs=2, batch_size=4))


def test_no_run_is_disturbed_by_another() -> None:
    """Two runs on one function take turns."""
    found = list(zip(run_of(), run_of(), strict=True))
    assert all(a == b for a, b in found)
