"""What is not written to ONNX, and how a person's own layers are; files, and params stored once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from funcnn import (
    Array, Dense, DTypeError, Embedding, ExportError, FanOut, Key, Layer, ParamsError, Relu, ShapeError, Tanh, astype,
    GRUCell, elementwise, ensemble, freeze, layer, repeat, scan, serial, stax, tangent, tie, transposed,
)  # fmt: skip
from funcnn.bridges.onnx import Graph, Part, Value, save_onnx, to_onnx
from funcnn.testing import Case
from tests.bridges.onnx_runs import NEAR, difference, of_layer, ops

NET = serial(Dense(4), Relu, Dense(2).named("head"))
_, PARAMS = NET.init(Key(0), (-1, 3))


@layer
def Swish(slope: float = 1.0) -> Layer[Array, Array]:
    """Of somebody's own."""

    def f(x: Array) -> tuple[Array, Callable[[Array], Array]]:
        e: Array = np.exp(-slope * x)
        return x / (1 + e), lambda dy: dy * (1 + e + slope * x * e) / (1 + e) ** 2

    return Layer.lift(lambda shape: shape, f)


def swish(graph: Graph, part: Part, x: Value) -> Value:
    """Its rule."""
    slope = graph.number(part.arguments["slope"])
    return graph.op("Mul", x, graph.op("Sigmoid", graph.op("Mul", x, slope)))


@layer
def Wide(units: int) -> Layer[Array, Array]:
    """What another constructor makes."""
    return Dense(2 * units)


@layer
def Steps(units: int) -> Layer[Any, Any]:
    """A combinator that another constructor makes."""
    return scan(GRUCell(units))


def test_own_rules() -> None:
    """Are given by constructor, get the arguments with defaults, and go before those of the library."""
    net = serial(Dense(3), Swish(2.0), Swish())
    assert difference(of_layer(net, (4, 3), rules={Swish: swish})) < NEAR
    other = of_layer(serial(Tanh), (4, 3), rules={Tanh: lambda graph, part, x: graph.op("Sin", x)})
    assert ops(other.model)[0] == "Sin"


def test_own_constructors() -> None:
    """That return a layer of the library's need no rule."""
    assert difference(of_layer(serial(Wide(2), Relu), (4, 3))) < NEAR
    assert difference(of_layer(Steps(2), ((4, 3, 2), (4, 2)))) < NEAR


def test_own_combinators() -> None:
    """Their rules send values through children."""

    @layer
    def Twice(f: Layer[Array, Array]) -> Layer[Array, Array]:
        """`f(f(x))`."""
        return repeat(f, 2, shared=True)

    def twice(graph: Graph, part: Part, x: Value) -> Value:
        (name,) = part.children
        y: Value = part.child(name, part.child(name, x))
        return graph.op("Neg", graph.op("Neg", y))

    assert difference(of_layer(Twice(Dense(3)), (4, 3), rules={Twice: twice})) < NEAR


def test_functions_of_numpy() -> None:
    """elementwise of them is an operator; of other functions it is refused."""
    for f, df in ((np.sin, np.cos), (np.square, lambda x, y: 2 * x), (np.rint, lambda x, y: 0 * x)):
        assert difference(of_layer(elementwise(f, df), (4, 3))) < NEAR
    with pytest.raises(ExportError, match="elementwise cannot be written to ONNX: plain is a function of arrays; make"):
        of_layer(elementwise(plain, np.cos), (4, 3))


def plain(x: Array) -> Array:
    """A function that nobody knows."""
    return 2 * x


NOT_FITTING: Any = serial  # features where tokens are wanted, which type checkers see
REFUSED: list[tuple[Layer[Any, Any], Any, str]] = [
    (serial(Dense(3), serial(Swish()).named("in")), (-1, 3), r"^in/swish_0: Swish cannot .* rules=\{Swish: rule\}"),
    (serial(Layer.lift(lambda shape: shape, lambda x: (x, lambda dy: dy))), (-1, 3), "^layer_0: .* no constructor"),
    (serial(tangent(Dense(3))), ((-1, 3), (-1, 3)), "^dense_0: tangent cannot be written to ONNX: it is a derivative"),
    (NOT_FITTING(Dense(3), Embedding(4, 2)), (-1, 3), "^embedding_0: Embedding takes tokens, integers, and .* float32"),
    (scan(serial(tangent(Dense(3)))), (((-1, 2, 3)), (-1, 3)), "^serial_0/dense_0: tangent cannot"),
]


@pytest.mark.parametrize(("net", "shape", "said"), REFUSED, ids=lambda part: repr(part)[:50])
def test_what_is_refused(net: Layer[Any, Any], shape: Any, said: str, tmp_path: Path) -> None:
    """By its path, with the fix, before anything is written."""
    params = params_of(net, shape)
    with pytest.raises(ExportError, match=said):
        save_onnx(tmp_path / "net.onnx", net, params, shape)
    assert list(tmp_path.iterdir()) == []


def params_of(net: Layer[Any, Any], shape: Any) -> Any:
    """Some, if the network takes the shape: the last network of these does not."""
    try:
        return net.init(0, shape)[1]
    except ShapeError:
        return serial(Dense(3)).init(0, (-1, 3))[1]


WRONGLY: list[Any] = [3, [swish]]  # what type checkers would see
WRONG: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: to_onnx(WRONGLY[0], PARAMS, (-1, 3)), TypeError, r"to_onnx\(net, params, shape\) takes a network, got 3"),
    (lambda: to_onnx(NET, {}, (-1, 3)), ParamsError, "missing dense_0/w"),
    (lambda: to_onnx(NET, NET.init(0, (-1, 3)), (-1, 3)), ParamsError, "unpack it"),  # type: ignore[arg-type]
    (lambda: to_onnx(NET, PARAMS, (-1, 4)), ShapeError, r"dense_0: takes \(\.\.\., 3\), got \(\?, 4\)"),
    (lambda: to_onnx(NET, PARAMS, WRONGLY[0]), ShapeError, r"a shape is a tuple of sizes, got int 3"),
    (lambda: to_onnx(NET, astype(PARAMS, np.float16), (-1, 3)), DTypeError, "for storage"),
    (lambda: to_onnx(NET, PARAMS, (-1, 3), dtype=np.float64), DTypeError, "the params are float32, and dtype=float64"),
    (lambda: to_onnx(Relu, {}, (-1, 3), dtype=np.float16), DTypeError, "for storage"),
    (lambda: to_onnx(NET, PARAMS, (-1, 3), rules={"Swish": swish}), TypeError, "rules are given by constructor"),
    (lambda: to_onnx(NET, PARAMS, (-1, 3), rules={Swish(): swish}), TypeError, "rules are given by constructor"),
    (lambda: to_onnx(NET, PARAMS, (-1, 3), rules={Swish: WRONGLY[0]}), TypeError, r"a rule is a function \(graph, pa"),
    (lambda: to_onnx(NET, PARAMS, (-1, 3), rules=WRONGLY[1]), TypeError, "rules are given by constructor"),
    (
        lambda: to_onnx(Tanh, {}, (-1, 3), rules={Tanh: lambda graph, part, x: 3}), TypeError,
        "the rule of Tanh must return what graph.op returns, or a tuple, got 3",
    ),
    (
        lambda: to_onnx(Tanh, {}, (-1, 3), rules={Tanh: lambda graph, part, x: (x, x)}), TypeError,
        "the rule of Tanh must return one value, as its shape rule says, got a tuple of 2",
    ),
    (
        lambda: to_onnx(FanOut(2), {}, (-1, 3), rules={FanOut: lambda graph, part, x: x}), TypeError,
        "the rule of FanOut must return a tuple of 2, as its shape rule says, got one value",
    ),
    (
        lambda: to_onnx(NET, PARAMS, (-1, 3), rules={Dense: lambda graph, part, x: part.param("v")}), ParamsError,
        r"^dense_0: the rule of Dense asks for the leaf 'v'; its params are \['w', 'b'\]",
    ),
    (
        lambda: to_onnx(NET, PARAMS, (-1, 3), rules={serial: lambda graph, part, x: part.child("neck", x)}),
        ExportError, r"the rule of serial asks for the child 'neck'; its children are \['dense_0', 'relu_0', 'head'\]",
    ),
    (
        lambda: to_onnx(Tanh, {}, (-1, 3), rules={Tanh: lambda graph, part, x: graph.op("Mul", x, WRONGLY[0])}),
        TypeError, r"Mul takes values, and its input 1 is 3; graph.number\(0.5\) or graph.constant\(array\) makes one",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "said"), WRONG)
def test_wrong_calls(call: Callable[[], object], kind: type[Exception], said: str) -> None:
    """Say what to do."""
    with pytest.raises(kind, match=said):
        call()


def test_too_deep() -> None:
    """A thousand layers side by side are no matter; layers in layers are refused where Python's stack ends."""
    net = serial(*[Dense(2) for _ in range(1000)])
    assert len(to_onnx(net, net.init(0, (-1, 2))[1], (-1, 2)).graph.initializer) == 2000
    deep: Layer[Any, Any] = Dense(2)
    for _ in range(390):
        deep = serial(deep)
    with pytest.raises(ValueError, match="to_onnx: layers lie in layers 390 levels deep"):
        to_onnx(deep, deep.init(0, (-1, 2))[1], (-1, 2))


def test_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a file of this kind cannot hold is refused."""
    monkeypatch.setattr("funcnn.bridges.onnx.models.LARGEST", 100)
    with pytest.raises(ExportError, match=r"the params take 0\.0 GB, and an ONNX model holds 2; write it in parts"):
        to_onnx(NET, PARAMS, (-1, 3))


# what is stored -------------------------------------------------------------------------------------------------------
STORED: list[tuple[Layer[Any, Any], Any, list[str]]] = [
    (repeat(Dense(3), 4, shared=True), (2, 3), ["dense_0/w", "dense_0/b"]),
    (
        tie(serial(Embedding(5, 4), Dense(5).named("head")), {"head/w": transposed("embedding_0/w")}), (2, 3),
        ["embedding_0/w", "head/b"],
    ),
    (tie(serial(Dense(3).named("a"), Dense(3).named("b")), {"b": "a"}), (2, 3), ["a/w", "a/b"]),
    (freeze(NET, PARAMS, "dense_0/**"), (2, 3), ["dense_0/w", "dense_0/b", "head/w", "head/b"]),
    (freeze(NET, PARAMS), (2, 3), ["dense_0/w", "dense_0/b", "head/w", "head/b"]),
    (serial(ensemble(Dense(2), 2)), (2, 3), ["dense_0/w", "dense_0/b", "dense_0/w:1", "dense_0/b:1"]),
    (stax.serial(stax.Dense(2), stax.Relu), (2, 3), ["dense_0/w", "dense_0/b"]),
]  # fmt: skip


@pytest.mark.parametrize(("net", "shape", "names"), STORED, ids=lambda part: repr(part)[:50])
def test_params_are_stored_once(net: Layer[Any, Any], shape: Any, names: list[str]) -> None:
    """However often they are used, turned too."""
    found = of_layer(net, shape)
    assert difference(found) < NEAR
    assert [i.name for i in found.model.graph.initializer if "/" in i.name and "sizes" not in i.name] == names


def test_layouts_of_params() -> None:
    """Params may lie in memory as they like."""
    turned = {name: {k: np.asfortranarray(v) for k, v in leaves.items()} for name, leaves in PARAMS.to_dict().items()}
    case = Case(NET, (2, 3), dtype="float32")
    model = to_onnx(NET, turned, (-1, 3))
    assert case.layer.apply(PARAMS, case.x).tolist() == NET.apply(turned, case.x).tolist()
    assert onnx.numpy_helper.to_array(model.graph.initializer[0]).tolist() == PARAMS.at("dense_0/w").tolist()


def test_files(tmp_path: Path) -> None:
    """A file that is read by ONNX, in the place of another."""
    path = tmp_path / "net.onnx"
    path.write_bytes(b"old")
    save_onnx(path, NET, PARAMS, (-1, 3))
    assert onnx.load(path) == to_onnx(NET, PARAMS, (-1, 3))
    assert [p.name for p in tmp_path.iterdir()] == ["net.onnx"]
    with pytest.raises(TypeError, match="save_onnx takes the path of a file, got int 3"):
        save_onnx(3, NET, PARAMS, (-1, 3))  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError, match="nowhere"):
        save_onnx(tmp_path / "nowhere" / "net.onnx", NET, PARAMS, (-1, 3))
