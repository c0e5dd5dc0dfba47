"""A progress line for training, and for every loop like it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable, Mapping
from math import inf
from time import perf_counter
from typing import TextIO, TypeVar

from funcnn.arguments import is_integer, is_number
from funcnn.errors import brief
from funcnn.foreign.calls import understood
from funcnn.training.screens import Screen, TqdmBar, screen_of
from funcnn.training.steps import StepMetrics
from funcnn.types import is_mapping, is_scalar, is_tuple

A = TypeVar("A")

_BAR = 20  # characters


@understood
def progress(
    steps: Iterable[tuple[A, StepMetrics]],
    *,
    total: int | None = None,
    every: float = 0.1,
    file: TextIO | None = None,
    beside: Callable[[], Mapping[str, object]] | None = None,
) -> Generator[tuple[A, StepMetrics], None, None]:
    """Show how training goes; everything passes through unchanged.

    At a terminal and in a notebook one line is kept up to date, every `every` seconds: epoch, step, the mean loss of
    the epoch so far, examples per second, and, where `total` says how many steps there will be, a bar and the time that
    is left. Elsewhere every epoch prints a line, once the body of the loop is done with it. All of it is written to
    `file`, standard error where none is given, at a terminal by tqdm where it is installed; a program without a
    standard error shows nothing. Where nobody reads any more, a terminal that was closed say, or a disk that is full,
    training goes on without a line. The rate is that of training alone: what the body of the loop takes does not count.

    `beside` is asked for more whenever a line is written, for what the body of the loop has found out: numbers by name,
    of which True stands for the name alone and False or None for nothing: `{"validation": 0.31, "best": True}`.

    Errors, from the call itself
        ValueError   `total` or `every` is negative
        TypeError    they are no numbers; `file` is no file of text, `beside` no function
    Errors, from the loop
        TypeError    the steps are not what `fit` yields

    >>> import sys
    >>> steps = [("a state", StepMetrics(step, step - 1, 1 / step, 32, True)) for step in (1, 2)]
    >>> found = {}
    >>> for state, metrics in progress(steps, file=sys.stdout, beside=lambda: found):
    ...     found = {"validation": 2 * metrics.loss}    # doctest: +ELLIPSIS
    epoch 1  step 1  loss 1  ... examples/s  validation 2
    epoch 2  step 2  loss 0.5  ... examples/s  validation 1
    """
    if total is not None and not (is_integer(total) and total >= 0):
        kind = ValueError if is_integer(total) else TypeError
        raise kind(f"progress: total is a number of steps of at least 0, got {total!r}")
    if not (is_number(every) and every >= 0):
        kind = ValueError if is_number(every) else TypeError
        raise kind(f"progress: every must be at least 0 seconds, got {every!r}")
    if beside is not None and not callable(beside):
        raise TypeError(f"progress: beside is a function that gives numbers by name, got {brief(beside)}")
    if file is not None and not hasattr(file, "isatty"):
        raise TypeError(f"progress: file is an open file of text, such as sys.stdout, got {brief(file)}")
    shown = sys.stderr if file is None else file
    if shown is None or (file is None and shown.closed):  # a program without a console has no standard error
        return (item for item in steps)
    return _shown(steps, _Sums(total, beside), every, shown, screen_of(file, total))


class _Sums:
    """What a line needs to know of the steps so far."""

    def __init__(self, total: int | None, beside: Callable[[], Mapping[str, object]] | None) -> None:
        self.total, self.beside, self.begin = total, beside, perf_counter()
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
        return "  ".join([*parts, *self.found()])

    def behind_a_bar(self) -> str:
        """What is shown behind a bar that counts steps and time itself."""
        assert self.last
        return "  ".join([f"epoch {self.last.epoch + 1}", f"loss {self.loss / max(1, self.rows):.4g}", *self.found()])

    def found(self) -> list[str]:
        """What the body of the loop has found out."""
        if self.beside is None:
            return []
        more = self.beside()
        if not is_mapping(more):
            raise TypeError(f"progress: beside must give numbers by name, {{'validation': 0.31}}, got {brief(more)}")
        return [name if value is True else f"{name} {_told(value)}" for name, value in more.items() if _counts(value)]


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _counts(value: object) -> bool:
    return value is not None and value is not False


def _told(value: object) -> str:
    """Numbers in four digits, NumPy's too; the rest as it prints."""
    number = value.item() if is_scalar(value) else value
    return f"{number:.4g}" if isinstance(number, float) else " ".join(str(number).split())


def _shown(
    steps: Iterable[tuple[A, StepMetrics]], sums: _Sums, every: float, file: TextIO, screen: Screen | None
) -> Generator[tuple[A, StepMetrics], None, None]:
    source, drawn = iter(steps), -inf  # when the line was drawn

    gone = False  # is nobody there to read?

    def write(shown: Callable[[], None]) -> None:
        nonlocal gone
        try:
            if not gone:
                shown()
        except OSError:
            gone = True
        except ValueError:
            if not file.closed:
                raise
            gone = True

    def draw(screen: Screen, last: StepMetrics) -> None:
        line = sums.behind_a_bar() if isinstance(screen, TqdmBar) else sums.line(bar=True)
        if not screen.fits(line):
            line = sums.line(bar=False)
        write(lambda: screen.show(line, last.step))

    told = 0  # the step of the last line that was printed

    def tell() -> None:
        nonlocal told
        if sums.last and sums.last.last_of_epoch and told != sums.last.step:
            told, line = sums.last.step, sums.line(bar=False)
            write(lambda: print(line, file=file, flush=True))

    try:
        while True:
            before = perf_counter()
            try:
                item = next(source)
            except StopIteration:
                return
            now = perf_counter()
            if not sums.steps and not (is_tuple(item) and len(item) == 2 and isinstance(item[1], StepMetrics)):
                raise TypeError(f"progress takes what fit yields, pairs (state, metrics), got {brief(item)}")
            sums.add(item[1], now - before)
            if screen and now - drawn >= every:
                draw(screen, item[1])
                drawn = perf_counter()
            yield item
            if not screen and item[1].last_of_epoch:
                tell()
    finally:  # also where the loop is left, or an error comes: what is printed next begins a line of its own
        if screen and sums.last:
            draw(screen, sums.last)
            write(screen.end)
        elif not screen:
            tell()
