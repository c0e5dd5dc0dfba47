"""A progress line shows how training goes, and changes nothing."""

from __future__ import annotations

import sys
import io
from collections.abc import Iterator
from time import process_time
from types import ModuleType
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
    ("options", "error", "message"),
    [
        ({"total": -1}, ValueError, "progress: total is a number of steps of at least 0, got -1"),
        ({"total": 9.5}, TypeError, "progress: total is a number of steps of at least 0, got 9.5"),
        ({"every": -0.1}, ValueError, "progress: every must be at least 0 seconds, got -0.1"),
        ({"every": float("nan")}, ValueError, "progress: every must be at least 0 seconds, got nan"),
        ({"every": "1s"}, TypeError, "progress: every must be at least 0 seconds, got '1s'"),
        ({"beside": {"loss": 1}}, TypeError, "progress: beside is a function that gives numbers by name, got"),
        ({"file": "log.txt"}, TypeError, "progress: file is an open file of text, such as sys.stdout, got 'log.txt'"),
    ],
)
def test_refusals(options: dict[str, Any], error: type[Exception], message: str) -> None:
    """What is wrong is said by the call."""
    with pytest.raises(error, match=message):
        progress([], **options)


@pytest.mark.parametrize("steps", [[3], [(1, 2)], [("x", "target", "weights")]])
def test_steps_of_something_else(steps: Any) -> None:
    """Batches for instance are told from what `fit` yields."""
    with pytest.raises(TypeError, match="progress takes what fit yields, pairs \\(state, metrics\\), got"):
        list(progress(steps, file=io.StringIO()))


def test_what_the_loop_finds_out_has_names(clock: Clock) -> None:
    """And what has several lines has one."""
    with pytest.raises(TypeError, match="beside must give numbers by name"):
        list(progress(steps(clock), file=io.StringIO(), beside=lambda: None))  # type: ignore[arg-type, return-value]
    list(progress(steps(clock), file=(file := io.StringIO()), beside=lambda: {"found": "a\nb"}))
    assert file.getvalue().count("found a b\n") == 2


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("closed", [False, True])
def test_a_file_that_is_gone(clock: Clock, terminal: bool, closed: bool) -> None:
    """A terminal that was closed, a pipe that nobody reads, a full disk: training goes on, and every step comes out."""

    class Gone(io.StringIO):
        lines = 0

        def isatty(self) -> bool:
            return terminal

        def write(self, text: str) -> int:
            self.lines += 1
            if self.lines > 1 and closed:
                self.close()
                raise ValueError("I/O operation on closed file")
            if self.lines > 1:
                raise BrokenPipeError("nobody reads")
            return super().write(text)

    file = Gone()
    assert len(list(progress(steps(clock), every=0, file=file))) == 4 and file.lines == 2


def test_errors_of_the_loop_are_no_errors_of_the_file(clock: Clock) -> None:
    """A ValueError of what is asked for more comes out."""

    def fail() -> dict[str, object]:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        list(progress(steps(clock), every=0, file=Terminal(), beside=fail))


def test_the_bar_gives_way(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no room for all of it, what the loop found out is worth more than a bar."""
    monkeypatch.setenv("COLUMNS", "75")
    list(progress(steps(clock), total=4, every=0, file=(file := Terminal()), beside=lambda: {"validation": 0.25}))
    lines = file.getvalue().rstrip("\n").split("\r")
    assert lines[-1].startswith("epoch 2  step 4/4  loss 3.25") and lines[-1].endswith("validation 0.25")


def test_without_a_console_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything passes through all the same."""
    steps = [("a", StepMetrics(1, 0, 0.5, 4, True)), ("b", StepMetrics(2, 1, 0.4, 4, True))]
    closed = io.StringIO()
    closed.close()
    for console in (None, closed):
        monkeypatch.setattr(sys, "stderr", console)
        assert list(progress(steps)) == steps


# what the loop finds out ----------------------------------------------------------------------------------------------
def test_what_the_loop_found_out(clock: Clock) -> None:
    """Stands in the line of its epoch, which is written when the body is done: NumPy's numbers too, marks by name."""
    found: dict[str, object] = {}
    for _, metrics in progress(steps(clock), file=(file := io.StringIO()), beside=lambda: found):
        if metrics.last_of_epoch:
            found = {"validation": np.float32(metrics.loss / 3), "best": metrics.step < 3, "nothing": None, "n": 12345}
    assert file.getvalue() == (
        "epoch 1  step 2  loss 1.25  4 examples/s  validation 0.6667  best  n 12345\n"
        "epoch 2  step 4  loss 3.25  4 examples/s  validation 1.333  n 12345\n"
    )


def test_an_epoch_whose_body_ends_the_loop(clock: Clock) -> None:
    """Has its line, once."""
    for _, metrics in progress(steps(clock), file=(file := io.StringIO())):
        if metrics.last_of_epoch:
            break
    assert file.getvalue() == "epoch 1  step 2  loss 1.25  4 examples/s\n"


class Shell:
    """A notebook's shell, as IPython gives it."""

    kernel = None


class Handle:
    """What has been displayed under one cell."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def update(self, bundle: dict[str, str], *, raw: bool) -> None:
        """Another line in its place."""
        assert raw
        self.lines.append(bundle["text/plain"])


def notebook(monkeypatch: pytest.MonkeyPatch, shell: object) -> list[Handle]:
    """Pretend to be in a program with this shell; what was displayed."""
    shown: list[Handle] = []

    def display(bundle: dict[str, str], *, raw: bool, display_id: bool) -> Handle:
        assert raw and display_id
        shown.append(Handle())
        shown[-1].lines.append(bundle["text/plain"])
        return shown[-1]

    ipython: Any = ModuleType("IPython")
    ipython.get_ipython = lambda: shell
    inner: Any = ModuleType("IPython.display")
    inner.display = display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", inner)
    return shown


def test_one_line_in_a_notebook(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Displayed once and updated, with bar and all; nothing is written to standard error."""
    shown = notebook(monkeypatch, Shell())
    list(progress(steps(clock), total=4, every=0))
    (line,) = shown
    assert line.lines[0] == "epoch 1  step 1/4  [#####...............]  loss 1  6 examples/s  0:02 left"
    assert line.lines[-1] == "epoch 2  step 4/4  [####################]  loss 3.25  4 examples/s  0:00 left"
    assert capsys.readouterr() == ("", "")


def test_a_file_in_a_notebook_and_a_shell_without_one(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that was asked for is written to; IPython at a terminal is a terminal."""
    shown = notebook(monkeypatch, Shell())
    list(progress(steps(clock), file=(file := io.StringIO())))
    assert shown == [] and file.getvalue().count("\n") == 2
    shown = notebook(monkeypatch, object())
    monkeypatch.setattr(sys, "stderr", file := io.StringIO())
    list(progress(steps(clock)))
    assert shown == [] and file.getvalue().count("\n") == 2


def test_tqdm_at_a_terminal(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its bar counts the steps, and the line stands behind it."""
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    list(progress(steps(clock), total=4, every=0, beside=lambda: {"best": True}))
    last = terminal.getvalue().rstrip().rsplit("\r", 1)[-1]
    assert "4/4" in last and "epoch 2  loss 3.25  best" in last and "100%" in last
    assert terminal.getvalue().endswith("\n")


def test_a_terminal_without_tqdm(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the plain line."""
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    list(progress(steps(clock), total=4, every=0))
    line = "epoch 2  step 4/4  [####################]  loss 3.25  4 examples/s  0:00 left"
    assert terminal.getvalue().endswith(f"\r{line}\n")


def test_what_it_costs() -> None:
    """Less than a hundredth of a step of a millisecond, by far, where nothing is due to be drawn."""
    run = [("state", StepMetrics(i, 0, 1.0, 32, False)) for i in range(20_000)]
    for file in (io.StringIO(), Terminal()):
        times = []
        for _ in range(3):
            begin = process_time()
            for _ in progress(run, file=file, every=60.0):
                pass
            times.append((process_time() - begin) / len(run))
        assert min(times) < 1e-5, f"{1e6 * min(times):.1f} us a step"
