"""The types of what goes along time: sequences, masks, states, and networks step by step."""

from typing import Any, assert_type

import numpy as np

from funcnn import (
    GRU, LSTM, RNN, Array, Decoder, Dense, Embedding, GRUCell, Key, Layer, LSTMCell, Mask, MaxOver, MeanOver, Memory,
    MultiHeadAttention, PositionalEmbedding, RNNCell, RotaryEmbedding, SinusoidalEncoding, Tokens, TransformerBlock,
    bidirectional, decoder, first, keep, map_over, sample, scan, serial,
)  # fmt: skip

# recurrent layers, and their cells
assert_type(RNN(3), Layer[Array, Array])
assert_type(GRU(3, last=True, masked=True), Layer[tuple[Array, Mask], Array])
assert_type(GRU(3, state=True), Layer[tuple[Array, Array], tuple[Array, Array]])
assert_type(LSTM(3, state=True), Layer[tuple[Array, tuple[Array, Array]], tuple[Array, tuple[Array, Array]]])
assert_type(RNN(3, masked=True, state=True), Layer[tuple[Array, Mask, Array], tuple[Array, Array]])
assert_type(RNNCell(3), Layer[tuple[Array, Array], tuple[Array, Array]])
assert_type(LSTMCell(3), Layer[tuple[Array, tuple[Array, Array]], tuple[Array, tuple[Array, Array]]])

# along an axis
assert_type(scan(GRUCell(3)), Layer[tuple[Array, Array], tuple[Array, Array]])
assert_type(scan(GRUCell(3), masked=True, reverse=True), Layer[tuple[Array, Array, Mask], tuple[Array, Array]])
assert_type(
    scan(LSTMCell(3)), Layer[tuple[Array, tuple[Array, Array]], tuple[Array, tuple[Array, Array]]]
)
assert_type(map_over(Embedding(9, 3)), Layer[Tokens, Array])
assert_type(map_over(GRU(3, masked=True), axis=2), Layer[tuple[Array, Mask], Array])
assert_type(bidirectional(LSTM(3)), Layer[Array, Array])
assert_type(bidirectional(LSTM(3, masked=True)), Layer[tuple[Array, Mask], Array])

# attention, positions, means
assert_type(MultiHeadAttention(2, causal=True, rotary=True, drop=0.1), Layer[Array, Array])
assert_type(MultiHeadAttention(2, masked=True), Layer[tuple[Array, Mask], Array])
assert_type(MultiHeadAttention(2, cross=True), Layer[tuple[Array, Array], Array])
assert_type(MultiHeadAttention(2, cross=True, masked=True), Layer[tuple[Array, Array, Mask], Array])
assert_type(TransformerBlock(8, 2), Layer[Array, Array])
assert_type(TransformerBlock(8, 2, masked=True), Layer[tuple[Array, Mask], tuple[Array, Mask]])
assert_type(serial(PositionalEmbedding(9), SinusoidalEncoding(), RotaryEmbedding()), Layer[Array, Array])
assert_type(serial(MaxOver(1), Dense(2)), Layer[Array, Array])
assert_type(MeanOver(1, masked=True), Layer[tuple[Array, Mask], Array])
assert_type(
    serial(first(Embedding(9, 8)), keep(GRU(8, masked=True)), LSTM(4, masked=True, last=True)),
    Layer[tuple[Tokens, *tuple[Any, ...]], Array],
)

# step by step
net = serial(Embedding(9, 8), TransformerBlock(8, 2, causal=True), Dense(9))
step = decoder(net)
assert_type(step, Decoder[Tokens, Array])
_, params = net.init(Key(0), (1, 4))
logits, memory = step(params, np.array([[1, 2, 3]]))
assert_type(logits, Array)
assert_type(memory, Memory)
token = sample(logits[:, -1], Key(1), temperature=0.5, top_k=3)
assert_type(token, Tokens)
more, memory = step(params, token[:, None], memory)
