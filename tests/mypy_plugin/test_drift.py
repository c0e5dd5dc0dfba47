"""mypy says what the program says: the same verdict, on the same line, in the same words, over random networks."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.mypy_plugin.mypy_runs import ROOT, cache
from tests.mypy_plugin.random_programs import ROWS, Program, Verdict, program

SEEDS, NETWORKS = 10, 120
ELSEWHERE = r"(?: \((?:input shape given|layer built) on line \d+\))?"
LINE = re.compile(rf"drift_(\d+)\.py:(\d+): error: (.*?){ELSEWHERE}  \[([\w-]+)\]$")
CONFIG = f"[mypy]\nplugins = funcnn.mypy_plugin\ncache_dir = {cache('drift')}\nmypy_path = {ROOT}\n"


def output(programs: list[Program], folder: Path) -> list[str]:
    """What one run of mypy says about all of them, and about the type of each row."""
    (folder / "mypy.ini").write_text(CONFIG)
    for seed, each in enumerate(programs):
        (folder / f"drift_{seed}.py").write_text(each.source)
    revealed = "".join(f"reveal_type({row.source})\n" for row in ROWS)
    (folder / "rows.py").write_text(f"from funcnn import *; from funcnn import repeat, select, split\n{revealed}")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", *sorted(path.name for path in folder.glob("*.py"))],
        capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip
    assert done.stderr == "" and "INTERNAL ERROR" not in done.stdout
    return done.stdout.splitlines()


def agree(raised: Verdict | None, said: list[Verdict], last: int) -> bool:
    """Is what mypy says about a network what running it raised? A shape of too many axes is told where it is given."""
    ours = [v for v in said if v.code in ("funcnn-shape", "funcnn-value")]
    same = [
        v for v in ours
        if raised and v.line in (raised.line, last) and v.code == raised.code and v.message.endswith(raised.message)
    ]  # fmt: skip
    if raised is None:
        return not ours
    types_refuse = len(ours) < len(said)  # then mypy may not know what a call gives
    if raised.code == "funcnn-value":
        return len(same) == 1 or (types_refuse and not ours)  # the program ends there; mypy goes on
    if types_refuse and all(v.message.endswith(raised.message) for v in ours):
        return True  # on a line nearby, perhaps
    return ours == same and len(same) == 1


def test_mypy_agrees_with_the_program(tmp_path: Path) -> None:
    """Reported if and only if it is raised, for the same layer, with the same message; and no row is of type Any.

    One test, for all of it is one run of mypy.
    """
    programs = [program(seed, NETWORKS) for seed in range(SEEDS)]
    lines = output(programs, tmp_path)
    said: list[list[Verdict]] = [[] for _ in programs]
    for match in filter(None, map(LINE.match, lines)):
        said[int(match[1])].append(Verdict(int(match[2]), match[4], match[3]))
    different: list[str] = []
    for each, here in zip(programs, said, strict=True):
        for first, last, raised in each.networks:
            about = [v for v in here if first <= v.line <= last]
            if not agree(raised, about, last):
                source = "\n".join(each.source.splitlines()[first - 1 : last])
                different.append(f"{source}\nraised {raised}\nmypy says {about}")
    assert not different, "\n\n".join(different)
    assert_enough_is_compared(programs, said)
    assert_no_row_is_any(lines)


def assert_enough_is_compared(programs: list[Program], said: list[list[Verdict]]) -> None:
    """All rows of the catalogue are there; of their networks many are right, many wrong, few refused by types alone."""
    source = "\n".join(p.source for p in programs)
    missing = [row.source for row in ROWS if not re.search(rf"\b{row.source.partition('(')[0]}\b", source)]
    assert missing == []
    verdicts = [v for p in programs for _, _, v in p.networks]
    assert len(verdicts) == SEEDS * NETWORKS
    right, told = verdicts.count(None), sum(v.code in ("funcnn-shape", "funcnn-value") for each in said for v in each)
    assert len(verdicts) / 4 < right < len(verdicts) * 3 / 4
    assert told > (len(verdicts) - right) * 0.9


def assert_no_row_is_any(lines: list[str]) -> None:
    """What a layer of the catalogue takes and gives is known to mypy: an array, tokens or a tuple, no bare Any."""
    revealed = {line.split(":")[1]: line for line in lines if line.startswith("rows.py:") and ": note: " in line}
    for n, row in enumerate(ROWS, 2):
        type_of = revealed[str(n)]
        assert "fallback=funcnn.networks.pair.Layer[" in type_of, row.source
        assert "Layer[Any, " not in type_of, row.source
        assert not type_of.endswith(', Any]]"'), row.source
