"""The fuzzer's command."""

from __future__ import annotations

import argparse
import collections
import sys
import time

from tests.fuzz.cases import run
from tests.fuzz.judging import Finding


def main() -> int:
    """Run cases until the time is over; the number of findings decides the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=sys.modules["tests.fuzz"].__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="for how long")
    parser.add_argument("--cases", type=int, default=sys.maxsize, help="how many at most")
    parser.add_argument("--seed", type=int, default=0, help="every seed draws other cases")
    parser.add_argument("--first", type=int, default=0, help="the number of the first case")
    given = parser.parse_args()
    start, number = time.monotonic(), given.first
    found: collections.Counter[str] = collections.Counter()
    while number < given.first + given.cases and time.monotonic() - start < given.seconds:
        try:
            run(given.seed, number)
        except Finding as finding:
            kind = str(finding).splitlines()[0][:160]
            found[kind] += 1
            if found[kind] == 1:
                again = f"--- python -m tests.fuzz --seed {given.seed} --first {number} --cases 1"
                print(again, *finding.__notes__, finding, sep="\n")
        number += 1
    print(f"{number - given.first} cases, {found.total()} findings of {len(found)} kinds, seed {given.seed}")
    return min(found.total(), 100)


sys.exit(main())
