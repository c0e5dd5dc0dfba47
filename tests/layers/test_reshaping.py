"""Flatten, Identity, Reshape, Transpose, Squeeze and Last."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import (
    Array, Embedding, Flatten, Identity, Last, Layer, Reshape, ShapeError, Squeeze, Transpose, serial, vjp,
)  # fmt: skip


def test_flatten_keeps_the_first_axis() -> None:
    """Rows are read with the last axis fastest."""
    x = np.arange(12.0).reshape(2, 3, 2)
    assert Flatten.apply({}, x).tolist() == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]


@pytest.mark.parametrize(
    ("shape", "out"),
    [((-1, 28, 28, 1), (-1, 784)), ((5, 3), (5, 3)), ((5,), (5, 1)), ((0, 3, 2), (0, 6)), ((2, -1, 3), (2, -1))],
)
def test_flatten_shapes(shape: tuple[int, ...], out: tuple[int, ...]) -> None:
    """The other axes are multiplied; what is not known stays unknown."""
    assert Flatten.out_shape(shape) == out


def test_flatten_pullback_gives_the_shape_back() -> None:
    """The cotangent of an entry is the entry of the cotangent."""
    _, pullback = vjp(Flatten.apply, {}, np.ones((1, 2, 2)))
    assert pullback(np.array([[1.0, 2.0, 3.0, 4.0]]))[1].tolist() == [[[1.0, 2.0], [3.0, 4.0]]]


def test_flatten_refuses_what_has_no_batch() -> None:
    """A number or a tuple is no batch."""
    with pytest.raises(ShapeError, match=r"Flatten takes an array of at least 1 axis, got \(\)"):
        Flatten.out_shape(())
    with pytest.raises(ShapeError, match="Flatten takes .* got a tuple of 2"):
        Flatten.out_shape(((-1, 3), (-1, 4)))


def test_identity_copies_nothing() -> None:
    """It gives the very array, read-only from outside."""
    x = np.ones((2, 3))
    y = Identity.apply({}, x)
    assert np.shares_memory(x, y) and not y.flags.writeable


def test_identity_pulls_back_the_cotangent() -> None:
    """`dx = dy`."""
    _, pullback = vjp(Identity.apply, {}, np.ones((1, 2)))
    assert pullback(np.array([[3.0, 4.0]]))[1].tolist() == [[3.0, 4.0]]


def test_integers_reach_what_lies_behind() -> None:
    """Neither has a use for its input, so that tokens stay integers on their way to what has."""
    tokens = np.array([[[1], [2]]])
    kept: Array = Flatten.apply({}, tokens)
    assert kept.dtype == tokens.dtype


# Reshape, Transpose, Squeeze, Last ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("net", "shape", "out"),
    [
        (Reshape((2, 6)), (5, 3, 4), (5, 2, 6)),
        (Reshape((2, -1)), (5, 3, 4), (5, 2, 6)),
        (Reshape((-1,)), (0, 3, 4), (0, 12)),
        (Reshape(()), (5, 1, 1), (5,)),
        (Reshape((3, 2)), (-1, 6), (-1, 3, 2)),
        (Reshape((3, 2)), (2, -1), (2, 3, 2)),
        (Reshape((3, -1)), (2, -1), (2, 3, -1)),
        (Transpose((0, 2, 1)), (-1, 3, 4), (-1, 4, 3)),
        (Transpose((1, 0)), (3, -1), (-1, 3)),
        (Squeeze(), (5, 1), (5,)),
        (Squeeze(1), (5, 1, 1, 2), (5, 1, 2)),
        (Squeeze(-2), (5, 1, 2), (5, 2)),
        (Squeeze(), (5, -1), (5,)),
        (Last, (5, 9), (5,)),
        (Last, (-1, -1, 3), (-1, 3)),
    ],
)
def test_shapes(net: Layer[Array, Array], shape: tuple[int, ...], out: tuple[int, ...]) -> None:
    """What goes in and what comes out; what is not known stays unknown."""
    assert net.out_shape(shape) == out
    if -1 not in shape:
        assert net.apply({}, np.zeros(shape)).shape == out


def test_values_are_numpys() -> None:
    """Reshape reads with the last axis fastest, Transpose exchanges axes, Last takes the last."""
    x = np.arange(24.0).reshape(2, 3, 4)
    assert Reshape((4, -1)).apply({}, x).tolist() == x.reshape(2, 4, 3).tolist()
    assert Transpose((2, 0, 1)).apply({}, x).tolist() == [[[r[k] for r in e] for e in x.tolist()] for k in range(4)]
    assert Last.apply({}, x).tolist() == [[8.0, 9.0, 10.0, 11.0], [20.0, 21.0, 22.0, 23.0]]


@pytest.mark.parametrize("net", [Reshape((2, 6)), Transpose((2, 0, 1)), Last, Squeeze(3)], ids=repr)
def test_cotangents_go_back_where_entries_came_from(net: Layer[Array, Array]) -> None:
    """`<dy, f(x)> = <dx, x>` for all x, entry by entry."""
    x = np.arange(24.0).reshape(2, 3, 4)[..., None] if net == Squeeze(3) else np.arange(24.0).reshape(2, 3, 4)
    y, pullback = vjp(net.apply, {}, x)
    for i in range(y.size):
        dy = np.zeros(y.size)
        dy[i] = 1.0
        assert (pullback(dy.reshape(y.shape))[1] * x).sum() == y.ravel()[i]


def test_the_last_of_no_rows() -> None:
    """No rows in, no rows out, with a cotangent of their shape."""
    y, pullback = vjp(Last.apply, {}, np.zeros((0, 3, 2)))
    assert (y.shape, pullback(y)[1].shape) == ((0, 2), (0, 3, 2))


@pytest.mark.parametrize(
    ("net", "shape", "message"),
    [
        (Reshape((3, 4)), (2, 5), r"Reshape\(\(3, 4\)\) takes examples of 12 entries, got \(2, 5\)"),
        (Reshape((3, -1)), (2, 5), r"Reshape\(\(3, -1\)\) takes examples of a multiple of 3 entries, got \(2, 5\)"),
        (Transpose((0, 2, 1)), (2, 5), r"Transpose takes an array of 3 axes, got \(2, 5\)"),
        (Squeeze(), (2, 5), r"Squeeze\(-1\) takes one entry along axis -1, got \(2, 5\)"),
        (Squeeze(2), (2, 1), r"Squeeze\(2\) takes an array with a batch axis and an axis 2, got \(2, 1\)"),
        (Squeeze(-2), (1, 5), r"Squeeze\(-2\) takes an array with a batch axis and an axis -2"),
        (Last, (5,), r"Last takes \(batch, time, ...\), got \(5,\)"),
    ],
)
def test_shapes_that_do_not_fit(net: Layer[Array, Array], shape: tuple[int, ...], message: str) -> None:
    """With what is taken and what came."""
    with pytest.raises(ShapeError, match=message):
        net.out_shape(shape)


def test_tokens_pass_through_all_of_them() -> None:
    """None computes, so that an Embedding may come behind."""
    parts: list[Any] = [Reshape((2, 3, 1)), Transpose((0, 2, 1, 3)), Last, Squeeze(), Embedding(9, 4)]
    net = serial(*parts)
    _, params = net.init(0, (-1, 6))
    assert net.apply(params, np.arange(6)[None]).shape == (1, 2, 4)
