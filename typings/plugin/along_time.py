"""Networks along time, a line a layer: each mistake is told at the line of the guilty layer, and nothing else."""

from funcnn import (
    GRU, LSTM, RNN, Array, Conv1D, Dense, Dropout, Embedding, FanInConcat, FanInSum, FanOut, Flatten, GRUCell, Key,
    LSTMCell, Last, Layer, LayerNorm, MaxOver, MeanOver, MultiHeadAttention, PositionalEmbedding, RNNCell, Relu,
    SinusoidalEncoding, Softmax, Tokens, TransformerBlock, Transpose, bidirectional, checkpoint, decoder, ensemble,
    first, freeze, inference, keep, map_over, masked, parallel, repeat, residual, scan, select, serial, summary,
    tie, transposed,
)  # fmt: skip

key = Key(0)

# the second recurrent layer gets the last state alone
w1 = serial(
    Embedding(50, 8),
    LSTM(16, last=True),
    LSTM(16),  # E[funcnn-shape]: LSTM takes (batch, time, features), got (?, 16)
    Dense(2),
)
w1.init(key, (-1, 20))

# heads do not divide
w2 = serial(
    Embedding(50, 10),
    TransformerBlock(10, 5),
    MultiHeadAttention(4),  # E[funcnn-shape]: MultiHeadAttention(4) divides the features by its heads, got 10 features
)
w2.init(key, (-1, 20))

# width of the block
w3 = serial(
    Embedding(50, 16),
    PositionalEmbedding(64),
    TransformerBlock(32, 4),  # E[funcnn-shape]: got (?, 20, 32) and (?, 20, 16)
    LayerNorm(),
)
w3.init(key, (-1, 20))

# too long
w4 = serial(
    Embedding(50, 16),
    PositionalEmbedding(64),  # E[funcnn-shape]: PositionalEmbedding(64) has no place for 65 steps
    Dense(2),
)
w4.init(key, (-1, 65))

# the mask has ended its way
w5 = serial(
    first(Embedding(10, 8)),
    GRU(8, masked=True),
    GRU(8, masked=True),  # E[funcnn-wiring]: GRU(...) takes tuple[Array, Mask], but GRU(...) before it gives Array
)

# rotary odd
w7 = serial(
    Embedding(50, 6),
    MultiHeadAttention(2, rotary=True),  # E[funcnn-shape]: by its heads, in pairs of features, got 6 features
)
w7.init(key, (-1, 20))

# state of the wrong size
w8 = serial(
    LSTM(16, state=True),  # E[funcnn-shape]: expected ((?, 16), (?, 16)), got ((?, 16), (?, 8))
    select(0),
)
w8.init(key, ((-1, 20, 4), ((-1, 16), (-1, 8))))

# state of LSTM is one array
w9 = serial(
    LSTM(16, state=True),  # E[funcnn-shape]: expected ((?, 16), (?, 16)), got (?, 16)
    select(0),
)
w9.init(key, ((-1, 20, 4), (-1, 16)))

# scan without its state
w11 = serial(
    Dense(4),
    scan(GRUCell(3)),  # E[funcnn-wiring]: scan(...) takes tuple[Array, Array], but Dense(...) before it gives Array
)

# residual around a recurrence of other width
w12 = serial(
    Embedding(50, 8),
    residual(LSTM(16)),  # E[funcnn-shape]: residual adds arrays of one shape, got (?, 20, 16) and (?, 20, 8)
)
w12.init(key, (-1, 20))

# cross attention, batch of memory
w13 = serial(
    MultiHeadAttention(2, cross=True),  # E[funcnn-shape]: of one batch: expected (4,), got (3,)
    Dense(3),
)
w13.init(key, ((4, 20, 8), (3, 30, 6)))

# mask over features
w14 = serial(
    first(Dense(8)),
    TransformerBlock(8, 2, masked=True),  # E[funcnn-shape]: expected (?, 20), got (?, 5)
    MeanOver(1, masked=True),
)
w14.init(key, ((-1, 20, 5), (-1, 5)))

# a mean over an axis that is not there
w15 = serial(
    LSTM(4, last=True),
    MeanOver(2),  # E[funcnn-shape]: MeanOver goes over axis 2, got (?, 4)
)
w15.init(key, (-1, 20, 5))

# Conv1D window longer
w16 = serial(
    Embedding(50, 8),
    Conv1D(8, 5),
    Conv1D(8, 5),
    Conv1D(8, 5),  # E[funcnn-shape]: the window (5,) of Conv1D is larger than the sequence (4,)
)
w16.init(key, (-1, 12))

# Embedding of features
w17 = serial(
    Dense(4),
    Embedding(10, 3),  # E[funcnn-wiring]: Embedding(...) takes Tokens, but Dense(...) before it gives Array
)

# repeat of a layer that changes its width
w19 = serial(
    Embedding(50, 8),
    repeat(LSTM(16), 2, shared=True),  # E[funcnn-shape]: got (?, 20, 8) and (?, 20, 16)
)
w19.init(key, (-1, 20))

# joins of different lengths
w20 = serial(
    Embedding(50, 8),
    FanOut(2),
    parallel(Conv1D(8, 3), LSTM(8)),
    FanInSum,  # E[funcnn-shape]: FanInSum adds arrays of one shape, got (?, 18, 8) and (?, 20, 8)
)
w20.init(key, (-1, 20))

# no steps for a mean
w21 = serial(
    Embedding(9, 4),
    MeanOver(1),  # E[funcnn-shape]: MeanOver goes over axis 1, which is empty: got (?, 0, 4)
)
w21.init(key, (-1, 0))

# keep: next layer has no mask
w22 = serial(
    first(Embedding(10, 8)),
    keep(GRU(8, masked=True)),
    LSTM(8),  # E[funcnn-wiring]: LSTM(...) takes Array, but keep(...) before it gives tuple[Array, Mask]
)

# causal cross
w23 = serial(
    MultiHeadAttention(2, cross=True, causal=True),  # E[funcnn-value]: causal=True compares positions
)

# heads 0
w24 = serial(Embedding(9, 4),
    TransformerBlock(4, 0),  # E[funcnn-value]: TransformerBlock: heads must be an integer of at least 1, got 0
)

# Last of an array without time
w25 = serial(
    GRU(4, last=True),
    Last,
    Last,  # E[funcnn-shape]: Last takes (batch, time, ...), got (?,)
)
w25.init(key, (-1, 20, 5))

# RNN state given as a pair
w26 = serial(
    RNN(3, state=True),  # E[funcnn-shape]: RNN: its state is (batch, units): expected (?, 3), got ((?, 3), (?, 3))
)
w26.init(key, ((-1, 5, 2), ((-1, 3), (-1, 3))))

# GRU with mask of floats rank 3
w27 = serial(
    first(Dense(2)),
    GRU(3, masked=True),  # E[funcnn-shape]: (batch, time): expected (?, 5), got (?, 5, 1)
)
w27.init(key, ((-1, 5, 2), (-1, 5, 1)))

# map_over(axis=2) of a rank 2
w28 = serial(
    LSTM(3, last=True),
    map_over(Dense(3), axis=2),  # E[funcnn-shape]: map_over takes an array of at least 3 axes, got (?, 3)
)
w28.init(key, (-1, 5, 2))

# and these are right
n1 = serial(Embedding(50, 8), bidirectional(LSTM(16)), LSTM(8, last=True), Dense(2))
n1.init(key, (-1, 20))
n2 = serial(
    Embedding(50, 16), PositionalEmbedding(64), repeat(TransformerBlock(16, 4, causal=True), 3), LayerNorm(), Dense(50),
)
n2.init(key, (-1, 64))
step = decoder(n2)
n3 = tie(serial(Embedding(50, 8), LSTM(8), Dense(50, bias=False)), {"dense_0/w": transposed("embedding_0/w")})
n3.init(key, (-1, 20))
n4 = serial(first(Embedding(10, 8)), keep(GRU(8, masked=True)), GRU(8, masked=True, last=True), Dense(3))
n4.init(key, ((-1, 20), (-1, 20)))
n5 = serial(
    first(Embedding(10, 8)), TransformerBlock(8, 2, masked=True), keep(LSTM(8, masked=True)),
    MeanOver(1, masked=True), Dense(3),
)
n5.init(key, ((-1, 20), (-1, 20)))
n6 = serial(scan(LSTMCell(3)), select(0), Dense(2))
n6.init(key, ((-1, 5, 2), ((-1, 3), (-1, 3))))
n7 = serial(GRU(3, state=True), first(Dense(2)))
n7.init(key, ((-1, 5, 2), (-1, 3)))
n8 = serial(parallel(Dense(8), Dense(6)), MultiHeadAttention(2, cross=True), Dense(3))
n8.init(key, ((4, 20, 8), (4, 30, 7)))
n9 = residual(serial(LayerNorm(), MultiHeadAttention(2, rotary=True), Dropout(0.1)))
n9.init(key, (-1, 20, 8))
n10 = serial(Embedding(50, 8), Conv1D(8, 3, padding="CAUSAL", dilation=2), Relu, Conv1D(4, 3, 2, "SAME"), MaxOver(1))
n10.init(key, (-1, 12))
n11 = serial(Embedding(50, 8), FanOut(2), parallel(LSTM(4), GRU(4)), FanInConcat(), Last, Dense(2))
n11.init(key, (-1, 12))
n12 = freeze(n1, n1.init(key, (-1, 20))[1], "embedding_0/**")
n13 = serial(map_over(serial(Flatten, Dense(3))), LSTM(4, last=True))
n13.init(key, (-1, 20, 8, 8))
n14 = ensemble(serial(Embedding(9, 4), LSTM(4, last=True), Dense(3)), 3)
n14.init(key, (-1, 5))
n15 = Embedding(9, 8) >> LSTM(4) >> MaxOver(1) >> Dense(3) >> Softmax
n15.init(key, (-1, 7))
n17 = serial(Embedding(9, 4), LSTM(4), Dense(5))
n17.init(key, (-1, 0))
n17.init(key, (0, 7))
n18 = checkpoint(serial(Dense(8), TransformerBlock(8, 2, norm="post", hidden=5)))
n18.init(key, (-1, 5, 3))


def classifier(units: int, last: bool = True) -> Layer[Tokens, Array]:
    return serial(Embedding(50, 8), LSTM(units, last=last), Dense(2))


n19 = classifier(7)
n19.init(key, (-1, 20))
n20 = serial(scan(serial(first(Dropout(0.5)), RNNCell(2)), masked=True), select(0), Dense(2))
n20.init(key, ((-1, 5, 2), (-1, 2), (-1, 5)))
n21 = serial(
    Dense(8), SinusoidalEncoding(), MultiHeadAttention(2, causal=True, drop=0.1), inference(Dropout(0.5)), MeanOver(-2),
)
n21.init(key, (-1, 5, 3))
n22 = bidirectional(GRU(3, masked=True))
n22.init(key, ((-1, 5, 2), (-1, 5)))
summary(n2, (-1, 64))
n23 = serial(Embedding(50, 8), Transpose((0, 2, 1)), Dense(5), Transpose((0, 2, 1)), LSTM(3))
n23.init(key, (-1, 20))
n24 = scan(GRUCell(3), reverse=True)
n24.init(key, ((-1, 0, 2), (-1, 3)))
n25 = MultiHeadAttention(2, cross=True, masked=True)
n25.init(key, ((-1, 3, 4), (-1, 0, 4), (-1, 0)))
n26 = serial(LSTM(3, state=True), LSTM(3, state=True), select(1))
n26.init(key, ((-1, 5, 2), ((-1, 3), (-1, 3))))
n27 = serial(LSTM(3, state=True), select(1), select(1), Dense(2))
n27.init(key, ((-1, 5, 2), ((-1, 3), (-1, 3))))
n28 = serial(LSTM(3, state=True), select(1, 0), select(1), LSTM(3, last=True))
n28.init(key, ((-1, 5, 2), ((-1, 3), (-1, 3))))
serial(LSTM(3, state=True), select(1), Dense(2))  # E[funcnn-wiring]: Dense(...) takes Array, but select(...) before it gives tuple[Array, Array]
