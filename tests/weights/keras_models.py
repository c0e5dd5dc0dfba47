"""Models of Keras whose weights come over. Needs Keras 3 and one of its backends; see the package."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from typing import Any

import numpy as np

import funcnn
from funcnn.weights import from_keras, to_keras
from funcnn.weights.places import places_of
from tests.evaluated import public_names
from tests.weights.cases import Case, Recorded, rough
from tests.weights.keras_cases import CASES
from tests.weights.tables import TABLES

os.environ.setdefault("KERAS_BACKEND", "torch")
keras: Any = importlib.import_module("keras")
L: Any = keras.layers
In: Any = keras.Input


def _row(*layers: Any) -> Callable[[Any], Any]:
    def called(x: Any) -> Any:
        for f in layers:
            x = f(x)
        return x

    return called


def _residual(x: Any) -> Any:
    h = L.Conv2D(4, 3, padding="same")(x)
    main = _row(L.BatchNormalization(), L.ReLU(), L.Conv2D(4, 3, padding="same"))
    return _row(L.GlobalAveragePooling2D(), L.Dense(2))(L.Add()([h, main(h)]))


def models() -> dict[str, tuple[Any, Any]]:
    """What makes the output, and the shapes of inputs without the batch; a number in front is of words."""
    d = L.Dense
    return {
        "perceptron": (_row(d(4, "tanh"), d(3, use_bias=False)), ((5,),)),
        "norms": (
            _row(d(6), L.BatchNormalization(), L.LayerNormalization(), L.RMSNormalization(), L.PReLU(), d(2)), ((4,),)
        ),
        "images": (
            _row(
                L.Conv2D(6, 3, 2, "same", groups=3), L.BatchNormalization(), L.GroupNormalization(2), L.ReLU(),
                L.MaxPooling2D(), L.Flatten(), d(4),
            ),
            ((7, 8, 3),),
        ),
        "depthwise": (_row(L.DepthwiseConv2D((3, 2), depth_multiplier=2), L.ReLU(), L.Conv2D(2, 1)), ((5, 4, 3),)),
        "separable": (L.SeparableConv2D(2, 3, depth_multiplier=2), ((5, 4, 3),)),
        "sequences": (
            _row(L.Conv1D(4, 3, padding="causal", dilation_rate=2), L.ReLU(), L.Flatten(), d(2)), ((9, 3),)
        ),
        "volumes": (L.Conv3D(2, (2, 3, 2)), ((4, 5, 3, 2),)),
        "transposed": (L.Conv2DTranspose(4, (3, 2), 2, "same"), ((3, 4, 2),)),
        "transposed_valid": (L.Conv2DTranspose(4, (3, 3), (2, 1)), ((3, 4, 2),)),
        "lstm_classifier": (
            _row(L.Embedding(7, 4), L.Bidirectional(L.LSTM(3, return_sequences=True)), L.LSTM(2), d(3)), ((7, 6),)
        ),
        "gru": (_row(L.GRU(3, return_sequences=True), L.GRU(2, return_sequences=True)), ((5, 4),)),
        "rnn": (
            _row(L.SimpleRNN(3, return_sequences=True, use_bias=False), L.SimpleRNN(2, return_sequences=True)),
            ((5, 2),),
        ),
        "attention": (lambda q, k: L.MultiHeadAttention(2, 2)(q, k), ((5, 4), (3, 6))),
        "attention_without_bias": (lambda x: L.MultiHeadAttention(2, 2, use_bias=False)(x, x), ((5, 4),)),
        "residual": (_residual, ((5, 6, 2),)),
    }  # fmt: skip


def recording() -> dict[str, Recorded]:
    """All of them, in float64."""
    # without TensorFlow, Keras takes results of float64 for float32 ones, and rounds them so
    importlib.import_module("keras.src.backend.common.dtypes").BIT64_TO_BIT32_DTYPE["float64"] = "float64"
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    found: dict[str, Recorded] = {}
    for name, (make, shapes) in models().items():
        rng = np.random.default_rng(sum(map(ord, name)))
        words = name == "lstm_classifier"
        inputs = [In((6,), dtype="int32")] if words else [In(shape) for shape in shapes]
        model = keras.Model(inputs, make(*inputs))
        for w in model.weights:
            values = rough(rng, tuple(w.shape))
            w.assign(np.abs(values) + 0.5 if w.path.endswith("variance") else values)
        xs = tuple([rng.integers(0, 7, (2, 6)) if words else rough(rng, (2, *shape)) for shape in shapes])
        y = np.asarray(model([*xs]).detach())
        weights = {w.path: np.array(w.numpy()) for w in model.weights}
        listed = model.get_weights()
        assert [a.tobytes() for a in weights.values()] == [a.tobytes() for a in listed]
        found[name] = Recorded(weights, xs if len(xs) > 1 else xs[0], y)
        goes_back(model, CASES[name], [*xs], y)
    table_is_right()
    return found


def goes_back(model: Any, case: Case, xs: Any, y: Any) -> None:
    """What comes over from the model itself, variables and all, is put back, and it computes the same."""
    params = from_keras(case.net, case.shape, {w.path: w for w in model.weights})
    for w in model.weights:
        w.assign(np.zeros(tuple(w.shape)))
    model.set_weights(to_keras(case.net, case.shape, params, like=model.get_weights()))
    np.testing.assert_array_equal(model(xs).detach().numpy(), y)


def table_is_right() -> None:
    """The layers that stand in the table of docs/weights.md have the weights that stand there, of these shapes."""
    (table,) = [table for table in TABLES if table.library == "Keras"]
    for row in table.rows:
        layer = eval(row.theirs, dict(vars(L)))
        x = np.zeros([2 if n == -1 else n for n in row.shape], int if "Embedding" in row.source else float)
        layer(x, x) if "Attention" in row.source else layer(x)
        (place,) = places_of("table", eval(row.source, public_names()), row.shape).layers
        parts = table.forms(place)[row.form].parts
        told = [sizes for part in parts for sizes in part.theirs_for(place.shapes)]
        assert told == [tuple(w.shape) for w in layer.weights], row
