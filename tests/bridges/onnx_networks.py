"""Random networks, written to ONNX and run: `python -m tests.bridges.onnx_networks --networks 300 --seed 0`.

They grow out of the rows of the catalogue, with other layers in them and other numbers. Where a network loses digits,
so that float32 is further than 1e-5 from float64 itself, the model may be as far from float64, and twice, and no more.
"""

from __future__ import annotations

import argparse
import ast
import random
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from funcnn import ExportError, Layer, astype
from funcnn.nested import arrays
from funcnn.testing import Case
from tests.bridges.onnx_runs import NEAR, Run, difference, run
from tests.catalogue import NAMESPACE
from tests.mypy_plugin.random_programs import ROWS, network


NEAR_64 = 1e-9
"""The same for float64: operators of ONNX's know eps in float32 alone."""


class Drawn(NamedTuple):
    """A network as source, the network, and a shape that it takes."""

    source: str
    net: Layer[Any, Any]
    shape: Any


def drawn(seed: int) -> Iterator[Drawn]:
    """Networks that fit together, without end; those that do not are drawn too, and left out."""
    i = 0
    while True:
        r = random.Random(f"{seed} {i}")
        tree, shape = network(r, ROWS[i % len(ROWS)])
        i += 1
        source, shape = ast.unparse(ast.fix_missing_locations(tree)), with_batch(shape, r.randint(1, 4))
        try:
            net = eval(source, dict(NAMESPACE))
            Case(net, shape, dtype="float32", tokens=2).apply()
        except Exception:  # ill formed
            continue
        yield Drawn(source, net, shape)


def with_batch(shape: Any, n: int) -> Any:
    """The shape, with this size where there is none."""
    return tuple(with_batch(d, n) if isinstance(d, tuple) else n if d == -1 else d for d in shape)


def verdict(case: Case) -> str:
    """ "equal", "refused: why", or what is wrong."""
    try:
        with np.errstate(all="ignore"):
            found = run(case, dtype=case.dtype)
    except ExportError as error:
        return f"refused: {error.message}"
    if difference(found) < (NEAR if case.dtype == np.float32 else NEAR_64):
        return "equal"
    if case.dtype == np.float64:
        return f"apart by {difference(found):.1e}"
    return "equal, of few digits" if as_near_as_ours(case, found) else f"apart by {difference(found):.1e}"


def as_near_as_ours(case: Case, found: Run) -> bool:
    """Is the model as near to float64 as the network itself is in float32?"""
    x = wide([*arrays(case.x)])
    exact = [*arrays(case.layer.apply(astype(case.params, np.float64), nested_like(case.x, iter(x))))]
    ours, theirs = (difference(Run(wide(some), exact, found.model)) for some in (found.ours, found.theirs))
    return theirs < 2 * ours + NEAR


def wide(values: list[Any]) -> list[Any]:
    """In float64, what is floating-point."""
    return [a.astype(np.float64) if a.dtype.kind == "f" else a for a in values]


def nested_like(x: Any, leaves: Iterator[Any]) -> Any:
    """Arrays nested as these are."""
    return tuple(nested_like(v, leaves) for v in x) if isinstance(x, tuple) else next(leaves)


def main(arguments: list[str]) -> int:
    """Print what is wrong, and how many there were of each kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    told = parser.parse_args(arguments)
    counts: Counter[str] = Counter()
    wrong = 0
    for one in drawn(told.seed):
        if counts["equal"] + counts["equal, of few digits"] + wrong >= told.networks:
            break
        try:
            said = verdict(Case(one.net, one.shape, dtype=told.dtype, seed=told.seed, tokens=2))
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
        if not said.startswith(("equal", "refused")):
            wrong += 1
            print(f"{one.source}\n    of {one.shape}: {said[:500]}")
        counts[said.split(":")[0] if said.startswith("equal") else said[:100]] += 1
    for said, n in counts.most_common():
        print(f"{n:5} {said}")
    return min(wrong, 100)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
