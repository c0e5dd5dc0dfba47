"""A network and its params in one file: made again by names of a registry, and by nothing else."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

import funcnn as f
from funcnn import (
    BatchNorm,
    CheckpointError,
    Conv,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Key,
    Layer,
    Params,
    ParamsError,
    Relu,
    Tanh,
    elementwise,
    freeze,
    leaky_relu,
    load_network,
    load_params,
    load_state,
    mlp,
    parallel,
    rebuild,
    reparam,
    repeat,
    save_network,
    save_params,
    serial,
    sgd,
    shape_dependent,
    stax,
    tie,
    transposed,
)
from funcnn.checkpoints import sealed
from funcnn.files import making, registry, writing
from funcnn.initializers import constant, identity, normal, variance_scaling, zeros
from funcnn.networks import is_layer
from funcnn.records import is_recording
from tests.catalogue import COMBINATORS, LARGE, LAYERS, LayerRow, build
from tests.checkpoints.test_faults import Calls
from tests.files.own_parts import OWN, Cube, Twice, closed, cube, doubled, same_spec, slope, small, to_width, wide

PARAMS = Params({"w": np.ones(2)})
ROWS = [*LAYERS, *COMBINATORS, *LARGE]

NOT_SAVED: dict[str, str] = {}
"""The rows of the catalogue that cannot be saved, with the reason. There is none."""


def again(folder: Path, net: Any, params: Any = PARAMS, **layers: Any) -> Any:
    """The network, saved and loaded."""
    save_network(folder / "net.npz", net, params)
    loaded, its = load_network(folder / "net.npz", layers=layers)
    assert its == params
    return loaded


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


# parts of one's own ---------------------------------------------------------------------------------------------------
OWN_NETS: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "a constructor": (lambda: serial(Twice(Dense(3)), Relu), ("Twice", "small")),
    "an initializer": (lambda: Dense(3, W_init=small), ("small",)),
    "one with a number": (lambda: Dense(3, W_init=wide(0.5)), ("wide",)),
    "an activation": (lambda: serial(Dense(3), Cube), ("cube", "slope")),
    "reparam": (lambda: reparam(Dense(1), same_spec, doubled, doubled), ("doubled", "same_spec")),
    "shape_dependent": (lambda: shape_dependent(to_width), ("to_width",)),
}


@pytest.mark.parametrize("name", OWN_NETS)
def test_parts_of_ones_own(tmp_path: Path, name: str) -> None:
    """Come back where they are handed over; where they are not, all that are missing are told."""
    make, wanted = OWN_NETS[name]
    net = make()
    assert again(tmp_path, net, **{part: OWN[part] for part in wanted}) == net
    assert again(tmp_path, net, **OWN) == net
    given = ", ".join(f"'{part}': {part}" for part in wanted)
    with pytest.raises(CheckpointError) as caught:
        load_network(tmp_path / "net.npz")
    assert f"it has parts that are not funcnn's, give them: load_network(path, layers={{{given}}})" in str(caught.value)


def test_ones_own_name_is_never_ours(tmp_path: Path) -> None:
    """A constructor of one's own that is called Dense is another one."""

    def make() -> Any:
        @f.layer
        def Dense(units: int) -> Any:
            return f.Dense(2 * units)

        return Dense

    mine = make()
    net = serial(mine(3), Dense(3))
    loaded = again(tmp_path, net, Dense=mine)
    assert loaded == net and loaded != serial(Dense(3), Dense(3))
    with pytest.raises(CheckpointError, match="'Dense': Dense"):
        load_network(tmp_path / "net.npz")
    with pytest.raises(TypeError, match="two parts of your own are called Dense; rename one"):
        save_network(tmp_path / "n", serial(mine(3), make()(3)), PARAMS)


def test_other_parts_under_the_name(tmp_path: Path) -> None:
    """What is handed over must be what the file wants: a constructor, or a function."""
    save_network(tmp_path / "n", serial(Twice(Dense(3))), PARAMS)
    others: list[tuple[dict[str, Any], str]] = [
        ({"Twice": print, "small": small}, "call 1 is no call of a constructor"),
        ({"Twice": Relu, "small": small}, "call 1 is no call of a constructor"),
        ({"Twice": leaky_relu, "small": small}, "Twice in call 1 cannot be made"),
        ({"Twice": wide, "small": small}, "Twice in call 1 cannot be made"),
    ]
    for parts, said in others:
        with pytest.raises(CheckpointError, match=said):
            load_network(tmp_path / "n", layers=parts)
    for wrong in ([Twice], {"Twice": 3}, {1: Twice}):
        with pytest.raises(TypeError, match="load_network: layers"):
            load_network(tmp_path / "n", layers=wrong)  # type: ignore[arg-type]


# what is refused before anything is written ---------------------------------------------------------------------------
def nameless() -> Any:
    """A layer that no recorded call made."""
    return Layer.of(lambda shape: shape, lambda shape: {}, lambda params, x: (x, lambda dy: ({}, dy)))


UNSAVED: dict[str, tuple[Callable[[], Any], str]] = {
    "a lambda": (lambda: Dense(3, W_init=lambda key, shape, dtype: np.zeros(shape, dtype)), "W_init of Dense .* no na"),
    "a lambda by place": (lambda: elementwise(np.sin, lambda x, y: np.cos(x)), "df of elementwise cannot be saved: .* n"),
    "a closure": (lambda: Dense(3, b_init=closed(0.5)), "b_init of Dense cannot be saved: .* init keeps .* factor"),
    "no constructor": (lambda: serial(Dense(2), nameless()), "cannot be saved: make it in a constructor decorated wi"),
    "a method": (lambda: shape_dependent(cast(Any, np.random.default_rng(0).choice)), "make of shape_dependent cannot"),
    "halves of two": (lambda: Layer(Dense(3).init, Dense(4).apply), "it would come back as another"),
    "no layer": (lambda: PARAMS, r"takes a network, got Params"),
    "a layer's init": (lambda: Dense(2).init, "takes a network, got"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNSAVED)
def test_what_cannot_be_saved(tmp_path: Path, name: str) -> None:
    """Is refused with its place, before anything is written."""
    make, said = UNSAVED[name]
    with pytest.raises(TypeError, match=said):
        save_network(tmp_path / "n", make(), PARAMS)
    assert list(tmp_path.iterdir()) == []


def test_no_params(tmp_path: Path) -> None:
    """Params come last, and are params."""
    with pytest.raises(ParamsError, match="unpack"):
        save_network(tmp_path / "n", Relu, Relu.init(0, (-1, 3)))  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


# other files ----------------------------------------------------------------------------------------------------------
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


def forged(path: Path, program: Any, leaves: list[Any] | None = None, by: str = "0.2.0", **changes: Any) -> Path:
    """A sealed file with this program, and defaults of what it calls."""
    writer = writing.Writer([])
    writer.program(serial(Dense(2), Conv(2, (1, 1)), leaky_relu(0.1), repeat(Relu, 2), Dropout(0.5), constant_dense()))
    content = {"format": "funcnn network", "version": 1, "funcnn": by, "program": program, "defaults": writer.defaults}
    content["params"] = {"params": {}}
    with path.open("w+b") as file:
        sealed.write(file, json.dumps({**content, **changes}), leaves or [])
    return path


def constant_dense() -> Any:
    """With an initializer that is called."""
    return Dense(2, W_init=constant(1.0), b_init=normal(1.0))


def one(name: Any, *args: Any, **kwargs: Any) -> Any:
    """A program of one call."""
    return [[[name, [*args], kwargs], "it", False]]


HUGE = 1 << 100
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
        manifest, contents = sealed.read(file, sealed.NETWORK)
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
