"""The classes of PyTorch's that a network of ours becomes. Read only where PyTorch is installed, see `to_torch`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from funcnn.bridges.tensors import tensor
from funcnn.derivatives import vjp
from funcnn.errors import DTypeError, NotAnalyticError, brief
from funcnn.keys import Key
from funcnn.nested import arrays, like, mapped
from funcnn.networks import Layer
from funcnn.params import Params, plain_tree, trees
from funcnn.types import is_mapping


class Subtree(torch.nn.Module):
    """A subtree of params: parameters, and more subtrees."""

    def __init__(self, tree: Any) -> None:
        super().__init__()
        for name, value in tree.items():
            part = Subtree(value) if is_mapping(value) else torch.nn.Parameter(tensor(torch, value))
            if hasattr(self, name) or "." in name:
                raise ValueError(f"a module of PyTorch's cannot have a part named {name!r}; name the layer with .named")
            setattr(self, name, part)


class Network(Subtree):
    """A network of ours, with its params as parameters."""

    net: Any = None  # of the class too, so that no part takes these names
    paths: tuple[str, ...] = ()

    def __init__(self, net: Layer[Any, Any], params: Params) -> None:
        super().__init__(plain_tree(params))
        self.paths = params.paths()
        self.net = net

    def forward(self, x: Any, *more: Any) -> Any:
        """The value of the network, which PyTorch differentiates by its pullback."""
        leaves = [functools.reduce(getattr, path.split("/"), self) for path in self.paths]
        given = (x, *more) if more else x
        for a in arrays(given):
            if not isinstance(a, torch.Tensor):
                raise TypeError(f"a module of to_torch takes tensors, got {brief(a)}; write torch.as_tensor(x)")
        moving = [a for a in arrays(given) if a.is_floating_point()]
        key = None
        if self.training and self.net.apply.random:
            key = Key(int(torch.randint(1 << 62, ())))
        found: list[Any] = []
        flat = Pass.apply(self._run(given, key, found), *leaves, *moving)
        return like(found[0], iter(flat))

    def _run(self, given: Any, key: Key | None, found: list[Any]) -> Callable[..., Any]:
        """What computes: values of leaves and inputs to the value, and its pullback where gradients are wanted."""
        net, paths = self.net, self.paths
        rest = mapped(lambda a: None if a.is_floating_point() else _array(a), given)

        def run(values: list[Any], wanted: bool) -> tuple[list[Any], Callable[[list[Any]], list[Any]] | None]:
            params = trees.unlisted(list(zip(paths, values, strict=False)))
            left = iter(values[len(paths) :])
            x = mapped(lambda a: next(left) if a is None else a, rest)
            if not wanted:
                y = net.apply(params, x, rng=key)
                found.append(y)
                return list(arrays(y)), None
            y, pullback = vjp(net.apply, params, x, rng=key)
            found.append(y)

            def back(dy: list[Any]) -> list[Any]:
                dparams, dx = pullback(like(y, iter(dy)))
                moved = mapped(lambda a, d: d if a is None else None, rest, dx)
                return [dparams.at(path) for path in paths] + [d for d in arrays(moved) if d is not None]

            return list(arrays(y)), back

        return run


class Pass(torch.autograd.Function):
    """A pass through a network: forward its value, backward its pullback."""

    @staticmethod
    def forward(ctx: Any, run: Callable[..., Any], *tensors: Any) -> Any:
        """The arrays of the value."""
        values, ctx.back = run([_array(a) for a in tensors], any(ctx.needs_input_grad))
        ctx.like = [a.dtype for a in tensors]
        flat = tuple(tensor(torch, np.asarray(a)) for a in values)
        ctx.mark_non_differentiable(*[a for a in flat if not a.is_floating_point()])
        return flat

    @staticmethod
    def backward(ctx: Any, *dy: Any) -> Any:
        """Nothing for what computes, a gradient for each tensor."""
        if torch.is_grad_enabled():  # it would be left out without a word
            said = "PyTorch derives a network of ours once, and not with create_graph=True"
            raise NotAnalyticError(f"{said}; hvp and jvp of the network are exact")
        grads = ctx.back([_array(d) for d in dy])
        return None, *(tensor(torch, g).to(dtype) for g, dtype in zip(grads, ctx.like, strict=True))


def _array(a: Any) -> Any:
    """A copy of a tensor: an optimizer may write into it before its gradient is wanted."""
    if a.device.type != "cpu":
        raise DTypeError(f"the network computes on the CPU, got a tensor on {a.device}; write .cpu()")
    return np.array(a.detach().numpy())
