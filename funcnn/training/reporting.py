"""A progress line for training, and for every loop like it."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable
from math import inf
from time import perf_counter
from typing import TextIO, TypeVar

from funcnn.training.steps import StepMetrics

A = TypeVar("A")

_BAR = 20  # characters


def progress(
    steps: Iterable[tuple[A, StepMetrics]], *, total: int | None = None, every: float = 0.1, file: TextIO | None = None
) -> Generator[tuple[A, StepMetrics], None, None]:
    """Show how training goes; everything passes through unchanged.

    On a terminal one line is kept up to date, every `every` seconds: epoch, step, the mean loss of the epoch so far,
    examples per second, and, where `total` says how many steps there will be, a bar and the time that is left.
    Elsewhere every epoch prints a line. All of it is written to `file`, standard error where none is given; a program
    without one shows nothing. The rate is that of training alone: what the body of the loop takes does not count.

    Errors
        ValueError   `total` or `every` is negative

    >>> import io
    >>> steps = [("a state", StepMetrics(step, 0, 1 / step, 32, step == 2)) for step in (1, 2)]
    >>> for state, metrics in progress(steps, file=io.StringIO()):
    ...     print(metrics.step, metrics.loss)
    1 1.0
    2 0.5
    """
    if total is not None and total < 0:
        raise ValueError(f"progress: total must be at least 0, got {total!r}")
    if not every >= 0:
        raise ValueError(f"progress: every must be at least 0 seconds, got {every!r}")
    shown = sys.stderr if file is None else file
    if shown is None:  # a program without a console has no standard error
        return (item for item in steps)
    return _shown(steps, total, every, shown)


class _Sums:
    """What a line needs to know of the steps so far."""

    def __init__(self, total: int | None) -> None:
        self.total, self.begin = total, perf_counter()
        self.busy, self.steps, self.examples = 0.0, 0, 0  # since the beginning
        self.loss, self.rows = 0.0, 0  # in this epoch
        self.last: StepMetrics | None = None

    def add(self, metrics: StepMetrics, seconds: float) -> None:
        """One more step, which took so long."""
        if self.last and metrics.epoch != self.last.epoch:
            self.loss, self.rows = 0.0, 0
        self.busy, self.steps, self.examples = self.busy + seconds, self.steps + 1, self.examples + metrics.examples
        self.loss, self.rows = self.loss + metrics.loss * metrics.examples, self.rows + metrics.examples
        self.last = metrics

    def line(self, *, bar: bool) -> str:
        """What is shown."""
        assert self.last
        step, total = self.last.step, self.total
        parts = [f"epoch {self.last.epoch + 1}", f"step {step}" if total is None else f"step {step}/{total}"]
        if bar and total:
            done = min(_BAR, _BAR * step // total)
            parts.append(f"[{'#' * done}{'.' * (_BAR - done)}]")
        parts.append(f"loss {self.loss / max(1, self.rows):.4g}")
        if self.busy > 0:
            parts.append(f"{self.examples / self.busy:,.0f} examples/s")
        if bar and total:
            left = (perf_counter() - self.begin) / self.steps * max(0, total - step)
            parts.append(f"{_clock(left)} left")
        return "  ".join(parts)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _shown(
    steps: Iterable[tuple[A, StepMetrics]], total: int | None, every: float, file: TextIO
) -> Generator[tuple[A, StepMetrics], None, None]:
    source, sums, terminal = iter(steps), _Sums(total), file.isatty()
    drawn, width = -inf, 0  # when the line was drawn, and how wide it was

    def draw() -> None:
        import shutil  # not above: it is slow to import, and few programs show progress

        nonlocal drawn, width
        line = sums.line(bar=True)[: shutil.get_terminal_size().columns - 1]
        file.write("\r" + line.ljust(width))
        file.flush()
        drawn, width = perf_counter(), len(line)

    try:
        while True:
            before = perf_counter()
            try:
                item = next(source)
            except StopIteration:
                return
            now = perf_counter()
            sums.add(item[1], now - before)
            if terminal and now - drawn >= every:
                draw()
            elif not terminal and item[1].last_of_epoch:
                print(sums.line(bar=False), file=file, flush=True)
            yield item
    finally:  # also where the loop is left, or an error comes: what is printed next begins a line of its own
        if terminal and sums.last:
            draw()
            file.write("\n")
            file.flush()
