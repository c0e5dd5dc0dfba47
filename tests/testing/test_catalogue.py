"""The catalogue is complete, and its rows are what they say."""

from __future__ import annotations

import re

import pytest

import funcnn
from tests.catalogue import (
    COMBINATORS,
    INITIALIZERS,
    LAYERS,
    LOSSES,
    METRICS,
    NAMESPACE,
    OPTIMIZERS,
    PENALTIES,
    SCHEDULES,
    WITHOUT_ROW,
    PartRow,
    Row,
    build,
    kind_of,
    name_of,
)

TABLES: dict[str, tuple[Row, ...]] = {"layer": (*LAYERS, *COMBINATORS), "loss": LOSSES, "optimizer": OPTIMIZERS}
ROWS = [row for table in TABLES.values() for row in table]


@pytest.mark.parametrize("kind", TABLES)
def test_every_public_name_has_a_row(kind: str) -> None:
    """A layer, combinator, loss or optimizer that is exported is in the catalogue, so that all laws run over it."""
    public = {name for name in NAMESPACE if kind_of(name) == kind} - WITHOUT_ROW.keys()
    assert public - {name_of(row) for row in TABLES[kind]} == set()


@pytest.mark.parametrize(
    ("names", "rows"),
    [
        (set(funcnn.metrics.__all__) - {"Metric", "Ratio", "metric"}, METRICS),
        (set(funcnn.schedules.__all__) - {"Rate", "Schedule", "as_schedule"}, SCHEDULES),
        (set(funcnn.initializers.__all__), INITIALIZERS),
        ({name for name in NAMESPACE if kind_of(name) == "penalty"}, PENALTIES),
    ],
    ids=["metrics", "schedules", "initializers", "penalties"],
)
def test_every_part_has_a_row(names: set[str], rows: tuple[PartRow, ...]) -> None:
    """Of those of a package, all but types, decorators and what makes a schedule of a number."""
    assert names == names & {name for row in rows for name in re.findall(r"\w+", row.source)} != set()


def test_no_row_outlives_its_name() -> None:
    """Every row, and every exemption, is about a name that is still public."""
    assert {name_of(row) for row in ROWS} | WITHOUT_ROW.keys() <= NAMESPACE.keys()


def test_no_row_stands_twice() -> None:
    """A network stands in one row."""
    sources = [row.source for row in ROWS]
    assert sorted(set(sources)) == sorted(sources)


@pytest.mark.parametrize("row", [*LAYERS, *COMBINATORS], ids=lambda row: row.source)
def test_rows_of_layers_make_layers(row: Row) -> None:
    """The source of a row evaluates to a layer."""
    assert isinstance(build(row), funcnn.Layer)


@pytest.mark.parametrize("row", [*LAYERS, *COMBINATORS], ids=lambda row: row.source)
def test_layers_print_as_source(row: Row) -> None:
    """What a layer prints evaluates to an equal layer."""
    made = build(row)
    assert eval(repr(made), vars(funcnn.initializers) | NAMESPACE) == made
