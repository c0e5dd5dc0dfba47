"""What works and is most likely not meant: probabilities where a loss takes logits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from funcnn.layers.activations import LogSigmoid, Sigmoid
from funcnn.layers.rectifiers import HardSigmoid
from funcnn.layers.softmax import LogSoftmax, Softmax, Softmin, Sparsemax
from funcnn.losses.definition import Loss
from funcnn.networks.definitions import Definition
from funcnn.networks.endings import endings
from funcnn.warned import warn

_PROBABILITIES: Final = {
    layer.definition.rule: name
    for name, layer in {
        "Softmax": Softmax, "LogSoftmax": LogSoftmax, "Softmin": Softmin, "Sparsemax": Sparsemax, "Sigmoid": Sigmoid,
        "LogSigmoid": LogSigmoid, "HardSigmoid": HardSigmoid,
    }.items()
}  # fmt: skip
"""The layers that make probabilities, by their rules: what has another rule only looks alike."""


def warn_of_probabilities(loss: Loss[Any, Any], net: Definition) -> None:
    """Warn of a layer that makes probabilities right before a loss that takes logits.

    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as seen:
    ...     warnings.simplefilter("always")
    ...     objective = value_and_grad(softmax_cross_entropy, serial(Dense(3), Softmax).apply)
    >>> print(seen[0].message)
    softmax_cross_entropy takes logits, but the network ends with softmax_0, which makes probabilities of them; leave \
Softmax out of the network, and apply it to predictions, Softmax.apply({}, logits)
    """
    wanted = dict(_logits(loss, ()))
    if not wanted:
        return
    for item, path, layer in endings(net):
        name = _PROBABILITIES.get(layer.rule)
        part = wanted.get(item)
        if name is None or part is None:
            continue
        made = "probabilities" if not name.startswith("Log") else "logarithms of probabilities"
        warn(
            f"{part!r} takes logits, but the network ends with {'/'.join(path) or layer.name}, which makes {made} of "
            f"them; leave {name} out of the network, and apply it to predictions, {name}.apply({{}}, logits)"
        )


def _logits(loss: Loss[Any, Any], item: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], Loss[Any, Any]]]:
    """The items of a prediction that are logits to a loss, or to a part of it."""
    if loss.takes_logits:
        yield item, loss
    for i, (_, part) in enumerate(loss.parts):
        yield from _logits(part, (*item, i))
    if loss.record.name == "on_item" and len(loss.record.args) == 2:
        i, part = loss.record.args
        yield from _logits(part, (*item, i))
