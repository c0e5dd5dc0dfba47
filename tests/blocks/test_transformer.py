"""The block is the equations in its docstring."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import (
    Array, Dense, Dropout, Gelu, Layer, LayerNorm, MultiHeadAttention, Params, Relu, TransformerBlock, serial,
)  # fmt: skip

X = np.random.default_rng(0).normal(size=(2, 5, 4))


def applied(net: Layer[Any, Any], params: Any, x: Any) -> Array:
    """The value of a part."""
    y: Array = net.apply(params, x)
    return y


def test_norms_first() -> None:
    """h = x + attention(norm(x)), y = h + dense(gelu(dense(norm(h))))."""
    net = TransformerBlock(4, 2, causal=True)
    _, p = net.init(0, X.shape, dtype=np.float64)
    a, b = p.sub("residual_0/serial_0"), p.sub("residual_1/serial_0")
    attention = MultiHeadAttention(2, causal=True)
    h = X + applied(attention, a.sub("multi_head_attention_0"), applied(LayerNorm(), a.sub("layer_norm_0"), X))
    z = applied(Dense(16), b.sub("dense_0"), applied(LayerNorm(), b.sub("layer_norm_0"), h))
    y = h + applied(Dense(4), b.sub("dense_1"), applied(Gelu, {}, z))
    assert np.allclose(net.apply(p, X), y, rtol=1e-14)


def test_norms_last() -> None:
    """h = norm(x + attention(x)), y = norm(h + dense(relu(dense(h))))."""
    net = TransformerBlock(4, 1, hidden=3, norm="post", activation=Relu)
    _, p = net.init(0, X.shape, dtype=np.float64)
    look = p.sub("residual_0/serial_0/multi_head_attention_0")
    looked: Array = X + applied(MultiHeadAttention(1), look, X)
    h = applied(LayerNorm(), p.sub("serial_0/layer_norm_0"), looked)
    feed = p.sub("serial_0/residual_0/serial_0")
    z = h + applied(serial(Dense(3), Relu, Dense(4)), feed, h)
    assert np.allclose(net.apply(p, X), applied(LayerNorm(), p.sub("serial_0/layer_norm_1"), z), rtol=1e-14)


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("causal", [False, True])
def test_a_full_mask_is_no_mask(norm: Any, causal: bool) -> None:
    """The same numbers, under other paths; the mask passes on."""
    plain = TransformerBlock(4, 2, norm=norm, causal=causal)
    masked = TransformerBlock(4, 2, norm=norm, causal=causal, masked=True)
    mask = np.ones((2, 5), np.bool_)
    _, p = plain.init(0, X.shape, dtype=np.float64)
    _, q = masked.init(1, (X.shape, mask.shape), dtype=np.float64)
    for path in q.paths():
        other = path.replace("first_0/residual_0", "residual_1") if norm == "pre" else path
        q = q.set(path, p.at(other.replace("keep_0/", "").replace("first_0/", "")))
    y, passed = masked.apply(q, (X, mask))
    assert np.allclose(y, plain.apply(p, X), rtol=1e-14)
    assert np.array_equal(passed, mask)


def test_dropout_stands_before_each_sum() -> None:
    """And on the weights of attention."""
    assert TransformerBlock(4, 2, drop=0.5).apply.random
    assert not TransformerBlock(4, 2).apply.random
    net = TransformerBlock(4, 2, drop=0.5)
    _, p = net.init(0, X.shape)
    assert isinstance(p, Params)
    assert Dropout(0.5).apply.random
    assert np.array_equal(net.apply(p, X), TransformerBlock(4, 2).apply(p, X))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: TransformerBlock(6, 4), ValueError, "heads must divide the width, got 4 heads and the width 6"),
        (lambda: TransformerBlock(0, 1), ValueError, "width must be an integer of at least 1"),
        (lambda: TransformerBlock(4, 1, hidden=0), ValueError, "hidden must be an integer of at least 1"),
        (lambda: TransformerBlock(4, 1, norm="both"), ValueError, 'norm must be "pre" or "post", got'),
        (lambda: TransformerBlock(4, 1, activation=np.tanh), TypeError, "activation must be a layer, like Gelu"),  # type: ignore[call-overload]
        (lambda: TransformerBlock(4, 1, drop=1.0), ValueError, "drop must be in [0, 1)"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused(make: Any, error: type[Exception], message: str) -> None:
    """At construction."""
    with pytest.raises(error) as caught:
        make()
    assert message in str(caught.value)
