"""State dicts of PyTorch's own modules, and arrays that both hold. Needs it: `python -m tests.bridges torch`."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import torch

import funcnn
from funcnn import BatchNorm, Conv, Dense, DTypeError, Flatten, Params, Relu, adam, fit, serial, softmax_cross_entropy
from funcnn.bridges.safetensors import load_tensors, save_tensors
from funcnn.weights import from_state_dict, to_state_dict
from funcnn.weights.places import places_of
from tests.evaluated import public_names
from tests.weights import torch_modules as peers
from tests.weights.test_torch import nested, value
from tests.weights.tables import TABLES, Row
from tests.weights.torch_cases import CASES

nn: Final[Any] = torch.nn
torch.set_num_threads(1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("case", CASES)
def test_tensors_come_over_and_go_back(case: str, dtype: Any) -> None:
    """The values are the module's, in its dtype; a fresh module loads what comes back, and computes the same."""
    net, shape, names = CASES[case]
    peer, x = peers.made(case, dtype)
    state = peer.module.state_dict()
    params = from_state_dict(net, shape, state, names=names)
    given = nested(case, tuple([_like(a, dtype) for a in x]) if isinstance(x, tuple) else _like(x, dtype))
    y = value(net.apply(params, given))
    wanted = peers.theirs(peer, x)
    assert y.dtype == wanted.dtype
    bound = 1e-12 if dtype == torch.float64 else 2e-5
    np.testing.assert_allclose(y, wanted, rtol=bound, atol=bound)
    back = to_state_dict(net, shape, params, names=names, like=state)
    fresh = peers.peers()[case].module.to(dtype).eval()
    fresh.load_state_dict({name: torch.from_numpy(a) for name, a in back.items()})
    assert all(torch.equal(a, state[name]) for name, a in fresh.state_dict().items())
    again = peers.theirs(peer._replace(module=fresh), x)
    np.testing.assert_array_equal(again, wanted)


def _like(a: Any, dtype: Any) -> Any:
    if a.dtype.kind != "f":
        return a
    return a.astype(np.float32 if dtype == torch.float32 else np.float64)


def test_training_goes_on_here_and_ends_there() -> None:
    """A module of theirs, a few steps of ours, and the module again, in `eval` as `apply`."""
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 16, 3))
    net = serial(Conv(4, (3, 3)), BatchNorm(), Relu, Flatten, Dense(3))
    shape = (-1, 6, 6, 1)
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(32, 6, 6, 1)).astype(np.float32), rng.integers(0, 3, 32)
    params = from_state_dict(net, shape, module.state_dict())
    *_, (state, _) = fit(softmax_cross_entropy, net.apply, adam(1e-2), params, (x, labels), epochs=3, rng=0)
    back = to_state_dict(net, shape, state.params, like=module.state_dict())
    module.load_state_dict({name: torch.from_numpy(a) for name, a in back.items()})
    with torch.no_grad():
        theirs = module.eval()(torch.from_numpy(x.transpose(0, 3, 1, 2).copy())).numpy()
    np.testing.assert_allclose(net.apply(state.params, x), theirs, rtol=1e-4, atol=1e-4)


def test_a_safetensors_file_of_theirs(tmp_path: Path) -> None:
    """Written by their package, integers in it; names say which layer is which, for a file has no order."""
    official: Any = importlib.import_module("safetensors.torch")
    net, shape, _ = CASES["images"]
    peer, _ = peers.made("images", torch.float32)
    state = peer.module.state_dict()
    official.save_file(state, tmp_path / "model.safetensors")
    params = from_state_dict(net, shape, load_tensors(tmp_path / "model.safetensors"))  # "0.weight", "1.weight", ...
    assert params == from_state_dict(net, shape, state)
    save_tensors(tmp_path / "back.safetensors", to_state_dict(net, shape, params, like=state))
    found = official.load_file(tmp_path / "back.safetensors")
    assert found.keys() == state.keys() and all(torch.equal(a, state[name]) for name, a in found.items())


def test_a_pickle_is_read_by_their_safe_loader(tmp_path: Path) -> None:
    """`torch.load(weights_only=True)` gives the state dict."""
    module = nn.Sequential(nn.Linear(3, 2))
    torch.save(module.state_dict(), tmp_path / "model.pt")
    state = torch.load(tmp_path / "model.pt", weights_only=True, map_location="cpu")
    params = from_state_dict(serial(Dense(2)), (-1, 3), state)
    np.testing.assert_array_equal(params.at("dense_0/w"), module[0].weight.detach().numpy().T)


@pytest.mark.parametrize("row", TABLES[0].rows, ids=lambda row: row.source)
def test_the_table_of_the_page_is_pytorchs(row: Row) -> None:
    """The module that stands in it has the tensors that stand there, of these shapes."""
    module = eval(row.theirs, {"nn": nn})
    state = {name.replace("_l0", "_l"): tuple(a.shape) for name, a in module.state_dict().items()}
    (place,) = places_of("table", eval(row.source, public_names()), row.shape).layers
    form = TABLES[0].forms(place)[row.form]
    told = {name: s for part in form.parts for name, s in zip(part.theirs, part.theirs_for(place.shapes), strict=True)}
    assert told == {name: sizes for name, sizes in state.items() if name not in form.beside}


def test_what_tensors_may_be() -> None:
    """Parameters that require gradients, views, half precision; bfloat16, meta and quantized ones are told."""
    module = nn.Linear(3, 2)
    w = module.weight
    assert from_state_dict(Dense(2), (-1, 3), dict(module.named_parameters())).at("w").dtype == np.float32
    turned = {"weight": w.detach().T.contiguous().T, "bias": module.bias[::1]}
    assert from_state_dict(Dense(2), (-1, 3), turned) == from_state_dict(Dense(2), (-1, 3), module.state_dict())
    half = from_state_dict(Dense(2), (-1, 3), nn.Linear(3, 2).half().state_dict())
    assert half.at("w").dtype == np.float16
    with pytest.raises(DTypeError, match=r"weight is bfloat16, which NumPy has not; float32 holds the same numbers"):
        from_state_dict(Dense(2), (-1, 3), nn.Linear(3, 2).bfloat16().state_dict())
    with pytest.raises(DTypeError, match="weight of type Tensor gives no array"):
        from_state_dict(Dense(2), (-1, 3), nn.Linear(3, 2, device="meta").state_dict())


def test_params_do_not_share_memory_with_tensors() -> None:
    """What PyTorch writes in place afterwards changes nothing here; nor the other way."""
    module = nn.Linear(3, 2)
    params = from_state_dict(Dense(2), (-1, 3), module.state_dict())
    kept = Params(params.to_dict())
    back = to_state_dict(Dense(2), (-1, 3), params, like=module.state_dict())
    with torch.no_grad():
        module.weight.fill_(7)
        torch.from_numpy(back["weight"]).fill_(9)
    assert params == kept


def test_dlpack_shares_memory_where_layouts_allow() -> None:
    """Inputs and outputs go to and fro without a copy; params do not, for they never change."""
    net = Dense(2)
    _, params = net.init(0, (-1, 3))
    tensor = torch.randn(4, 3)
    x: Any = np.from_dlpack(tensor)
    assert x.ctypes.data == tensor.data_ptr()
    y = net.apply(params, x)
    mine = torch.from_dlpack(y.copy())
    np.testing.assert_array_equal(mine.numpy(), y)
    with pytest.raises((BufferError, TypeError, RuntimeError)):
        np.from_dlpack(torch.randn(4, 3, requires_grad=True))
    turned: Any = np.from_dlpack(tensor.T)  # strides too
    assert turned.ctypes.data == tensor.data_ptr() and turned.shape == (3, 4)
    np.testing.assert_array_equal(net.apply(params, turned.T), y)
    assert Params({"w": x}).at("w").ctypes.data != tensor.data_ptr()
