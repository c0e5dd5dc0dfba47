"""Steps of large tables by the rows in use: the same to the last bit as over all of the table, and nobody sees it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from funcnn import (
    Dense, Embedding, Gradients, Layer, NonFiniteError, Optimizer, Params, adagrad, adam, apply_updates, chain,
    clip_by_global_norm, fit, l2, ravel, serial, sgd, softmax_cross_entropy, squared_error, tie, transposed, tree_map,
    value_and_grad,
)  # fmt: skip
from funcnn.derivatives import accumulate
from funcnn.kernels import embedding
from funcnn.kernels.tables import rows_of
from funcnn.optimizers import reduce_on_plateau, skip_nonfinite, sparse_adam
from funcnn.params.packing import pack

WORDS, UNITS = 70_000, 4
NETS: dict[str, Layer[Any, Any]] = {
    "alone": Embedding(WORDS, UNITS),
    "with a head": serial(Embedding(WORDS, UNITS), Dense(2)),
    "in the middle": serial(
        Embedding(WORDS, UNITS).named("m"), Dense(2).named("a"), Dense(3).named("z"), Dense(1).named("n")
    ),
}
OPTIMIZERS: dict[str, Optimizer[Any]] = {
    "sgd": sgd(0.3),
    "adagrad": adagrad(0.1, momentum=0.0),
    "sparse_adam": sparse_adam(0.01),
    "last of a chain": chain(sparse_adam(0.01), reduce_on_plateau(0.5, patience=0)),
    "skipping": skip_nonfinite(sgd(0.1)),
    "adagrad with momentum": adagrad(0.1),
    "adam": adam(0.01),
}


def batches(net: Layer[Any, Any], steps: int = 5) -> list[tuple[Any, Any]]:
    """Some tokens for every step, few of them new."""
    rng = np.random.default_rng(0)
    out: Any = net.out_shape((6, 3))
    return [(rng.integers(0, WORDS, 18).reshape(6, 3) % (9 + i), rng.normal(size=out)) for i in range(steps)]


def states(net: Layer[Any, Any], optimizer: Optimizer[Any], hold: bool, start: Any = None) -> list[Any]:
    """What `fit` yields: all states, held while training goes on; or copies of them."""
    params = net.init(0, (-1, 3))[1] if start is None else start
    run = fit(squared_error, net.apply, optimizer, params, batches(net))
    return [state if hold else pickle.loads(pickle.dumps(state)) for state, _ in run]


@pytest.mark.parametrize("net", NETS.values(), ids=NETS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_steps_are_those_of_the_whole_table(
    net: Layer[Any, Any], optimizer: Optimizer[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Params and states, bit for bit: whether states are held, whether rows are known, and by `update` alone."""
    found, held = states(net, optimizer, False), states(net, optimizer, True)
    monkeypatch.setattr(embedding, "LARGE", 1 << 40)
    wanted = states(net, optimizer, False)
    for a, b, c in zip(found, held, wanted, strict=True):
        assert a.params == b.params == c.params
        assert str(a.optimizer) == str(c.optimizer) and a.optimizer == b.optimizer == c.optimizer


@pytest.mark.parametrize("net", NETS.values(), ids=NETS)
@pytest.mark.parametrize("optimizer", [clip_by_global_norm(1e-2), chain(clip_by_global_norm(1e-2), sparse_adam(0.1))])
def test_a_clip_looks_at_the_rows_too(
    net: Layer[Any, Any], optimizer: Optimizer[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The norm is that of the table, but for rounding; what comes out knows the rows, in the order of the params."""
    found = states(net, optimizer, False)
    x, y = batches(net)[0]
    params = net.init(0, (-1, 3))[1]
    grads = value_and_grad(squared_error, net.apply)(params, x, y)[1]
    clip = clip_by_global_norm(1e-2)
    updates, _ = clip.update(grads, clip.init(params), params)
    path = next(path for path in params.paths() if params.at(path).shape == (WORDS, UNITS))
    assert rows_of(updates.at(path)) is not None and list(updates.to_dict()) == list(params.to_dict())
    np.testing.assert_allclose(np.linalg.norm(ravel(updates)[0].astype(np.float64)), 1e-2, rtol=1e-6)
    with pytest.raises(ValueError, match="read-only"):
        updates.at(params.paths()[-1])[...] = 0
    monkeypatch.setattr(embedding, "LARGE", 1 << 40)
    for a, b in zip(found, states(net, optimizer, False), strict=True):
        np.testing.assert_allclose(ravel(a.params)[0], ravel(b.params)[0], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ["sgd", "adagrad", "sparse_adam"])
def test_update_and_step_agree(name: str) -> None:
    """The updates are those of the step, wherever they come from."""
    net, optimizer = NETS["with a head"], OPTIMIZERS[name]
    params = pack(net.init(0, (-1, 3))[1])
    objective, state = value_and_grad(squared_error, net.apply), optimizer.init(params)
    for x, y in batches(net):
        _, grads = objective(params, x, y)
        assert rows_of(grads.at("embedding_0/w")) is not None
        updates, other = optimizer.update(grads, state, params)
        after = apply_updates(params, updates)
        params, state = optimizer.step(grads, state, params)
        assert (after, other) == (params, state)


def known(net: Layer[Any, Any]) -> Gradients:
    """Gradients whose rows are known."""
    x, y = batches(net)[0]
    return value_and_grad(squared_error, net.apply)(net.init(0, (-1, 3))[1], x, y)[1]


USES: dict[str, Callable[[Gradients], Any]] = {
    "twice": lambda g: tree_map(lambda a: 2 * a, g),
    "one vector": lambda g: ravel(g)[0],
    "and back": lambda g: ravel(g)[1](ravel(g)[0]),
    "pickled": lambda g: pickle.loads(pickle.dumps(g)),
    "printed": repr,
    "merged": lambda g: g | {},
    "of a dict": lambda g: Gradients(g.to_dict()),
    "a sum": lambda g: tree_map(np.add, g, g),
    "stepped by one's own": lambda g: tree_map(lambda a: a - a.mean(), g),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_gradients_are_arrays_like_others(use: Callable[[Gradients], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is done with them gives what it gives of plain ones."""
    found = use(known(NETS["with a head"]))
    monkeypatch.setattr(embedding, "LARGE", 1 << 40)
    plain = known(NETS["with a head"])
    assert rows_of(plain.at("embedding_0/w")) is None
    np.testing.assert_equal(found, use(plain))


HEAD = NETS["with a head"]
TIED = tie(serial(Embedding(WORDS, UNITS), Dense(WORDS).named("out")), {"out/w": transposed("embedding_0/w")})
SUMS: dict[str, tuple[Layer[Any, Any], Any]] = {
    "a penalty": (HEAD, value_and_grad(squared_error, HEAD.apply, l2(0.1)).on_batch),
    "parts": (HEAD, accumulate(value_and_grad(squared_error, HEAD.apply), 2)),
    "one table used twice": (TIED, value_and_grad(softmax_cross_entropy, TIED.apply).on_batch),
}


@pytest.mark.parametrize(("net", "objective"), SUMS.values(), ids=SUMS)
def test_gradients_that_are_added_up(net: Layer[Any, Any], objective: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums of gradients know no rows, and are right."""
    x, y = batches(HEAD)[0]
    params = net.init(0, (-1, 3))[1]

    def after() -> Any:
        _, grads = objective(params, (x, x if net is TIED else y), None)
        assert rows_of(grads.at("embedding_0/w")) is None
        return sgd(0.1).step(grads, sgd(0.1).init(params), params)

    found = after()
    monkeypatch.setattr(embedding, "LARGE", 1 << 40)
    assert found == after()


def test_a_row_that_is_not_finite_is_found() -> None:
    """In a step that meets it; in the params that training begins with, wherever it is."""
    net = NETS["with a head"]
    params = net.init(0, (-1, 3))[1]
    w = params.at("embedding_0/w").copy()
    w[WORDS - 1] = np.nan
    with pytest.raises(NonFiniteError, match="step 1.*embedding_0/w"):
        states(net, sgd(0.1), False, params.set("embedding_0/w", w))
    with pytest.raises(NonFiniteError, match="step"):
        states(net, sgd(1e30), False, params)


def test_sparse_adam_is_adam_where_all_has_a_gradient() -> None:
    """And moves nothing where there is none, for as long as there is none."""
    rng = np.random.default_rng(3)
    params = Params({"w": rng.normal(size=(6, 2)), "b": rng.normal(size=2)})
    ours, theirs = sparse_adam(0.1), adam(0.1)
    a, b = (params, ours.init(params)), (params, theirs.init(params))
    for _ in range(5):
        grads = Gradients(tree_map(lambda p: rng.normal(size=p.shape), params))
        a, b = ours.step(grads, a[1], a[0]), theirs.step(grads, b[1], b[0])
    assert a == b
    half = Gradients({"w": np.where(np.arange(12).reshape(6, 2) % 4 < 2, grads.at("w"), 0), "b": np.zeros(2)})
    for _ in range(3):
        after = ours.step(half, a[1], a[0])
        for was, now in ((a[0], after[0]), (a[1].m, after[1].m), (a[1].v, after[1].v)):
            np.testing.assert_array_equal(now.at("b"), was.at("b"))
            np.testing.assert_array_equal(now.at("w") != was.at("w"), half.at("w") != 0)
        a = after
