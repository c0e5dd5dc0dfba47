"""PyTorch on networks of convolutions, residual ones too: the same layers with the same params, channels first."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from reading import named
from residual_reading import read, windows
from works import Work

from funcnn import Layer
from funcnn.networks.surgery import children_of

Step = Callable[[], object]


def module(layer: Layer[Any, Any], params: Any, shape: tuple[Any, ...]) -> Any:
    """The same network with channels first, with these params."""
    nn: Any = importlib.import_module("torch.nn")
    name, given = read(layer)
    children = children_of(layer)
    if name == "serial":
        modules = []
        for key, child in children.items():
            modules.append(module(child, params.get(key, {}), shape))
            shape = child.out_shape(shape)
        return nn.Sequential(*modules)
    if name == "residual":
        ((key, child),) = children.items()
        return _residual(nn)(module(child, params[key], shape))
    if name.startswith("Conv"):
        return _convolution(nn, name, given, params, shape)
    if name == "Dense":
        made = nn.Linear(shape[-1], given["units"])
        return _filled(made, weight=params["w"].T, bias=params["b"])
    if name == "BatchNorm":
        return _filled(nn.BatchNorm2d(shape[-1]), weight=params["scale"], bias=params["offset"])
    if name == "MaxPool":
        return nn.MaxPool2d(given["window_shape"], given["strides"])
    if name == "GlobalAvgPool":
        pool = {3: nn.AdaptiveAvgPool1d, 4: nn.AdaptiveAvgPool2d, 5: nn.AdaptiveAvgPool3d}[len(shape)]
        return nn.Sequential(pool(1), nn.Flatten())
    return nn.ReLU() if name == "Relu" else None


def _convolution(nn: Any, name: str, given: dict[str, Any], params: Any, shape: tuple[Any, ...]) -> Any:
    how, rank, bias = windows(given, shape), len(shape) - 2, "b" in params
    before, behind = zip(*how["pads"], strict=True)
    if name == "ConvTranspose":
        make, order = nn.ConvTranspose2d, (*range(rank, rank + 2), *range(rank))
        options = {"groups": how["groups"]}
    else:
        make, order = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[rank - 1], (rank + 1, rank, *range(rank))
        options = {"groups": how["groups"], "dilation": how["dilation"]}
    even = before == behind
    made = make(shape[-1], given["channels"], how["size"], how["strides"], before if even else 0, bias=bias, **options)
    _filled(made, weight=params["w"].transpose(order), **({"bias": params["b"]} if bias else {}))
    return made if even else nn.Sequential(nn.ConstantPad1d(how["pads"][0], 0.0), made)


def _filled(made: Any, **leaves: Any) -> Any:
    torch: Any = importlib.import_module("torch")
    with torch.no_grad():
        for name, leaf in leaves.items():
            getattr(made, name).copy_(torch.tensor(np.array(leaf)))
    return made


def _residual(nn: Any) -> Any:
    class Residual(nn.Module):  # type: ignore[misc]
        def __init__(self, inner: Any) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Any) -> Any:
            return x + self.inner(x)

    return Residual


def torch_step(work: Work, fused: bool = False, last: bool = False, compiled: bool = False) -> Step:
    torch: Any = importlib.import_module("torch")
    x, y = work.data()
    inputs, target = torch.tensor(x).movedim(-1, 1).contiguous(), torch.tensor(y)
    net = module(work.net, work.net.init(0, work.shape)[1].to_dict(), work.shape)
    if last:
        kind = torch.channels_last if x.ndim == 4 else torch.channels_last_3d
        net, inputs = net.to(memory_format=kind), inputs.contiguous(memory_format=kind)
    net.train(work.training)
    apply = torch.compile(net) if compiled else net
    if not work.training:

        def forward() -> None:
            with torch.inference_mode():
                apply(inputs)

        return forward
    args = work.optimizer.init.record.args
    if named(work.optimizer) == "adam":
        optimizer = torch.optim.Adam(net.parameters(), args[0], fused=fused)
    else:
        optimizer = torch.optim.SGD(net.parameters(), args[0], momentum=args[1], fused=fused)
    loss = torch.nn.functional.cross_entropy

    def step() -> None:
        optimizer.zero_grad()
        loss(apply(inputs), target).backward()
        optimizer.step()

    return step
