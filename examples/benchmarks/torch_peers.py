"""PyTorch: eager with its default and its fused Adam, channels first and last, and compiled."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from reading import named, parts
from works import Work

Step = Callable[[], object]


def torch_entries(work: Work) -> Iterator[tuple[str, Callable[[Work], Step]]]:
    adam, images = named(work.optimizer) == "adam", len(work.shape) == 4
    yield "torch", lambda work: _step(work)
    if adam and work.training:
        yield "torch fused", lambda work: _step(work, fused=True)
    if images:
        yield "torch channels_last", lambda work: _step(work, fused=adam, last=True)
    yield "torch.compile", lambda work: _step(work, fused=adam, compiled=True)


def network(work: Work) -> Any:
    """The same layers as a `Sequential`, images with channels first."""
    nn = importlib.import_module("torch.nn")
    layers: list[Any] = []
    for name, args, before, after in parts(work):
        if name == "Dense":
            layers.append(nn.Linear(before[-1], after[-1]))
        elif name == "Conv":
            size, stride = args[1], args[2] if len(args) > 2 and args[2] else (1, 1)
            same = len(args) > 3 and args[3] == "SAME"
            layers.append(nn.Conv2d(before[-1], after[-1], size, stride, "same" if same else 0))
        elif name == "MaxPool":
            layers.append(nn.MaxPool2d(*args))
        else:
            layers.append({"Relu": nn.ReLU, "Sigmoid": nn.Sigmoid, "Flatten": nn.Flatten}[name]())
    return nn.Sequential(*layers)


def _step(work: Work, fused: bool = False, last: bool = False, compiled: bool = False) -> Step:
    torch = importlib.import_module("torch")
    x, y = work.data()
    if x.ndim == 4:
        x = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    inputs, target = torch.from_numpy(x), torch.from_numpy(y)
    net = network(work).to(inputs.dtype)
    if last:
        net, inputs = net.to(memory_format=torch.channels_last), inputs.contiguous(memory_format=torch.channels_last)
    apply = torch.compile(net) if compiled else net
    if not work.training:

        def forward() -> None:
            with torch.inference_mode():
                apply(inputs)

        return forward

    loss = _loss(work)
    optimizer = _optimizer(work, net.parameters(), fused)

    def step() -> None:
        optimizer.zero_grad()
        loss(apply(inputs), target).backward()
        optimizer.step()

    return step


def _loss(work: Work) -> Any:
    f: Any = importlib.import_module("torch.nn.functional")
    name = named(work.loss)
    if name == "softmax_cross_entropy":
        return f.cross_entropy
    reduction = "sum" if name == "sum_squared_error" else "mean"
    return lambda a, b: f.mse_loss(a, b, reduction=reduction)


def _optimizer(work: Work, params: Any, fused: bool) -> Any:
    optim: Any = importlib.import_module("torch.optim")
    args = work.optimizer.init.record.args
    made = {
        "sgd": lambda: optim.SGD(params, args[0]),
        "momentum": lambda: optim.SGD(params, args[0], momentum=args[1]),
        "adam": lambda: optim.Adam(params, args[0], fused=fused),
    }
    return made[named(work.optimizer)]()
