"""Params, Gradients and Updates: one behaviour, three types."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from funcnn import (
    Array, Dense, Gradients, ImmutableError, Optimizer, Params, ParamsError, Relu, Tree, Updates, adam, apply_updates,
    astype, chain, clip_by_global_norm, grad, l2, load_params, ravel, save_params, serial, sgd, squared_error, tree_map,
    value_and_grad, vjp,
)  # fmt: skip
from funcnn.params import ArrayTree
from funcnn.params.packing import pack

KINDS: tuple[type[ArrayTree], ...] = (Params, Gradients, Updates)
TREE: dict[str, Any] = {"f": {"w": np.arange(6.0).reshape(2, 3), "b": np.zeros(3)}, "s": np.array(2.0)}
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


@every_kind
def test_what_is_made_of_a_tree_is_of_its_kind(kind: type[ArrayTree]) -> None:
    """Children, merges, changes, maps, other dtypes, packed forms, copies."""
    tree = kind(TREE)
    vector, unravel = ravel(tree)
    found = {
        "item": tree["f"], "sub": tree.sub("f"), "set": tree.set("s", np.array(1.0)), "or": tree | {"t": np.ones(1)},
        "ror": {"t": np.ones(1)} | tree, "map": tree_map(np.negative, tree), "dtype": astype(tree, np.float32),
        "unravel": unravel(vector), "pack": pack(tree), "pickle": pickle.loads(pickle.dumps(tree)),
        "packed pickle": pickle.loads(pickle.dumps(pack(tree))), "copy": copy.copy(tree), "deep": copy.deepcopy(tree),
    }  # fmt: skip
    assert {name: type(value) for name, value in found.items()} == dict.fromkeys(found, kind)


@every_kind
def test_kinds_are_never_equal(kind: type[ArrayTree]) -> None:
    """A tree is equal to those of its kind that have the same bits, however they lie in memory."""
    assert [kind(TREE) == other(TREE) for other in KINDS] == [other is kind for other in KINDS]
    assert kind(TREE) == pack(kind(TREE)) == pickle.loads(pickle.dumps(pack(kind(TREE))))


@every_kind
def test_kinds_print_their_name(kind: type[ArrayTree]) -> None:
    """And messages call them so."""
    assert repr(kind(TREE)).startswith(f"{kind.__name__}(3 leaves, 10 values, float64, 80 bytes)\n  f/w  (2, 3)")
    assert f"<caption>{kind.__name__}(" in kind(TREE)._repr_html_()
    tree: Any = kind(TREE)
    with pytest.raises(ImmutableError, match=f"^{kind.__name__.lower()} never change; make others with .set"):
        tree["s"] = np.ones(())


@every_kind
@pytest.mark.parametrize("form", [lambda t: t, pack], ids=["plain", "packed"])
def test_changing_the_kind_copies_nothing(kind: type[ArrayTree], form: Any) -> None:
    """Trees never change, so that two may share their arrays; there and back is the same tree."""
    for other in KINDS:
        before = form(other(TREE))
        after = kind(before)
        assert type(after) is kind and other(after) == before
        assert all(np.shares_memory(after.at(path), before.at(path)) for path in before.paths())


def test_everything_has_its_kind() -> None:
    """What comes out of derivatives, penalties, optimizers and chains; long trees and short ones."""
    for units in (2, 300):
        net = serial(Dense(units), Relu, Dense(1))
        _, params = net.init(0, (-1, 300))
        x, target = np.ones((3, 300), np.float32), np.ones((3, 1), np.float32)
        grads = grad(squared_error, net.apply)(params, x, target)
        _, with_penalty = value_and_grad(squared_error, net.apply, l2(0.1))(params, x, target)
        y, pullback = vjp(net.apply, params, x)
        assert [type(t) for t in (grads, with_penalty, pullback(y)[0])] == [Gradients] * 3
        own: Optimizer[int] = Optimizer(lambda params: 0, lambda g, s, p: (Updates(g), s))
        parts: list[Optimizer[Any]] = [
            sgd(0.1), adam(0.1), clip_by_global_norm(1.0), own, chain(), chain(own, sgd(0.1)), chain(sgd(0.1), own),
        ]  # fmt: skip
        for optimizer in parts:
            state = optimizer.init(params)
            updates, _ = optimizer.update(grads, state, params)
            assert type(updates) is Updates and type(apply_updates(params, updates)) is Params
            assert type(optimizer.step(grads, state, params)[0]) is Params


def test_an_optimizer_that_returns_gradients_is_told() -> None:
    """Where its updates are applied, and with what to write."""

    def update(grads: Tree, state: int, params: Tree) -> tuple[Any, int]:
        return tree_map(np.negative, grads), state

    own: Optimizer[int] = Optimizer(lambda params: 0, update)
    with pytest.raises(ParamsError, match=r"got Gradients where updates belong, .*; if they are meant, Updates\("):
        own.step(Gradients(TREE), 0, Params(TREE))


@every_kind
def test_files_hold_params(kind: type[ArrayTree], tmp_path: Path) -> None:
    """Gradients and updates are saved, and come back as params."""
    save_params(tmp_path / "tree", kind(TREE))
    assert load_params(tmp_path / "tree", like=kind(TREE)) == Params(TREE)
    assert kind(load_params(tmp_path / "tree")) == kind(TREE)


def test_a_network_takes_the_values() -> None:
    """Directions are points too: `apply` takes any tree, which finite differences want."""
    net = Dense(1)
    _, params = net.init(0, (-1, 2))
    x: Array = np.ones((3, 2), np.float32)
    assert np.array_equal(net.apply(Gradients(params), x), net.apply(params, x))
