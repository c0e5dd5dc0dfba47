"""scikit-learn, Thinc and Autograd, for the networks they have: Dense layers and activations, in float32."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from reading import dense_only, named, parts
from works import Work

Step = Callable[[], object]


def sklearn_entries(work: Work) -> Iterator[tuple[str, Callable[[Work], Step]]]:
    hidden = {p.name for p in parts(work)[1:-1:2]}
    if dense_only(work) and work.classes and named(work.optimizer) == "adam" and hidden == {"Relu"}:
        yield "scikit-learn", _sklearn


def thinc_entries(work: Work) -> Iterator[tuple[str, Callable[[Work], Step]]]:
    if dense_only(work) and named(work.optimizer) != "momentum":
        yield "thinc", _thinc


def autograd_entries(work: Work) -> Iterator[tuple[str, Callable[[Work], Step]]]:
    if dense_only(work) and work.training and not work.classes and named(work.optimizer) == "sgd":
        yield "autograd", _autograd


def _sklearn(work: Work) -> Step:
    neural_network: Any = importlib.import_module("sklearn.neural_network")
    x, y = work.data()
    hidden = tuple(p.after[-1] for p in parts(work) if p.name == "Dense")[:-1]
    model = neural_network.MLPClassifier(hidden, batch_size=len(x), alpha=0)
    model.partial_fit(x, y, classes=np.arange(work.classes))
    return (lambda: model.partial_fit(x, y)) if work.training else (lambda: model.predict_proba(x))


def _thinc(work: Work) -> Step:
    thinc: Any = importlib.import_module("thinc.api")
    x, y = work.data()
    target: Any = np.eye(work.classes, dtype=x.dtype)[y] if work.classes else y
    found, layers = parts(work), []
    for dense, activation in zip(found[::2], [p.name for p in found[1::2]] + ["last"], strict=False):
        last = "Softmax" if work.classes else "Linear"
        layers.append(getattr(thinc, {"Relu": "Relu", "Sigmoid": "Sigmoid", "last": last}[activation])(dense.after[-1]))
    model = thinc.chain(*layers)
    model.initialize(X=x, Y=target)
    if not work.training:
        return lambda: model.predict(x)
    rate = work.optimizer.init.record.args[0]
    optimizer = (thinc.SGD if named(work.optimizer) == "sgd" else thinc.Adam)(rate)
    factor: Any = np.asarray(1 / len(x) if work.classes else 2, x.dtype)

    def step() -> None:
        prediction, back = model.begin_update(x)
        back((prediction - target) * factor)
        model.finish_update(optimizer)

    return step


def _autograd(work: Work) -> Step:
    autograd: Any = importlib.import_module("autograd")
    anp: Any = importlib.import_module("autograd.numpy")
    x, y = work.data()
    found = parts(work)
    rng = np.random.default_rng(0)
    params = [rng.normal(size=(p.before[-1], p.after[-1])).astype(x.dtype) for p in found if p.name == "Dense"]
    biases = [np.zeros(w.shape[1], x.dtype) for w in params]
    rate = work.optimizer.init.record.args[0]

    def loss(both: Any) -> Any:
        h, weights = x, iter(zip(*both, strict=True))
        for p in found:
            if p.name == "Dense":
                w, b = next(weights)
                h = anp.dot(h, w) + b
            else:
                h = 1 / (1 + anp.exp(-h)) if p.name == "Sigmoid" else anp.maximum(h, 0)
        return anp.sum((h - y) ** 2)

    gradient = autograd.grad(loss)

    def step() -> None:
        nonlocal params, biases
        dw, db = gradient((params, biases))
        params = [w - rate * d for w, d in zip(params, dw, strict=True)]
        biases = [b - rate * d for b, d in zip(biases, db, strict=True)]

    return step
