"""The params that a combinator wants: its own, and those of its children under their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from funcnn.errors import ParamsError

Wanted = Mapping[str, Any]


def joined(name: str, own: Wanted, children: Wanted, params: Callable[[Wanted], Wanted] | None) -> Wanted:
    """Own params and children's in one spec, as `params` makes it another one.

    Errors
        ParamsError   a child has the name of one of the combinator's own params

    >>> from funcnn.networks.joining import joined
    >>> joined("gate_0", {"scale": 1}, {"scale": {"w": 2}}, None)
    Traceback (most recent call last):
        ...
    funcnn.errors.ParamsError: gate_0: expected a child of another name than its own param 'scale', got a child 'scale' \
with the params 'w'; name the child, .named("other")
    """
    both = sorted(own.keys() & children.keys()) if own and children else ()
    for path in both:
        has = ", ".join(map(repr, children[path]))
        raise ParamsError(
            f"{name}: expected a child of another name than its own param {path!r}, got a child {path!r} with the "
            f'params {has}; name the child, .named("other")'
        )
    spec = {**own, **children} if children else own
    return params(spec) if params else spec
