"""Several ranks equal one that has all their rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import (
    Array, Dense, Dropout, FanOut, FuncnnWarning, Key, LabelError, NonFiniteError, Params, Relu, ShapeError,
    StepMetrics, Tanh, TrainState, accumulate, adam, fit, joint, l2, loss, on_item, parallel, sam, serial, sgd,
    skip_nonfinite, softmax_cross_entropy, squared_error, sum_squared_error, value_and_grad,
)  # fmt: skip
from funcnn.distributed import Alone, RanksError, Shard, in_step, objective, shard
from tests.distributed.threads import ThreadRank, on_ranks

SOURCE = np.random.default_rng(0)
X = SOURCE.normal(size=(67, 4))
Y = SOURCE.normal(size=(67, 3))
LABELS = SOURCE.integers(0, 3, 67)
SOME = np.where(np.arange(67) % 5 == 2, 9, LABELS)  # of which 9 is to be ignored
WEIGHTS = SOURCE.random(67) * (SOURCE.random(67) < 0.7)
SIDE = serial(Dense(5), Tanh, Dense(3))
BOTH = serial(Dense(5), Tanh, FanOut(2), parallel(Dense(3), Dense(3)))
TWICE: Any = serial(BOTH, FanOut(2))

Last = tuple[TrainState[Any], StepMetrics]


def start(net: Any, dtype: Any = np.float64) -> Params:
    """The params to begin with."""
    params: Params = net.init(0, (-1, 4), dtype=dtype)[1]
    return params


def last(given: Any, params: Params, data: Any, *, epochs: int, size: int) -> Last:
    """The last step of one rank."""
    *_, found = fit(given, adam(1e-2), params, data, epochs=epochs, batch_size=size)
    return found


def of_all(size: int, given: Any, params: Params, data: Any, *, epochs: int, rows: int) -> list[Last]:
    """The last step of every rank."""

    def program(comm: ThreadRank) -> Last:
        cut = shard(data, comm, batch_size=rows)
        *_, found = fit(objective(given, comm, every=7), adam(1e-2), params, cut, epochs=epochs)
        return found

    return on_ranks(size, program)


def distance(a: Params, b: Params) -> float:
    """The largest difference of two numbers at one place."""
    return max(float(abs(a.at(path) - b.at(path)).max()) for path in a.paths())


CASES: dict[str, tuple[Any, Any, Any]] = {
    "mean": (SIDE, value_and_grad(squared_error, SIDE.apply), (X, Y)),
    "sum over outputs": (SIDE, value_and_grad(sum_squared_error, SIDE.apply), (X, Y)),
    "sum": (SIDE, value_and_grad(squared_error.bind(reduce="sum"), SIDE.apply), (X, Y)),
    "labels": (SIDE, value_and_grad(softmax_cross_entropy, SIDE.apply), (X, LABELS)),
    "weights": (SIDE, value_and_grad(softmax_cross_entropy, SIDE.apply), (X, LABELS, WEIGHTS)),
    "mask": (SIDE, value_and_grad(sum_squared_error, SIDE.apply), (X, Y, WEIGHTS > 0.3)),
    "weights of terms": (SIDE, value_and_grad(squared_error, SIDE.apply), (X, Y, abs(Y))),
    "classes": (
        SIDE,
        value_and_grad(softmax_cross_entropy.bind(class_weights=[1.0, 5.0, 0.1], ignore=9), SIDE.apply),
        (X, SOME),
    ),
    "penalty": (SIDE, value_and_grad(squared_error, SIDE.apply, l2(1e-2)), (X, Y, WEIGHTS)),
    "joint": (
        BOTH,
        value_and_grad(joint(squared_error, softmax_cross_entropy, scales=(0.3, 2.0)), BOTH.apply),
        (X, (Y, LABELS), WEIGHTS),
    ),
    "joint of counted": (
        TWICE,
        value_and_grad(
            joint(on_item(1, softmax_cross_entropy.bind(ignore=9)), on_item(0, squared_error.bind(reduce="batch"))),
            TWICE.apply,
        ),
        (X, (SOME, Y)),
    ),
    "accumulated": (
        SIDE, accumulate(value_and_grad(softmax_cross_entropy, SIDE.apply, l2(1e-2)), 3), (X, LABELS, WEIGHTS),
    ),
}


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("name", CASES)
def test_ranks_equal_one(name: str, size: int) -> None:
    """Over a hundred steps, with batches that no number of ranks divides, and last ones of three rows."""
    net, given, data = CASES[name]
    params = start(net)
    alone, told = last(given, params, data, epochs=20, size=16)
    assert told.step == 100
    for state, metrics in of_all(size, given, params, data, epochs=20, rows=16):
        assert distance(state.params, alone.params) < 1e-12
        assert abs(metrics.loss - told.loss) < 1e-12 * max(1, told.loss)
        assert metrics._replace(loss=0) == told._replace(loss=0) and metrics.examples == 3


def test_all_ranks_have_the_same_bits() -> None:
    """And in float32 they are as near to one rank as float32 is."""
    net, given, _ = CASES["weights"]
    params = start(net, np.float32)
    data = X, LABELS, WEIGHTS
    alone, _ = last(given, params, data, epochs=4, size=16)
    first, *others = (state.params for state, _ in of_all(3, given, params, data, epochs=4, rows=16))
    assert all(other == first for other in others)
    assert first.at("dense_0/w").dtype == np.float32 and distance(first, alone.params) < 1e-4


def test_one_rank_is_the_objective_itself() -> None:
    """To the bit, with dropout too."""
    net = serial(Dense(6), Relu, Dropout(0.5), Dense(3))
    given = value_and_grad(squared_error, net.apply, l2(1e-3))
    alone, told = last(given, start(net), (X, Y), epochs=3, size=16)
    cut = shard((X, Y), Alone(), batch_size=16)
    *_, (state, metrics) = fit(objective(given, Alone()), adam(1e-2), start(net), cut, epochs=3)
    assert state == alone and metrics == told


def test_ranks_without_rows() -> None:
    """More ranks than rows: some have none in any step."""
    net, given, _ = CASES["classes"]
    data = X[:5], LABELS[:5]
    alone, _ = last(given, start(net), data, epochs=8, size=3)
    found = of_all(6, given, start(net), data, epochs=8, rows=3)
    assert all(distance(state.params, alone.params) < 1e-12 for state, _ in found)


def test_sam_goes_outside() -> None:
    """Both of its gradients are those of all rows."""
    net, given, data = CASES["penalty"]
    alone, _ = last(sam(given, 0.1), start(net), data, epochs=3, size=16)

    def program(comm: ThreadRank) -> Params:
        run = fit(sam(objective(given, comm), 0.1), adam(1e-2), start(net), shard(data, comm, batch_size=16), epochs=3)
        *_, (state, _) = run
        return state.params

    assert all(distance(params, alone.params) < 1e-12 for params in on_ranks(2, program))


def mean_of_rows(params: Any, rows: Array, rng: Key) -> tuple[float, dict[str, Array]]:
    """An objective of one's own."""
    off = params["at"] - rows
    return float((off**2).sum(1).mean()), {"at": 2 * off.mean(0)}


def test_functions_count_by_rows() -> None:
    """Of any function value and gradients are means over ranks, by their rows."""
    begin = Params({"at": np.zeros(4)})
    alone, told = last(mean_of_rows, begin, X, epochs=4, size=10)
    for state, metrics in of_all(4, mean_of_rows, begin, X, epochs=4, rows=10):
        assert distance(state.params, alone.params) < 1e-12
        assert metrics.loss == pytest.approx(told.loss, rel=1e-12)


def test_batches_of_every_rank() -> None:
    """Ranks that read for themselves, of which one has more batches than the others, with weights."""
    net, given, _ = CASES["weights"]
    parts = [[slice(0, 20), slice(20, 31), slice(31, 40)], [slice(40, 67)]]

    def whole(epoch: int) -> list[Any]:
        places = [[*range(20), *range(40, 67)], [*range(20, 31)], [*range(31, 40)]]
        return [(X[rows], LABELS[rows], WEIGHTS[rows]) for rows in places]

    *_, (alone, _) = fit(given, sgd(0.1), start(net), whole, epochs=3)

    def program(comm: ThreadRank) -> tuple[Params, int]:
        def mine(epoch: int) -> Any:
            return ((X[rows], LABELS[rows], WEIGHTS[rows]) for rows in parts[comm.rank])

        *_, (state, metrics) = fit(objective(given, comm), sgd(0.1), start(net), in_step(mine, comm), epochs=3)
        return state.params, metrics.step

    for params, steps in on_ranks(2, program):
        assert steps == 9 and distance(params, alone.params) < 1e-12


def test_one_sum_a_step() -> None:
    """Of as many numbers as there are params, and three; with weights one more before."""
    net, given, _ = CASES["labels"]
    count = sum(start(net).at(path).size for path in start(net).paths())

    def program(comm: ThreadRank, data: Any) -> list[int]:
        for _ in fit(objective(given, comm), adam(1e-2), start(net), shard(data, comm, batch_size=32), epochs=1):
            pass
        return comm.sums

    assert on_ranks(2, lambda comm: program(comm, (X, LABELS)))[0] == [count + 3] * 3
    assert on_ranks(2, lambda comm: program(comm, (X, LABELS, WEIGHTS)))[0] == [1, count + 3] * 3


def test_dropout_differs_between_ranks() -> None:
    """Rows that are alike on two ranks get masks of their own: the key is folded with the rank."""
    net = serial(Dropout(0.5), Dense(1))
    rows = np.ones((2, 50))
    given = value_and_grad(squared_error, net.apply)
    params = net.init(0, (-1, 50), dtype=np.float64)[1]

    def program(comm: ThreadRank) -> Params:
        cut = shard((rows, np.ones((2, 1))), comm, batch_size=2)
        (state, _), *_ = fit(objective(given, comm), sgd(1.0), params, cut)
        return state.params

    first, second = on_ranks(2, program)
    moved = abs(first.at("dense_0/w") - params.at("dense_0/w")).ravel()
    assert first == second and len(set(moved.round(12))) >= 4  # neither, the one, the other, both



def test_other_numbers_of_ranks_go_on() -> None:
    """A state knows nothing of ranks: what two have begun, three go on with, to the end of one."""
    net, given, data = CASES["penalty"]
    alone, _ = last(given, start(net), data, epochs=4, size=16)

    def program(comm: ThreadRank, begin: Any, epochs: int) -> Any:
        cut = shard(data, comm, batch_size=16)
        *_, (state, _) = fit(objective(given, comm), adam(1e-2), begin, cut, epochs=epochs)
        return state

    half = on_ranks(2, lambda comm: program(comm, start(net), 2))[0]
    for state in on_ranks(3, lambda comm: program(comm, half, 4)):
        assert distance(state.params, alone.params) < 1e-12 and state.step == alone.step == 20

# what must not be ----------------------------------------------------------------------------------------------------
def trained(comm: ThreadRank, begin: Params, **more: Any) -> Any:
    """Some steps of a rank."""
    given = value_and_grad(squared_error, SIDE.apply)
    return list(fit(objective(given, comm, every=2), sgd(0.1), begin, shard((X, Y), comm, batch_size=16), **more))


def test_other_params_are_found() -> None:
    """With the rank, and the first path that differs."""
    params = start(SIDE)
    other = params.set("dense_1/b", np.full(3, 0.1))
    message = r"the params of rank 1 differ from those of rank 0, first at dense_1/b; draw or load the same"
    with pytest.raises(RanksError, match=message):
        on_ranks(3, lambda comm: trained(comm, other if comm.rank == 1 else params))


def test_drift_is_found_later() -> None:
    """At the next comparison, of params that only then differ."""
    params = start(SIDE)

    def program(comm: ThreadRank) -> None:
        given = objective(value_and_grad(squared_error, SIDE.apply), comm, every=3)
        optimizer = sgd(0.1)
        state, memory = params, optimizer.init(params)
        for step, piece in enumerate(shard((X, Y), comm, batch_size=8)(0)):
            _, gradients = given(state, piece, step)
            state, memory = optimizer.step(gradients, memory, state)
            if step == 3 and comm.rank == 2:
                state = state.set("dense_0/w", state.at("dense_0/w") * (1 + 1e-15))

    message = r"before batch 6 of epoch 0: the params of rank 2 differ from those of rank 0, first at dense_0/w"
    with pytest.raises(RanksError, match=message):
        on_ranks(3, program)


def test_other_networks_are_found() -> None:
    """Before anything is summed."""
    nets = [Dense(3), Dense(3, bias=False)]

    def program(comm: ThreadRank) -> Any:
        net = nets[comm.rank]
        given = objective(value_and_grad(squared_error, net.apply), comm)
        return list(fit(given, sgd(0.1), start(net), shard((X, Y), comm)))

    message = r"different networks, first at b: rank 0 has float64 \(3,\), rank 1 has no such leaf"
    with pytest.raises(RanksError, match=message):
        on_ranks(2, program)


def test_other_keys_are_found() -> None:
    """In the first sum."""
    with pytest.raises(RanksError, match=r"all ranks need the same rng, and rank 0 has .*, rank 1 has"):
        on_ranks(2, lambda comm: trained(comm, start(SIDE), rng=comm.rank))


def test_other_steps_are_found() -> None:
    """Of a rank that has left one out."""

    def program(comm: ThreadRank) -> None:
        given = objective(value_and_grad(squared_error, SIDE.apply), comm)
        for step, piece in enumerate(shard((X, Y), comm, batch_size=8)(0)):
            if not (comm.rank == 1 and step == 3):
                given(start(SIDE), piece, step)

    with pytest.raises(RanksError, match="all ranks need the same batch, and rank 0 has 3, rank 1 has 4"):
        on_ranks(2, program)


def test_plain_batches_are_refused() -> None:
    """Every rank would train on everything."""
    given = objective(value_and_grad(squared_error, SIDE.apply), Alone())
    with pytest.raises(TypeError, match=r"takes what shard\(data, comm\) or in_step\(batches, comm\) give"):
        next(fit(given, sgd(0.1), start(SIDE), (X, Y)))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="objective takes an objective first"):
        objective(3, Alone())  # type: ignore[call-overload]


def test_nothing_that_counts() -> None:
    """A batch whose weights are all 0 is the error of one rank."""
    net, given, _ = CASES["weights"]
    with pytest.raises(ShapeError, match="the weights sum to 0"):
        of_all(2, given, start(net), (X, LABELS, np.zeros(67)), epochs=1, rows=16)


def test_errors_in_rows_say_where() -> None:
    """As those of one rank do."""
    net, given, _ = CASES["labels"]
    labels = LABELS.copy()
    labels[5] = 9
    with pytest.raises(LabelError, match="step 1, batch 0 of epoch 0"):
        of_all(2, given, start(net), (X, labels), epochs=1, rows=67)


def test_shards_print() -> None:
    """As what they are of."""
    assert repr(Shard(X, 3, 10, 1, 2)) == "Shard(3 of 10 rows of batch 2 of epoch 1)"


def test_other_objectives_are_found() -> None:
    """Before the first sum: losses that count otherwise, other penalties, other intervals."""
    plain, counted = softmax_cross_entropy, softmax_cross_entropy.bind(ignore=9)

    def program(comm: ThreadRank, *makes: Any) -> Any:
        given = makes[comm.rank](comm)
        return list(fit(given, sgd(0.1), start(SIDE), shard((X, LABELS), comm)))

    def made(*parts: Any, every: int = 100) -> Any:
        return lambda comm: objective(value_and_grad(parts[0], SIDE.apply, *parts[1:]), comm, every=every)

    for first, second, message in (
        (made(plain), made(counted), "1 means by rows, 0 penalties', rank 1 has '.* by options of the loss"),
        (made(plain), made(plain, l2(1e-3)), "0 penalties', rank 1 has .* 1 penalties"),
        (made(plain), made(plain, every=7), "the same every, and rank 0 has 100, rank 1 has 7"),
    ):
        with pytest.raises(RanksError, match=message):
            on_ranks(2, lambda comm: program(comm, first, second))  # noqa: B023


def test_weights_on_one_rank_alone_are_found() -> None:
    """In batches of every rank's own."""
    given = value_and_grad(squared_error, SIDE.apply)

    def program(comm: ThreadRank) -> Any:
        batch: Any = (X, Y, WEIGHTS)[: 2 + comm.rank]
        return list(fit(objective(given, comm), sgd(0.1), start(SIDE), in_step([batch], comm)))

    with pytest.raises(RanksError, match="batch 0 of epoch 0 has 2 or 3 items, by rank; give weights on all ranks"):
        on_ranks(2, program)


def poisoned(comm: ThreadRank) -> Any:
    """An objective whose gradients are not finite for the rows of rank 1 in some steps."""
    given = value_and_grad(squared_error, SIDE.apply)

    def bad(params: Any, batch: Any, rng: Any) -> Any:
        factor = np.nan if comm.rank == 1 and rng.generator().random() < 0.5 else 1.0
        return given(params, batch[0] * factor, batch[1])

    return objective(bad, comm)


def test_a_loss_that_is_not_finite() -> None:
    """Is the same error on all ranks, and a warning says which rank it came from; it may be skipped."""

    def program(comm: ThreadRank, optimizer: Any) -> Any:
        *_, (state, _) = fit(poisoned(comm), optimizer, start(SIDE), shard((X, Y), comm, batch_size=16), epochs=4)
        return state

    with pytest.warns(FuncnnWarning, match="the loss of the rows of rank 1 is not finite; look at"):
        with pytest.raises(NonFiniteError, match="batch . of epoch 0: the loss is nan"):
            on_ranks(3, lambda comm: program(comm, adam(1e-2)))
    with pytest.warns(FuncnnWarning, match="rank 1"):
        first, *others = on_ranks(3, lambda comm: program(comm, skip_nonfinite(adam(1e-2))))
    assert first.step == 20 and all(other == first for other in others)


def test_losses_without_targets() -> None:
    """Nothing stands where they would be, on ranks without rows too."""

    @loss
    def size_of(prediction: Array, target: None) -> Any:
        del target
        return prediction**2, lambda d: (2 * prediction * d, None)

    given = value_and_grad(size_of, SIDE.apply)
    alone, _ = last(given, start(SIDE), (X[:7], None), epochs=2, size=3)
    for state, _ in of_all(2, given, start(SIDE), (X[:7], None), epochs=2, rows=3):
        assert distance(state.params, alone.params) < 1e-12
