"""What training was like, epoch by epoch, as a table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias, final

import numpy as np
import numpy.typing as npt

from funcnn.checkpoints.atomic_writes import replacing
from funcnn.checkpoints.places import Path, path_of
from funcnn.errors import brief
from funcnn.training.cells import as_json, as_list, as_value
from funcnn.types import is_array, is_mapping
from funcnn.values import frozen

Row: TypeAlias = "Mapping[str, Any]"

_SHOWN: Final = 12  # rows; of more, the first and the last


@final
@frozen("a history never changes; {name} cannot be set")
class History:
    """What training was like: a row for every epoch, with columns by name. A value: it compares and pickles.

    `history["loss"]` is a column as an array, `history.rows` are the rows, `history.columns` the names, `len(history)`
    the number of epochs. `best` is the place of the best row, from 0, where one was looked for; a star marks it.
    `funcnn.plotting.learning_curves(history)` draws it.

    Errors
        TypeError    rows are no mappings
        ValueError   they have not the same columns
        KeyError     there is no such column; those that are there are listed

    >>> history = History([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}], best=1)
    >>> history
      epoch  loss
          1   0.5
    *     2  0.25
    >>> history["loss"], len(history)
    (array([0.5 , 0.25]), 2)
    """

    __slots__ = ("rows", "best")
    rows: tuple[Row, ...]
    best: int | None

    def __init__(self, rows: Iterable[Row] = (), best: int | None = None) -> None:
        given: object = rows
        if is_mapping(given) or not all(map(is_mapping, rows := list(rows))):
            raise TypeError(f"a history is made of rows, [{{'epoch': 1, 'loss': 0.5}}], got {brief(given)}")
        taken = tuple({name: as_value(value) for name, value in row.items()} for row in rows)
        for row in taken:
            if list(row) != list(taken[0]):
                raise ValueError(f"all rows of a history have the same columns, got {list(taken[0])} and {list(row)}")
        if best is not None and not 0 <= best < len(taken):
            raise ValueError(f"the best row must be one of {len(taken)}, got {best}")
        object.__setattr__(self, "rows", taken)
        object.__setattr__(self, "best", best)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(self.rows[0]) if self.rows else ()

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        if self.rows and name not in self.rows[0]:
            plain = name.removeprefix("val_") if isinstance(name, str) else ""
            fix = f"; validation's is {plain!r}" if plain in self.rows[0] and "train_loss" in self.rows[0] else ""
            raise KeyError(f"no column {name!r}; this history has {', '.join(self.columns)}{fix}")
        return np.array([row[name] for row in self.rows])

    def __len__(self) -> int:
        return len(self.rows)

    def to_json(self, path: Path) -> None:
        """Write the columns as one JSON object of lists. What is not finite becomes null, for JSON has no such number.

        Errors
            OSError   as the operating system raised it; the file that was there is as it was

        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     History([{"epoch": 1, "loss": 0.5}]).to_json(folder + "/history.json")
        ...     print(pathlib.Path(folder, "history.json").read_text(), end="")
        {"epoch": [1], "loss": [0.5]}
        """
        columns = {name: [as_json(row[name]) for row in self.rows] for name in self.columns}
        with replacing(path_of(path, "History.to_json")) as file:
            file.write((json.dumps(columns, allow_nan=False) + "\n").encode())

    def to_csv(self, path: Path) -> None:
        """Write the rows as CSV under the names of the columns; every number as Python prints it, arrays as lists.

        Errors
            OSError   as the operating system raised it; the file that was there is as it was

        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     History([{"epoch": 1, "loss": 0.5}]).to_csv(folder + "/history.csv")
        ...     print(pathlib.Path(folder, "history.csv").read_text(), end="")
        epoch,loss
        1,0.5
        """
        text = io.StringIO(newline="")
        table = csv.writer(text, lineterminator="\n")
        if self.rows:
            table.writerow(self.columns)
        for row in self.rows:
            table.writerow([as_list(value) for value in row.values()])
        with replacing(path_of(path, "History.to_csv")) as file:
            file.write(text.getvalue().encode())

    def _lines(self) -> tuple[list[str], list[tuple[str, list[str]]]]:
        """The names, and the rows that are shown, each with its mark; where some are left out, dots."""
        rows = [("*" if i == self.best else "", [_shown(v) for v in row.values()]) for i, row in enumerate(self.rows)]
        if len(rows) > _SHOWN:
            half, dots = _SHOWN // 2, ("", ["..."])
            middle = self.best is not None and half <= self.best < len(rows) - half
            best = [rows[self.best], dots] if middle and self.best is not None else []
            rows = [*rows[:half], dots, *best, *rows[-half:]]
        return list(self.columns), rows

    def __repr__(self) -> str:
        if not self.rows:
            return "History of no epochs"
        names, rows = self._lines()
        table = [("", names), *rows]
        widths = [max(len(cells[i]) for _, cells in table if i < len(cells)) for i in range(len(names))]
        return "\n".join(
            f"{mark or ' '} {'  '.join(cell.rjust(width) for cell, width in zip(cells, widths, strict=False))}".rstrip()
            for mark, cells in table
        )

    def _repr_html_(self) -> str:
        return self.as_table()

    def as_table(self, caption: str = "") -> str:
        """The same for notebooks, under a caption that is HTML."""
        import html  # only notebooks need it

        names, rows = self._lines()
        lines = [f"<tr>{''.join(f'<th>{html.escape(name)}</th>' for name in ('', *names))}</tr>"] if rows else []
        for mark, cells in rows:
            lines.append(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in (mark, *cells))}</tr>")
        said = caption or ("" if rows else "History of no epochs")
        return f"<table><caption>{said}</caption>{''.join(lines)}</table>"

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, History) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> object:
        """What tells histories apart: NaN is like NaN here, and arrays are compared whole."""
        return self.best, tuple(tuple((name, repr(as_list(value))) for name, value in row.items()) for row in self.rows)

    def __reduce__(self) -> tuple[Any, ...]:
        return History, ([dict(row) for row in self.rows], self.best)


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"array{value.shape}" if is_array(value) else str(value)
