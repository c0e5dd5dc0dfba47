"""What inputs are for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import Dense, DTypeError, Embedding, FanInSum, FanOut, Flatten, Identity, Layer, parallel, serial
from funcnn.authoring import features, passes, tokens
from funcnn.inputs import Kind, convert, part, unify
from tests.refusals import refusal

F32 = np.dtype(np.float32)


@pytest.mark.parametrize(
    ("kinds", "kind"),
    [
        ((), "any"),
        (("any", "features"), "features"),
        (("tokens", "tokens"), "tokens"),
        (("tokens", "features"), "any"),
        (("any", {0: "tokens"}), {0: "tokens"}),
        (({0: "tokens"}, {1: "mask"}), {0: "tokens", 1: "mask"}),
        (({0: "tokens"}, {0: "features"}), {0: "any"}),
    ],
)
def test_kinds_of_one_array_are_unified(kinds: tuple[Kind, ...], kind: Kind) -> None:
    """Where they agree, as far as they are told."""
    assert unify(*kinds) == kind


def test_the_parts_of_a_kind() -> None:
    """One kind is that of every item; a mapping says it item by item."""
    assert (part("tokens", 1), part({1: "mask"}, 1), part({1: "mask"}, 0)) == ("tokens", "mask", "any")


def test_a_layer_says_what_its_input_is_for() -> None:
    """Given what its output is for."""
    assert (features("tokens"), tokens("features"), passes("mask")) == ("features", "tokens", "mask")


LOOK: Any = Embedding(5, 2)  # tokens in, so that mypy takes it for no layer of arrays


@pytest.mark.parametrize(
    ("net", "kind"),
    [
        (Dense(2), "features"),
        (serial(Flatten, Dense(2)), "features"),
        (serial(Identity, LOOK), "tokens"),
        (serial(parallel(LOOK, Dense(2)), FanInSum), {0: "tokens", 1: "features"}),
        (serial(FanOut(2), parallel(LOOK, LOOK), FanInSum), "tokens"),
        (Identity, "any"),
    ],
    ids=repr,
)
def test_a_network_knows_what_its_input_is_for(net: Layer[Any, Any], kind: Kind) -> None:
    """From its layers, from right to left."""
    assert net.apply.door.wants() == kind


@pytest.mark.parametrize(
    ("x", "kind", "dtype"),
    [
        (np.ones(2, int), "features", "float32"),
        (np.ones(2), "features", "float32"),
        (np.ones(2, bool), "features", "float32"),
        (np.ones(2, np.int16), "tokens", "int16"),
        (np.ones(2, ">i8"), "tokens", "int64"),
        (np.ones(2, bool), "mask", "bool"),
        (np.ones(2), "any", "float32"),
        (np.ones(2, int), "any", "int64"),
        (np.ones(2, bool), "any", "bool"),
    ],
)
def test_what_is_converted_and_what_stays(x: Any, kind: Kind, dtype: str) -> None:
    """Features become the dtype of the params; tokens and masks stay, in native byte order."""
    found = convert(x, kind, F32)
    assert (found.dtype, found.tolist()) == (np.dtype(dtype), x.tolist())


def test_what_fits_is_not_copied() -> None:
    """The very array."""
    x, t = np.ones(2, np.float32), np.arange(2)
    assert convert(x, "features", F32) is x and convert(t, "tokens", F32) is t


@pytest.mark.parametrize("kind", ["features", "any"])
def test_what_comes_out_is_contiguous(kind: str) -> None:
    """Whatever the layout of what came."""
    assert convert(np.ones((3, 4), np.float32).T, kind, F32).flags.c_contiguous


@pytest.mark.parametrize(
    ("x", "kind", "said"),
    [
        (np.ones(2), "tokens", "the input has dtype float64, but tokens are integers: .astype(np.int64)"),
        (np.ones(2, bool), "tokens", "the input has dtype bool, but tokens are integers: .astype(np.int64)"),
        (np.ones(2), "mask", "the input has dtype float64, but mask are booleans: mask != 0"),
        (
            (np.ones(2), (np.ones(2), np.ones(2))),
            {1: {0: "tokens"}},
            "item 0 of item 1 of the input has dtype float64, but tokens are integers: .astype(np.int64)",
        ),
    ],
)  # fmt: skip
def test_other_dtypes_are_refused(x: Any, kind: Kind, said: str) -> None:
    """The item, its dtype, what was expected and how to convert it."""
    assert refusal(lambda: convert(x, kind, F32), DTypeError) == said
