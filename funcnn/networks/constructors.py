"""What the recorded call of a constructor makes of a layer: its name, and the same call with other children."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from funcnn.networks.definitions import Definition
from funcnn.networks.replaying import layers_in, with_layers
from funcnn.records import Record


def constructed(made: Definition, record: Record, layer_of: Callable[[Definition], Any]) -> Definition:
    """What a constructor returned, known by its call from now on.

    A composite, which is what another call made, keeps its children, and with others it is what that call makes of
    them. A combinator, which was made by `over`, is made again by its own call where the arguments show the children.
    """
    ready = made.record is not None and made.record.make is None and not made.explicit
    if ready and made.record is not None and snake_case(made.record.name) == snake_case(record.name):
        return made  # a ready-made layer's own constructor gave it: `leaky_relu()` is LeakyRelu
    name, explicit = (made.name, made.explicit) if made.transparent else (snake_case(record.name), False)
    if made.record is not None or made.remade is None:
        return replace(made, record=record, name=name, explicit=explicit)
    over = made.remade

    def remade(children: Sequence[Definition]) -> Definition:
        for args, kwargs in _arguments(record):
            shown = [f.definition for f in layers_in((args, kwargs))]
            if len(shown) == len(children):
                like = [replace(n, name=o.name, explicit=o.explicit) for n, o in zip(children, shown, strict=True)]
                args, kwargs = with_layers((args, kwargs), map(layer_of, like))
                again: Definition = record._replace(args=args, kwargs=kwargs).replay().definition
                return again
        return replace(over(children), name=name)  # the arguments do not show them

    return replace(made, record=record, remade=remade, name=name, explicit=explicit)


def _arguments(record: Record) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Those of a call, and those with defaults, of which one may be a layer."""
    yield record.args, record.kwargs
    bound = record.bound()
    yield bound.args, bound.kwargs


def snake_case(name: str) -> str:
    """The name of a child out of the name of its constructor.

    >>> [snake_case(name) for name in ("Dense", "LayerNorm", "RMSNorm", "Conv1DTranspose", "LSTM")]
    ['dense', 'layer_norm', 'rms_norm', 'conv1d_transpose', 'lstm']
    """
    return re.sub(r"(?<=[A-Za-z0-9])(?=[A-Z][a-z])", "_", name).lower()
