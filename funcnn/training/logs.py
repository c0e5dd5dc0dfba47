"""Rows of numbers in a file while training goes on: JSON lines, or CSV."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping
from math import nan
from typing import Any, BinaryIO, Final

from funcnn.checkpoints.places import Path, path_of
from funcnn.errors import brief
from funcnn.training.cells import as_json, as_list, as_value
from funcnn.types import is_mapping

_CHUNK: Final = 4096  # bytes that are read from the end at a time


def append_row(path: Path, row: Mapping[str, object], *, order: str = "step") -> None:
    """Append a row to a file of JSON lines, or of CSV where its name ends so, and have it written before going on.

    Rows come in the order of their column `order`, where they have one: a row that is not behind the last one takes the
    place of all that are not before it. So a run that goes on from a checkpoint, behind which the file has more rows
    already, leaves each step once; and a last line that was not written to its end is replaced. NumPy's numbers are
    numbers, arrays lists. JSON knows no NaN and no infinity: they become null. CSV has a first line with the names, and
    every row has these.

    Errors
        TypeError    `row` is no mapping
        ValueError   a row of CSV has other names than the file; `order` is a column of something else than numbers
        OSError      as the operating system raised it

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for step in (1, 2, 3, 2):
    ...         append_row(folder + "/log.jsonl", {"step": step, "loss": np.float32(1 / step)})
    ...     read_rows(folder + "/log.jsonl")
    [{'step': 1, 'loss': 1.0}, {'step': 2, 'loss': 0.5}]
    """
    if not is_mapping(row):
        raise TypeError(f"append_row takes a row, a mapping from names to numbers, got {brief(row)}")
    place = os.fsdecode(path_of(path, "append_row"))
    values = {str(name): as_list(as_value(value)) for name, value in row.items()}
    table = place.endswith(".csv")
    with open(place, "a+b") as file:
        names = _names(file) if table else []
        if table and names and names != list(values):
            raise ValueError(f"append_row: {place} has the columns {', '.join(names)}, the row {', '.join(values)}")
        _cut(file, names, order, values.get(order))
        empty = file.seek(0, os.SEEK_END) == 0
        text = _csv([list(values)] * empty + [list(values.values())]) if table else json.dumps(as_json(values)) + "\n"
        file.write(text.encode())


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a file that `append_row` wrote, as `History` takes them; a last line that was cut off is left out.

    What is null in JSON, and empty in CSV, is NaN; what is no number stays text.

    Errors
        OSError      as the operating system raised it
        ValueError   a line is no row, with its number
    """
    place = os.fsdecode(path_of(path, "read_rows"))
    with open(place, "rb") as file:
        lines = file.read().decode().split("\n")[:-1]  # behind the last one there is nothing, or what was cut off
    names = next(csv.reader(lines[:1]), list[str]()) if place.endswith(".csv") else []
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(lines, 1):
        if not names or number > 1:
            found = _row(line, names)
            if found is None:
                raise ValueError(f"read_rows: line {number} of {place} is no row: {brief(line)}")
            rows.append(found)
    return rows


def _names(file: BinaryIO) -> list[str]:
    """The first line of a table; nothing where it has not been written to its end."""
    file.seek(0)
    line = file.readline().decode()
    return next(csv.reader([line]), list[str]()) if line.endswith("\n") else []


def _cut(file: BinaryIO, names: list[str], order: str, value: Any) -> None:
    """Take away a line without an end, and the rows that are not before this value, from the end on."""
    if value is not None and not (isinstance(value, (int, float)) and not isinstance(value, bool)):
        raise ValueError(f"append_row: the order of rows is a number, {order} is {brief(value)}")
    end = file.seek(0, os.SEEK_END)
    size = end
    while end:
        start = _line_start(file, end)
        file.seek(start)
        line = file.read(end - start).decode()
        if line.endswith("\n"):
            found = (_row(line[:-1], names) or {}).get(order) if start or not names else None
            if value is None or not isinstance(found, (int, float)) or found < value:
                break
        end = start
    if end < size:
        file.truncate(end)


def _line_start(file: BinaryIO, end: int) -> int:
    """Where the line begins that ends here."""
    at = end - 1
    while at > 0:
        start = max(0, at - _CHUNK)
        file.seek(start)
        found = file.read(at - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        at = start
    return 0


def _row(line: str, names: list[str]) -> dict[str, Any] | None:
    """One line as a row; None where it is none."""
    if names:
        cells = next(csv.reader([line]), list[str]())
        return None if len(cells) != len(names) else dict(zip(names, map(_number, cells), strict=True))
    try:
        found: Any = json.loads(line)
    except ValueError:
        return None
    return {name: nan if value is None else value for name, value in found.items()} if is_mapping(found) else None


def _number(cell: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            continue
    return cell or nan


def _csv(rows: Iterable[list[Any]]) -> str:
    text = io.StringIO(newline="")
    cells = [[" ".join(v.splitlines()) if isinstance(v, str) else v for v in row] for row in rows]  # a row is a line
    csv.writer(text, lineterminator="\n").writerows(cells)
    return text.getvalue()
