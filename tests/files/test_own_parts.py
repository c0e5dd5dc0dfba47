"""Parts of one's own come back where they are handed over; what has no name is refused before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

import funcnn as f
from funcnn import (
    CheckpointError,
    Dense,
    Layer,
    ParamsError,
    Relu,
    elementwise,
    leaky_relu,
    load_network,
    reparam,
    save_network,
    serial,
    shape_dependent,
)
from tests.files.own_parts import OWN, Cube, Twice, closed, doubled, same_spec, small, to_width, wide
from tests.files.saved_networks import PARAMS, again

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
    "a lambda by place": (
        lambda: elementwise(np.sin, lambda x, y: np.cos(x)), "df of elementwise cannot be saved: .* no name"
    ),
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
