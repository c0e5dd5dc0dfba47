"""Which of their layers goes where, and every way in which weights do not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import (
    GRU,
    LSTM,
    RNN,
    Array,
    BatchNorm,
    Dense,
    DTypeError,
    EinsumDense,
    Embedding,
    Layer,
    LayerNorm,
    ParamsError,
    Relu,
    Shape,
    ShapeError,
    ensemble,
    freeze,
    layer,
    serial,
    tie,
    transposed,
    tree_map,
)
from funcnn.authoring import leaves
from funcnn.initializers import ones
from funcnn.weights import from_keras, from_state_dict, state_dict_names, to_keras, to_state_dict

RNG = np.random.default_rng(0)
NET = serial(Dense(4), Relu, Dense(4), Relu, Dense(2))
SHAPE = (-1, 4)


def some(*sizes: int) -> Any:
    """Numbers."""
    return RNG.normal(size=sizes)


def linear(name: str, n: int, units: int) -> dict[str, Any]:
    """A module's arrays."""
    return {f"{name}.weight": some(units, n), f"{name}.bias": some(units)}


STATE: dict[str, Any] = linear("fc1", 4, 4) | linear("fc2", 4, 4) | linear("head", 4, 2)
USUAL = from_state_dict(NET, SHAPE, STATE)


def lines(state: Any, net: Any = NET, shape: Any = SHAPE, **more: Any) -> list[str]:
    """What the message says, line by line."""
    with pytest.raises(ParamsError) as raised:
        from_state_dict(net, shape, state, **more)
    first, *rest = [line.strip() for line in str(raised.value).split("\n")]
    assert first == "from_state_dict: the weights are not those of this network" or not rest
    return rest or [first.removeprefix("from_state_dict: ")]


def without(*names: str) -> dict[str, Any]:
    """The state without these."""
    return {name: a for name, a in STATE.items() if not name.startswith(names)}


def test_by_order() -> None:
    """Names do not count, whatever stands in front of them."""
    for front in ("module.", "_orig_mod.", "model.net."):
        assert from_state_dict(NET, SHAPE, {front + name: a for name, a in STATE.items()}) == USUAL


def test_by_names() -> None:
    """Layers, leaves, subtrees; what is not named goes by order."""
    turned = {name: STATE[name] for name in sorted(STATE, reverse=True)}
    names = {"dense_0": "fc1", "dense_1": "fc2", "dense_2": "head"}
    assert from_state_dict(NET, SHAPE, turned, names=names) == USUAL
    assert from_state_dict(NET, SHAPE, STATE, names={"dense_0": "fc1"}) == USUAL
    assert from_state_dict(NET, SHAPE, STATE, names={"dense_0/w": "fc1.weight", "dense_0/b": "fc1.bias"}) == USUAL
    assert from_state_dict(NET, SHAPE, STATE, names={"dense_1/w": "fc2.weight"}) == USUAL
    swapped = from_state_dict(NET, SHAPE, STATE, names={"dense_0": "fc2", "dense_1": "fc1"})
    np.testing.assert_array_equal(swapped.at("dense_0/w"), STATE["fc2.weight"].T)
    deep = serial(serial(Dense(4), Dense(4)).named("body"), Dense(2))
    inner = {f"enc.{name}": a for name, a in without("head").items()}
    made = from_state_dict(deep, SHAPE, linear("z", 4, 2) | inner, names={"body": "enc"})
    np.testing.assert_array_equal(made.at("body/dense_1/w"), STATE["fc2.weight"].T)


def test_names_out() -> None:
    """They rename layers and subtrees; directions and stacks are PyTorch's."""
    made = to_state_dict(NET, SHAPE, USUAL, names={"dense_0": "fc1", "dense_1": "fc2", "dense_2": "head"})
    assert list(made) == list(STATE) and all(np.array_equal(a, STATE[name]) for name, a in made.items())
    assert next(iter(to_state_dict(NET, SHAPE, USUAL, names={"": "net"}))) == "net.dense_0.weight"
    stack = serial(LSTM(3), LSTM(3))
    _, params = stack.init(0, (-1, 5, 4))
    made = to_state_dict(stack, (-1, 5, 4), params, names={"lstm_0": "lstm.l0", "lstm_1": "lstm.l1"})
    assert [name for name in made if "weight_ih" in name] == ["lstm.weight_ih_l0", "lstm.weight_ih_l1"]
    assert from_state_dict(stack, (-1, 5, 4), made) == params


def test_names_that_are_not_there() -> None:
    """On either side, with those that are."""
    fronted = {f"module.{name}": a for name, a in STATE.items()}
    ours = "its layers are 'dense_0', 'dense_1', 'dense_2'"
    cases: list[tuple[Any, Any, str]] = [
        (STATE, {"dens": "fc1"}, f"the network has no 'dens'; {ours}"),
        (STATE, {"dense_0.w": "fc1.weight"}, f"the network has no 'dense_0.w'; {ours}"),
        (STATE, {"dense_0": "fc3"}, "there is no 'fc3' among 'fc1', 'fc2', 'head'"),
        (fronted, {"dense_0": "fc1"}, "there is no 'fc1' among 'module.fc1', 'module.fc2', 'module.head'; all names "
         "begin with 'module.': write 'module.fc1'"),
        (STATE, {"dense_0": "fc1.weight"}, "'fc1.weight' is an array, 'dense_0' a layer; name a layer of theirs, or a "
         "leaf"),
        (STATE, {"dense_0/w": "fc1"}, "'fc1', which is to go into 'dense_0/w', is no array; say "
         "which, 'fc1.weight', or name the layer, 'dense_0'"),
        (STATE, {"dense_0/w": "fc1.weight", "dense_1/w": "fc1.weight"}, "'fc1.weight', which is to go into "
         "'dense_1/w', goes into another leaf that is named; name another"),
        (STATE, ["fc1"], "names is a mapping of paths, {'dense_0': 'fc1'}, got ['fc1']"),
    ]  # fmt: skip
    for state, names, said in cases:
        assert lines(state, names=names) == [said]
    with pytest.raises(ParamsError, match="has no layer 'dens'"):
        to_state_dict(NET, SHAPE, USUAL, names={"dens": "fc"})
    with pytest.raises(ParamsError, match="two leaves are to be a.weight; name their layers apart"):
        to_state_dict(NET, SHAPE, USUAL, names={"dense_0": "a", "dense_1": "a"})


def test_what_was_named_does_not_go_by_order() -> None:
    """Two layers of ours for one of theirs: the second finds nothing."""
    said = lines(STATE, names={"dense_0": "fc1", "dense_1": "fc1", "dense_2": "head"})
    assert said == [
        "nothing goes into dense_1/w (4, 4)", "nothing goes into dense_1/b (4,)",
        "fc2.weight (4, 4) float64 goes nowhere", "fc2.bias (4,) float64 goes nowhere",
    ]  # fmt: skip


def test_too_few_and_too_many() -> None:
    """Every leaf and every array is told, with its shape."""
    assert lines(without("fc2.bias")) == ["nothing goes into dense_1/b (4,): fc2 has no bias"]
    assert lines(STATE | linear("aux", 4, 3)) == [
        "aux.weight (3, 4) float64 goes nowhere", "aux.bias (3,) float64 goes nowhere"
    ]  # fmt: skip
    assert lines(without("fc2"))[-2:] == ["nothing goes into dense_2/w (4, 2)", "nothing goes into dense_2/b (2,)"]
    assert len(lines({})) == 6
    many = lines({f"x{i}.weight": np.ones(1) for i in range(100)})
    assert len(many) == 41 and many[-1] == "and 66 more"


def test_shapes() -> None:
    """And whether it is the transpose; of a square matrix nobody can tell."""
    assert lines(STATE | {"head.weight": some(4, 2)}) == [
        "head.weight of shape (4, 2), the transpose, does not go into dense_2/w (4, 2), which wants (2, 4)"
    ]
    turned = from_state_dict(NET, SHAPE, STATE | {"fc1.weight": STATE["fc1.weight"].T})
    np.testing.assert_array_equal(turned.at("dense_0/w"), STATE["fc1.weight"])
    assert "which wants (4, 5)" in lines(STATE, shape=(-1, 5))[0]
    with pytest.raises(ShapeError):
        from_state_dict(NET, (), STATE)
    with pytest.raises(ShapeError, match=r"these are not known, dense_0/w \(\?, 4\); give the sizes that they"):
        from_state_dict(NET, (-1, -1), STATE)
    recurrent = serial(LSTM(3), Dense(2))
    _, params = recurrent.init(0, (-1, 5, 4))
    assert from_state_dict(recurrent, (-1, -1, 4), to_state_dict(recurrent, (-1, 5, 4), params)) == params


def test_layers_of_another_kind() -> None:
    """What one has and the other has not."""
    norm = {"bn.weight": some(4), "bn.bias": some(4)}
    assert lines(norm, BatchNorm()) == [
        "nothing goes into mean (4,): bn has no running_mean", "nothing goes into var (4,): bn has no running_var"
    ]  # fmt: skip
    assert lines(norm | {"bn.running_mean": some(4)}, LayerNorm()) == [
        "bn.running_mean (4,) goes nowhere: the network has no such params"
    ]
    split = {"fc.weight_g": some(2, 1), "fc.weight_v": some(2, 4), "fc.bias": some(2)}
    assert lines(split, Dense(2))[0] == "nothing goes into w (4, 2): fc has no weight"
    gru = {"l.weight_ih_l0": some(9, 4), "l.weight_hh_l0": some(9, 3), "l.bias_ih_l0": some(9), "l.bias_hh_l0": some(9)}
    assert lines(gru, LSTM(3), (-1, 5, 4))[0] == (
        "l.weight_ih_l0 of shape (9, 4) does not go into w (4, 12), which wants (12, 4)"
    )
    assert lines({n: a for n, a in gru.items() if n != "l.bias_hh_l0"}, GRU(3), (-1, 5, 4)) == [
        "nothing goes into b (18,): l.l0 has no bias_hh_l"
    ]
    projected = gru | {"l.weight_hr_l0": some(2, 3)}
    assert "l.weight_hr_l0 (2, 3) goes nowhere: the network has no such params" in lines(projected, GRU(3), (-1, 5, 4))


def test_dtypes() -> None:
    """They are kept, must be one, and floating-point; float16 is stored."""
    for dtype in (np.float16, np.float32, np.float64):
        made = from_state_dict(NET, SHAPE, {name: a.astype(dtype) for name, a in STATE.items()})
        assert {made.at(path).dtype for path in made.paths()} == {np.dtype(dtype)}
    big = {name: a.astype(">f8") for name, a in STATE.items()}
    assert from_state_dict(NET, SHAPE, big) == USUAL
    for wrong, said in (
        (STATE["fc1.bias"].astype(np.float32), "the arrays are of several dtypes, others are float64: make them one"),
        (np.ones(4, int), "fc1.bias is int64; params are float32 or float64, float16 to be stored"),
        (np.ones(4, complex), "fc1.bias is complex128"),
        (np.ones(4, np.longdouble), "fc1.bias is (float128|longdouble|float96)"),
        (None, "fc1.bias is of type NoneType; give an array of numbers"),
    ):
        with pytest.raises(DTypeError, match=said):
            from_state_dict(NET, SHAPE, STATE | {"fc1.bias": wrong})


class Tensor:
    """What can be detached, brought to the CPU, and made an array: a tensor, for all that is asked of one."""

    def __init__(self, array: Any, dtype: str = "torch.float64") -> None:
        self.array, self.dtype, self.done = array, dtype, list[str]()

    def detach(self) -> Tensor:
        self.done.append("detach")
        return self

    def cpu(self) -> Tensor:
        self.done.append("cpu")
        return self

    def numpy(self) -> Any:
        if self.dtype == "torch.qint8":
            raise RuntimeError("quantized")
        assert self.done == ["detach", "cpu"]
        return self.array


def test_tensors_are_known_by_what_they_can_do() -> None:
    """No library is imported for them; bfloat16 and what gives no array are told."""
    assert from_state_dict(NET, SHAPE, {name: Tensor(a) for name, a in STATE.items()}) == USUAL
    assert from_state_dict(NET, SHAPE, {name: a.tolist() for name, a in STATE.items()}) == USUAL
    half = Tensor(None, "torch.bfloat16")
    with pytest.raises(DTypeError, match="fc1.bias is bfloat16, which NumPy has not; float32 holds the same numbers"):
        from_state_dict(NET, SHAPE, STATE | {"fc1.bias": half})
    with pytest.raises(DTypeError, match="fc1.bias of type Tensor gives no array: quantized"):
        from_state_dict(NET, SHAPE, STATE | {"fc1.bias": Tensor(None, "torch.qint8")})


def test_bits_are_kept() -> None:
    """NaNs with what they carry, negative zeros, infinities."""
    bits = np.array([[0x7FC00001, 0x80000000, 0x7F800000, 1]], np.uint32).view(np.float32)
    state = {"weight": bits, "bias": np.zeros(1, np.float32)}
    back = to_state_dict(Dense(1), SHAPE, from_state_dict(Dense(1), SHAPE, state))
    assert back["weight"].tobytes() == bits.tobytes()


def test_what_is_no_state_dict() -> None:
    """Models, checkpoints around it, lists."""
    assert "'model' is a mapping itself; give file['model'] alone" in lines({"model": STATE, "epoch": 3})[0]
    assert "takes a mapping of names to arrays, model.state_dict(); got [1]" in lines([1])[0]
    assert "takes a mapping of names to arrays" in lines({1: some(2)})[0]
    with pytest.raises(TypeError, match="takes a network, the shape of its input and weights, got 3"):
        from_state_dict(3, SHAPE, STATE)  # type: ignore[arg-type]
    assert r"\x1b" in lines(STATE | {"\x1b[2J.weight": some(2)})[0]


def test_sorted_names_have_lost_their_order() -> None:
    """Biases before weights: numbers still tell, words do not, `names` does."""
    by_file = dict(sorted(STATE.items()))
    assert "the names are sorted, as files do it" in lines(by_file)[0]
    names = {"dense_0": "fc1", "dense_1": "fc2", "dense_2": "head"}
    assert from_state_dict(NET, SHAPE, by_file, names=names) == USUAL
    net = serial(*[Dense(1)] * 12)
    numbered: dict[str, Any] = {}
    for i in range(12):
        numbered |= {f"{i}.weight": np.full((1, 1), float(i)), f"{i}.bias": np.zeros(1)}
    made = from_state_dict(net, (-1, 1), dict(sorted(numbered.items())))
    assert [made.at(f"dense_{i}/w").item() for i in range(12)] == list(range(12))
    layers = {f"l.{kind}_l{i}{end}": some(*sizes) for kind, sizes in (("bias_hh", (3,)), ("bias_ih", (3,)),
              ("weight_hh", (3, 3)), ("weight_ih", (3, 3))) for i in range(2) for end in ("",)}  # fmt: skip
    made = from_state_dict(serial(RNN(3), RNN(3)), (-1, 5, 3), layers)
    np.testing.assert_array_equal(made.at("rnn_1/w"), layers["l.weight_ih_l1"].T)


def test_params_of_another_network() -> None:
    """Nothing is written of them."""
    _, fewer = serial(Dense(4)).init(0, SHAPE)
    with pytest.raises(ParamsError, match=r"the params are not this network's\n  missing dense_1/w \(4, 4\)\n"):
        to_state_dict(NET, SHAPE, fewer)
    _, more = serial(NET, Dense(2)).init(0, SHAPE)
    with pytest.raises(ParamsError, match=r"unexpected serial_0/dense_0/w \(4, 4\)"):
        to_keras(NET, SHAPE, more)
    _, other = serial(Dense(4), Dense(3), Dense(2)).init(0, SHAPE)
    with pytest.raises(ParamsError, match=r"dense_1/w has shape \(4, 3\), the network wants \(4, 4\)"):
        to_state_dict(NET, SHAPE, other)
    with pytest.raises(ParamsError, match="nothing goes into aux.weight"):
        to_state_dict(NET, SHAPE, USUAL, like=STATE | linear("aux", 4, 3))


def test_biases_that_theirs_has_not() -> None:
    """Zeros come in; other numbers do not go out."""
    state = {"weight_ih_l0": some(3, 4), "weight_hh_l0": some(3, 3)}
    params = from_state_dict(RNN(3), (-1, 5, 4), state)
    assert not params.at("b").any() and params.at("b").dtype == np.float64
    with pytest.raises(ParamsError, match="b is not zero, and l0 has none"):
        to_state_dict(RNN(3), (-1, 5, 4), tree_map(lambda a: a + 1, params), like=state)


def test_tied_weights() -> None:
    """They come once, or twice and equal; two different ones are refused; they go out twice."""
    net = tie(serial(Embedding(6, 4), Dense(6).named("head")), {"head/w": transposed("embedding_0/w")})
    words = some(6, 4)
    both: dict[str, Any] = {"words.weight": words, "head.weight": words, "head.bias": some(6)}
    made = from_state_dict(net, (-1, 3), both)
    assert made.paths() == ("embedding_0/w", "head/b")
    once = {name: a for name, a in both.items() if name != "head.weight"}
    assert from_state_dict(net, (-1, 3), once) == made
    out = to_state_dict(net, (-1, 3), made)
    np.testing.assert_array_equal(out["head.weight"], out["embedding_0.weight"])
    assert to_state_dict(net, (-1, 3), made, like=once).keys() == once.keys()
    said = lines(both | {"head.weight": some(6, 4)}, net, (-1, 3))
    one = "what goes into head/w and embedding_0/w differs, and tie makes them one"
    assert said == [f"{one}; take the network without tie"]


def test_frozen_and_stacked_networks_are_converted_before() -> None:
    """What is among no params cannot be given, and members are n."""
    _, params = NET.init(0, SHAPE)
    assert "dense_0/w, dense_0/b is not among its params, which were frozen" in lines(
        STATE, freeze(NET, params, "dense_0/**")
    )[0]
    assert "convert the members of an ensemble one by one" in lines(STATE, ensemble(NET, 3))[0]


@layer
def Scale() -> Layer[Array, Array]:
    """A layer of somebody's, whose one leaf has the name that it has there."""

    def spec(shape: Shape) -> Any:
        return {"gain": (ones, shape[-1:])}

    def rule(params: Any, x: Array) -> Any:
        (gain,) = leaves(params, "gain")
        return x * gain, lambda dy: ({"gain": (dy * x).sum(0)}, dy * gain)

    return Layer.of(lambda shape: shape, spec, rule)


@layer
def Nested() -> Layer[Array, Array]:
    """A layer of somebody's whose params nest."""
    inner = Scale().definition

    def rule(params: Any, x: Array) -> Any:
        y, pull = inner.rule(params["inside"], x)

        def pullback(dy: Array) -> Any:
            grads, dx = pull(dy)
            return {"inside": grads}, dx

        return y, pullback

    return Layer.of(lambda shape: shape, lambda shape: {"inside": inner.spec(shape)}, rule)


def test_layers_of_your_own() -> None:
    """Their leaves have the names and shapes that they have there, or `names` says of each."""
    net = serial(Dense(2), Scale())
    state = linear("fc", 4, 2) | {"s.gain": some(2)}
    params = from_state_dict(net, SHAPE, state)
    np.testing.assert_array_equal(params.at("scale_0/gain"), state["s.gain"])
    other = linear("fc", 4, 2) | {"factor": some(2)}
    params = from_state_dict(net, SHAPE, other, names={"scale_0/gain": "factor"})
    np.testing.assert_array_equal(params.at("scale_0/gain"), other["factor"])
    nested = serial(Dense(2), Nested())
    _, params = nested.init(0, SHAPE)
    assert from_state_dict(nested, SHAPE, to_state_dict(nested, SHAPE, params)) == params
    assert from_keras(nested, SHAPE, to_keras(nested, SHAPE, params)) == params
    einsum = EinsumDense("bn,nu->bu", u=3)
    assert state_dict_names(einsum, (2, 4), {"e.w": some(4, 3), "e.b": some(3)}) == {"w": ("e.w",), "b": ("e.b",)}


def test_lists_of_keras() -> None:
    """Too short, too long, in another order; what is no list; names without paths."""
    right = [some(4, 4), some(4), some(4, 4), some(4), some(4, 2), some(2)]
    for wrong, said in (
        (right[:-1], r"nothing goes into dense_2/b \(2,\)"),
        ([*right, some(3)], r"array 6 \(3,\) float64 goes nowhere"),
        (right[::-1], r"array 0 of shape \(2,\) does not go into dense_0/w \(4, 4\), which wants \(4, 4\)"),
        (None, "takes model.get_weights(), or"),
        (some(3), "takes model.get_weights(), or"),
    ):
        with pytest.raises(ParamsError, match=said.replace("()", r"\(\)")):
            from_keras(NET, SHAPE, wrong)  # type: ignore[arg-type]
    with pytest.raises(ParamsError, match="a list has no names"):
        from_keras(NET, SHAPE, right, names={"dense_0": "dense"})
    older = [some(4, 9), some(3, 9), some(9)]
    with pytest.raises(ParamsError, match=r"array 2 \(9,\) float64 goes nowhere"):
        from_keras(GRU(3), (-1, 5, 4), older)


def test_two_biases_are_one_in_keras() -> None:
    """Their sum; a negative zero stays one."""
    net = LSTM(1)
    _, params = net.init(0, (-1, 5, 2), dtype=np.float64)
    two = params.set("b", np.array([-0.0, 1, 2, 3, 0, 1, 0, 2]))
    kernel, recurrent, bias = to_keras(net, (-1, 5, 2), two)
    assert bias.tolist() == [0, 2, 2, 5] and np.signbit(bias[0])
    x = some(2, 5, 2)
    again = from_keras(net, (-1, 5, 2), [kernel, recurrent, bias])
    np.testing.assert_allclose(net.apply(again, x), net.apply(two, x), rtol=1e-14)
