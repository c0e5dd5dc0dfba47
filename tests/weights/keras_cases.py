"""Networks of ours that the models of `keras_models.py` come over to."""

from __future__ import annotations

from typing import Final

from funcnn import (
    GRU,
    LSTM,
    RNN,
    BatchNorm,
    Conv,
    Conv1D,
    Conv3D,
    ConvTranspose,
    Dense,
    Embedding,
    Flatten,
    GlobalAvgPool,
    GroupNorm,
    LayerNorm,
    MaxPool,
    MultiHeadAttention,
    PRelu,
    Relu,
    RMSNorm,
    Tanh,
    bidirectional,
    residual,
    serial,
)
from tests.weights.cases import Case

EPS: Final = 1e-3

CASES: Final[dict[str, Case]] = {
    "perceptron": Case(serial(Dense(4), Tanh, Dense(3, bias=False)), (-1, 5)),
    "norms": Case(
        serial(Dense(6), BatchNorm(eps=EPS), LayerNorm(eps=EPS), RMSNorm(eps=1e-6), PRelu(), Dense(2)), (-1, 4)
    ),
    "images": Case(
        serial(
            Conv(6, (3, 3), (2, 2), "SAME", groups=3), BatchNorm(eps=EPS), GroupNorm(2, eps=EPS), Relu,
            MaxPool((2, 2), (2, 2)), Flatten, Dense(4),
        ),
        (-1, 7, 8, 3),
    ),
    "depthwise": Case(serial(Conv(6, (3, 2), groups=3), Relu, Conv(2, (1, 1))), (-1, 5, 4, 3)),
    "separable": Case(serial(Conv(6, (3, 3), groups=3, bias=False), Conv(2, (1, 1))), (-1, 5, 4, 3)),
    "sequences": Case(serial(Conv1D(4, 3, padding="CAUSAL", dilation=2), Relu, Flatten, Dense(2)), (-1, 9, 3)),
    "volumes": Case(Conv3D(2, (2, 3, 2)), (-1, 4, 5, 3, 2)),
    "transposed": Case(ConvTranspose(4, (3, 2), (2, 2), "SAME"), (-1, 3, 4, 2)),
    "transposed_valid": Case(ConvTranspose(4, (3, 3), (2, 1)), (-1, 3, 4, 2)),
    "lstm_classifier": Case(
        serial(Embedding(7, 4), bidirectional(LSTM(3)), LSTM(2, last=True), Dense(3)), (-1, 6)
    ),
    "gru": Case(serial(GRU(3), GRU(2)), (-1, 5, 4)),
    "rnn": Case(serial(RNN(3), RNN(2)), (-1, 5, 2)),
    "attention": Case(MultiHeadAttention(2, cross=True), ((-1, 5, 4), (-1, 3, 6))),
    "attention_without_bias": Case(MultiHeadAttention(2, bias=False), (-1, 5, 4)),
    "residual": Case(
        serial(
            Conv(4, (3, 3), padding="SAME"),
            residual(serial(BatchNorm(eps=EPS), Relu, Conv(4, (3, 3), padding="SAME"))),
            GlobalAvgPool, Dense(2),
        ),
        (-1, 5, 6, 2),
    ),
}  # fmt: skip
