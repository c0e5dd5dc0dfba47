"""Cases of typing for users: what a mark wants, what is missing, what is too much."""

from __future__ import annotations

from pathlib import Path

import pytest

from funcnn.testing.typing_cases import Said, TypingCase, marks, mypy_cases


def case(folder: Path, source: str) -> TypingCase:
    """The only case of a folder."""
    (folder / "case.py").write_text(source, "utf-8")
    (only,) = mypy_cases(folder, options=("--cache-dir", str(folder / "cache"), "--config-file", ""))
    return only


def test_marks_of_a_line() -> None:
    """Several marks may stand on a line; other comments are none."""
    assert marks("f(x)  # E[arg-type]: has type  # N: see there  # noqa") == [
        Said("has type", "arg-type"),
        Said("see there  # noqa", None),
    ]
    assert marks("f(x)  # E[call-arg]") == [Said("", "call-arg")]
    assert marks("x = 1  # N is a number, E too, # E") == []


def test_a_case_that_says_what_mypy_says(tmp_path: Path) -> None:
    """Errors by code and text, notes by text; notes beside an error belong to it."""
    case(
        tmp_path,
        'x: int = "1"  # E[assignment]: expression has type "str"\nreveal_type(x)  # N: "int"\n'
        "print(x)\nmax(1, None)  # E[call-overload]: No overload\n",
    ).check()


def test_what_is_missing_and_what_is_too_much(tmp_path: Path) -> None:
    """The message lists every line that differs, with what was wanted and what was said."""
    wrong = case(tmp_path, 'x: int = 1  # E[assignment]: has type "str"\ny: int = "1"\nz: int = "1"  # E[arg-type]\n')
    with pytest.raises(AssertionError) as caught:
        wrong.check()
    lines = str(caught.value).splitlines()
    assert [line.split("case.py:")[1].split(" ", 2)[:2] for line in lines[1:]] == [
        ["1:", "wanted"], ["2:", "unexpected"], ["3:", "wanted"], ["3:", "unexpected"],
    ]  # fmt: skip
    assert lines[1].endswith('wanted E[assignment]: has type "str"')


def test_a_failure_of_mypy_is_shown(tmp_path: Path) -> None:
    """What mypy prints when it fails itself is in the message."""
    with pytest.raises(AssertionError, match="mypy failed:\n(.*\n)*.*no-such-option"):
        mypy_cases(case(tmp_path, "").path, options=("--no-such-option",))[0].check()


def test_a_path_without_programs_is_refused(tmp_path: Path) -> None:
    """A folder that holds no Python file, and a file that is not there."""
    for path in (tmp_path, tmp_path / "nothing.py"):
        with pytest.raises(FileNotFoundError):
            mypy_cases(path)


def test_cases_share_one_run(tmp_path: Path) -> None:
    """All cases of one call belong to one process of mypy, which has not run yet."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.py").write_text("", "utf-8")
    first, second = mypy_cases(tmp_path)
    assert first.run is second.run
    assert "said" not in vars(first.run)
    assert [str(c) for c in (first, second)] == [f"{tmp_path.name}/a", f"{tmp_path.name}/b"]
