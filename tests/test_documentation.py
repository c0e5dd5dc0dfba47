"""`help` of a value tells about the value."""

from __future__ import annotations

import importlib
import inspect
import pydoc
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import funcnn
from funcnn import (
    Dense, Layer, Metric, Optimizer, Relu, accuracy, adam, chain, cosine_decay, initializers, joint, l2, optimizers,
    serial, sgd, squared_error,
)  # fmt: skip
from funcnn.documentation import documented

READY = [name for name in dir(funcnn) if isinstance(getattr(funcnn, name), (Layer, Metric))]


def helped(value: object) -> str:
    """What `help` prints, without its bold letters."""
    return pydoc.plain(pydoc.render_doc(value))


@pytest.mark.parametrize("name", READY)
def test_help_of_what_is_ready_made(name: str) -> None:
    """What stands under its assignment, with the example, and nothing about other layers or metrics."""
    value = getattr(funcnn, name)
    assert value.__doc__ != type(value).__doc__ and ">>>" in value.__doc__
    assert str(inspect.getdoc(value)).splitlines()[0] in helped(value)
    assert "A pair `(init, apply)`" not in helped(value) and "class " not in helped(value).splitlines()[2]


def test_help_of_relu() -> None:
    """In full."""
    assert helped(Relu).splitlines()[:4] == [
        "Python Library Documentation: Layer in module funcnn.networks.pair", "", "Relu",
        "    The positive part, `y = max(x, 0)`, `dy/dx = 1` for x > 0, else 0; at 0 it is 0.",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "maker"),
    [(Dense(3), Dense), (serial(Dense(3), Relu), serial), (Dense(3).named("a"), Dense), (adam(0.1), adam),
     (chain(sgd(0.1)), chain), (l2(0.1), l2), (cosine_decay(0.1, 3), cosine_decay),
     (initializers.normal(0.1), initializers.normal), (joint(squared_error, squared_error), joint), (optimizers.scale_by_adam(), optimizers.scale_by_adam)],
    ids=lambda value: getattr(value, "__name__", None) or repr(value),
)  # fmt: skip
def test_help_of_what_was_made(value: object, maker: Any) -> None:
    """What its constructor says."""
    assert value.__doc__ and value.__doc__ == maker.__doc__
    assert repr(value) in helped(value)


def test_help_of_the_classes() -> None:
    """They tell of themselves, and so do values that nothing recorded."""
    layer: Layer[Any, Any] = Layer.lift(lambda shape: shape, lambda x: (x, lambda dy: dy))
    optimizer: Optimizer[int] = Optimizer(lambda params: 0, lambda g, s, p: sgd(0.1).update(g, sgd(0.1).init(p), p))  # type: ignore[arg-type, return-value]
    metric: Metric[int, Any, Any, int] = Metric(lambda: 0, lambda s, y, t: s, lambda s: s)
    for cls, value, told in (
        (Layer, layer, "A pair `(init, apply)`"), (Optimizer, optimizer, "A pair `(init, update)`"),
        (Metric, metric, "Three pure functions"),
    ):  # fmt: skip
        assert cls.__doc__ and cls.__doc__.startswith(told) and value.__doc__ == cls.__doc__
        assert told in helped(cls)


def test_a_users_own_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is documented as ours are; one without a text, or without a source, tells what its kind is."""
    text = 'from funcnn import accuracy\nmine = accuracy._replace(name="mine")\n"""The share of it."""\nbare = 3\n'
    (tmp_path / "my_metrics.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("my_metrics")
    assert module.mine.__doc__ == "The share of it." and documented("my_metrics", "bare") is None
    nowhere: Any = ModuleType("nowhere")
    nowhere.other = accuracy._replace(name="other")
    monkeypatch.setitem(sys.modules, "nowhere", nowhere)
    assert nowhere.other.__doc__ == Metric.__doc__
