"""Where a line of progress is kept up to date: a terminal, by tqdm or by hand, or the output of a notebook's cell."""

from __future__ import annotations

import importlib
import sys
from typing import Any, Protocol, TextIO


class Screen(Protocol):
    """Something that shows one line at a time."""

    def fits(self, line: str) -> bool:
        """Is there room for it?"""
        ...

    def show(self, line: str, step: int) -> None:
        """Put this line in the place of the last one; `step` is how far training is."""

    def end(self) -> None:
        """Leave the line as it is: what is printed next has its own."""


def screen_of(file: TextIO | None, total: int | None) -> Screen | None:
    """The screen of a file, of the standard error where none is given; None where lines are written once and for all.

    In a notebook the line is that of the cell. At a terminal it is tqdm's bar, where tqdm is installed and no file is
    asked for.
    """
    if file is None and (display := _notebook()) is not None:
        return NotebookLine(display)
    shown = sys.stderr if file is None else file
    if not shown.isatty():
        return None
    bar = _tqdm() if file is None else None
    return TerminalLine(shown) if bar is None else TqdmBar(bar, shown, total)


def _notebook() -> Any:
    """What displays in a notebook; None outside of one."""
    ipython: Any = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if not hasattr(shell, "kernel"):  # IPython at a terminal has none
        return None
    return importlib.import_module("IPython.display").display


def _tqdm() -> Any:
    """tqdm, where it is installed; a program that shows no progress does without its import."""
    try:
        return importlib.import_module("tqdm").tqdm
    except ModuleNotFoundError:
        return None


def _room() -> int:
    """Letters of a line; the last column would begin the next one."""
    import shutil  # not above: it is slow to import, and few programs show progress

    return shutil.get_terminal_size().columns - 1


class TerminalLine:
    """A line at a terminal, written over by the next one."""

    def __init__(self, file: TextIO) -> None:
        self.file, self.width = file, 0

    def fits(self, line: str) -> bool:
        """In the width of the terminal, as it is now."""
        return len(line) <= _room()

    def show(self, line: str, step: int) -> None:
        """What does not fit is cut off: a line that wraps could not be written over."""
        line = line[: _room()]
        self.file.write("\r" + line.ljust(self.width))
        self.file.flush()
        self.width = len(line)

    def end(self) -> None:
        """Begin the next line."""
        self.file.write("\n")
        self.file.flush()


class NotebookLine:
    """A line below a cell."""

    def __init__(self, display: Any) -> None:
        self.display = display
        self.handle: Any = None

    def fits(self, line: str) -> bool:
        """Notebooks break lines."""
        return True

    def show(self, line: str, step: int) -> None:
        """The first time it is displayed, and updated from then on."""
        bundle = {"text/plain": line}
        if self.handle is None:
            self.handle = self.display(bundle, raw=True, display_id=True)
        else:
            self.handle.update(bundle, raw=True)

    def end(self) -> None:
        """Notebooks keep what they show."""


class TqdmBar:
    """tqdm's bar, which knows the width of the terminal, and where there are several."""

    def __init__(self, tqdm: Any, file: TextIO, total: int | None) -> None:
        self.tqdm, self.file, self.total = tqdm, file, total
        self.bar: Any = None

    def fits(self, line: str) -> bool:
        """The bar gives way."""
        return True

    def show(self, line: str, step: int) -> None:
        """The bar is as long as the steps say; the line stands behind it."""
        if self.bar is None:
            self.bar = self.tqdm(
                total=self.total, initial=step - 1, unit="step", file=self.file, dynamic_ncols=True, mininterval=0
            )
        self.bar.n = step
        self.bar.set_postfix_str(line, refresh=False)
        self.bar.refresh()

    def end(self) -> None:
        """The bar stays."""
        if self.bar is not None:
            self.bar.close()
