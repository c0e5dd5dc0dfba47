"""Files that are damaged, forged, of another kind or of a later version are read as they were meant, or refused."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from funcnn import (
    BatchNorm,
    CheckpointError,
    Conv,
    Dense,
    Dropout,
    Flatten,
    Params,
    Relu,
    freeze,
    leaky_relu,
    load_network,
    load_params,
    load_state,
    mlp,
    repeat,
    save_network,
    save_params,
    serial,
    sgd,
    tie,
)
from funcnn.checkpoints import manifests, sealed
from funcnn.files import registry
from funcnn.initializers import constant
from funcnn.networks import is_layer
from tests.files.forged_networks import HUGE, forged, one
from tests.files.saved_networks import PARAMS


def test_files_of_the_other_kinds(tmp_path: Path) -> None:
    """What reads a file is told."""
    save_params(tmp_path / "p", PARAMS)
    save_network(tmp_path / "n", Relu, PARAMS)
    with pytest.raises(CheckpointError, match="it is a funcnn params, read it with load_params"):
        load_network(tmp_path / "p")
    with pytest.raises(CheckpointError, match="it is a funcnn network, read it with load_network"):
        load_params(tmp_path / "n")
    with pytest.raises(CheckpointError, match="it is a funcnn network, read it with load_network"):
        load_state(tmp_path / "n", sgd(0.1), like=PARAMS)
    with pytest.raises(FileNotFoundError):
        load_network(tmp_path / "none")


FORGERIES: list[tuple[Any, str]] = [
    (None, "it has no program"),
    ([], "it has no program"),
    ({}, "it has no program"),
    ([3], "call 0 of its program is none"),
    ([[["Relu"], "relu"]], "call 0 of its program is none"),
    ([[["Relu"], "", False]], "call 0 of its program gives a layer no name"),
    ([[["Relu"], "a/b", False]], "call 0 of its program gives a layer no name"),
    ([[["Relu"], "relu", 1]], "call 0 of its program gives a layer no name"),
    ([["Relu", "relu", False]], "call 0 is no call"),
    ([[[], "relu", False]], "call 0 is no call"),
    ([[["zeros"], "zeros", False]], "call 0 of its program, .*, makes no layer"),
    ([[["Dense"], "dense", False]], "call 0 of its program, .*, makes no layer"),
    (one("constant", 1.0), "call 0 of its program, .*, makes no layer"),
    (one("Relu"), "call 0 is no call of a constructor"),
    (one("zeros", {"key": "00" * 16}, {"tuple": [10**9]}, "f8"), "call 0 is no call of a constructor"),
    (one("os.system", "ls"), "call 0 has a part 'os.system', and there is none of this name"),
    (one("__import__", "os"), "there is none of this name"),
    (one("eval", "1"), "there is none of this name"),
    (one("funcnn.layers.dense.Dense", 2), "there is none of this name"),
    (one("load_params", "/etc/passwd"), "there is none of this name"),
    (one(3), "call 0 has a part 3, and there is none of this name"),
    (one(["Dense"], 2), "there is none of this name"),
    (one("own:Block", 2), r"give them: load_network\(path, layers={'Block': Block}\)"),
    (one("own:", 2), "there is none of this name"),
    (one("own:a b", 2), "there is none of this name"),
    (one("Dense", -3), "Dense in call 0 cannot be made: ValueError: Dense: units must be an integer of at l"),
    (one("Dense", "3"), "Dense in call 0 cannot be made"),
    (one("Dense", None), "Dense in call 0 cannot be made"),
    (one("Dense", HUGE), "an argument of Dense in call 0 is a number of 101 bits"),
    (one("Dense"), "Dense in call 0 cannot be made: TypeError: missing a required argument: 'units'"),
    (one("Dense", 2, 3, 4, 5), "Dense in call 0 cannot be made: TypeError: too many positional"),
    (one("Dense", 2, nope=3), "Dense in call 0 cannot be made: TypeError: got an unexpected keyword argument 'nope'"),
    (one("Dense", {"layer": 0}), "an argument of Dense in call 0 is a layer that is not made yet"),
    (one("Dense", {"layer": -1}), "is a layer that is not made yet"),
    (one("Dense", {"layer": True}), "is a layer that is not made yet"),
    (one("Dense", {"numpy": "load"}), "is 'load', and NumPy has no such function of arrays"),
    (one("Dense", {"numpy": "__class__"}), "NumPy has no such function"),
    (one("Dense", {"numpy": ["sin"]}), "NumPy has no such function"),
    (one("Dense", 2, W_init={"name": "eval"}), "W_init of Dense in call 0 has a part 'eval'"),
    (one("Dense", 2, W_init={"call": ["constant", [], {}]}), "constant in W_init of Dense in call 0 cannot be made"),
    (one("Dense", 2, W_init={"call": ["glorot_normal", [1, 2, 3], {}]}), "no call of a constructor"),
    (one("Dense", 2, W_init={"call": "constant"}), "W_init of Dense in call 0 is no call"),
    (one("Dense", {"call": [3]}), "has a part 3"),
    (one("Dense", [2]), "has a list for an argument of Dense"),
    (one("Dense", {"named": "X", "fields": {}}), "cannot be made|holds"),
    (one("leaky_relu", {"float": "7ff8000000000000"}), "leaky_relu in call 0 cannot be made"),
    (one("repeat", {"name": "Relu"}, 10**9), "the layers of this file would be more than 100,000"),
    (one("repeat", {"name": "Relu"}, "x"), "repeat in call 0 cannot be made"),
    (one("Conv", 2, {"tuple": [0, 0]}), "Conv in call 0 cannot be made"),
    (one("GRU", 2), "GRU in call 0 cannot be made: ValueError: the file has no defaults of it"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "said"), FORGERIES, ids=range(len(FORGERIES)))
def test_forgeries(tmp_path: Path, program: Any, said: str) -> None:
    """A file whose digest fits, and that asks for what no network is made of, is refused with the reason."""
    path = forged(tmp_path / "f", program)
    with pytest.raises(CheckpointError, match=said) as caught:
        load_network(path)
    assert str(caught.value).startswith(f"{path} cannot be read as a checkpoint: ")


def test_other_forgeries(tmp_path: Path) -> None:
    """In what stands beside the program."""
    good = one("Dense", 2)
    assert load_network(forged(tmp_path / "f", good))[0] == Dense(2).renamed("it", False)
    nested: Any = {"name": "zeros"}
    for _ in range(60):
        nested = {"tuple": [{"call": ["constant", [nested], {}]}]}
    wrong: list[tuple[Any, list[Any], dict[str, Any], str]] = [
        (good, [], {"defaults": None}, "no table of defaults"),
        (good, [], {"defaults": {"Dense": []}}, "the file has no defaults of it"),
        (good, [], {"params": None}, "it has no params"),
        (good, [], {"params": {"gradients": {}}}, "it has no params"),
        (good, [np.ones(2)], {}, "its members are not the 0 leaves"),
        (one("Dense", nested), [], {}, "more than 100 levels"),
        (good, [], {"defaults": {"Dense": {"bias": nested}}}, "more than 100 levels"),
    ]
    for i, (program, leaves, changes, said) in enumerate(wrong):
        with pytest.raises(CheckpointError, match=said):
            load_network(forged(tmp_path / str(i), program, leaves, **changes))


def test_networks_that_double(tmp_path: Path) -> None:
    """A hundred calls that each take the one before twice are loaded at once: nothing walks all of it."""
    program: list[Any] = [[["Relu"], "relu", False]]
    for i in range(100):
        program.append([["serial", [{"layer": i}, {"layer": i}], {}], "serial", False])
    start = time.perf_counter()
    net, _ = load_network(forged(tmp_path / "f", program, defaults={"serial": {}}))
    assert time.perf_counter() - start < 5 and net.definition.depth == 100


# versions -------------------------------------------------------------------------------------------------------------
def test_a_later_version(tmp_path: Path) -> None:
    """Names and arguments that this version does not have are refused, with the version that wrote them."""
    wrong: list[tuple[Any, dict[str, Any], str]] = [
        (one("Hyper", 2), {}, "there is none of this name; it was written by funcnn 9.9, this is "),
        (one("Dense", 2, sparse=True), {}, r"Dense in call 0 cannot be made \(written by funcnn 9.9, this .*'sparse'"),
        (one("Dense", 2), {"defaults": {"Dense": {"sparse": False}}}, "by funcnn 9.9.*no argument 'sparse', which was"),
    ]
    for program, changes, said in wrong:
        with pytest.raises(CheckpointError, match=said):
            load_network(forged(tmp_path / "f", program, by="9.9", **changes))


def test_other_defaults(tmp_path: Path) -> None:
    """A network stays what it was: where the defaults were others, they are given."""
    defaults = {"Dense": {"bias": False, "W_init": {"name": "he_normal"}, "b_init": {"name": "zeros"}}}
    net, _ = load_network(forged(tmp_path / "f", one("Dense", 2), defaults=defaults))
    assert repr(net.named("d")) == "Dense(2, bias=False, W_init=he_normal).named('d')"
    net, _ = load_network(forged(tmp_path / "f", one("Dense", 2, bias=True), defaults=defaults))
    assert repr(net.named("d")) == "Dense(2, bias=True, W_init=he_normal).named('d')"


def test_every_bit_flip_is_found(tmp_path: Path) -> None:
    """A file with any byte changed or cut off is refused."""
    save_network(tmp_path / "n", Dense(1), Params({}))
    data = (tmp_path / "n").read_bytes()
    for i in range(0, len(data), 3):
        for other in (data[:i], data[:i] + bytes([data[i] ^ (1 << i % 8)]) + data[i + 1 :]):
            (tmp_path / "n").write_bytes(other)
            with pytest.raises(CheckpointError):
                load_network(tmp_path / "n")


def test_edits_never_do_anything_else(tmp_path: Path) -> None:
    """Programs with random pieces in place of others are read or refused, and soon: no other error comes out."""
    random = np.random.default_rng(0)
    net = serial(
        Conv(2, (3, 3), padding="SAME"), BatchNorm(), leaky_relu(0.1), Flatten, Dense(3, W_init=constant(0.5)),
        tie(serial(Dense(3), Dense(3).named("b")), {"b/w": "dense_0/w"}), repeat(Dropout(0.5), 2), mlp((2, 2)),
    )  # fmt: skip
    frozen = serial(net, freeze(Dense(3), Params({"w": np.ones((3, 3)), "b": np.ones(3)}), "w"))
    save_network(tmp_path / "n", frozen, PARAMS)
    with (tmp_path / "n").open("rb") as file:
        manifest, contents = sealed.read(file, manifests.NETWORK)
    arrays = [np.load(io.BytesIO(content)) for content in contents]
    pieces: list[Any] = [None, True, -1, 0, 1, 2, 1.5, 10**9, HUGE, "x", "SAME", "Dense", "own:x", [], {}, [[]]]
    pieces += [{"tuple": [1, 2]}, {"layer": 0}, {"layer": 99}, {"name": "zeros"}, {"name": "Relu"}, {"numpy": "sin"}]
    pieces += [{"call": ["constant", [1.0], {}]}, {"params": {"w": 0}}, {"dict": {"b/w": "c"}}, {"float": "00" * 8}]
    names = [*registry.ours()]

    def edited(node: Any) -> Any:
        if random.random() < 0.01:
            return pieces[random.integers(len(pieces))]
        if isinstance(node, str) and node in registry.ours() and random.random() < 0.03:
            return names[random.integers(len(names))]
        if isinstance(node, dict):
            return {k: edited(v) for k, v in node.items()}
        return [edited(v) for v in node] if isinstance(node, list) else node

    read = 0
    for _ in range(600):
        other = {**{name: edited(node) for name, node in manifest.items()}, "format": "funcnn network", "version": 1}
        with (tmp_path / "e").open("w+b") as new:
            sealed.write(new, json.dumps(other), arrays)
        try:
            loaded, _ = load_network(tmp_path / "e")
            assert is_layer(loaded)
            read += 1
        except CheckpointError:
            pass
    assert 20 < read < 580
