"""Params that came from elsewhere: what `init` gives of them, and what is refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from funcnn.errors import DTypeError, ParamsError, printable
from funcnn.inputs import COMPUTED
from funcnn.keys import Initializer, Key
from funcnn.networks.definitions import Spec
from funcnn.nested import mapped
from funcnn.params import Params, plain_tree, trees
from funcnn.types import Array, is_array


def params_named(where: str, leaves: Iterable[tuple[str, Any]]) -> Params:
    """Params of leaves by path.

    Errors
        ParamsError   two leaves have one name
        DTypeError    a leaf is no array of float32 or float64, or they are of both

    >>> from funcnn.bridges.stored import params_named
    >>> params_named("here", [("0/w", np.ones(2)), ("1/w", np.ones(3))]).paths()
    ('0/w', '1/w')
    """
    found: dict[str, Any] = {}
    for name, leaf in leaves:
        if name in found:
            raise ParamsError(f"{where}: two leaves of the params have the name {printable(name)}")
        if not is_array(leaf) or leaf.dtype not in COMPUTED:
            got = str(leaf.dtype) if is_array(leaf) else f"a {type(leaf).__name__}"
            raise DTypeError(f"{where}: {printable(name)} is {got}; params are arrays of float32 or float64")
        found[name] = leaf
    if len(dtypes := sorted({str(leaf.dtype) for leaf in found.values()})) > 1:
        raise DTypeError(f"{where}: the params are of {' and '.join(dtypes)}; make them one")
    return Params(trees.unlisted(list(found.items())))


def stored(params: Params) -> Spec:
    """The spec of a layer whose params are there already: whatever the key, `init` gives them."""
    spec: Spec = mapped(lambda leaf: (_always(leaf), leaf.shape), plain_tree(params))
    return spec


def _always(leaf: Array) -> Initializer:
    def what_it_was(key: Key, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
        return np.array(leaf, dtype)

    return what_it_was
