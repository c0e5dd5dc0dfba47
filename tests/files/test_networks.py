"""A network and its params in one file come back as they were."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import funcnn as f
from funcnn import (
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Embedding,
    Key,
    Relu,
    Tanh,
    elementwise,
    freeze,
    leaky_relu,
    load_network,
    mlp,
    parallel,
    rebuild,
    save_network,
    serial,
    stax,
    tie,
    transposed,
)
from funcnn.files import registry
from funcnn.initializers import constant, identity, normal, variance_scaling, zeros
from funcnn.networks import is_layer
from funcnn.records import is_recording
from tests.catalogue import COMBINATORS, LARGE, LAYERS, LayerRow, build
from tests.checkpoints.failing_calls import Calls
from tests.files.saved_networks import PARAMS, again

ROWS = [*LAYERS, *COMBINATORS, *LARGE]

NOT_SAVED: dict[str, str] = {}
"""The rows of the catalogue that cannot be saved, with the reason. There is none."""


# what comes back ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("row", ROWS, ids=[row.source for row in ROWS])
def test_the_catalogue(tmp_path: Path, row: LayerRow) -> None:
    """Every row of the catalogue comes back: it is equal, and prints the same."""
    net = build(row)
    assert row.source not in NOT_SAVED
    loaded = again(tmp_path, net)
    assert loaded == net and repr(loaded) == repr(net)


def test_every_ready_made_layer_and_constructor_has_a_name() -> None:
    """What is public and makes layers or initializers is in the registry, and all names differ."""
    for prefix, module in (("", f), ("", f.combinators), ("", f.initializers), ("stax.", f.stax)):
        for name in dir(module):
            value = getattr(module, name)
            if name in ("derive", "layer") or not (is_layer(value) or is_recording(value)):
                continue
            returns = str(getattr(value, "__annotations__", {}).get("return", "Layer"))
            if is_layer(value) or "Layer" in returns or "Initializer" in returns:
                found = registry.names().get(place_of(value))
                assert found is not None and registry.ours()[found].value is value, prefix + name
    assert len(registry.names()) == len(registry.ours())


def place_of(value: Any) -> tuple[str, str]:
    """The module and the name of a record, or of a function."""
    record = value.definition.record if is_layer(value) else None
    return (record.module, record.name) if record else (value.__module__, value.__name__)


NETS: dict[str, Callable[[], Any]] = {
    "names": lambda: serial(Dense(3).named("a b"), Relu, serial(Dense(2)).named("ünï")).named("whole"),
    "initializers": lambda: anything(
        Dense(3, W_init=f.he_normal, b_init=constant(0.5)), Dense(2, W_init=normal(1e-3), b_init=zeros),
        Dense(2, W_init=variance_scaling(2.0, "fan_in", "uniform")), Dense(2, W_init=identity()),
    ),
    "numbers": lambda: anything(leaky_relu(0.1), f.elu(1e-300), Dropout(1 / 3), f.gradient_reversal(-1e-310)),
    "numpy's functions": lambda: serial(Dense(2), elementwise(np.sin, np.cos)),
    "arguments by place and by name": lambda: (
        Conv(3, (2, 2), (1, 1), "SAME") >> Conv(filter_shape=(1, 1), channels=2)
    ),
    "dicts and tuples": lambda: anything(BatchNorm(axis=(0, 1)), tie(
        serial(Embedding(9, 4), Dense(9).named("head")), {"head/w": transposed("embedding_0/w")}
    )),
    "a layer twice": lambda: (lambda one: anything(one, parallel(one, one), residual_of(one)))(Dense(3)),
    "blocks": lambda: serial(mlp((3, 2), Tanh), f.TransformerBlock(4, 2, activation=f.Gelu)),
    "rebuilt": lambda: rebuild(serial(Dense(2), Relu, Dense(2)), lambda path, one: Tanh if one == Relu else one),
    "rebuilt inside": lambda: rebuild(mlp((2, 2)), lambda path, one: Dense(5) if one == Dense(2) else one),
    "stax": lambda: stax.serial(stax.Conv(3, (2, 2)), stax.Relu, stax.MaxPool((2, 2)), stax.Flatten, stax.Dense(2)),
    "stax's own": lambda: stax.serial(stax.GeneralConv(("NCHW", "OIHW", "NHWC"), 3, (2, 2)), stax.BatchNorm()),
    "nothing": lambda: serial(),
    "inference": lambda: f.inference(serial(Dropout(0.5), BatchNorm())),
    "sinusoids of no number": lambda: f.SinusoidalEncoding(base=1e300),
}  # fmt: skip


def anything(*layers: Any) -> Any:
    """Layers in a row, whatever their types."""
    return serial(*layers)


def residual_of(one: Any) -> Any:
    """A residual connection of one layer."""
    return f.residual(one, one)


@pytest.mark.parametrize("name", NETS)
def test_networks(tmp_path: Path, name: str) -> None:
    """Come back equal, and print the same."""
    net = NETS[name]()
    loaded = again(tmp_path, net)
    assert loaded == net and repr(loaded) == repr(net)


def test_params_still_fit(tmp_path: Path) -> None:
    """A loaded network has the names of the saved one, and gives the same bits; where parts were replaced, too."""
    net = rebuild(serial(Dense(4), Relu, Dense(3)), lambda path, one: f.PRelu() if one == Relu else one)
    out, params = net.init(Key(0), (-1, 3))
    assert "relu_0/slope" in " ".join(params.paths()) or any(p.startswith("relu_0") for p in params.paths())
    save_network(tmp_path / "n", net, params)
    loaded, its = load_network(tmp_path / "n")
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    assert loaded.apply(its, x).tobytes() == net.apply(params, x).tobytes()
    assert loaded.init(Key(0), (-1, 3)) == (out, params)
    assert loaded.init(Key(0), (-1, 3))[1].paths() == its.paths()


def test_frozen_params_are_in_the_file(tmp_path: Path) -> None:
    """What is frozen comes back bit for bit, NaNs too; `thaw` gives it."""
    net = serial(Dense(4), Relu, Dense(2).named("head"))
    _, params = net.init(Key(0), (-1, 3))
    odd = params.set("dense_0/b", np.array([np.nan, -0.0, np.inf, 5e-324]).astype(np.float32))
    frozen = freeze(net, odd, "dense_0/**")
    rest = f.partition(params, "head/**")[0]
    loaded = again(tmp_path, frozen, rest)
    assert loaded == frozen
    assert f.thaw(loaded, rest) == (net, odd)


def test_in_another_process(tmp_path: Path) -> None:
    """Where nothing but funcnn is imported."""
    net = serial(Dense(4), f.gelu(exact=True), Dense(2, b_init=constant(1.0)))
    _, params = net.init(Key(0), (-1, 3))
    save_network(tmp_path / "n", net, params)
    program = (
        "import sys, numpy as np\nfrom funcnn import load_network\n"
        "net, params = load_network(sys.argv[1])\nprint(net)\n"
        "sys.stdout.flush(); sys.stdout.buffer.write(net.apply(params, np.ones((2, 3), np.float32)).tobytes())"
    )
    out = subprocess.run([sys.executable, "-c", program, tmp_path / "n"], check=True, capture_output=True).stdout
    assert out == f"{net!r}\n".encode() + net.apply(params, np.ones((2, 3), np.float32)).tobytes()


def test_equal_networks_give_equal_files(tmp_path: Path) -> None:
    """A file is a function of the calls and the params."""
    for name in ("a", "b"):
        save_network(tmp_path / name, serial(Dense(3), Relu), PARAMS)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("depth", [100, 390])
def test_deep_networks(tmp_path: Path, depth: int) -> None:
    """As deep as networks may be."""
    net = serial(Dense(2))
    for _ in range(depth):
        net = serial(net)
    assert again(tmp_path, net) == net


def test_long_networks(tmp_path: Path) -> None:
    """A thousand layers, of which each is one call."""
    net = serial(*[part for i in range(700) for part in (Dense(i + 1), Relu)])
    _, params = net.init(Key(0), (-1, 1))
    assert again(tmp_path, net, params) == net


def test_the_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    """Whichever system call fails, it is one of the two networks, alone in its folder."""
    old, new = serial(Dense(3), Relu), serial(Dense(4), Tanh)
    path, counting = tmp_path / "n", Calls()
    for n in range(200):
        save_network(path, old, PARAMS)
        error = None
        with pytest.MonkeyPatch.context() as patch:
            (Calls(n) if n else counting).patch(patch)
            try:
                save_network(path, new, PARAMS)
            except OSError as caught:
                error = caught
        found, _ = load_network(path)
        assert found in (old, new) and (error is not None or found == new)
        assert list(tmp_path.iterdir()) == [path]
        if n >= len(counting.names):
            return
    raise AssertionError("there are more system calls than were tried")
