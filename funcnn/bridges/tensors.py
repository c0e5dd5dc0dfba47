"""How a pullback is derived by PyTorch: arrays in, tensors of their own, gradients out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from funcnn.bridges.derived import Check, Derived
from funcnn.bridges.extras import needed
from funcnn.keys import Key
from funcnn.nested import arrays, mapped


def derived(
    f: Callable[..., Any], make: Callable[..., Any], check: Check | None = None, *, keys: Callable[[Key | None], Any]
) -> Derived:
    """A rule out of a function of tensors; `keys` says what it gets for a key of ours.

    Every tensor is a copy, so that nothing that is done to one in place reaches params, inputs or pullbacks. The
    switches of PyTorch for gradients are set in this thread, for as long as the function runs.
    """
    torch: Any = needed("torch", "funcnn.bridges.torch")

    def by(rule: Derived, floats: Any, rest: Any, rng: Any, options: Any) -> tuple[Any, Callable[[Any], Any]]:
        with torch.inference_mode(False), torch.enable_grad():
            own = mapped(lambda a: None if a is None else tensor(torch, a).requires_grad_(), floats)
            others = mapped(lambda a: tensor(torch, a) if isinstance(a, np.ndarray) else a, rest)
            # the input is no leaf: modules that work in place may write into it, and its gradient stays what it is
            given = (own[0], mapped(lambda a: None if a is None else a.clone(), own[1]))
            y = rule.run(given, others, tuple(map(keys, rng)), options, torch.Tensor)
        leaves = [a for a in arrays(own) if a is not None]

        def back(dy: Any) -> Any:
            pairs = [(a, d) for a, d in zip(arrays(y), arrays(dy), strict=True) if d is not None and a.requires_grad]
            found: Any = len(leaves) * (None,)
            if pairs and leaves:
                seeds = [tensor(torch, d).conj() for _, d in pairs]  # PyTorch's gradients are conjugates
                ends = [a for a, _ in pairs]
                found = torch.autograd.grad(ends, leaves, seeds, retain_graph=True, allow_unused=True)
            grads = iter([None if g is None else g.conj().resolve_conj().numpy() for g in found])
            return mapped(lambda a: None if a is None else next(grads), floats)

        return mapped(lambda a: a.detach().resolve_conj().resolve_neg().cpu().numpy(), y), back

    return Derived(f, by, make, "tensors of PyTorch", check)


def tensor(torch: Any, a: Any) -> Any:
    """An array as a tensor that shares no memory with it; indices in the integers that PyTorch looks up by."""
    wide = np.int64 if a.dtype.kind in "iu" and a.dtype != np.uint64 else a.dtype
    return torch.from_numpy(np.array(a, wide, order="C"))
