"""Record what the peers find: `python -m tests.peers.record [family ...]`. Needs PyTorch and JAX.

With `--check` nothing is written: peers, ours and what was recorded are compared, case by case.
"""

from __future__ import annotations

import sys

import numpy as np

from tests.peers.case import Case, Found, cases, distance, families, ours
from tests.peers.live import theirs
from tests.peers.recorded_numbers import FOLDER, load, save

HEADER = """\
How far funcnn is from the peer, of the largest entry: value, gradients of the params, gradient of the input.
float64: ours from theirs. float32: ours, and theirs, from their float64.
"""


def recorded(case: Case) -> Found:
    """The peer's float64, and how far its float32 is from it."""
    wide, single = theirs(case, np.float64), theirs(case, np.float32)
    return wide | {f"~{name}": np.array(distance(single[name], a)) for name, a in wide.items()}


def line(case: Case, wanted: Found) -> str:
    """A row of the table of agreement."""
    wide, single = ours(case, np.float64), ours(case, np.float32)
    cells: list[str] = []
    for kind in ("y", "d ", "dx"):
        names = [name for name in wide if name.startswith(kind)]
        if not names:
            cells += ["-", "-"]
            continue
        far = max(distance(wide[name], wanted[name]) for name in names)
        near = max(distance(single[name], wanted[name]) for name in names)
        peer = max(float(wanted[f"~{name}"]) for name in names)
        cells += [f"{far:.0e}", f"{near:.0e}/{peer:.0e}"]
    note = f"   # {case.note}" if case.note else ""
    return f"{' '.join(f'{cell:>11}' for cell in cells)}  {case.library:5}  {case.source}{note}"


def main(arguments: list[str]) -> None:
    """Record, or check."""
    check = "--check" in arguments
    for family in [name for name in arguments if name != "--check"] or list(families()):
        found = {case.source: recorded(case) for case in cases(family)}
        table = "\n".join(line(case, found[case.source]) for case in cases(family))
        print(f"{family}\n{table}", flush=True)
        if check:
            kept = load(family)
            moved = [
                (source, name)
                for source, each in found.items()
                for name, a in each.items()
                if name[0] != "~" and (name not in kept.get(source, {}) or distance(a, kept[source][name]) > 1e-12)
            ]
            print("not as recorded:", moved or "nothing")
        else:
            save(family, found)
            titles = ("y f64", "f32 us/peer", "dw f64", "f32 us/peer", "dx f64", "f32 us/peer")
            heads = " ".join(f"{title:>11}" for title in titles)
            (FOLDER / f"{family}.txt").write_text(f"{HEADER}\n{heads}\n{table}\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
