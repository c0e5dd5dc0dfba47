"""Whether all ranks do the same: compared by digests, and told with the first thing that differs."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

import numpy as np

from funcnn.distributed.communicators import Communicator
from funcnn.errors import RanksError
from funcnn.nested import arrays
from funcnn.params import Params, plain, trees

_ROWS: Final = 32  # that are looked at to tell data apart


def agreed(comm: Communicator, where: str, values: Mapping[str, object]) -> None:
    """Compare small values on all ranks.

    Errors
        RanksError   one of them differs; with the ranks and what they have, on every rank
    """
    if comm.size == 1:
        return
    told = comm.gather({name: repr(value) for name, value in values.items()})
    for name in dict.fromkeys(name for other in told for name in other):
        found = [other.get(name, "none") for other in told]
        if len(set(found)) > 1:
            raise RanksError(
                f"{where}: all ranks need the same {name}, and {_sides(found)}; every rank runs the same program on "
                "the same data, with the same seeds"
            )


def _sides(found: list[Any]) -> str:
    """Who has what: `rank 0 has 3, ranks 1 and 2 have 4`."""
    sides: dict[Any, list[int]] = {}
    for rank, value in enumerate(found):
        sides.setdefault(value, []).append(rank)
    return ", ".join(
        f"{ranks_of(ranks)} {'has' if len(ranks) == 1 else 'have'} {value:.80}" for value, ranks in sides.items()
    )


def ranks_of(ranks: list[int]) -> str:
    """Ranks as messages name them.

    >>> from funcnn.distributed.agreement import ranks_of
    >>> ranks_of([1]), ranks_of([0, 2])
    ('rank 1', 'ranks 0, 2')
    """
    return f"{'rank' if len(ranks) == 1 else 'ranks'} {', '.join(map(str, ranks))}"


def sampled(found: Any) -> str:
    """A digest of some rows, from the first to the last: enough to tell data in another order, or drawn anew."""
    digest = blake2b(digest_size=8)
    for array in arrays(found):
        if array is not None:
            rows = np.unique(np.linspace(0, len(array) - 1, _ROWS).astype(np.intp))
            digest.update(np.ascontiguousarray(array[rows]).tobytes())
    return digest.hexdigest()


def same_params(comm: Communicator, params: Params, where: str) -> None:
    """Compare params on all ranks, bit for bit.

    Errors
        RanksError   they differ; with the ranks, and the first path that differs
    """
    leaves = {"/".join(path): leaf for path, leaf in trees.flatten(plain(params))}
    shapes = "".join(f"{path} {leaf.dtype} {leaf.shape};" for path, leaf in sorted(leaves.items()))
    whole = blake2b(shapes.encode(), digest_size=16)
    for path in sorted(leaves):
        whole.update(np.ascontiguousarray(leaves[path]).data)
    if len(set(comm.gather(whole.digest()))) == 1:
        return
    each = {path: (f"{leaf.dtype} {leaf.shape}", _digest(leaf)) for path, leaf in leaves.items()}
    told = comm.gather(each)
    for path in sorted({path for other in told for path in other}):
        found = [other.get(path) for other in told]
        if len(set(found)) > 1:
            raise RanksError(f"{where}: {_differing(path, found)}")
    raise RanksError(f"{where}: the params of the ranks differ")


def _digest(leaf: Any) -> str:
    return blake2b(np.ascontiguousarray(leaf).data, digest_size=8).hexdigest()


def _differing(path: str, found: list[tuple[str, str] | None]) -> str:
    kinds = ["no such leaf" if leaf is None else leaf[0] for leaf in found]
    if len(set(kinds)) > 1:
        return f"the ranks have different networks, first at {path}: {_sides(kinds)}; build the same one on every rank"
    others = [rank for rank, leaf in enumerate(found) if leaf != found[0]]
    return (
        f"the params of {ranks_of(others)} differ from those of rank 0, first at {path}; draw or load the same on "
        "every rank, net.init(0, ...), on_first(comm, load_checkpoint, ...), and let nothing else change them; "
        "ranks on machines of different kinds may round differently"
    )
