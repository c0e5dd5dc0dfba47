"""Dense layers over several axes, written as Einstein wrote sums."""

from __future__ import annotations

import re
from math import prod
from string import ascii_letters
from typing import Any, Final, NamedTuple

import numpy as np

from funcnn.arguments import positive
from funcnn.calculus import Later, Pullback
from funcnn.errors import brief
from funcnn.initializers import glorot_normal, zeros
from funcnn.kernels.sums import contiguous
from funcnn.keys import Initializer, Key
from funcnn.networks import Layer, layer
from funcnn.networks.definitions import Spec
from funcnn.params.trees import leaves
from funcnn.shapes import axes
from funcnn.types import Array, Shape, Tree

_FORM = re.compile(r"(\.\.\.)?([a-zA-Z]+),([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)")


@layer
def EinsumDense(
    equation: str,
    *,
    bias: bool = True,
    W_init: Initializer = glorot_normal,
    b_init: Initializer = zeros,
    **sizes: int,
) -> Layer[Array, Array]:
    """A fully connected layer over any axes, `EinsumDense("...d,dhk->...hk", h=4, k=8)`.

    The letters name the axes of x, of the weights and of y. What x and the weights share and y has not is summed over;
    what only the weights and y have is new, and its sizes are given; what all three have gets weights of its own at
    every place. `...` stands for any number of batch axes. The bias has the axes of y that the weights have too.

    Shapes
        x       as the first term says
        params  {"w": as the second term says, "b": the letters of y that are in the second term}
        y       as the last term says
    Errors
        ValueError   the equation is not of this form, a letter stands in one term alone or twice in one, or the sizes
                     given are not those of the new letters
        ShapeError   x has not as many axes as the first term, or not the sizes of the weights
    Pullback
        dw, dx = the same sum with dy in the place of y      db = dy summed over the other axes
    The initializer gets `(n, m)`, the sizes that are summed over and the new ones, multiplied; so that fans are right.
    Source: Einstein, Die Grundlage der allgemeinen Relativitätstheorie (1916), section 5, for the notation.

    >>> EinsumDense("...d,dhk->...hk", h=4, k=8).out_shape((-1, 10, 32))
    (-1, 10, 4, 8)
    """
    terms = _terms(equation, sizes)
    x_, w_, y_ = terms.x, terms.w, terms.y

    def sized(shape: Shape) -> tuple[tuple[int, ...], dict[str, int]]:
        """The batch axes, and the size of every letter."""
        name = f"EinsumDense({equation!r})"
        found = axes(name, shape, at_least=len(x_)) if terms.dots else axes(name, shape, exactly=len(x_))
        cut = len(found) - len(x_)
        return found[:cut], {**dict(zip(x_, found[cut:], strict=True)), **sizes}

    def out_shape(shape: Shape) -> Shape:
        batch, size = sized(shape)
        return (*batch, *(size[a] for a in y_))

    def spec(shape: Shape) -> Spec:
        _, size = sized(shape)
        at = {a: size[a] for a in w_}

        def w_init(key: Key, wanted: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
            return drawn(W_init, key, terms, dict(zip(w_, wanted, strict=True)), dtype)

        w = {"w": (w_init, tuple(at.values()))}
        return {**w, "b": (b_init, tuple(size[a] for a in terms.biased))} if bias else w

    def rule(params: Tree, x: Array) -> tuple[Array, Pullback]:
        (w,) = leaves(params, "w")
        cut = x.ndim - len(x_)
        batch = terms.unused[:cut]
        given, made = batch + x_, batch + y_
        y = contracted(x, w, given, w_, made)
        if bias:
            y = y + leaves(params, "b")[0].reshape([w.shape[w_.index(a)] if a in w_ else 1 for a in y_])

        def pullback(dy: Array) -> tuple[Tree, Later[Array]]:
            grads = {"w": contiguous(contracted(x, dy, given, made, w_))}
            if bias:
                grads["b"] = np.sum(dy, tuple(i for i, a in enumerate(made) if a not in w_))
            return grads, Later(lambda: contracted(dy, w, made, w_, given))

        return y, pullback

    def multiply_adds(shape: Shape) -> int:
        batch, size = sized(shape)
        return prod(batch) * prod(size.values())

    return Layer.of(out_shape, spec, rule, multiply_adds=multiply_adds)


class Terms(NamedTuple):
    """An equation, read: the letters of x, of the weights and of y; `dots` where there are batch axes in front."""

    x: str
    w: str
    y: str
    dots: bool

    @property
    def unused(self) -> str:
        """Letters for the batch axes."""
        return "".join(a for a in ascii_letters if a not in self.x + self.w + self.y)

    @property
    def biased(self) -> str:
        """The letters of the bias."""
        return "".join(a for a in self.y if a in self.w)


def _terms(equation: str, sizes: dict[str, int]) -> Terms:
    found = _FORM.fullmatch(equation.replace(" ", "")) if isinstance(equation, str) else None
    if found is None or bool(found[1]) != bool(found[4]):
        raise ValueError(
            f"EinsumDense: the equation must be of the form '...d,dhk->...hk', terms of x, of the weights and of y, "
            f"got {brief(equation)}"
        )
    x, w, y = found[2], found[3], found[5]
    for term in (x, w, y):
        if len(set(term)) < len(term):
            raise ValueError(f"EinsumDense: no letter may stand twice in a term, got {term!r} in {equation!r}")
    if alone := sorted(a for a in set(x + w + y) if (a in x) + (a in w) + (a in y) < 2):
        raise ValueError(
            f"EinsumDense: every letter must stand in two terms at least, {alone[0]!r} of {equation!r} does not"
        )
    new = sorted(set(w) - set(x))
    if sorted(sizes) != new:
        raise ValueError(
            f"EinsumDense: sizes are wanted for the letters that x has not, {', '.join(new) or 'none'} of "
            f"{equation!r}, got {', '.join(sorted(sizes)) or 'none'}"
        )
    positive("EinsumDense", **sizes)
    return Terms(x, w, y, bool(found[1]))


def drawn(init: Initializer, key: Key, terms: Terms, size: dict[str, int], dtype: np.dtype[Any]) -> Array:
    """Weights drawn as matrices, one for every place of the letters that all terms have."""
    own = [a for a in terms.w if a in terms.x and a in terms.y]
    summed = [a for a in terms.w if a in terms.x and a not in terms.y]
    new = [a for a in terms.w if a not in terms.x]
    places, n, m = (prod(size[a] for a in part) for part in (own, summed, new))
    if own:
        matrices = np.stack([init(key.fold(i), (n, m), dtype) for i in range(places)])
    else:
        matrices = init(key, (n, m), dtype)
    order = [*own, *summed, *new]
    made: Array = matrices.reshape([size[a] for a in order]).transpose([order.index(a) for a in terms.w])
    return made


_AT_ONCE: Final[list[Any]] = ["einsum_path", (0, 1)]  # of two arrays there is one order, which NumPy need not look for


def contracted(a: Array, b: Array, a_: str, b_: str, out: str) -> Array:
    """The sum of products over the letters that `out` has not: a matrix product where it can be one."""
    y: Array = np.einsum(f"{a_},{b_}->{out}", a, b, optimize=_AT_ONCE)
    return y
