"""The cookbook: every job is there, short, told in a sentence, and leads on. Its programs run as those of all pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mypy import api

from tests.docs.pages import ROOT, blocks

PAGE = ROOT / "docs" / "cookbook.md"
JOBS = (
    "Regression", "Classification with class weights", "Augmented images", "Text", "A language model",
    "A variational autoencoder", "Several inputs and outputs", "Transfer with two rates", "Grid search",
    "Export to flat arrays", "A notebook", "A layer of your own, held to laws", "mypy", "A derivative in a loss",
    "Ten nets at once",
)  # fmt: skip
LONGEST = 25


def recipes() -> dict[str, str]:
    """What stands below every heading."""
    _, *parts = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {part.split("\n")[0]: part.split("\n", 1)[1] for part in parts}


def anchor(heading: str) -> str:
    """Where a heading is found, as GitHub names it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_every_job_is_there() -> None:
    """In order, and the list at the top leads to each."""
    assert tuple(recipes()) == JOBS
    listed = re.findall(r"^\d+\. \[(.+)\]\(#(.+)\)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert listed == [(job, anchor(job)) for job in JOBS]


@pytest.mark.parametrize("job", JOBS)
def test_a_recipe_is_short(job: str) -> None:
    """One program of at most 25 lines."""
    programs = re.findall(r"^```py(?:thon)?\n(.*?)^```", recipes()[job], flags=re.MULTILINE | re.DOTALL)
    assert len(programs) == 1
    assert 5 < len(programs[0].splitlines()) <= LONGEST


@pytest.mark.parametrize("job", JOBS)
def test_a_recipe_is_told_and_leads_on(job: str) -> None:
    """What it does in front of the program, and behind it where to read more."""
    before, *_, after = re.split(r"^```\w*$", recipes()[job], flags=re.MULTILINE)
    assert before.strip().endswith((".", ":"))
    assert re.fullmatch(r"More: .*\]\([\w./]+\).*", after.strip())


@pytest.mark.parametrize("job", [job for job in JOBS if job not in ("A notebook", "mypy")])
def test_a_recipe_checks_itself(job: str) -> None:
    """By an assertion, or by the laws; a notebook is looked at, and mypy is asked below."""
    program = re.findall(r"^```python\n(.*?)^```", recipes()[job], flags=re.MULTILINE | re.DOTALL)[0]
    assert re.search(r"^(?:assert |holds\()", program, flags=re.MULTILINE)


def test_mypy_says_what_the_recipe_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Line for line."""
    (program,), (config,) = blocks(PAGE, "py"), blocks(PAGE, "toml")
    (shown,) = [text for text in blocks(PAGE, "text") if text.startswith("$ mypy")]
    (tmp_path / "model.py").write_text(program, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(config, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    out, err, _ = api.run(["model.py"])
    assert (out.splitlines(), err) == (shown.splitlines()[1:], "")
