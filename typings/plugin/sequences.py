"""Recurrent layers, attention and what goes along time: wrong sizes, ranks, masks and tuples are told where they are."""

from funcnn import (
    GRU, LSTM, RNN, Array, Dense, Embedding, GRUCell, Identity, Key, Layer, LSTMCell, MaxOver, MeanOver,
    MultiHeadAttention, PositionalEmbedding, RotaryEmbedding, TransformerBlock, bidirectional, first, map_over, parallel,
    residual, scan, select, serial,
)  # fmt: skip

key = Key(0)

# ranks
serial(Dense(8), LSTM(4)).init(key, (-1, 5))  # E[funcnn-shape]: LSTM takes (batch, time, features), got (?, 8)
serial(LSTM(4, last=True), GRU(3)).init(key, (-1, 5, 2))  # E[funcnn-shape]: GRU takes (batch, time, features), got (?, 4)
serial(LSTM(4), RNN(3, last=True), Dense(2)).init(key, (-1, 5, 2))
serial(Embedding(9, 8), MeanOver(1), MultiHeadAttention(2)).init(key, (-1, 5))  # E[funcnn-shape]: got (?, 8)
scan(GRUCell(3)).init(key, ((-1,), (-1, 3)))  # E[funcnn-shape]: scan takes an array of at least 2 axes, got (?,)
map_over(Dense(3)).init(key, (-1, 5, 2))
bidirectional(LSTM(3)).init(key, (-1, 5))  # E[funcnn-shape]: bidirectional takes (batch, time, features), got (?, 5)

# sizes
serial(Dense(6), MultiHeadAttention(4)).init(key, (-1, 5, 2))  # E[funcnn-shape]: divides the features by its heads
serial(Dense(6), RotaryEmbedding(), Dense(7), RotaryEmbedding()).init(key, (-1, 5, 2))  # E[funcnn-shape]: got 7 features
serial(Dense(6), TransformerBlock(8, 2)).init(key, (-1, 5, 2))  # E[funcnn-shape]: got (?, 5, 8) and (?, 5, 6)
PositionalEmbedding(4).init(key, (-1, 5, 2))  # E[funcnn-shape]: has no place for 5 steps
scan(LSTMCell(3)).init(key, ((-1, 5, 2), ((-1, 3), (-1, 4))))  # E[funcnn-shape]: its state is (batch, units)
GRU(3, state=True).init(key, ((-1, 5, 2), (-1, 2)))  # E[funcnn-shape]: expected (?, 3), got (?, 2)
residual(bidirectional(GRU(3))).init(key, (-1, 5, 3))  # E[funcnn-shape]: got (?, 5, 6) and (?, 5, 3)
TransformerBlock(6, 4)  # E[funcnn-value]: heads must divide the width, got 4 heads and the width 6
LSTM(0, masked=True)  # E[funcnn-value]: LSTM: units must be an integer of at least 1, got 0
MultiHeadAttention(2, cross=True, causal=True)  # E[funcnn-value]: causal=True compares positions of one sequence

# masks
LSTM(3, masked=True).init(key, ((-1, 5, 2), (-1, 4)))  # E[funcnn-shape]: expected (?, 5), got (?, 4)
MultiHeadAttention(1, masked=True).init(key, ((-1, 5, 2), (-1, 5, 1)))  # E[funcnn-shape]: expected (?, 5), got (?, 5, 1)
MeanOver(1, masked=True).init(key, ((-1, 5, 2), (-1, 2)))  # E[funcnn-shape]: up to axis 1: expected (?, 5), got (?, 2)
serial(
    first(Dense(4)),
    TransformerBlock(4, 2, masked=True),
    LSTM(3, masked=True),
    MaxOver(1),
).init(key, ((-1, 5, 2), (-1, 5)))

# tuples, told by the shape and by the types
LSTM(3).init(key, ((-1, 5, 2), (-1, 5)))  # E[funcnn-shape]: got a tuple of 2, ((?, 5, 2), (?, 5)); masked=True adds a mask
LSTM(3, masked=True).init(key, (-1, 5, 2))  # E[funcnn-shape]: LSTM takes the tuple (x, mask), got one array
serial(Dense(3), LSTM(3, masked=True))  # E[funcnn-wiring]: LSTM(...) takes tuple[Array, Mask], but Dense(...) before it gives Array
serial(LSTM(3, state=True), Dense(3))  # E[funcnn-wiring]: Dense(...) takes Array, but LSTM(...) before it gives tuple[Array, tuple[Array, Array]]
serial(LSTM(3, state=True), select(0), Dense(3))
serial(GRU(3, state=True), LSTM(3, state=True))  # E[funcnn-wiring]: takes tuple[Array, tuple[Array, Array]], but GRU(...)
serial(TransformerBlock(4, 2, masked=True), TransformerBlock(4, 2))  # E[funcnn-wiring]: but TransformerBlock(...) before it gives
serial(parallel(Dense(4), Identity), MultiHeadAttention(2, cross=True))
serial(Dense(4), MultiHeadAttention(2, cross=True))  # E[funcnn-wiring]: takes tuple[Array, Array], but Dense(...)


def unknown(n: int, masked: bool) -> Layer[Array, Array]:
    """What does not depend on what is unknown is known all the same."""
    serial(LSTM(n, last=True), GRU(3)).init(key, (-1, 5, 2))  # E[funcnn-shape]: GRU takes (batch, time, features), got (?, ?)
    serial(Dense(n), MultiHeadAttention(4)).init(key, (-1, 5, 2))
    serial(LSTM(3, masked=masked), Dense(n)).init(key, (-1, 5, 2))
    serial(LSTM(n), residual(Dense(3))).init(key, (-1, 5, 2))
    return serial(LSTM(n), LSTM(n, last=True), Dense(2))
