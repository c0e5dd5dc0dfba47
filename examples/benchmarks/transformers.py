"""Workloads over tokens: transformers, a large table of embeddings, norms by themselves, and text token by token."""

from __future__ import annotations

from typing import Any

import numpy as np
from works import Work, Works

from funcnn import (
    BatchNorm, Dense, Embedding, Layer, LayerNorm, MeanOver, PositionalEmbedding, TransformerBlock, adam, serial,
    softmax_cross_entropy, squared_error,
)  # fmt: skip


class Tokens(Work):
    """Tokens come in, as many kinds as the table of the first layer has rows. Labels are those of every token, or of
    every sequence, as the network gives logits for one or the other."""

    def data(self) -> tuple[Any, Any]:
        rng = np.random.default_rng(0)
        vocabulary: Any = next(iter(self.net.init(0, self.shape)[1].to_dict().values()))
        out: Any = self.net.out_shape(self.shape)
        tokens = rng.integers(0, len(vocabulary["w"]), self.shape)
        return tokens, rng.integers(0, self.classes, out[:-1])


class Passes(Work):
    """Not a training step, but value and pullback of a network, with the cotangents of its params and of its input."""


class Writing(Tokens):
    """Not a batch, but one token after the other: every next one is the likeliest. `shape` says how many."""


def gpt(
    width: int = 128, heads: int = 4, time: int = 128, batch: int = 16, *, causal: bool = True, vocabulary: int = 128
) -> Work:
    """Two pre-norm blocks of width 128 with 4 heads over 128 characters, batch 16; cross-entropy, Adam."""
    blocks = [TransformerBlock(width, heads, causal=causal) for _ in range(2)]
    net = serial(Embedding(vocabulary, width), PositionalEmbedding(time), *blocks, LayerNorm(), Dense(vocabulary))
    return Tokens(net, (batch, time), softmax_cross_entropy, adam(1e-3), vocabulary)


def _table(rows: int, units: int, *shape: int) -> Work:
    net = serial(Embedding(rows, units), MeanOver(1), Dense(10))
    return Tokens(net, shape, softmax_cross_entropy, adam(1e-3), 10)


def _passes(layer: Layer[Any, Any], *shape: int) -> Work:
    return Passes(serial(layer), shape, squared_error, adam(1e-3))


def _writing() -> Work:
    return Writing(gpt().net, (1, 100), softmax_cross_entropy, adam(1e-3), 128, training=False)


FIRST: Works = {"gpt": gpt}
"""What the library is tuned on."""

SECOND: Works = {
    "gpt, width 192, 6 heads, 200 tokens, batch 3": lambda: gpt(192, 6, 200, 3),
    "gpt, not causal": lambda: gpt(causal=False),
    "gpt, vocabulary 10,000": lambda: gpt(batch=4, vocabulary=10_000),
    "embedding, 50,000 rows": lambda: _table(50_000, 64, 32, 64),
    "batch norm": lambda: _passes(BatchNorm(), 32, 16, 16, 64),
    "layer norm": lambda: _passes(LayerNorm(), 16, 128, 128),
    "100 tokens, one by one": _writing,
}
"""What it is not tuned on."""
