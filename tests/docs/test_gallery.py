"""The gallery of convicted faults is what the program prints, and the table of laws is that of the library."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from funcnn.testing import (
    INITIALIZER_LAWS, LAWS, LOSS_LAWS, METRIC_LAWS, OPTIMIZER_LAWS, PENALTY_LAWS, SCHEDULE_LAWS, Law,
)  # fmt: skip
from tests.docs.pages import ROOT
from tests.examples.test_examples import load

TABLES: dict[str, Mapping[str, Law[Any]]] = {
    "layers": LAWS, "losses": LOSS_LAWS, "metrics": METRIC_LAWS, "optimizers": OPTIMIZER_LAWS,
    "schedules": SCHEDULE_LAWS, "initializers": INITIALIZER_LAWS, "penalties": PENALTY_LAWS,
}  # fmt: skip


def likeness(page: str) -> list[str]:
    """A page without the numbers and the ends of what was found, which rounding and messages change."""
    return [re.sub(r"[-+]?\d[\d.e+-]*", "#", line)[: 60 if "found:" in line else None] for line in page.splitlines()]


@pytest.mark.usefixtures("same_cases")
def test_the_gallery_is_what_the_program_prints() -> None:
    """Every mistake is convicted by the law that stands there: `python examples/gallery.py > docs/gallery.md`."""
    written = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    assert likeness(load("gallery").page()) == likeness(written)


def test_the_table_of_laws_is_the_lawbook() -> None:
    """Every law has a row, and a sentence: `python examples/table_of_laws.py > docs/table_of_laws.md`."""
    assert load("table_of_laws").page() == (ROOT / "docs" / "table_of_laws.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", TABLES)
def test_every_law_stands_in_the_table(kind: str) -> None:
    """By its name."""
    page = (ROOT / "docs" / "table_of_laws.md").read_text(encoding="utf-8")
    assert [law for law in TABLES[kind] if f"| `{law}` |" not in page] == []
