"""Convolutions beside PyTorch's, which has channels first and its weights (outputs, inputs, ...)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.peers.case import Case, numbers


def conv2d(torch: Any, p: Mapping[str, Any], x: Any, **options: Any) -> Any:
    """Ours in terms of theirs."""
    y = torch.nn.functional.conv2d(x.permute(0, 3, 1, 2), p["w"].permute(3, 2, 0, 1), p["b"], **options)
    return y.permute(0, 2, 3, 1)


CASES = (
    Case("Conv(4, (3, 3))", numbers(2, 7, 6, 3), conv2d),
    Case("Conv(4, (2, 3), (2, 1))", numbers(2, 7, 6, 3), lambda t, p, x: conv2d(t, p, x, stride=(2, 1))),
    Case("Conv(2, (3, 3), padding='SAME')", numbers(2, 5, 6, 3), lambda t, p, x: conv2d(t, p, x, padding="same")),
)
