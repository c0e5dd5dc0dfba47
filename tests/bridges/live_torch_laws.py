"""Right and wrong functions of PyTorch's own kind, held to the laws. Needs it: `python -m tests.bridges torch`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
import torch
from torch import nn

from funcnn.bridges.torch import from_torch
from funcnn.testing import LawBroken, holds

torch.set_num_threads(1)


def made(forward: Callable[[Any], Any], slope: Callable[[Any], Any]) -> type[nn.Module]:
    """A module of an autograd Function, by its value and its slope."""

    class Own(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return forward(x)

        @staticmethod
        def backward(ctx: Any, dy: Any) -> Any:
            return dy * slope(ctx.saved_tensors[0])

    class Activated(nn.Module):
        def forward(self, x: Any) -> Any:
            return Own.apply(x)

    return Activated


class Scaled(nn.Module):
    """A gain of one's own; `wrong` doubles it on the way back."""

    def __init__(self, wrong: bool = False) -> None:
        super().__init__()
        self.gain, self.wrong = nn.Parameter(torch.ones(3)), wrong

    def forward(self, x: Any) -> Any:
        if self.wrong and self.gain.requires_grad:
            self.gain.register_hook(lambda g: 2 * g)
        return x * self.gain


class Counting(nn.Module):
    """Another one at every pass."""

    def __init__(self) -> None:
        super().__init__()
        self.passes = 0

    def forward(self, x: Any) -> Any:
        self.passes += 1
        return x * (1 + 1e-3 * self.passes)


class OfTheBatch(nn.Module):
    """Less the mean of the batch."""

    def forward(self, x: Any) -> Any:
        return x - x.mean(0)


def _sigmoid_slope(x: Any) -> Any:
    return torch.sigmoid(x) * (1 - torch.sigmoid(x))


RIGHT: Final[dict[str, Callable[[], nn.Module]]] = {
    "a sine": made(torch.sin, torch.cos),
    "a swish": made(lambda x: x * torch.sigmoid(x), lambda x: torch.sigmoid(x) + x * _sigmoid_slope(x)),
    "a gain": Scaled,
}
WRONG: Final[dict[str, tuple[str, Callable[[], nn.Module]]]] = {
    "half a slope": ("true_pullback", made(torch.sin, lambda x: torch.cos(x) / 2)),
    "no slope beyond 20": ("true_pullback", made(lambda x: x * 2, lambda x: 2.0 * (x.abs() < 20))),
    "a slope of 3 at zero": ("at_ties", made(
        torch.relu, lambda x: (x > 0).to(x.dtype) + 3 * (x == 0).to(x.dtype))),
    "a gain learned twice as fast": ("true_pullback", lambda: Scaled(wrong=True)),
    "a counter": ("pure", Counting),
    "rows see each other": ("independent_rows", OfTheBatch),
}  # fmt: skip


@pytest.mark.law
@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_keeps_the_laws(name: str) -> None:
    """All of them."""
    holds(from_torch(RIGHT[name]())[0], ("B", 3), examples=8)


@pytest.mark.law
@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_convicted(name: str) -> None:
    """By the law that names the fault."""
    law, module = WRONG[name]
    with pytest.raises(LawBroken, match=law):
        holds(from_torch(module())[0], ("B", 3), only=[law])
