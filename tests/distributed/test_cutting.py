"""What a rank has of a batch is a function of the key, the step and the rank."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funcnn import (
    Array, Dense, DTypeError, Key, NonFiniteError, Params, ShapeError, adam, batches, fit, r2, squared_error,
    value_and_grad,
)  # fmt: skip
from funcnn.distributed import (
    Alone, Communicator, RanksError, calibrate, evaluate, in_step, objective, on_first, predict, shard, train,
)  # fmt: skip
from tests.distributed.threads import ThreadRank, on_ranks


class Fixed(Alone):
    """A rank among some that hold the same data, for what needs no other to answer."""

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size

    def gather(self, value: Any) -> list[Any]:
        """All say the same."""
        return [value] * self.size


def pieces(rows: int, comm: Communicator, size: int, **more: Any) -> list[Any]:
    """The shards of two epochs."""
    cut = shard((np.arange(rows), np.arange(rows) * 2.0), comm, batch_size=size, **more)
    return [piece for epoch in (0, 1) for piece in cut(epoch)]


@given(st.integers(1, 40), st.integers(1, 12), st.integers(1, 50), st.booleans())
def test_shards_together_are_the_batches(rows: int, ranks: int, size: int, drop: bool) -> None:
    """Every rank has as many, nearly alike, and together they are those of `batches`, in order."""
    drop = drop and size <= rows
    data = np.arange(rows), np.arange(rows) * 2.0
    key = None if size >= rows else Key(3)
    whole = [b for epoch in (0, 1) for b in batches(data, size, key=key, epoch=epoch, drop_last=drop)]
    each = [pieces(rows, Fixed(rank, ranks), size, rng=3, drop_last=drop) for rank in range(ranks)]
    assert {len(found) for found in each} == {len(whole)}
    for i, batch in enumerate(whole):
        shards = [found[i] for found in each]
        for item in (0, 1):
            assert np.array_equal(np.concatenate([piece.batch[item] for piece in shards]), batch[item])
        counts = [piece.rows for piece in shards]
        assert counts == [len(piece.batch[0]) for piece in shards] and max(counts) - min(counts) <= 1
        assert {piece.total for piece in shards} == {sum(counts)} == {len(batch[0])}
        assert {(piece.epoch, piece.number) for piece in shards} == {divmod(i, len(whole) // 2)}


def test_augmentation_is_of_the_rank() -> None:
    """Another key for every step and rank; alone, that of `fit`."""

    def drawn(batch: Any, key: Key) -> Any:
        return batch[0], np.full(len(batch[0]), key.generator().random())

    found = [[piece.batch[1][0] for piece in pieces(12, Fixed(rank, 2), 4, augment=drawn)] for rank in (0, 1)]
    assert len({*found[0], *found[1]}) == 12

    x, y = np.random.default_rng(0).normal(size=(2, 30, 1))
    params = Dense(1).init(0, (-1, 1), dtype=np.float64)[1]

    def noisy(x: Array, key: Key) -> Array:
        return x + key.generator().normal(size=x.shape)

    def noisy_batch(batch: Any, key: Key) -> Any:
        return noisy(batch[0], key), batch[1]

    steps = value_and_grad(squared_error, Dense(1).apply)
    *_, (wanted, _) = fit(steps, adam(0.1), params, (x, y), epochs=3, batch_size=8, rng=5, augment=noisy)
    data = shard((x, y), Alone(), batch_size=8, rng=5, augment=noisy_batch)
    *_, (state, _) = fit(objective(steps, Alone()), adam(0.1), params, data, epochs=3, rng=5)
    assert state == wanted


def test_going_on_inside_an_epoch_reads_nothing_twice() -> None:
    """From a state on, only what is left is cut; the end is the same, bit for bit, on all ranks."""
    x, y = np.random.default_rng(0).normal(size=(2, 30, 1))
    params: Params = Dense(1).init(0, (-1, 1), dtype=np.float64)[1]
    steps = value_and_grad(squared_error, Dense(1).apply)

    def program(comm: ThreadRank) -> None:
        seen: list[int] = []

        def watch(batch: Any, key: Key) -> Any:
            seen.append(len(batch[0]))
            return batch

        data = shard((x, y), comm, batch_size=4, augment=watch)
        states = [state for state, _ in fit(objective(steps, comm), adam(0.1), params, data, epochs=2)]
        assert len(states) == len(seen) == 16
        *_, (last, _) = fit(objective(steps, comm), adam(0.1), states[4], data, epochs=2)
        assert last == states[-1] and len(seen) == 16 + 11

    on_ranks(2, program)


def test_memory_maps_stay_on_the_disk(tmp_path: Path) -> None:
    """A rank reads its rows, and looks at its part of them once."""
    big = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float32, (70, 256 * 1024))
    big[:] = 1.0
    big.flush()
    found = np.load(tmp_path / "x.npy", mmap_mode="r")
    cut = shard((found, np.zeros((70, 1))), Fixed(1, 2), batch_size=10)
    first = next(iter(cut(0)))
    assert first.rows == 5 and first.batch[0].shape == (5, 256 * 1024)


# what must not be ----------------------------------------------------------------------------------------------------
def test_different_data_are_found() -> None:
    """Lengths, dtypes, values, orders and sizes of batches; on every rank."""
    x = np.random.default_rng(0).normal(size=(50, 3))

    def told(message: str, program: Any) -> None:
        with pytest.raises(RanksError, match=message):
            on_ranks(3, program)

    told("the same rows, and rank 0 has 50, rank 1 has 49, rank 2 has 48", lambda c: shard(x[: 50 - c.rank], c))
    kinds = [np.float64, np.float64, np.float32]
    message = "the same array 0 of the data, and ranks 0, 1 have .*float64.*, rank 2 has .*float32"
    told(message, lambda c: shard(x.astype(kinds[c.rank]), c))
    told("the same values in the data, and ranks 0, 2 have '.*', rank 1 has", lambda c: shard(x + (c.rank == 1), c))
    told("the same values in the data", lambda c: shard(x[np.random.default_rng(c.rank).permutation(50)], c))
    told("the same batch_size, and rank 0 has 8, ranks 1, 2 have 9", lambda c: shard(x, c, batch_size=8 + (c.rank > 0)))
    told("the same rng", lambda c: shard(x, c, rng=c.rank))
    told("the same shuffle", lambda c: shard(x, c, shuffle=c.rank == 0))
    told("the same drop_last", lambda c: shard(x, c, drop_last=c.rank == 0))


def test_nan_on_one_rank_is_found() -> None:
    """In the part that a rank looks at, and said on all."""
    x = np.zeros((50, 3))
    x[30, 1] = np.nan
    with pytest.raises(NonFiniteError, match=r"shard: of rows 25 to 50, data\[0\] has 1 value .* data\[0\]\[5, 1\]"):
        on_ranks(2, lambda comm: shard((x, x[:, :1] * 0), comm))


@pytest.mark.parametrize(
    ("data", "more", "kind", "message"),
    [
        ([1, 2], {}, TypeError, r"shard cuts arrays, \(x, target\)"),
        ((np.ones((3, 1)), np.ones(4)), {}, ShapeError, "the same number of rows"),
        ((np.ones((0, 1)), np.ones(0)), {}, ShapeError, "empty batch"),
        ((np.ones((3, 1), complex),), {}, DTypeError, "complex"),
        ((np.ones((3, 1)),), {"batch_size": 0}, ValueError, "batch_size"),
        ((np.ones((3, 1)),), {"batch_size": 5, "drop_last": True}, ValueError, "drops the only batch"),
        ((np.ones((3, 1)),), {"rng": 0.5}, TypeError, "seed"),
    ],
)
def test_refusals(data: Any, more: Any, kind: type[Exception], message: str) -> None:
    """From the call itself."""
    with pytest.raises(kind, match=message):
        shard(data, Alone(), **more)


def test_batches_of_ones_own_are_in_step() -> None:
    """An epoch ends when all ranks are through; without batches, or with rows that are none, it is an error."""
    found = on_ranks(2, lambda comm: [repr(piece) for piece in in_step([np.ones(2)] * (1 + 2 * comm.rank), comm)(4)])
    assert found[0] == [
        "Shard(2 of 4 rows of batch 0 of epoch 4)",
        "Shard(0 of 2 rows of batch 1 of epoch 4)",
        "Shard(0 of 2 rows of batch 2 of epoch 4)",
    ]
    with pytest.raises(TypeError, match=r"in_step goes through its data every epoch"):
        in_step(iter([np.ones(2)]), Alone())
    with pytest.raises(ShapeError, match="batch 0 of epoch 0 has no rows on rank 1"):
        on_ranks(2, lambda comm: list(in_step([np.ones(1 - comm.rank)], comm)(0)))
    with pytest.raises(RanksError, match="the ranks are in epochs 0, 1"):
        on_ranks(2, lambda comm: list(in_step([np.ones(1)], comm)(comm.rank)))
    with pytest.raises(ShapeError, match="empty batch: the data is a list without batches"):
        none: list[tuple[Array, Array]] = []
        in_step(none, Alone())


def test_other_communicators_are_refused() -> None:
    """By every function, with what to write."""

    class Theirs:
        rank, size = 0, 2

    theirs: Any = Theirs()
    data = np.ones((3, 1)), np.ones((3, 1))
    apply, params = Dense(1).apply, Dense(1).init(0, (-1, 1))[1]
    calls: list[Any] = [
        lambda: shard(data, theirs),
        lambda: in_step([data], theirs),
        lambda: objective(value_and_grad(squared_error, apply), theirs),
        lambda: on_first(theirs, max, 1, 2),
        lambda: predict(apply, params, data[0], comm=theirs),
        lambda: evaluate(apply, params, data, r2, comm=theirs),
        lambda: calibrate(Dense(1), params, [data[0]], comm=theirs),
        lambda: train(squared_error, Dense(1), adam(0.1), data, comm=theirs, epochs=1),
    ]
    for call in calls:
        with pytest.raises(TypeError, match=r"\w+ takes what world\(\) gives, got .*; a communicator of mpi4py"):
            call()
