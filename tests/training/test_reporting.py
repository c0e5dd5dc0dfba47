"""A progress line shows how training goes, and changes nothing."""

from __future__ import annotations

import sys
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from funcnn import Dense, StepMetrics, fit, progress, sgd, squared_error

CLOCK = "funcnn.training.reporting.perf_counter"


class Terminal(io.StringIO):
    """A file that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the progress line, and a terminal that is wide enough."""
    clock = Clock()
    monkeypatch.setattr(CLOCK, clock)
    monkeypatch.setenv("COLUMNS", "100")
    return clock


def steps(clock: Clock, seconds: float = 0.5) -> Iterator[tuple[str, StepMetrics]]:
    """Two epochs of two steps: 3 rows and one row, with losses 1, 2 and 3, 4; each takes so long."""
    for i in range(4):
        clock.now += seconds
        yield f"state {i}", StepMetrics(i + 1, i // 2, i + 1.0, 1 if i % 2 else 3, i % 2 == 1)


def test_a_line_for_every_epoch(clock: Clock) -> None:
    """Where the file is no terminal, an epoch prints a line: the mean loss of its rows, and rows per second."""
    list(progress(steps(clock), file=(file := io.StringIO())))
    assert file.getvalue() == (
        "epoch 1  step 2  loss 1.25  4 examples/s\n"
        "epoch 2  step 4  loss 3.25  4 examples/s\n"
    )  # fmt: skip


def test_the_total_is_shown(clock: Clock) -> None:
    """Where it is known how many steps there will be, lines say so."""
    list(progress(steps(clock), total=4, file=(file := io.StringIO())))
    assert file.getvalue().splitlines()[0] == "epoch 1  step 2/4  loss 1.25  4 examples/s"


def test_one_line_on_a_terminal(clock: Clock) -> None:
    """On a terminal every step draws the line again, over the old one, and the end ends it."""
    list(progress(steps(clock), every=0, file=(file := Terminal())))
    assert file.getvalue() == (
        "\repoch 1  step 1  loss 1  6 examples/s"
        "\repoch 1  step 2  loss 1.25  4 examples/s"
        "\repoch 2  step 3  loss 3  5 examples/s   "
        "\repoch 2  step 4  loss 3.25  4 examples/s"
        "\repoch 2  step 4  loss 3.25  4 examples/s\n"
    )


def test_a_bar_on_a_terminal(clock: Clock) -> None:
    """Where the total is known, there is a bar, and the time that is left at this pace."""
    list(progress(steps(clock, 40.0), total=4, every=0, file=(file := Terminal())))
    assert file.getvalue().split("\r")[1].rstrip() == (
        "epoch 1  step 1/4  [#####...............]  loss 1  0 examples/s  2:00 left"
    )
    assert file.getvalue().endswith("epoch 2  step 4/4  [####################]  loss 3.25  0 examples/s  0:00 left\n")


def test_hours(clock: Clock) -> None:
    """A long time has hours."""
    next(progress(steps(clock, 1500.0), total=4, every=0, file=(file := Terminal())))
    assert file.getvalue().rstrip().endswith("1:15:00 left")


def test_more_steps_than_were_said(clock: Clock) -> None:
    """A total that was too small does no harm."""
    list(progress(steps(clock), total=2, every=0, file=(file := Terminal())))
    assert "step 4/2  [####################]  loss 3.25  4 examples/s  0:00 left\n" in file.getvalue()


def test_not_more_often_than_asked(clock: Clock) -> None:
    """The line is drawn again after `every` seconds, and at the end."""
    list(progress(steps(clock), every=1.0, file=(file := Terminal())))
    assert [line.split("  ")[1] for line in file.getvalue().split("\r")[1:]] == ["step 1", "step 3", "step 4"]


def test_what_the_body_takes_does_not_count(clock: Clock) -> None:
    """The rate is that of training: evaluating in the body of the loop does not slow it."""
    for _ in progress(steps(clock), file=(file := io.StringIO())):
        clock.now += 1000
    assert file.getvalue().endswith("4 examples/s\n")


def test_a_narrow_terminal(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line never wraps: what does not fit is cut off."""
    monkeypatch.setenv("COLUMNS", "20")
    list(progress(steps(clock), every=0, file=(file := Terminal())))
    assert max(len(line) for line in file.getvalue().rstrip("\n").split("\r")) == 19


def test_a_loop_that_is_left(clock: Clock) -> None:
    """After a `break` the line shows the last step, and is ended, so that what is printed next has its own."""
    shown = progress(steps(clock), every=1000, file=(file := Terminal()))
    for _, metrics in shown:
        if metrics.step == 2:
            break
    shown.close()
    assert file.getvalue().endswith("\repoch 1  step 2  loss 1.25  4 examples/s\n")


def test_an_error_in_a_step(clock: Clock) -> None:
    """An error goes through unchanged, after the line was ended."""

    def failing() -> Iterator[tuple[str, StepMetrics]]:
        yield from steps(clock)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(progress(failing(), file=(file := Terminal())))
    assert file.getvalue().endswith("\n")


@pytest.mark.parametrize("file", [io.StringIO(), Terminal()], ids=["file", "terminal"])
def test_no_steps(file: io.StringIO) -> None:
    """Without steps nothing is shown."""
    assert (list(progress([], total=0, file=file)), file.getvalue()) == ([], "")


@pytest.mark.parametrize("file", [io.StringIO(), Terminal()], ids=["file", "terminal"])
def test_everything_passes_through(file: io.StringIO) -> None:
    """The loop gets what training yields, the same objects in the same order."""
    net = Dense(1)
    x, y = np.arange(6.0).reshape(6, 1) / 6, np.ones((6, 1))
    run = list(fit(squared_error, net.apply, sgd(0.1), net.init(0, (-1, 1))[1], (x, y), epochs=2, batch_size=4))
    assert all(a is b for a, b in zip(progress(run, total=4, file=file), run, strict=True))


def test_standard_error_by_default(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """Where no file is given it is the standard error of the moment."""
    list(progress(steps(clock)))
    captured = capsys.readouterr()
    assert (captured.out, captured.err.count("\n")) == ("", 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"total": -1}, "progress: total must be at least 0, got -1"),
        ({"every": -0.1}, "progress: every must be at least 0 seconds, got -0.1"),
        ({"every": float("nan")}, "progress: every must be at least 0 seconds, got nan"),
    ],
)
def test_refusals(options: dict[str, Any], message: str) -> None:
    """What is wrong is said by the call."""
    with pytest.raises(ValueError, match=message):
        progress([], **options)


def test_without_a_console_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything passes through all the same."""
    monkeypatch.setattr(sys, "stderr", None)
    steps = [("a", StepMetrics(1, 0, 0.5, 4, True)), ("b", StepMetrics(2, 1, 0.4, 4, True))]
    assert list(progress(steps)) == steps
