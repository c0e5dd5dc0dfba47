"""The tables of other libraries' words: every word is theirs and not ours, every answer is ours and runs."""

from __future__ import annotations

import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import funcnn
from funcnn import estimators
from funcnn.foreign.arities import MISSING, SURPLUS
from funcnn.foreign.attributes import ATTRIBUTES
from funcnn.foreign.keywords import KEYWORDS
from funcnn.foreign.names import NAMES
from funcnn.foreign.results import RESULTS
from tests.docs.test_tables import PREPARED
from tests.evaluated import public_names

MORE = """
from funcnn import plotting
from funcnn.estimators import NetworkClassifier
loss, data, vector, array = squared_error, (x, target), params, np.zeros((4, 5), np.float32)
trained = TrainState(0, params, state, key)
objective = value_and_grad(loss, net.apply)
prediction = net.apply(params, x)
row, found = {"step": 1, "loss": 0.5}, Checkpoint(trained, {}, None, "")
minimum, estimator = Minimum(params, 0.5, 0.0, 3, 4, True, "flat"), NetworkClassifier(epochs=1).fit(x, labels)
metrics = StepMetrics(1, 0, 0.5, 8, True)
history, metric = History([{"epoch": 1, "train_loss": 0.5}], 0), accuracy
"""
PUBLIC = public_names()
FUNCTIONS = {name: f for name, f in PUBLIC.items() if inspect.isfunction(f)}
FUNCTIONS |= {name: vars(estimators)[name].__init__ for name in estimators.__all__}
KEYWORD_ROWS = [(word, place, said) for word, row in KEYWORDS.items() for place, said in row.items()]
SAYINGS = {
    **{f"{word} of {place or 'all'}": said for word, place, said in KEYWORD_ROWS},
    **{f"too many for {name}": said for name, said in SURPLUS.items()},
    **{f"too few for {name}": said for name, said in MISSING.items()},
    **{f"{kind}.{name}": said for kind, row in {**ATTRIBUTES, **RESULTS}.items() for name, said in row.items()},
    **{f"import {name}": said for name, said in NAMES.items()},
}


def calls(text: str) -> Iterator[str]:
    """The calls in a sentence, each to its closing parenthesis: "adam(1e-3)", "net.init(key, shape)"."""
    end = 0
    for start in re.finditer(r"[A-Za-z_][\w.]*\(", text):
        if start.start() < end:
            continue
        depth, end = 1, start.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        while (more := re.match(r"\.\w+\(|\(|\.\w+", text[end:])) is not None and "(" in more[0]:
            depth, end = 1, end + more.end()
            while depth:
                depth += {"(": 1, ")": -1}.get(text[end], 0)
                end += 1
        yield text[start.start() : end]


def functions_of(place: str) -> list[Any]:
    """The public functions that an entry of the keywords is for."""
    if place in FUNCTIONS:
        return [FUNCTIONS[place]]
    return [f for f in FUNCTIONS.values() if not place or f.__module__.split(".")[1] == place]


def test_calls_are_found() -> None:
    """Whole ones, with what is called next."""
    assert list(calls("write a(b(1), c), or d.e()(f).g(1); not (this)")) == ["a(b(1), c)", "d.e()(f).g(1)"]


SAID = sorted({call for said in SAYINGS.values() for call in calls(said.replace("{name}", "adam").replace("(...)", ""))})


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What the answers take for granted."""
    found: dict[str, Any] = {}
    exec(PREPARED + MORE, found)
    found["folder"] = tmp_path_factory.mktemp("saved")
    found["paths"] = {name: found["folder"] / f"{name}.npz" for name in ("params", "network", "state")}
    funcnn.save_params(found["paths"]["params"], found["params"])
    funcnn.save_network(found["paths"]["network"], found["net"], found["params"])
    funcnn.save_state(found["paths"]["state"], found["trained"])
    return found


@pytest.mark.parametrize("call", SAID)
def test_what_is_said_runs(
    call: str, names: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every call in every answer; after `W_init=` stands an initializer, and what is saved is a state of training."""
    meant = re.sub(r"(?<![.\w])state\.", "trained.", call.replace("W_init=adam", "W_init=he_normal"))
    meant = re.sub(r"^(save_\w+\(.*)\bstate\)", r"\1trained)", meant)
    monkeypatch.chdir(tmp_path)
    kind = next((kind for kind in names["paths"] if f"_{kind}(" in call), "params")
    path = names["paths"][kind] if call.startswith("load") else tmp_path / kind
    eval(meant, {**names, "path": path, **({"batches": [names["x"]]} if call.startswith("calibrate") else {})})


@pytest.mark.parametrize(("word", "place", "said"), KEYWORD_ROWS)
def test_an_argument_is_refused_where_it_is_told_of(word: str, place: str, said: str) -> None:
    """Some public function of the place has no such argument, or the place is a loss, whose options are checked by it;
    and what is said to take its place is an argument of one.
    """
    if place in ("losses", "metrics"):
        losses = [value for value in PUBLIC.values() if isinstance(value, funcnn.Loss)]
        given = {"weights", "reduce", *(name for loss in losses for name in loss.names)}
    else:
        found = [inspect.signature(f).parameters for f in functions_of(place)]
        assert found and not all(word in p and p[word].kind is not p[word].VAR_POSITIONAL for p in found)
        given = {name for parameters in found for name in parameters} | ({"weights"} if not place else set())
    meant = re.findall(r"(?:it is|they are|and) (\w+)=", said)
    assert [name for name in meant if name not in given] == []


@pytest.mark.parametrize("name", [*SURPLUS, *MISSING])
def test_a_call_of_another_length_is_of_a_function(name: str) -> None:
    """One that is there."""
    owner, _, method = name.partition(".")
    known = {**PUBLIC, "Update": type(funcnn.adam(1e-3).update)}
    assert callable(getattr(known[owner], method) if method else known[owner])


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_not_ours(name: str) -> None:
    """Nothing of that name is in funcnn, neither a value nor a module; what is said begins with one of our names, or
    says that none is needed.
    """
    modules = {found.name for found in pkgutil.iter_modules(funcnn.__path__)}
    assert name not in modules and name not in PUBLIC and not hasattr(funcnn, name)
    said = NAMES[name]
    free = ("not ", "in funcnn", "everything", "is what", "a schedule", "the layer", "two layers", "NumPy")
    if not said.startswith(free):
        words = re.findall(r"\w+", said.split(":")[0].partition("(")[0].partition(",")[0].partition(".")[0])
        assert words[0] in PUBLIC or words[0] == "params", words


@pytest.mark.parametrize("kind", [*ATTRIBUTES, *RESULTS])
def test_an_attribute_is_not_ours(kind: str) -> None:
    """No value of that kind has it, and one that is asked for it answers."""
    cls = {**PUBLIC, **vars(estimators)}[kind]
    table = ATTRIBUTES.get(kind) or RESULTS[kind]
    assert [name for name in table if hasattr(cls, name)] == [] and callable(cls.__getattr__)


def test_the_pages_for_those_who_come_from_elsewhere_have_no_more_names() -> None:
    """What stands first in their tables and is a class of PyTorch or Keras is known here."""
    known = {*NAMES, *PUBLIC, *(word for word in KEYWORDS)}
    pages = Path(funcnn.__file__).parents[1] / "docs"
    cells = [
        line.split("|")[1]
        for page in ("coming_from_pytorch.md", "coming_from_keras.md")
        for line in (pages / page).read_text(encoding="utf-8").splitlines()
        if line.startswith("| ")
    ]
    named = {name for cell in cells for name in re.findall(r"`(?:nn\.|layers\.|optimizers\.)?([A-Z]\w+)[(`]", cell)}
    assert sorted(named - known) == []
