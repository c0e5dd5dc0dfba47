"""Arrays of kinds that are no numbers, or not NumPy's: refused in words that lead on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import (
    Dense, DTypeError, Embedding, Key, accuracy, elementwise, serial, softmax_cross_entropy, squared_error, vjp,
)  # fmt: skip
from tests.refusals import refusal

WORDS = np.array(["a", "b"])
NET = Dense(3)
_, PARAMS = NET.init(Key(0), (-1, 2))


def test_strings_as_tokens() -> None:
    """They want numbers, which their places in the sorted vocabulary are."""
    net: Any = Embedding(3, 2)
    _, params = net.init(Key(0), (-1,))
    assert "np.unique(x, return_inverse=True)" in refusal(lambda: net.apply(params, WORDS), DTypeError)


@pytest.mark.parametrize("score", [softmax_cross_entropy, accuracy], ids=repr)
def test_strings_as_labels(score: Any) -> None:
    """Likewise."""
    logits = np.zeros((2, 3))
    said = refusal(lambda: score(logits, WORDS), DTypeError)
    assert "np.unique(x, return_inverse=True)" in said and "the target" in said
    number, places = np.unique(WORDS, return_inverse=True)
    assert len(number) == 2 and score(logits, places) >= 0


MASKED: list[Any] = [np.ma.masked_array([1.0, 2.0], [True, False])] * 2


@pytest.mark.parametrize("x", [MASKED, [MASKED], [[1.0, 2.0], MASKED[0]]], ids=["list", "nested", "mixed"])
def test_lists_of_masked_arrays(x: Any) -> None:
    """Refused as a masked array is: NumPy would take what is behind the mask."""
    assert ".filled(value)" in refusal(lambda: NET.apply(PARAMS, x), DTypeError)
    assert ".filled(value)" in refusal(lambda: squared_error(np.zeros((2, 2)), x), DTypeError)


def test_ufuncs_of_one_array_as_derivatives() -> None:
    """`np.cos(x, y)` would write into y."""
    wave = elementwise(np.sin, np.cos)
    x = np.array([0.5, 2.0])
    y, pullback = vjp(serial(wave, wave).apply, {}, x)
    assert y == pytest.approx(np.sin(np.sin(x)), rel=1e-15)
    assert pullback(np.ones(2))[1] == pytest.approx(np.cos(np.sin(x)) * np.cos(x), rel=1e-15)
    assert repr(wave) == "elementwise(sin, cos)"
