"""How the peers read networks of convolutions: the name and the arguments of every layer, and what windows they say."""

from __future__ import annotations

from typing import Any

from funcnn import Layer


def read(layer: Layer[Any, Any]) -> tuple[str, dict[str, Any]]:
    """The name of a layer, and its arguments by name."""
    record = layer.init.record
    assert record is not None
    order = {"MaxPool": ("window_shape", "strides", "padding"), "Dense": ("units",)}
    names = order.get(record.name, ("channels", "filter_shape", "strides", "padding"))
    return record.name, {**dict(zip(names, record.args, strict=False)), **record.kwargs}


def windows(given: dict[str, Any], shape: tuple[Any, ...]) -> dict[str, Any]:
    """Windows, strides, dilation, groups, and zeros around, for every axis that windows slide along."""
    rank = len(shape) - 2

    def each(value: Any) -> tuple[int, ...]:
        return tuple(value) if isinstance(value, tuple) else (1 if value is None else value,) * rank

    size, dilation = each(given.get("filter_shape", given.get("window_shape"))), each(given.get("dilation"))
    spans = [(k - 1) * d for k, d in zip(size, dilation, strict=True)]
    padding = given.get("padding", "VALID")
    pads = {"VALID": [(0, 0)] * rank, "SAME": [(n // 2, n - n // 2) for n in spans], "CAUSAL": [(n, 0) for n in spans]}
    zeros = pads[padding] if isinstance(padding, str) else [tuple(p) for p in padding]
    return {
        "size": size, "strides": each(given.get("strides")), "dilation": dilation, "pads": zeros,
        "groups": given.get("groups", 1),
    }  # fmt: skip
