"""The command of the thorough run: its parts are the whole, and what was stopped goes on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import core, settings

from tests import thorough
from tests.catalogue import LayerRow
from tests.testing.test_laws import trials_of


@pytest.fixture(autouse=True)
def settings_kept() -> Iterator[None]:
    """The command has its own settings of Hypothesis."""
    before, seed = settings.get_current_profile_name(), vars(core)["global_force_seed"]
    yield
    settings.load_profile(before)
    vars(core)["global_force_seed"] = seed


def test_parts_are_the_whole() -> None:
    """Every row is in one part, whatever the seed; another seed takes them in another order."""
    whole = list(thorough.rows(1))
    parts = [list(thorough.rows(1, (i, 3))) for i in (1, 2, 3)]
    assert sorted(row for part in parts for row in part) == sorted(whole) != whole
    assert sorted(thorough.rows(2)) == sorted(whole) and list(thorough.rows(2)) != whole


def test_every_name_comes_once_before_any_comes_again() -> None:
    """What is large comes last."""
    order = list(thorough.rows(1, kinds=["layers", "large"]))
    small = [re.split(r"\W", row)[0] for row in order if not row.startswith("at large")]
    names = set(small)
    assert set(small[: len(names)]) == names and len(small) > len(names)
    assert all(row.startswith("at large") for row in order[len(small) :])


def test_all_kinds_are_there() -> None:
    """Layers, combinators, large sizes, losses, optimizers and parts."""
    found = set(thorough.rows(0))
    assert found >= {"Dense(3)", "repeat(serial(Dense(3), Tanh), 2)"}
    assert {row for row in found if "at large" in row} == set(thorough.rows(3, kinds=["large"]))
    assert found >= {"at large sizes: LSTM(48)", "squared_error", "adam(0.1)", "accuracy", "he_normal"}


def test_what_was_stopped_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Laws that the log tells of are not tried again, and count in the summary."""
    log = tmp_path / "laws.jsonl"
    asked = ["--rows", "^Dense.3.$", "--examples", "5", "--log", str(log)]
    assert thorough.main([*asked, "--laws", "^pure$"]) == 0
    first = log.read_text()
    assert thorough.main([*asked, "--laws", "^(pure|value_of_rule)$"]) == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert log.read_text().startswith(first) and [line["law"] for line in lines] == ["pure", "value_of_rule"]
    assert capsys.readouterr().out.splitlines()[-1].startswith("1 of 1 rows, 2 laws on rows, ")
    assert thorough.main([*asked, "--laws", "pure", "--seed", "1", "--seconds", "0"]) == 0
    assert capsys.readouterr().out.startswith("0 of 1 rows, 0 laws on rows, 0 cases, ")


def test_a_broken_law_is_told_and_tried_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its case; the exit status counts it, and the log does not hold it for done."""
    wrong = trials_of(LayerRow("Relu", ("B", "D"), linear=True, kinks=True), 5, ("linear",))["linear"]
    monkeypatch.setattr(thorough, "KINDS", {"layers": lambda: iter([("Relu", "linear", wrong)])})
    log = tmp_path / "laws.jsonl"
    for _ in range(2):
        assert thorough.main(["--examples", "5", "--log", str(log)]) == 1
        said = capsys.readouterr().out
        assert said.startswith("--- linear of Relu\nLawBroken: ") and "Case(Relu, " in said
        assert said.endswith("  linear of Relu\n") and "1 broken" in said
    assert len(log.read_text().splitlines()) == 2


@pytest.mark.parametrize("part", ["0/3", "4/3", "x", "1"])
def test_a_part_that_is_none_is_refused(part: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is I of N, from 1."""
    with pytest.raises(SystemExit):
        thorough.main(["--part", part])
    assert f"a part is I/N with 1 <= I <= N, as 2/5, got '{part}'" in capsys.readouterr().err
