"""Networks that share, freeze and stop beside the same in PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.peers.case import Case, numbers


def dense(torch: Any, p: Mapping[str, Any], name: str, x: Any) -> Any:
    return x @ p[f"{name}/w"] + p[f"{name}/b"]


def tied(torch: Any, p: Mapping[str, Any], x: Any) -> Any:
    table = p["embedding_0/w"]
    return torch.tanh(torch.nn.functional.embedding(x, table)) @ table.T + p["head/b"]


def shared(torch: Any, p: Mapping[str, Any], x: Any) -> Any:
    for _ in range(3):
        x = torch.tanh(dense(torch, p, "serial_0/dense_0", x))
    return x


def siamese(torch: Any, p: Mapping[str, Any], x: Any) -> Any:
    return tuple(dense(torch, p, "left", v) for v in x)


def stopped(torch: Any, p: Mapping[str, Any], x: Any) -> Any:
    return dense(torch, p, "dense_1", dense(torch, p, "dense_0", x).detach())


def straight(torch: Any, p: Mapping[str, Any], x: Any) -> Any:
    h = dense(torch, p, "dense_0", x)
    return h + (torch.nn.functional.hardtanh(h) - h).detach()


def reversed_gradient(torch: Any, p: Mapping[str, Any], x: Any) -> Any:
    h = dense(torch, p, "dense_0", x)
    return -0.5 * h + (1.5 * h).detach()


def ensemble(torch: Any, p: Mapping[str, Any], x: Any) -> Any:
    forward = torch.func.vmap(lambda w, b: torch.tanh(x @ w + b))
    return forward(p["dense_0/w"], p["dense_0/b"])


CASES = (
    Case(
        "tie(serial(Embedding(7, 4), Tanh, Dense(7).named('head')), {'head/w': transposed('embedding_0/w')})",
        numbers(4, 5).argsort(0) % 7, tied,
    ),
    Case("repeat(serial(Dense(3), Tanh), 3, shared=True)", numbers(5, 3), shared),
    Case(
        "tie(parallel(Dense(3).named('left'), Dense(3).named('right')), {'right': 'left'})",
        (numbers(5, 2), numbers(5, 2, seed=1)), siamese,
    ),
    Case("serial(stop_gradient(Dense(3)), Dense(2))", numbers(5, 2), stopped),
    Case("serial(Dense(3), gradient_reversal(0.5))", numbers(5, 2), reversed_gradient),
    Case("serial(Dense(3), straight_through(HardTanh))", numbers(5, 2), straight),
    Case("ensemble(serial(Dense(3), Tanh), 4)", numbers(5, 2), ensemble),
    Case("checkpoint(serial(Dense(3), Tanh))", numbers(5, 2),
         lambda torch, p, x: torch.tanh(dense(torch, p, "dense_0", x))),
)  # fmt: skip
