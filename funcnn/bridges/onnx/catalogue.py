"""Which layer has which rule, and which have none."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Final

from funcnn.bridges.onnx import (
    activations,
    attention,
    combining,
    dense,
    norms,
    recurrent,
    reshaping,
    sequences,
    stax_layers,
    windows,
)
from funcnn.bridges.onnx.walking import Key, Rule, Rules
from funcnn.derivatives import layers, second
from funcnn.errors import brief
from funcnn.networks import is_layer
from funcnn.records import is_recording

_FAMILIES: Final = (
    dense, windows, activations, norms, reshaping, sequences, recurrent, attention, combining,
    stax_layers,
)  # fmt: skip

_DERIVATIVE: Final = "it is a derivative, which the library computes with complex numbers and power series"
REFUSED: Final[dict[Any, str]] = {
    layers.tangent: _DERIVATIVE,
    layers.input_gradient: _DERIVATIVE,
    second.second_tangent: _DERIVATIVE,
    second.laplacian: _DERIVATIVE,
}


def key_of(made: Any) -> Key:
    """What a constructor, or a ready-made layer, is known by.

    Errors
        TypeError   it is neither
    """
    if is_recording(made):
        return made.__module__, made.__name__
    record = made.definition.record if is_layer(made) else None
    if record is None or record.make is not None:
        wanted = "by constructor, {Dense: rule}, or by ready-made layer, {Tanh: rule}"
        raise TypeError(f"rules are given {wanted}, got {brief(made)}")
    return record.module, record.name


@functools.cache
def ours() -> Mapping[Key, Rule]:
    """The rules of the library's own layers."""
    return {key_of(made): rule for family in _FAMILIES for made, rule in family.RULES.items()}


@functools.cache
def refused() -> Mapping[Key, str]:
    """The library's own layers that have no rule, with the reason."""
    return {key_of(made): why for made, why in REFUSED.items()}


def with_these(rules: Mapping[Any, Rule] | None) -> Rules:
    """The library's rules, and people's, which go first.

    Errors
        TypeError   these are no rules by constructor
    """
    found: dict[Key, Rule] = {}
    if rules is not None and not isinstance(rules, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"rules are given by constructor, {{Swish: rule}}, got {brief(rules)}")
    for made, rule in (rules or {}).items():
        if not callable(rule):
            raise TypeError(f"a rule is a function (graph, part, x) -> y, for {made!r:.60} got {brief(rule)}")
        found[key_of(made)] = rule
    return Rules({**ours(), **found}, refused())
