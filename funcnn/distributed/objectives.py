"""Objectives over all ranks: every rank takes its rows, and one sum over the ranks makes a step of all rows."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any, Final, Generic, TypeGuard, TypeVar, Union, final, overload

import numpy as np

from funcnn.arguments import counted
from funcnn.derivatives.accumulating import Accumulated
from funcnn.derivatives.objectives import Objective
from funcnn.derivatives.own_objectives import checked_function, promised
from funcnn.derivatives.penalizing import with_penalties
from funcnn.distributed.agreement import agreed, ranks_of, same_params
from funcnn.distributed.communicators import Communicator, checked
from funcnn.errors import brief
from funcnn.kernels import scratch
from funcnn.keys import Key, Rng, as_key
from funcnn.losses.definition import Loss
from funcnn.losses.penalties import Penalty
from funcnn.losses.reductions import Weights
from funcnn.losses.shares import counts_rows, divided, shared
from funcnn.params import Gradients, GradientsLike, Params, ParamsLike, as_params, plain
from funcnn.params.leafwise import tree_map
from funcnn.params.packing import gather, layout_of, own, pack, pieces
from funcnn.training.shards import Shard
from funcnn.warned import warn

X = TypeVar("X")
Y = TypeVar("Y")
T = TypeVar("T")
B = TypeVar("B")

_TAGS: Final = 1021  # what a step is known by, so small that sums of it are exact in float32


@final
@dataclass(frozen=True, slots=True, repr=False)
class OverRanks(Generic[B]):
    """An objective over all ranks, `(params, shard, rng) -> (value, gradients)`; made by `objective`."""

    objective: Any
    comm: Communicator
    every: int
    calls: list[int] = field(default_factory=lambda: [0])  # which tells when to compare params again

    def __call__(self, params: ParamsLike, batch: Shard[B], rng: Rng | None) -> tuple[float, Gradients]:
        if not isinstance(batch, Shard):
            raise TypeError(
                f"an objective over ranks takes what shard(data, comm) or in_step(batches, comm) give, got "
                f"{brief(batch)}; as it is, every rank would train on everything"
            )
        whole = pack(as_params(params, "objective(params, shard, rng)"))
        key = None if rng is None else as_key(rng)
        if self.comm.size > 1 and self.calls[0] % self.every == 0:
            where = f"objective, before batch {batch.number} of epoch {batch.epoch}"
            agreed(self.comm, where, {"kind of objective": _described(self.objective), "every": self.every})
            same_params(self.comm, whole, where)
        self.calls[0] += 1
        return _summed(self.objective, self.comm, whole, batch, key)

    def __repr__(self) -> str:
        return f"objective({self.objective!r}, {self.comm!r})"


@overload
def objective(
    given: Objective[X, Y, T], comm: Communicator, *, every: int = 100
) -> OverRanks[Union[tuple[X, T], tuple[X, T, Weights]]]: ...
@overload
def objective(
    given: Callable[[Params, B, Key], tuple[float, GradientsLike]], comm: Communicator, *, every: int = 100
) -> OverRanks[B]: ...
def objective(given: Any, comm: Communicator, *, every: int = 100) -> OverRanks[Any]:
    """The objective of the rows of all ranks, of which each computes its own, in the form that `fit` takes.

        run = fit(objective(value_and_grad(loss, net.apply), comm), adam(1e-3), params, shard((x, y), comm))

    Value and gradients are those of one rank with all the rows, on every rank the same bits: for any loss of the
    library, reduction, weights, labels to ignore, joint losses, and ranks with few rows or none. The gradients travel
    as one vector, summed in its place, once a step; where weights say how much rows count, that is one number more,
    summed before. Penalties are added once. `accumulate(value_and_grad(...), n)` goes inside, `sam(...)` outside. Of
    any other function `(params, batch, rng) -> (value, gradients)` value and gradients are means over ranks by their
    rows.

    What looks at other rows sees those of its rank: BatchNorm trains with the statistics of a shard, and `calibrate`
    gives those of all. Dropout draws from `rng` folded with the rank. All the rest equals one rank up to the order of
    sums. One rank alone is the objective itself, to the bit.

    Params are compared on all ranks, bit for bit, in the first step and in every `every`-th after it; that all are in
    the same step, with every sum.

    Errors, from the call itself
        TypeError    it is no objective
        ValueError   `every` is less than one
    Errors, from a step
        RanksError   params differ, with the ranks and the first path; or the ranks are in different steps
        TypeError    the batch is no shard
        as for the objective
    Warnings
        FuncnnWarning   the value is not finite, and on which ranks that begins
    Source: Goyal et al., Accurate, Large Minibatch SGD (2017), section 3.

    >>> from funcnn.distributed import Alone, objective, shard
    >>> net, comm = Dense(1), Alone()
    >>> _, params = net.init(0, (-1, 2))
    >>> data = shard((np.ones((6, 2)), np.ones((6, 1))), comm, batch_size=3)
    >>> run = fit(objective(value_and_grad(squared_error, net.apply), comm), sgd(0.1), params, data, epochs=2)
    >>> [metrics.examples for _, metrics in run]
    [3, 3, 3, 3]
    """
    if not isinstance(given, (Objective, Accumulated)):
        checked_function("objective", given)
    return OverRanks(given, checked(comm, "objective"), counted("objective", every=every))


def _described(given: Any) -> str:
    """What the sums of a step depend on."""
    ours, _ = _opened(given)
    if ours is None:
        return "a function"
    counted_so = "rows" if counts_rows(ours.loss) else "options of the loss"
    return f"a loss of {divided(ours.loss)} means by {counted_so}, {len(ours.penalties)} penalties"


def _summed(
    given: Any, comm: Communicator, params: Params, shard: Shard[Any], rng: Key | None
) -> tuple[float, Gradients]:
    if comm.size == 1:
        return promised(getattr(given, "on_batch", given))(params, shard.batch, rng)
    layout = layout_of(params)
    inner, penalties = _without_penalties(given)
    value, gradients = _own_share(inner, comm, params, shard, None if rng is None else _of_rank(rng, comm))
    tag = 1 + int.from_bytes(bytes(rng or Key(0))[:4], "little") % _TAGS
    other = tag * tag % _TAGS
    vector = scratch.array((layout.size + 3,), gather(layout, params).dtype)
    if gradients is None:
        vector[: layout.size] = 0
    else:
        np.concatenate(pieces(layout, gradients), out=vector[: layout.size], casting="same_kind")
    vector[layout.size :] = value, tag, other
    comm.add(vector)
    total, *tags = map(float, vector[layout.size :])
    if tags != [comm.size * tag, comm.size * other]:
        place = {"epoch": shard.epoch, "batch": shard.number, "rng": bytes(rng or Key(0)).hex()}
        agreed(comm, "objective", place)
    if not isfinite(total):
        _tell_where(comm, value)
    summed = own(layout, vector[: layout.size], Gradients)
    return with_penalties(penalties, plain(params), total, summed) if penalties else (total, summed)


def _of_rank(rng: Key, comm: Communicator) -> Key:
    return rng.fold("rank").fold(comm.rank)


def _without_penalties(given: Any) -> tuple[Any, tuple[Penalty, ...]]:
    """The objective without its penalties, which are no matter of rows, and those."""
    ours, parts = _opened(given)
    if ours is None:
        return given, ()
    return _closed(replace(ours, penalties=()), parts), ours.penalties


def _opened(given: Any) -> tuple[Objective[Any, Any, Any] | None, int]:
    """The objective of a network, and in how many parts it takes a batch, 0 where it takes it whole; None if there is
    none."""
    inner: object = given.objective if isinstance(given, Accumulated) else given
    parts: int = given.parts if isinstance(given, Accumulated) else 0
    return (inner, parts) if _is_ours(inner) else (None, 0)


def _is_ours(value: object) -> TypeGuard[Objective[Any, Any, Any]]:
    return isinstance(value, Objective)


def _closed(ours: Objective[Any, Any, Any], parts: int) -> Any:
    made: Accumulated[Any] = Accumulated(ours, parts)
    return made if parts else ours


def _own_share(
    given: Any, comm: Communicator, params: Params, shard: Shard[Any], rng: Key | None
) -> tuple[float, Gradients | None]:
    """What the rows of this rank add to the value and to the gradients."""
    ours, parts = _opened(given)
    if ours is None:
        if not shard.rows:
            return 0.0, None
        share = shard.rows / shard.total
        value, gradients = promised(given)(params, shard.batch, rng)
        return share * value, tree_map(functools.partial(np.multiply, share), gradients)
    loss: Loss[Any, Any] = ours.loss
    exchanged = len(shard.batch) == 3 or not counts_rows(loss)

    def total(mine: list[float]) -> list[float]:
        if not exchanged:
            return [n * shard.total / shard.rows for n in mine]
        sums = np.array(mine)
        comm.add(sums)
        return list(map(float, sums))

    if not shard.rows:
        if exchanged:
            total([0.0] * divided(loss))
        return 0.0, None
    run = _closed(replace(ours, loss=shared(loss, total)), parts)
    return promised(getattr(run, "on_batch", run))(params, shard.batch, rng)


def _tell_where(comm: Communicator, value: float) -> None:
    """Warn of the ranks on which the value is not finite; all come here, for the sum is the same on all."""
    bad = [rank for rank, finite in enumerate(comm.gather(isfinite(value))) if not finite]
    if comm.rank == 0 and bad:
        warn(f"objective: the loss of the rows of {ranks_of(bad)} is not finite; look at the rows of this batch there")
