"""Dense layers, norms and shapes beside PyTorch's, whose weights are (outputs, inputs) and whose images are NCHW."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from funcnn import Array
from tests.peers.case import Case, numbers


def linear(torch: Any, p: Mapping[str, Any], x: Any) -> Any:
    """Ours in terms of theirs."""
    return torch.nn.functional.linear(x, p["w"].T, p.get("b"))


def bilinear(torch: Any, p: Mapping[str, Any], x: Any) -> Any:
    return torch.nn.functional.bilinear(x[0], x[1], p["w"].permute(2, 0, 1), p.get("b"))


def channels_first(torch: Any, x: Any, f: Any) -> Any:
    return f(x.movedim(-1, 1)).movedim(1, -1)


def group_norm(groups: int) -> Any:
    def peer(torch: Any, p: Mapping[str, Any], x: Any) -> Any:
        norm = torch.nn.functional.group_norm
        return channels_first(torch, x, lambda a: norm(a, groups, p.get("scale"), p.get("offset")))

    return peer


def instance_norm(torch: Any, p: Mapping[str, Any], x: Any) -> Any:
    norm = torch.nn.functional.instance_norm
    return channels_first(torch, x, lambda a: norm(a, weight=p.get("scale"), bias=p.get("offset")))


def batch_norm(training: bool) -> Any:
    def peer(torch: Any, p: Mapping[str, Any], x: Any) -> Any:
        norm = torch.nn.functional.batch_norm
        mean, var = (p["mean"].detach(), p["var"].detach()) if training else (p["mean"], p["var"])
        return channels_first(
            torch, x, lambda a: norm(a, mean.clone(), var.clone(), p["scale"], p["offset"], training=training)
        )

    return peer


def batch_norm_of_statistics(torch: Any, p: Mapping[str, Any], x: Any) -> Any:
    """Their function has no gradient of the statistics; this is its formula."""
    return (x - p["mean"]) / torch.sqrt(p["var"] + 1e-5) * p["scale"] + p["offset"]


def positive_variance(path: str, values: Array) -> Array:
    return values + 1 if path == "var" else values


IMAGE = numbers(3, 4, 5, 6)
CASES = (
    Case("Dense(4)", numbers(5, 3), linear),
    Case("Dense(4, bias=False)", numbers(2, 5, 3), linear),
    Case("Bilinear(4)", (numbers(5, 3), numbers(5, 2, seed=1)), bilinear),
    Case(
        "EinsumDense('...d,dhk->...hk', h=2, k=4)", numbers(2, 5, 3),
        lambda torch, p, x: torch.einsum("btd,dhk->bthk", x, p["w"]) + p["b"],
    ),
    Case(
        "EinsumDense('bthk,hkd->btd', d=3)", numbers(2, 5, 2, 4),
        lambda torch, p, x: torch.einsum("bthk,hkd->btd", x, p["w"]) + p["b"],
    ),
    Case(
        "Embedding(7, 3)", numbers(4, 5).argsort(0) % 7,
        lambda torch, p, x: torch.nn.functional.embedding(x, p["w"]),
    ),
    Case(
        "Embedding(7, 3, padding=2)", numbers(4, 5).argsort(0) % 7,
        lambda torch, p, x: torch.nn.functional.embedding(x, p["w"] * (torch.arange(7) != 2)[:, None], padding_idx=2),
        note="the row of their padding is 0 as long as nobody writes into it, ours counts as 0",
    ),
    Case(
        "LayerNorm(center=False, scale=False)", numbers(2, 5, 6),
        lambda torch, p, x: torch.nn.functional.layer_norm(x, x.shape[-1:]),
    ),
    Case(
        "LayerNorm(center=False)", numbers(4, 6),
        lambda torch, p, x: torch.nn.functional.layer_norm(x, x.shape[-1:], p["scale"]),
    ),
    Case(
        "RMSNorm(scale=False)", numbers(2, 5, 6),
        lambda torch, p, x: torch.nn.functional.rms_norm(x, x.shape[-1:], eps=1e-5),
    ),
    Case("GroupNorm(2, center=False, scale=False)", IMAGE, group_norm(2)),
    Case("InstanceNorm(center=False, scale=False)", IMAGE, instance_norm),
    Case(
        "LayerNorm()", numbers(2, 5, 6),
        lambda torch, p, x: torch.nn.functional.layer_norm(x, x.shape[-1:], p["scale"], p["offset"]),
    ),
    Case(
        "RMSNorm()", numbers(2, 5, 6),
        lambda torch, p, x: torch.nn.functional.rms_norm(x, x.shape[-1:], p["scale"], eps=1e-5),
        note="their eps is that of the dtype by default, ours 1e-5",
    ),
    Case("GroupNorm(3)", IMAGE, group_norm(3)),
    Case("GroupNorm(1)", numbers(4, 6), group_norm(1)),
    Case("InstanceNorm()", IMAGE, instance_norm, note="theirs has no scale and offset by default"),
    Case(
        "BatchNorm()", IMAGE, batch_norm(training=True), training=True,
        note="their running statistics are no params; of ours the gradient is 0 in a training pass",
    ),
    Case(
        "BatchNorm()  # inference", IMAGE, batch_norm_of_statistics, params=positive_variance,
        note="the statistics are params here, with gradients",
    ),
    Case("Flatten", IMAGE, lambda torch, p, x: x.flatten(1)),
    Case("Reshape((5, -1))", IMAGE, lambda torch, p, x: x.reshape(3, 5, -1)),
    Case("Transpose((0, 3, 1, 2))", IMAGE, lambda torch, p, x: x.permute(0, 3, 1, 2)),
    Case("Squeeze(2)", numbers(3, 4, 1, 2), lambda torch, p, x: x.squeeze(2)),
    Case("Last", numbers(3, 4, 2), lambda torch, p, x: x[:, -1]),
    Case("split((2, 4))", IMAGE, lambda torch, p, x: torch.split(x, (2, 4), -1)),
    Case("FanInSum", (IMAGE, 2 * IMAGE), lambda torch, p, x: x[0] + x[1]),
    Case("FanInProduct", (IMAGE, 2 * IMAGE, 1 - IMAGE), lambda torch, p, x: x[0] * x[1] * x[2]),
    Case("FanInConcat()", (IMAGE, IMAGE[..., :2]), lambda torch, p, x: torch.cat(x, -1)),
)  # fmt: skip
