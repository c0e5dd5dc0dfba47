"""How the peers read a network: as the list of its layers, by name and arguments."""

from __future__ import annotations

from typing import Any, NamedTuple

from works import Work

from funcnn.networks.surgery import children_of


class Part(NamedTuple):
    """A layer: what it is called, what it was made with, and the shapes it takes and gives."""

    name: str
    args: tuple[Any, ...]
    before: tuple[Any, ...]
    after: tuple[Any, ...]


def parts(work: Work) -> list[Part]:
    """The layers of a serial network in their order."""
    shape: tuple[Any, ...] = work.shape
    found: list[Part] = []
    for child in children_of(work.net).values():
        record, after = child.init.record, child.out_shape(shape)
        assert record is not None
        found.append(Part(record.name, record.args, shape, after))
        shape = after
    return found


def dense_only(work: Work) -> bool:
    """Is there nothing but Dense layers and activations, in float32?"""
    return all(p.name in ("Dense", "Relu", "Sigmoid") for p in parts(work)) and work.dtype().itemsize == 4


def named(function: Any) -> str:
    """The name of the loss, or of the optimizer."""
    record = getattr(function, "record", None) or function.init.record
    return str(record.name)
