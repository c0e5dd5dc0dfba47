"""A network by parts of the batch: the same numbers, whoever is free, and only where no example sees another."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any
from unittest import mock

import numpy as np
import pytest

from funcnn import (
    Array, BatchNorm, Dense, Dropout, Embedding, Flatten, LabelError, Layer, LayerNorm, MeanOver, MultiHeadAttention,
    PositionalEmbedding, Relu, Tanh, TransformerBlock, parallel, per_example_grads, residual, serial,
    softmax_cross_entropy, squared_error, value_and_grad, vjp,
)  # fmt: skip
from funcnn.kernels import threads
from funcnn.networks import by_parts
from funcnn.networks.by_parts import count, is_apart, most, multiply_adds
from tests.catalogue.layers import LAYERS
from tests.catalogue.names import build
from tests.refusals import refusal

WRITER = serial(Embedding(9, 8), PositionalEmbedding(6), TransformerBlock(8, 2, causal=True), LayerNorm(), Dense(9))
READER = serial(Flatten, Dense(6), Relu, residual(serial(LayerNorm(), Dense(6), Tanh)), Dense(3, bias=False))
AROUND = residual(Dense(3), Dense(3))
RNG = np.random.default_rng(0)
TOKENS = RNG.integers(0, 9, (12, 6))
ROWS = RNG.normal(size=(12, 2, 3))
NETS: dict[str, tuple[Layer[Any, Any], Any]] = {"writer": (WRITER, TOKENS), "reader": (READER, ROWS), "around": (AROUND, ROWS[:, 0])}


@pytest.fixture(autouse=True)
def _three_threads() -> Iterator[None]:
    """However many cores there are here, and however short the work is."""
    with (
        mock.patch.object(threads, "THREADS", 3), mock.patch.object(threads, "_helpers", []),
        mock.patch.object(by_parts, "_REPAYS", 1), mock.patch.object(by_parts, "_SUMMED", 0),
    ):
        yield


def pulled(net: Layer[Any, Any], x: Array, parts: int) -> tuple[Any, Any, Any]:
    """Value, gradients and the cotangent of the input, where there are so many threads."""
    _, params = net.init(0, x.shape, dtype=np.float64)
    with mock.patch.object(threads, "THREADS", parts), seen() as calls:
        y, pullback = vjp(net.apply, params, x)
        grads, dx = pullback(np.cos(np.arange(y.size)).reshape(y.shape))
    assert calls == ([parts] if parts > 1 else [])
    return y, grads, dx


class seen:
    """Into how many parts networks went."""

    def __enter__(self) -> list[int]:
        calls: list[int] = []
        whole = by_parts.in_parts

        def watched(rule: Any, params: Any, x: Any, parts: int) -> Any:
            calls.append(parts)
            return whole(rule, params, x, parts)

        self.patch = mock.patch("funcnn.networks.doors.in_parts", watched)
        self.patch.start()
        return calls

    def __exit__(self, *_: object) -> None:
        self.patch.stop()


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("parts", [2, 3])
def test_parts_give_what_the_whole_gives(name: str, parts: int) -> None:
    """Value, gradients and the cotangent of the input."""
    net, x = NETS[name]
    y, grads, dx = pulled(net, x, parts)
    wanted, expected, of_input = pulled(net, x, 1)
    np.testing.assert_allclose(y, wanted, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(dx, of_input, rtol=1e-12, atol=1e-14)
    for path in expected.paths():
        np.testing.assert_allclose(grads.at(path), expected.at(path), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("row", [row for row in LAYERS if is_apart(build(row).definition.rule)], ids=str)
def test_who_says_so_is_apart(row: Any) -> None:
    """Every layer of the library that says that no example sees another: rows alone give the same."""
    net, sizes = build(row), {"B": 6, "T": 2, "D": 4, "C": 4, "H": 2, "W": 2, "E": 3, ...: 2}
    shape = tuple(sizes[d] if d in sizes else max(d) if isinstance(d, range) else d for d in row.shape)
    tokens = isinstance(row.tokens, int) and "Embedding(" in row.source and "Positional" not in row.source
    x: Any = RNG.integers(0, row.tokens, shape) if tokens else RNG.uniform(0.1, 0.9, shape)
    _, params = net.init(0, shape, dtype=np.float64)
    rule, tree = net.definition.rule, params.to_dict()
    y, back = rule(tree, x)
    parts = [rule(tree, x[s]) for s in (slice(2), slice(2, 6))]
    np.testing.assert_allclose(np.concatenate([part for part, _ in parts]), y, rtol=1e-12)
    dy = np.cos(np.arange(y.size)).reshape(y.shape)
    grads = [pull(dy[s])[0] for s, (_, pull) in zip((slice(2), slice(2, 6)), parts, strict=True)]
    for leaf, whole in back(dy)[0].items():
        np.testing.assert_allclose(grads[0][leaf] + grads[1][leaf], whole, rtol=1e-10, atol=1e-13)
        assert grads[0][leaf].flags.writeable


@pytest.mark.parametrize("name", NETS)
def test_a_part_may_be_one_example(name: str) -> None:
    """Its gradients are no part of the cotangent it got, which stays as it is."""
    net, x = NETS[name]
    _, params = net.init(0, x.shape, dtype=np.float64)
    found: list[Any] = []
    for parts in (3, 1):
        with mock.patch.object(threads, "THREADS", parts):
            y, pullback = vjp(net.apply, params, x[:3])
            dy = np.cos(np.arange(y.size)).reshape(y.shape)
            before, grads = dy.copy(), pullback(dy)[0]
        assert (dy == before).all() and not any(np.shares_memory(grads.at(path), dy) for path in grads.paths())
        found.append(grads)
    for path in found[0].paths():
        np.testing.assert_allclose(found[0].at(path), found[1].at(path), rtol=1e-10, atol=1e-13)


def test_gradients_are_added_up_however_they_lie() -> None:
    """A leaf whose columns lie one behind the other is as good as another."""
    trees: list[dict[str, Any]] = [
        {"a": {"w": np.asfortranarray(RNG.normal(size=(3, 4)))}, "b": RNG.normal(size=5), "c": np.array(float(i))}
        for i in range(3)
    ]
    w, b, c = (np.sum(leaves, 0) for leaves in zip(*[(tree["a"]["w"], tree["b"], tree["c"]) for tree in trees]))
    found = by_parts.summed(trees)
    for leaf, wanted in ((found["a"]["w"], w), (found["b"], b), (found["c"], c)):
        np.testing.assert_allclose(leaf, wanted, rtol=1e-14, strict=True)


def test_results_depend_on_nobody_being_free() -> None:
    """Bit for bit: with helpers, with none, and where all of them are busy."""
    _, params = WRITER.init(0, TOKENS.shape)
    objective = value_and_grad(softmax_cross_entropy, WRITER.apply)

    def step() -> dict[str, bytes]:
        grads = objective(params, TOKENS, TOKENS)[1]
        return {path: grads.at(path).tobytes() for path in grads.paths()}

    first, go = step(), threading.Event()
    busy = threading.Thread(target=lambda: threads.spread(3, 1, lambda i, j: go.wait(30)))
    busy.start()
    try:
        found = step()
    finally:
        go.set()
        busy.join()
    refused = mock.patch.object(threading.Thread, "start", side_effect=RuntimeError)
    with refused, mock.patch.object(threads, "_helpers", []):
        assert found == step() == first == step()


def seeing_others(x: Array) -> tuple[Array, Any]:
    return x - x.mean(0), lambda dy: dy - dy.mean(0)


@pytest.mark.parametrize(
    "net",
    [
        serial(Dense(4), BatchNorm()), serial(Dense(4), Dropout(0.1)), MultiHeadAttention(2, masked=True), parallel(Dense(2)),
        serial(Dense(4), Layer.lift(lambda shape: shape, seeing_others)), residual(Dense(4), serial(Dense(4), BatchNorm())),
        Embedding(1 << 12, 1 << 7),
    ],
    ids=str,
)  # fmt: skip
def test_others_are_not(net: Layer[Any, Any]) -> None:
    """Examples that see each other, keys, tuples, rules of people's own, and tables whose gradients know their rows."""
    assert not net.apply.door.apart


def test_a_rule_in_the_place_of_another_says_nothing() -> None:
    """The gradients of each example come of a rule that stands in; it sees the whole batch."""
    x, y = ROWS.astype(np.float32), RNG.normal(size=(12, 3)).astype(np.float32)
    _, params = READER.init(0, x.shape)
    objective = value_and_grad(squared_error, READER.apply)
    with seen() as calls:
        each = per_example_grads(objective, params, x, y)
        assert calls == []
        mean = objective(params, x, y)[1]
    assert calls == [3]
    for path in mean.paths():
        np.testing.assert_allclose(each.at(path).mean(0), mean.at(path), rtol=2e-4, atol=1e-6)


def test_errors_are_those_of_the_whole() -> None:
    """A token that is not in the table is named by its place in the batch."""
    _, params = WRITER.init(0, TOKENS.shape)
    tokens = TOKENS.copy()
    tokens[11, 2] = 9
    with seen() as calls:
        said = refusal(lambda: vjp(WRITER.apply, params, tokens), LabelError)
    assert calls == [3] and "at index (11, 2)" in said


def test_a_pullback_may_be_called_twice() -> None:
    """And gives the same."""
    _, params = READER.init(0, ROWS.shape)
    y, pullback = vjp(READER.apply, params, ROWS.astype(np.float32))
    (first, dx), (second, dx_again) = pullback(y), pullback(y)
    assert (dx == dx_again).all()
    assert all((first.at(path) == second.at(path)).all() for path in first.paths())


def test_parts_are_long_and_alike() -> None:
    """Of a Dense of 4 x 5 rows of 12 pass 240 multiplications, so many a part; three parts of 4 rows are alike, of 5
    not."""
    net = serial(Flatten, Dense(5))
    assert multiply_adds(net.definition, (12, 2, 2)) == 12 * 20
    for repays, summed, wanted in ((1, 0, 12), (80, 0, 3), (80, 5, 2), (241, 0, 1), (1, 5, 2)):
        with mock.patch.object(by_parts, "_REPAYS", repays), mock.patch.object(by_parts, "_SUMMED", summed):
            assert most(net.definition, (12, 2, 2), (12, 5), 24) == wanted
    assert [count(12, rows) for rows in (12, 5, 2, 32)] == [3, 1, 1, 3]
    assert most(Dense(5).definition, (12,), (5,), 65) == 1  # an example alone, without a batch


def test_work_within_a_part_is_its_own() -> None:
    """No thread waits for another there, and each says how many may work: itself."""
    spans: list[tuple[int, int]] = []

    def part(k: int) -> int:
        threads.spread(8, 1, lambda i, j: spans.append((i, j)))
        return k * threads.allowed()

    assert threads.side_by_side(3, part) == [0, 1, 2]
    assert spans == [(0, 8)] * 3 and threads.allowed() == 3


def test_mean_over_time_is_apart() -> None:
    """A reader of sequences as it is mostly written."""
    net = serial(Embedding(9, 4), MeanOver(1), Dense(2))
    assert net.apply.door.apart and not is_apart(lambda params, x: None)
