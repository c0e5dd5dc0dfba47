"""Modules of PyTorch's as layers."""

from __future__ import annotations

import copy
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Any, Final

from funcnn.bridges.extras import needed
from funcnn.bridges.probing import each, probed
from funcnn.bridges.stored import params_named, stored
from funcnn.bridges.tensors import derived
from funcnn.errors import DTypeError, ParamsError, brief
from funcnn.inputs import features
from funcnn.keys import Key
from funcnn.nested import arrays, mapped
from funcnn.networks import Layer, layer
from funcnn.networks.definitions import Takes
from funcnn.params import Params, plain_tree
from funcnn.types import One, Shape, Two, is_mapping, is_tuple
from funcnn.values import frozen

if TYPE_CHECKING:
    import torch

_SEEDING: Final = RLock()  # PyTorch's functions draw from one generator, which is seeded, and put back


def from_torch(module: torch.nn.Module, *, takes: Takes = features) -> tuple[Layer[One, Two], Params]:
    """A module of PyTorch's as a layer, and its parameters as params: `net, params = from_torch(module)`.

    The names are PyTorch's, with "/" for "."; `net.init` gives these values again, whatever the key. The module is
    copied, and whatever happens to it later changes nothing here. A tuple as input is what `forward` takes, one after
    the other; `takes` says what the input is for, as in `Layer.of`: `takes=tokens` for one that begins by an embedding.

    Inference is the module after `.eval()`. Where it has parts that draw random numbers, or that look at the batch
    while they train, the layer takes a key: a training pass is the module after `.train()`, seeded by the key, and
    `inference(net)` withholds it. Buffers, and parameters that do not require gradients, are constants of the layer.

    Errors
        MissingExtraError   PyTorch is not installed
        TypeError           it is no module
        DTypeError          parameters of other dtypes than float32 or float64, or of both
        ParamsError         a lazy module that was never called; a buffer that the module changes in a pass, other than
                            the running statistics of a norm, which a training pass refuses: a layer has no state
        ShapeError          from a call: the module does not take this shape
    Pullback
        that of `torch.autograd`

        net, params = from_torch(torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh()))
        holds(net, shapes("B", 4))
    """
    own: Any = needed("torch", "funcnn.bridges.torch")
    if not isinstance(module, own.nn.Module):
        raise TypeError(f"from_torch takes a torch.nn.Module, got {brief(module)}")
    mine = Frozen(copy.deepcopy(module).cpu())
    return TorchModule(mine, takes), params_of(mine.module)


@frozen("{self!r} never changes; {name} cannot be set")
class Frozen:
    """A module as a value, which nobody else has, and which compares by what is in it."""

    module: Any

    def __init__(self, module: Any) -> None:
        vars(self).update(module=module)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Frozen) and self._content() == other._content()

    def __hash__(self) -> int:
        return hash(repr(self.module))

    def _content(self) -> tuple[Any, ...]:
        state = {path: (str(a.dtype), a.numpy().tobytes()) for path, a in self.module.state_dict().items()}
        return str(self.module.__class__), repr(self.module), state

    def __repr__(self) -> str:
        return brief(self.module)

    def __reduce__(self) -> tuple[Any, ...]:
        return Frozen, (self.module,)


@layer
def TorchModule(module: Frozen, takes: Takes) -> Layer[Any, Any]:
    """A module of PyTorch's, as a layer; `from_torch` makes it."""
    torch: Any = needed("torch", "funcnn.bridges.torch")
    mine: Any = copy.deepcopy(module.module)  # its mode changes from pass to pass
    name, params, running = type(mine).__name__, params_of(mine), RLock()
    trained = {path for path, p in mine.named_parameters() if p.requires_grad}
    constants = {
        path: a.detach() for path, a in (*mine.named_parameters(), *mine.named_buffers()) if path not in trained
    }
    statistics = [path for path, part in mine.named_modules() if _keeps_statistics(part)]

    def run(tree: Any, x: Any, rng: Any = None) -> Any:
        if rng is not None and statistics:
            kind = type(mine.get_submodule(statistics[0])).__name__
            which = f"{kind} {statistics[0]!r}" if statistics[0] else kind
            raise ParamsError(
                f"{which} keeps running statistics, which a training pass would change: take inference(net), which "
                f"uses those it has, or build it with track_running_stats=False"
            )
        given = dict(_by_path(tree))
        like = next(iter(given.values()), None)
        kept = {path: _like(a, like) for path, a in constants.items()}
        state = {**given, **kept}
        with running, _seeded(torch, rng):
            mine.train(rng is not None)
            y = torch.func.functional_call(mine, state, x if is_tuple(x) else (x,))
        changed = [path for path, a in kept.items() if state[path] is not a or a._version]
        if changed:
            raise ParamsError(f"{name} changes its buffer {changed[0]!r} in a pass; a layer has no state")
        return y

    def at_inference(tree: Any, x: Any) -> Any:
        return run(tree, x)

    def tried(wanted: Any, device: str) -> Shape:
        def made(shape: tuple[int, ...], kind: str) -> Any:
            dtypes = {"tokens": torch.int64, "mask": torch.bool}
            return torch.zeros(shape, dtype=dtypes.get(kind, dtype), device=device)

        with torch.inference_mode(False), torch.no_grad():
            tree = mapped(lambda a: made(a.shape, "features"), plain_tree(params))
            y = rule.checked(run(tree, each(made, wanted)), torch.Tensor)
        shape: Shape = mapped(lambda a: tuple(map(int, a.shape)), y)
        return shape

    def attempt(wanted: Any) -> Shape:
        try:
            return tried(wanted, "meta")  # which costs nothing
        except Exception:  # not every module lets itself be tried so
            return tried(wanted, "cpu")

    random = bool(statistics) or any(map(_draws, mine.modules()))
    f = run if random else at_inference
    f.__name__ = f.__qualname__ = name
    rule = derived(f, TorchModule, keys=lambda key: key)
    dtype = next((p.dtype for p in mine.parameters()), torch.float32)
    sizes = [n for leaf in arrays(plain_tree(params)) for n in leaf.shape]
    out_shape = probed(name, attempt, takes("any"), sizes)
    return Layer.of(out_shape, lambda shape: stored(params), rule, random=random, takes=takes)


def params_of(module: torch.nn.Module) -> Params:
    """The parameters of a module of PyTorch's that require gradients, as params: copies, with "/" for "." in names.

    What `from_torch` starts from, and what a network given to `to_torch` has learnt there.

    Errors
        as for `from_torch`
    """
    torch: Any = needed("torch", "funcnn.bridges.torch")
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"params_of takes a torch.nn.Module, got {brief(module)}")
    return params_named(type(module).__name__, _leaves(torch, module))


def _leaves(torch: Any, module: Any) -> Iterator[tuple[str, Any]]:
    for path, p in module.named_parameters():
        if torch.nn.parameter.is_lazy(p):
            raise ParamsError(f"{path} of {type(module).__name__} has no shape yet; call the module once")
        if p.dtype not in (torch.float32, torch.float64):
            said = f"{path} of {type(module).__name__} is {str(p.dtype).removeprefix('torch.')}"
            raise DTypeError(f"{said}; params are float32 or float64: take module.float()")
        if p.requires_grad:
            yield path.replace(".", "/"), p.detach().cpu().numpy()


def _by_path(tree: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """The tensors in a nested dict, by the paths of PyTorch."""
    for name, value in tree.items():
        yield from _by_path(value, f"{at}{name}.") if is_mapping(value) else [(f"{at}{name}", value)]


def _like(constant: Any, param: Any) -> Any:
    """A copy of a buffer where the params are, in their dtype if it is of floating-point numbers."""
    if param is None:
        return constant.clone()
    floating = constant.is_floating_point()
    return constant.to(param.device, param.dtype if floating else constant.dtype, copy=True)


def _keeps_statistics(part: Any) -> bool:
    """Is it a norm that averages over what it sees?"""
    return bool(getattr(part, "track_running_stats", False)) and getattr(part, "running_mean", None) is not None


def _draws(part: Any) -> bool:
    """Does a part of PyTorch's draw random numbers while it trains?"""
    kind = type(part).__name__
    chance = getattr(part, "p", 0) if "Dropout" in kind else getattr(part, "dropout", 0)
    return kind in ("RReLU", "FractionalMaxPool2d", "FractionalMaxPool3d") or (isinstance(chance, float) and chance > 0)


@contextmanager
def _seeded(torch: Any, key: Key | None) -> Generator[None]:
    """With PyTorch's generator seeded by a key; afterwards it goes on where it was."""
    if key is None:
        yield
        return
    with _SEEDING:
        generator = torch.default_generator
        before = generator.get_state()
        generator.manual_seed(int(key.generator().integers(1 << 62)))
        try:
            yield
        finally:
            generator.set_state(before)
