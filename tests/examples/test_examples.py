"""Every example runs, as a program, and does what it says."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
PROGRAMS = sorted(EXAMPLES.glob("*.py"))


def load(name: str) -> ModuleType:
    """An example as a module."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_runs_as_a_program(program: Path, tmp_path: Path) -> None:
    """`python examples/name.py --quick` ends well, prints something, from any folder, and draws where it can."""
    draws = '"--out"' in program.read_text(encoding="utf-8")
    out = ["--out", str(tmp_path / "pictures")] if draws else []
    done = subprocess.run(
        [sys.executable, "-W", "error", str(program), "--quick", *out],
        cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False, env={**os.environ, "MPLBACKEND": "Agg"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert draws == any((tmp_path / "pictures").glob("*.[ps][nv]g"))


def test_digits_learns(tmp_path: Path) -> None:
    """A few epochs on a part of the scans are enough for 9 digits in 10, and leave a picture and params behind."""
    from funcnn import load_params

    digits = load("digits")
    found = digits.main(["--quick", "--out", str(tmp_path)])
    assert found > 0.9
    assert (tmp_path / "digits.png").read_bytes().startswith(b"\x89PNG")
    assert load_params(tmp_path / "digits.npz").paths() == digits.net.init(0, (1, 8, 8, 1))[1].paths()


def test_pictures_are_those_of_the_page(tmp_path: Path) -> None:
    """Every picture of docs is made by the program, and shown on the page; drawings are the same to the last sign."""
    names = load("pictures").main(["--quick", "--out", str(tmp_path)])
    folder = EXAMPLES.parent / "docs" / "pictures"
    page = (folder.parent / "looking.md").read_text(encoding="utf-8")
    assert names == sorted(path.name for path in folder.iterdir() if path.is_file())
    assert [name for name in names if f"(pictures/{name})" not in page] == []
    for path in tmp_path.glob("*.svg"):
        assert path.read_text(encoding="utf-8") == (folder / path.name).read_text(encoding="utf-8")


def test_concepts_are_drawn_as_on_the_page(tmp_path: Path) -> None:
    """To the last sign, and each is shown."""
    load("concepts").main(["--out", str(tmp_path)])
    folder = EXAMPLES.parent / "docs" / "pictures" / "concepts"
    page = (EXAMPLES.parent / "docs" / "concepts.md").read_text(encoding="utf-8")
    drawn = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert drawn == {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert [name for name in drawn if f"(pictures/concepts/{name})" not in page] == []


def test_xor_is_learnt() -> None:
    """Every row ends within 0.05 of its target."""
    xor = load("xor")
    assert np.max(np.abs(xor.main([]) - xor.TARGET)) < 0.05


def test_equal_rows_give_equal_rows() -> None:
    """The stack of mixed activations maps equal rows to equal rows, in float32, and never below zero."""
    y = load("feedforward").main([])
    assert y.dtype == np.float32
    assert np.array_equal(y[0], y[3])
    assert (y >= 0).all()


def test_the_neuron_is_the_one_by_hand() -> None:
    """1 / (1 + exp(-0.45)) = 0.6106..."""
    assert load("neuron").neuron() == pytest.approx(0.6106, abs=1e-4)


def test_the_network_of_widths_learns_to_add() -> None:
    """The loss falls far below the variance of the sum."""
    assert load("neuron").main(["--quick"]) < 0.02


def test_regression_explains_the_data() -> None:
    """R2 on unseen patients is what linear models reach on these data, about one half."""
    assert load("regression").main(["--quick"]) > 0.35


def test_two_tasks_at_once() -> None:
    """Growers are known as well as alone; of the alcohol something is known, which is better than its mean."""
    found = load("multi_task").main(["--quick"])
    assert found["accuracy, both at once"] > 0.9 < found["accuracy, alone"]
    assert found["r2, both at once"] > 0.3 < found["r2, alone"]


def test_tables_are_learnt_as_well_as_by_scikit_learn() -> None:
    """On the same splits, within two patients in a hundred."""
    ours, theirs = load("tabular").main(["--quick"])
    assert ours.accuracy > 0.95 and abs(ours.accuracy - theirs.accuracy) < 0.02


def test_searches_find_networks_that_read() -> None:
    """The better of two networks, on scans it has not seen."""
    best, accuracy = load("grid_search").main(["--quick"])
    assert best.startswith(("mlp(", "serial(")) and accuracy > 0.9


def test_what_was_learnt_helps() -> None:
    """A body that knows digits is better in the mirror than one that knows nothing, frozen and thawed."""
    found = load("fine_tune").main(["--quick"])
    assert found["from the start"] < min(found["a head on a frozen body"], found["thawed, at two rates"])


def test_lines_are_told_by_their_words() -> None:
    """Better than by chance by far, and as well as by counts at least, nearly."""
    found, counted = load("text_classifier").main(["--quick"])
    assert found > 0.7 and found > counted - 0.05


def test_masked_words_change_nothing() -> None:
    """What stands where no word is does not reach the classes."""
    example = load("text_classifier")
    _, params = example.net.init(0, ((-1, example.LENGTH), (-1, example.LENGTH)))
    mask = np.arange(example.LENGTH)[None] < 5
    one, other = (example.net.apply(params, (np.full(mask.shape, k) * ~mask + mask, mask)) for k in (0, 7))
    np.testing.assert_array_equal(one, other)


def test_killed_and_run_again(tmp_path: Path) -> None:
    """Killed (-9) once it has saved something, and run again, it ends with the params of a run of its own."""
    command = [sys.executable, str(EXAMPLES / "resume.py"), "--quick", "--folder"]
    child = subprocess.Popen([*command, str(tmp_path / "one")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while not list(tmp_path.glob("one/step_*.npz")) and time.monotonic() < end:
        time.sleep(0.01)
    child.kill()
    child.wait()
    found = []
    for name in ("one", "two"):
        done = subprocess.run([*command, str(tmp_path / name)], capture_output=True, text=True, timeout=300, check=True)
        begin, *_, last = done.stdout.splitlines()
        found.append((begin.split(" step")[0], last))
    assert found[0] == ("goes on after", found[1][1]) and found[1][0] == "begins"


def test_forecasts_of_sunspots_beat_the_naive_ones() -> None:
    """Half the error of "as this year" or "as eleven years ago", nearly; alone, years ahead, better than the mean."""
    found = load("forecast_rnn").main(["--quick"])
    assert found.network < 0.65 * min(found.as_this_year, found.as_a_cycle_ago)
    assert found.alone < 0.8 * found.mean


def test_the_sunspots_are_those_of_the_table() -> None:
    """309 years, the largest of them 1957."""
    years, numbers = load("forecast_rnn").load()
    assert (len(years), int(years[0]), int(years[-1])) == (309, 1700, 2008)
    assert (years[numbers.argmax()], numbers.max()) == (1957, 190.2)


def test_a_transformer_learns_to_write() -> None:
    """It foretells characters far better than counts do; what it writes goes on from the prompt."""
    chargpt = load("chargpt")
    found = chargpt.main(["--quick", "--prompt", "class "])
    assert found.bits < found.of_pairs - 0.25 < found.of_characters
    assert found.text.startswith("class ")
    assert len(found.text) == 106
    assert set(found.text) <= set(chargpt.CHARACTERS)


def test_what_it_writes_is_what_the_whole_network_would(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cached or not, the most likely characters are the same."""
    from funcnn import Key, astype

    chargpt = load("chargpt")
    net = chargpt.network(chargpt.QUICK)
    params = astype(net.init(Key(0), (-1, 8))[1], np.float64)
    monkeypatch.setattr(chargpt, "sample", lambda logits, key, **options: logits.argmax(-1))
    written = chargpt.encoded(chargpt.write(net, params, "def f(", 12, Key(0), 32))
    for i in range(6, len(written)):
        assert net.apply(params, written[None, :i])[0, -1].argmax() == written[i]
    written, start = chargpt.encoded(chargpt.write(net, params, "def f(", 12, Key(0), 8)), 2  # of the prompt, four
    for i in range(6, len(written)):
        start = i - 4 if i - start > 8 else start
        assert net.apply(params, written[None, start:i])[0, -1].argmax() == written[i]


def test_the_autoencoder_writes_digits(tmp_path: Path) -> None:
    """A scan costs less than its pixels' means say; what is written is gray; there is a picture."""
    autoencoder = load("autoencoder")
    before, after = autoencoder.main(["--quick", "--out", str(tmp_path)])
    assert after < before - 0.7
    assert (tmp_path / "autoencoder.png").read_bytes().startswith(b"\x89PNG")
    _, params = autoencoder.net.init(0, (-1, 64))
    drawn = autoencoder.written(params, np.zeros((3, autoencoder.LATENT), np.float32))
    assert drawn.shape == (3, 64) and 0 <= drawn.min() <= drawn.max() <= 1


def test_the_autoencoders_parts_keep_the_laws() -> None:
    """The layer that draws is as sound as those of the library; the loss is that of the paper, for each scan."""
    from funcnn.testing import holds

    autoencoder = load("autoencoder")
    holds(autoencoder.Sampled(), (("B", "D"), ("B", "D")), domain=(-4, 4), examples=10)  # it takes an exponential
    rng = np.random.default_rng(0)
    logits, mean, log_variance = (rng.normal(size=(4, 3)) for _ in range(3))
    t, p = rng.uniform(size=(4, 3)), 1 / (1 + np.exp(-logits))
    wanted = -(t * np.log(p) + (1 - t) * np.log(1 - p)).sum(-1)
    wanted += (mean**2 + np.exp(log_variance) - log_variance - 1).sum(-1) / 2
    assert autoencoder.surprise((logits, (mean, log_variance)), (t, None)) == pytest.approx(wanted.mean())


def test_a_derived_layer_keeps_the_laws_and_learns() -> None:
    """Nine unseen flowers in ten, or nearly, by distances whose gradients nobody wrote."""
    report, right = load("own_layer_derived").main(["--quick"])
    assert report.held and len(report.lines) > 35
    assert right > 0.85


def test_tied_autoencoders_beside_principal_components() -> None:
    """The linear one finds their plane, and loses as much, of unseen scans too; the deep one loses less."""
    lost = load("tied_autoencoder").main(["--quick"])
    best = lost["principal components"]
    assert lost["linear, tied"] == pytest.approx(best, rel=0.01)
    assert lost["deep, tied"] < 0.9 * best
