"""The thorough run of the laws: every law on every row of the catalogue, in pieces that may be stopped and resumed.

    python -m tests.thorough --seed 1                            # everything, 200 cases a law: an hour
    python -m tests.thorough --seed 1 --part 2/5                 # a fifth of the rows
    python -m tests.thorough --seed 1 --log laws.jsonl           # what the file tells of is not tried again
    python -m tests.thorough --seed 1 --kind layers --kind large # layers, combinators, and large sizes
    python -m tests.thorough --seed 7 --rows 'Conv' --laws pure  # what matches these patterns

Every seed draws other cases, and takes the rows in another order, one of every name first, so that short runs reach all
names, and those of many seeds all rows. At large sizes, which come last, there is a tenth of the cases. Laws of a row that want cases of the same kind are tried on the same ones. It
prints what breaks, with the case, and ends with a summary, of what the log tells too. What was broken is tried again.
The exit status tells how many laws are broken.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import signal
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from hypothesis import core, settings

from funcnn.testing import Trial
from tests.catalogue import COMBINATORS, LARGE, LAYERS
from tests.testing import test_laws, test_laws_losses, test_laws_parts
from tests.testing.together import tried_together

LARGER = 10  # a case at large sizes costs as much as so many others
AT_LARGE_SIZES = "at large sizes: "


class Line(NamedTuple):
    """What came of one law on one row: a line of the log."""

    seed: int
    examples: int
    row: str
    law: str
    holds: int
    none: int
    moot: int
    seconds: float
    broken: str = ""


def _of_layers() -> Iterator[tuple[str, str, Trial]]:
    for row in (*LAYERS, *COMBINATORS):
        yield from ((row.source, law, trial) for law, trial in test_laws.trials_of(row, 1, ()).items())


def _at_large_sizes() -> Iterator[tuple[str, str, Trial]]:
    for row in LARGE:
        found = test_laws.trials_of(row, 1, test_laws.AT_LARGE_SIZES)
        yield from ((AT_LARGE_SIZES + row.source, law, trial) for law, trial in found.items())


KINDS: dict[str, Callable[[], Iterator[tuple[str, str, Trial]]]] = {
    "layers": _of_layers,
    "large": _at_large_sizes,
    "losses": test_laws_losses.trials,  # and optimizers
    "parts": test_laws_parts.trials,
}
"""Every law of every row of the catalogue, row after row."""


def rows(
    seed: int, part: tuple[int, int] = (1, 1), pattern: str = "", kinds: Iterable[str] = ()
) -> dict[str, dict[str, Trial]]:
    """The rows of a part and their laws; of all kinds where none are named.

    In the order of a seed, but first one row of every name, then a second one, and so on.
    """
    found: dict[str, dict[str, Trial]] = {}
    for kind in list(kinds) or KINDS:
        for row, law, trial in KINDS[kind]():
            found.setdefault(row, {})[law] = trial
    order = list(found)
    random.Random(seed).shuffle(order)
    turns: dict[str, tuple[bool, int]] = {}
    seen = Counter[str]()
    for row in order:
        name = re.split(r"\W", row)[0]
        turns[row] = (row.startswith(AT_LARGE_SIZES), seen[name])
        seen[name] += 1
    order.sort(key=turns.__getitem__)
    return {row: found[row] for row in order[part[0] - 1 :: part[1]] if re.search(pattern, row)}


def tried(seed: int, examples: int, row: str, laws: Mapping[str, Trial]) -> Iterator[Line]:
    """Try laws on one row."""
    cast(Any, core).global_force_seed = random.Random(f"{seed} {row}").getrandbits(64)
    many = max(1, examples // LARGER) if row.startswith(AT_LARGE_SIZES) else examples
    with np.errstate(divide="raise", over="raise", invalid="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        for law, found in tried_together(laws, many):
            tally = (found.holds, found.none, found.moot)
            yield Line(seed, examples, row, law, *tally, round(found.seconds, 3), found.broken)


def logged(path: Path | None, seed: int, examples: int) -> list[Line]:
    """What a log tells of a seed and a number of cases; of a law that was tried twice, the last."""
    if path is None or not path.exists():
        return []
    found = [Line(**json.loads(text)) for text in path.read_text(encoding="utf-8").splitlines()]
    ours = [line for line in found if (line.seed, line.examples) == (seed, examples)]
    return list({(line.row, line.law): line for line in ours}.values())


def summary(lines: Iterable[Line], rows: int) -> str:
    """Rows, laws, cases, the share without a verdict, and what is broken."""
    lines = list(lines)
    holds, none = sum(line.holds for line in lines), sum(line.none for line in lines)
    moot, seconds = sum(line.moot for line in lines), sum(line.seconds for line in lines)
    broken = [f"  {line.law} of {line.row}" for line in lines if line.broken]
    told = (
        f"{len({line.row for line in lines})} of {rows} rows, {len(lines)} laws on rows, {holds + none + moot} cases, "
        f"{seconds:.0f} s: {len(broken)} broken; no verdict in {100 * none / max(1, holds + none):.2g} % of the cases"
    )
    return "\n".join([told, *broken])


def main(arguments: list[str] | None = None) -> int:
    """Try what is asked for and print what breaks; the exit status is the number of broken laws, at most 100."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.thorough", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0, help="every seed draws other cases")
    parser.add_argument("--examples", type=int, default=200, help="cases a law")
    parser.add_argument("--part", type=_part, default=(1, 1), metavar="I/N", help="the I-th of N parts of the rows")
    parser.add_argument("--kind", action="append", default=[], choices=KINDS, help="rows of this kind; several times")
    parser.add_argument("--rows", default="", metavar="PATTERN", help="the rows that match")
    parser.add_argument("--laws", default="", metavar="PATTERN", help="the laws that match")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="for how long")
    parser.add_argument("--log", type=Path, help="a file that remembers what was tried, a line a law")
    given = parser.parse_args(arguments)
    settings.register_profile("thorough", deadline=None, database=None)
    settings.load_profile("thorough")
    end = time.monotonic() + given.seconds
    found = rows(given.seed, given.part, given.rows, given.kind)
    wanted = {(row, law): trial for row, laws in found.items() for law, trial in laws.items()}
    wanted = {at: trial for at, trial in wanted.items() if re.search(given.laws, at[1])}
    held = [line for line in logged(given.log, given.seed, given.examples) if not line.broken]
    lines = [line for line in held if (line.row, line.law) in wanted]
    left = wanted.keys() - {(line.row, line.law) for line in lines}
    try:
        for row, laws in found.items():
            if time.monotonic() > end:
                break
            for line in tried(given.seed, given.examples, row, {law: laws[law] for law in laws if (row, law) in left}):
                lines.append(line)
                if line.broken:
                    print(f"--- {line.law} of {row}\n{line.broken}", flush=True)
                if given.log is not None:
                    with given.log.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(line._asdict()) + "\n")
    except KeyboardInterrupt:
        pass
    print(summary(lines, len(found)))
    return min(100, sum(bool(line.broken) for line in lines))


def _part(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise argparse.ArgumentTypeError(f"a part is I/N with 1 <= I <= N, as 2/5, got {text!r}")
    return int(found[1]), int(found[2])


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends it gets the summary
    sys.exit(main())
