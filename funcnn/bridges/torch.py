"""Pullbacks derived by PyTorch, its modules as layers, and layers as its modules. Needs the extra `torch`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, TypeVar

from funcnn.bridges.derived import DerivedRule, fitting
from funcnn.bridges.extras import needed
from funcnn.bridges.out_of_torch import from_torch, params_of
from funcnn.bridges.tensors import derived
from funcnn.errors import brief
from funcnn.keys import Key
from funcnn.losses.definition import Loss, loss
from funcnn.networks import Layer, is_layer
from funcnn.params import Params
from funcnn.types import One, Tree, Two

if TYPE_CHECKING:
    import torch

__all__ = ["derive", "derive_loss", "from_torch", "params_of", "to_torch"]

P = TypeVar("P")
T = TypeVar("T")


def derive(f: Callable[..., object]) -> DerivedRule[One, Two]:
    """The rule of a layer out of its value alone: PyTorch derives the pullback.

    `f(params, x)` is written with tensors; params are a dict of tensors, nested as the spec is, `x` a tensor or a
    tuple, and so is what it returns. All of them are copies: what f writes into one in place reaches nothing of ours,
    and into a parameter PyTorch refuses it. Tokens come as int64, masks as booleans, and their cotangent is zero. With
    a third parameter named `rng` it gets a `torch.Generator` in a training pass, or None.

    Errors
        MissingExtraError   PyTorch is not installed
        TypeError           it is no function
        DTypeError          from a call: the function returned something else than tensors
    Pullback
        `dy -> (dparams, dx)`, that of `torch.autograd`, which may be called any number of times
    Source: Paszke et al., Automatic Differentiation in PyTorch (2017).

        def swish(params, x):
            return x * torch.sigmoid(params["slope"] * x)

        net = Layer.of(lambda shape: shape, lambda shape: {"slope": (ones, shape[-1:])}, derive(swish))
    """
    rule: Any = derived(f, derive, keys=_generator)
    return rule  # type: ignore[no-any-return]


def derive_loss(f: Callable[Concatenate[P, T, ...], object]) -> Loss[P, T]:
    """A loss out of its value alone: `f(prediction, target, **options)`, written with tensors.

    What it returns are the terms, one for every row or element, which weights and `reduce` then make one number of: of
    PyTorch's own losses those of `reduction="none"`. A function that returns one number is a loss of a single term,
    which takes no weights. Options are keyword-only.

    Errors
        as for `derive`

        @derive_loss
        def smooth_l1(prediction, target):
            return torch.nn.functional.smooth_l1_loss(prediction, target, reduction="none")
    """
    rule: Any = derived(f, derive_loss, fitting, keys=_generator)
    return loss(rule)


def to_torch(net: Layer[Any, Any], params: Tree) -> torch.nn.Module:
    """A network as a module of PyTorch's, with its params as parameters: `module = to_torch(net, params)`.

    Its optimizers train it, `state_dict` and `deepcopy` work, and `params_of(module)` are the params again. `.train()`
    makes its passes training passes, with a key drawn from PyTorch's generator, which `torch.manual_seed` seeds;
    `.eval()` inference. A module with several inputs is called with all of them, `module(x, mask)`. Values and
    gradients are computed by the network, on the CPU; tensors that are elsewhere are refused, and so are derivatives of
    derivatives, and `torch.func.vmap`.

    Errors
        MissingExtraError   PyTorch is not installed
        TypeError           it is no layer
        ValueError          the name of a child is one that modules have already
        as for `net.apply`, from a call
    Pullback
        that of the network, as the `backward` of a `torch.autograd.Function`
    Source: PyTorch's notes on extending torch.autograd.

        module = to_torch(net, params)
        optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
    """
    needed("torch", "funcnn.bridges.torch")
    if not is_layer(net):
        raise TypeError(f"to_torch takes a network and its params, got {brief(net)}")
    # PyTorch is there only now: its classes are made when their file is read
    from funcnn.bridges.torch_modules import Network

    return Network(net, Params(params))


def _generator(key: Key | None) -> Any:
    """A generator of PyTorch's out of a key of ours."""
    if key is None:
        return None
    torch: Any = needed("torch", "funcnn.bridges.torch")
    return torch.Generator().manual_seed(int(key.generator().integers(1 << 62)))
