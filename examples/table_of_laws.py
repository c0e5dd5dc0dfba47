"""What is checked, what is not, and how each law is judged: writes docs/table_of_laws.md.

    python examples/table_of_laws.py > docs/table_of_laws.md
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from funcnn.testing import (
    INITIALIZER_LAWS, LAWS, LOSS_LAWS, METRIC_LAWS, OPTIMIZER_LAWS, PENALTY_LAWS, SCHEDULE_LAWS, Claims, Law, laws_for,
)  # fmt: skip

HEAD = """# Table of laws

This page is what `python examples/table_of_laws.py` prints. *Exact* laws convict at once; *numeric* ones if they fail \
again on fresh values; *derivative* ones by differences with an error estimate of their own, after the complex step. \
Asked for are laws of a domain, by `also=`, and those that a claim turns on, such as `linear=True`. *Large* laws are \
tried on a few large cases, too.
"""

NOT_CHECKED = """
## What is not checked

* That a layer computes what its name says: give `value=`, a plain formula, or `steps=` for an optimizer. Without them \
a wrong bias correction, or a wrong smoothing of labels, is as lawful as a right one.
* Faults of sizes above 64, of numbers above 1000 and of more than twelve steps, unless a case of your own is so large.
* Faults that show in fewer than one case of a hundred: `--law-examples 200` looks longer.
* That a layer is causal, unbiased, invariant: these laws are asked for by `also=`.
* A value that is wrong only where numbers are tied, or whole: give `value=`, or say `kinks=False`, which tries them.
* That what is drawn is drawn well: the spread of a noise, one key for two branches, a few hundred masks for all keys. \
Layers with params may draw once for all rows.
* Rows of which nothing is real: masks that are drawn have a real step in every row.
* What a layer keeps of its very first pass where Python does not see it, as in a library written in C, or in a file. \
In closures, globals, attributes, classes, modules, the environment and `lru_cache` it is seen, and taken back as it \
was before the laws were made. Layers that another process can import are tried there, too, after another first pass, \
with one other order of sets.
* Speed and memory.
"""

KINDS: dict[str, Mapping[str, Law[Any]]] = {
    "Layers": LAWS, "Losses": LOSS_LAWS, "Optimizers": OPTIMIZER_LAWS, "Metrics": METRIC_LAWS,
    "Schedules": SCHEDULE_LAWS, "Initializers": INITIALIZER_LAWS, "Penalties": PENALTY_LAWS,
}  # fmt: skip


def row(law: Law[Any], asked: bool) -> str:
    """A line of a table."""
    how = ", ".join([law.kind, *(["asked for"] if asked else []), *(["large"] if law.large else [])])
    return f"| `{law.name}` | {law.statement.replace('|', chr(92) + '|')} | {how} |"


def page() -> str:
    """The page, in Markdown."""
    always = laws_for(None, Claims())
    parts = [HEAD]
    for kind, laws in KINDS.items():
        lines = [row(law, kind == "Layers" and name not in always) for name, law in laws.items()]
        parts += [f"\n## {kind}\n\n| law | what it says | how it is judged |\n|---|---|---|\n", "\n".join(lines), "\n"]
    return "".join([*parts, NOT_CHECKED])


if __name__ == "__main__":
    print(page(), end="")
