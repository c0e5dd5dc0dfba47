"""Networks of ours that the modules of `torch_modules.py` come over to."""

from __future__ import annotations

from typing import Any, Final

from funcnn import (
    GRU,
    LSTM,
    RNN,
    BatchNorm,
    Bilinear,
    Conv,
    Conv1D,
    Conv1DTranspose,
    Conv3D,
    Conv3DTranspose,
    ConvTranspose,
    Dense,
    Embedding,
    Flatten,
    GlobalAvgPool,
    GroupNorm,
    GRUCell,
    InstanceNorm,
    Layer,
    LayerNorm,
    LSTMCell,
    MaxPool,
    MeanOver,
    MultiHeadAttention,
    PositionalEmbedding,
    PRelu,
    Relu,
    Reshape,
    RMSNorm,
    RNNCell,
    Tanh,
    TransformerBlock,
    bidirectional,
    gelu,
    residual,
    scan,
    serial,
    tie,
    transposed,
)
from tests.weights.cases import Case

PAD: Final = ((1, 1), (1, 1))


def _block(channels: int, strides: tuple[int, int]) -> Layer[Any, Any]:
    """A block of a ResNet."""
    main = serial(
        Conv(channels, (3, 3), strides, PAD, bias=False), BatchNorm(), Relu,
        Conv(channels, (3, 3), padding=PAD, bias=False), BatchNorm(),
    )  # fmt: skip
    if strides == (1, 1):
        return serial(residual(main), Relu)
    return serial(residual(main, serial(Conv(channels, (1, 1), strides, bias=False), BatchNorm())), Relu)


CASES: Final[dict[str, Case]] = {
    "perceptron": Case(serial(Dense(4), Tanh, Dense(3)), (-1, 5)),
    "norms": Case(
        serial(Dense(6), BatchNorm(), LayerNorm(), RMSNorm(), PRelu(), Dense(2, bias=False)), (-1, 4)
    ),
    "images": Case(
        serial(
            Conv(6, (3, 2), (2, 1), PAD, groups=3), BatchNorm(), GroupNorm(2), InstanceNorm(), Relu, Flatten,
            Dense(4), Relu, Dense(2),
        ),
        (-1, 6, 5, 3),
    ),
    "sequences": Case(serial(Conv1D(4, 3, dilation=2), Relu, Flatten, BatchNorm(), Dense(2)), (-1, 9, 3)),
    "volumes": Case(serial(Conv3D(2, (2, 3, 2)), Relu, Flatten, Dense(2)), (-1, 4, 5, 3, 2)),
    "running": Case(serial(Conv(3, (2, 2)), BatchNorm()), (-1, 4, 4, 2)),
    "transposed": Case(ConvTranspose(4, (3, 2), (2, 1), ((1, 0), (0, 1)), groups=2, bias=False), (-1, 3, 4, 6)),
    "transposed_1d": Case(Conv1DTranspose(4, 3, 2, dilation=2, padding=(0, 0), groups=2), (-1, 5, 2)),
    "transposed_3d": Case(Conv3DTranspose(2, (2, 2, 3), padding=((0, 0), (0, 0), (0, 0))), (-1, 2, 3, 2, 3)),
    "decoder": Case(
        serial(Dense(24), BatchNorm(), Relu, Reshape((2, 3, 4)), ConvTranspose(2, (2, 2), (2, 2), ((0, 0), (0, 0)))),
        (-1, 3),
    ),
    "bilinear": Case(Bilinear(3), ((-1, 4), (-1, 2))),
    "lstm_classifier": Case(
        serial(Embedding(7, 4), bidirectional(LSTM(3)), bidirectional(LSTM(3)), MeanOver(1), Dense(3)), (-1, 6)
    ),
    "gru": Case(serial(GRU(3), GRU(3), GRU(3), GRU(2)), (-1, 5, 4)),
    "rnn_without_bias": Case(RNN(3), (-1, 5, 2)),
    "lstm_cell": Case(LSTMCell(3), ((-1, 2), ((-1, 3), (-1, 3)))),
    "gru_cell": Case(GRUCell(3), ((-1, 2), (-1, 3))),
    "rnn_cell": Case(RNNCell(3), ((-1, 2), (-1, 3))),
    "scanned": Case(scan(LSTMCell(3)), ((-1, 4, 2), ((-1, 3), (-1, 3)))),
    "attention": Case(MultiHeadAttention(2), (-1, 5, 4)),
    "attention_without_bias": Case(MultiHeadAttention(2, bias=False, causal=True), (-1, 5, 4)),
    "cross_attention": Case(MultiHeadAttention(2, cross=True), ((-1, 5, 4), (-1, 3, 6))),
    "transformer": Case(
        serial(
            Embedding(9, 8), PositionalEmbedding(6), TransformerBlock(8, 2, hidden=12, activation=gelu(exact=True)),
            TransformerBlock(8, 2, hidden=12, activation=gelu(exact=True)), LayerNorm(), Dense(9),
        ),
        (-1, 6),
        {"layer_norm_0": "norm", "dense_0": "head"},
    ),
    "transformer_norms_last": Case(TransformerBlock(4, 2, hidden=6, norm="post", activation=Relu), (-1, 3, 4)),
    "tied": Case(
        tie(serial(Embedding(6, 4), Dense(4), Dense(6).named("head")), {"head/w": transposed("embedding_0/w")}),
        (-1, 3),
    ),
    "resnet": Case(
        serial(
            Conv(4, (3, 3), (2, 2), PAD, bias=False), BatchNorm(), Relu, MaxPool((3, 3), (2, 2), PAD),
            _block(4, (1, 1)), _block(6, (2, 2)), GlobalAvgPool, Dense(3),
        ),
        (-1, 12, 12, 3),
    ),
}  # fmt: skip
