"""Embedding: values worked by hand, edges, messages, gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import Dense, DTypeError, Embedding, LabelError, Params, serial, vjp

TABLE = Params({"w": np.array([[0.0, 1], [10, 11], [20, 21]], np.float32)})
NET = Embedding(3, 2)


def test_a_token_is_looked_up() -> None:
    """Any number of axes, none too; the vectors come last."""
    assert NET.apply(TABLE, np.array([2, 0, 2])).tolist() == [[20, 21], [0, 1], [20, 21]]
    assert NET.apply(TABLE, np.array([[1]])).tolist() == [[[10, 11]]]
    assert NET.apply(TABLE, np.array(1)).tolist() == [10, 11]


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64, ">i4"])
def test_tokens_are_integers_of_any_width(dtype: Any) -> None:
    """Signed, unsigned, of either byte order."""
    assert NET.apply(TABLE, np.array([2, 0], dtype)).tolist() == [[20, 21], [0, 1]]


def test_the_output_is_new_memory() -> None:
    """Writing into it leaves the table what it is."""
    y = NET.apply(TABLE, np.array([0, 1, 2]))
    assert not np.shares_memory(y, TABLE.at("w"))


def test_the_gradient_of_a_row_is_the_sum_over_its_places() -> None:
    """Rows that nobody looked up have none; tokens have the cotangent zero, in the dtype of the params."""
    y, pullback = vjp(NET.apply, TABLE, np.array([[1, 1], [0, 1]]))
    dparams, dx = pullback(np.arange(8, dtype=np.float32).reshape(y.shape))
    assert dparams.at("w").tolist() == [[4, 5], [0 + 2 + 6, 1 + 3 + 7], [0, 0]]
    assert (dx.shape, dx.dtype.name, bool(dx.any())) == ((2, 2), "float32", False)


def test_params_are_drawn_for_vocabulary_and_units() -> None:
    """One row for every token, with the standard deviation 0.02."""
    out_shape, params = Embedding(1000, 50).init(0, (-1, 20))
    assert (out_shape, params.at("w").shape) == ((-1, 20, 50), (1000, 50))
    assert float(params.at("w").std()) == pytest.approx(0.02, rel=0.02)


def test_the_layer_prints_and_compares_as_source() -> None:
    """The initializer of the table is not mentioned where it is the default."""
    assert repr(NET) == "Embedding(3, 2)" and Embedding(3, 2) == NET != Embedding(3, 4)


@pytest.mark.parametrize(("token", "at"), [(3, (1, 0)), (-1, (0, 1))])
def test_tokens_out_of_range_are_refused(token: int, at: tuple[int, int]) -> None:
    """Negative ones too, which NumPy would look up from the end; with value, index, range and path."""
    x = np.zeros((2, 2), np.int64)
    x[at] = token
    net = serial(NET, Dense(1))
    _, params = net.init(0, (-1, 2))
    with pytest.raises(LabelError) as caught:
        net.apply(params, x)
    assert str(caught.value).startswith("embedding_0 in serial: ")
    for part in (f"token {token}", f"index {at}", "from 0 to 2"):
        assert part in str(caught.value)


@pytest.mark.parametrize("x", [np.array([0.0, 1.0]), np.array([True, False])])
def test_tokens_that_are_no_integers_are_refused(x: Any) -> None:
    """With the conversion to write."""
    with pytest.raises(DTypeError, match=r"astype\(np\.int64\)"):
        NET.apply(TABLE, x)


@pytest.mark.parametrize(("vocabulary", "units", "name"), [(0, 2, "vocabulary"), (3, 0, "units")])
def test_impossible_sizes_are_refused(vocabulary: int, units: int, name: str) -> None:
    """At construction, by name."""
    with pytest.raises(ValueError, match=rf"Embedding: {name} must be an integer of at least 1, got 0"):
        Embedding(vocabulary, units)


def test_the_padding_is_nothing() -> None:
    """Its vector is 0, whatever the row holds; it starts as 0 and has no gradient. The others are as without."""
    net, tokens = Embedding(3, 2, padding=1), np.array([[1, 2], [0, 1]])
    y, pullback = vjp(net.apply, TABLE, tokens)
    assert y.tolist() == [[[0, 0], [20, 21]], [[0, 1], [0, 0]]]
    dparams, _ = pullback(np.arange(8, dtype=np.float32).reshape(y.shape))
    assert dparams.at("w").tolist() == [[4, 5], [0, 0], [2, 3]]
    drawn, full = (f.init(0, (2,))[1].at("w") for f in (net, NET))
    assert not drawn[1].any() and np.array_equal(drawn[[0, 2]], full[[0, 2]])


@pytest.mark.parametrize("padding", [3, -1, True, 1.0, "<pad>"])
def test_a_padding_that_is_no_token(padding: Any) -> None:
    """Told when the layer is made."""
    with pytest.raises(ValueError, match="Embedding: padding must be a token, an integer of at least 0 and less than"):
        Embedding(3, 2, padding=padding)


def test_a_padding_of_numpy() -> None:
    """Is one of Python's."""
    assert Embedding(3, 2, padding=np.int8(1)) == Embedding(3, 2, padding=1)  # type: ignore[arg-type]
