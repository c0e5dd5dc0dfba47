"""What people meet at a layer beside its two functions, at run time alone: type checkers refuse it by themselves."""

from __future__ import annotations

from typing import Any

from funcnn.networks.mistakes import called
from funcnn.networks.pictures.blocks import drawn
from funcnn.networks.pictures.plans import planned

_DEPTH = 6  # layers in layers, in a notebook


def with_asides(cls: type) -> None:
    """Let layers say what to do where they are called like functions, and show themselves as pictures in notebooks."""

    def shown(self: Any) -> str:
        return drawn(planned(self.definition, None, _DEPTH), "")

    for name, method in (("__call__", called), ("_repr_svg_", shown)):
        setattr(cls, name, method)
