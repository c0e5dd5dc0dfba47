"""Modules of PyTorch, right ones and a wrong one."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import nn

from funcnn.authoring import tokens
from funcnn.testing import shapes


class Bag(nn.Module):
    """Words, looked up and averaged."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(5, 3)
        self.head = nn.Linear(3, 2)

    def forward(self, ids: Any) -> Any:
        return torch.tanh(self.head(self.words(ids).mean(1)))


class Recurrent(nn.Module):
    """What an LSTM makes of every step."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(2, 3, batch_first=True)

    def forward(self, x: Any) -> Any:
        return self.lstm(x)[0]


class Wrong(torch.autograd.Function):
    """A sine whose backward says half a cosine."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return dy * ctx.saved_tensors[0].cos() / 2


class WronglyActivated(nn.Module):
    """It stands behind what is right."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 2)

    def forward(self, x: Any) -> Any:
        return Wrong.apply(self.linear(x))


def five() -> dict[str, tuple[Any, Any, dict[str, Any]]]:
    """Modules, shapes of an input, and what is claimed of them."""
    torch.manual_seed(0)
    smooth = {"kinks": False}
    return {
        "perceptron": (
            nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)), shapes("B", ..., 3), smooth | {"analytic": True}
        ),
        "convolution": (
            nn.Sequential(nn.Conv2d(2, 3, 3, stride=2, padding=1), nn.GELU(), nn.AvgPool2d(2), nn.Flatten()),
            ("B", 2, 8, 8), smooth,
        ),
        "recurrent": (Recurrent(), ("B", "T", 2), smooth),
        "transformer": (
            nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, activation="gelu", batch_first=True), ("B", "T", 4), smooth
        ),
        "bag": (Bag(), ("B", "T"), smooth | {"takes": tokens}),
    }  # fmt: skip


SHAPES: Final[dict[str, tuple[int, ...]]] = {
    "perceptron": (4, 3), "convolution": (2, 2, 8, 8), "recurrent": (2, 3, 2), "transformer": (2, 3, 4), "bag": (2, 4)
}  # fmt: skip
