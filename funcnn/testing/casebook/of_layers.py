"""A case: a layer, params and an input, made from a handful of small values. Its repr rebuilds it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from funcnn.calculus import force
from funcnn.derivatives import vjp
from funcnn.keys import Key
from funcnn.networks import Layer
from funcnn.params import Params, plain_tree
from funcnn.testing import nested
from funcnn.testing.casebook.fields import KnownByFields
from funcnn.testing.drawing.contents import Domain, coins, inputs, signs
from funcnn.types import Shape


BatchAxis: TypeAlias = "int | None | tuple[int | None, ...]"
"""Which axis is the batch: of the input, or of each of several, where None is shared by all rows."""


def _by(a: Any) -> Any:
    """A quarter, or a quarter of what is positive throughout."""
    return 0.25 * a if a.size and nested.is_real(a) and (a > 0).all() else 0.25


class Case(KnownByFields):
    """Everything that a law about a layer needs: params, an input, cotangents, directions, a key.

    Nothing in it changes, and nothing is drawn before it is wanted. The params are those `init` gives, shaken, for
    zeros and ones are points where wrong gradients hide.

    layer, shape   what is held to the law, and the shape of its input (a tuple of shapes for a tuple of arrays)
    dtype          of the params and the features
    seed, kind     what the arrays hold, see `contents`
    training       a training pass, with a key, instead of inference
    tokens         what token inputs hold: integers below this, or of this range
    domain         features lie between these two, where the layer is not for all numbers; or a function of
                   `(rng, shape)` draws them; a tuple of these for a tuple of inputs
    batch_axis     which axis of the input, and of the value, is the batch; None where none is; a tuple of these for a
                   tuple of inputs

    >>> case = Case(Dense(3), (2, 4), seed=7)
    >>> case
    Case(Dense(3), (2, 4), seed=7)
    >>> case.x.shape, case.params.at("w").dtype
    ((2, 4), dtype('float64'))
    """

    GIVEN = ("layer", "shape")
    DEFAULTS: ClassVar = {
        "dtype": "float64", "seed": 0, "kind": "normal", "training": False, "tokens": 5, "domain": None,
        "batch_axis": 0, "attempt": 0,
    }  # fmt: skip

    def __init__(
        self,
        layer: Layer[Any, Any],
        shape: Shape,
        *,
        dtype: npt.DTypeLike = "float64",
        seed: int = 0,
        kind: str = "normal",
        training: bool = False,
        tokens: int | range = 5,
        domain: Domain = None,
        batch_axis: BatchAxis = 0,
        attempt: int = 0,
    ) -> None:
        self.layer, self.shape = layer, shape
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.seed, self.kind, self.training = seed, kind, training
        self.tokens, self.domain, self.batch_axis, self.attempt = tokens, domain, batch_axis, attempt

    # what it is made of -----------------------------------------------------------------------------------------------
    def generator(self, name: str) -> np.random.Generator:
        """Random numbers for a purpose, the same at every call."""
        return self._root.fold(name).generator()

    @cached_property
    def _root(self) -> Key:
        return Key(self.seed).fold(self.attempt)

    @cached_property
    def key(self) -> Key | None:
        """The key of the pass: None at inference."""
        return Key(self.seed).fold("pass") if self.training else None

    @cached_property
    def _made(self) -> tuple[Shape, Params]:
        return self.layer.init(Key(self.seed).fold("params"), self.shape, dtype=self.dtype)

    @property
    def out_shape(self) -> Shape:
        """The shape that `init` says the output has."""
        return self._made[0]

    def begun(self) -> None:
        """Params and a value."""
        self.apply()

    @cached_property
    def params(self) -> Params:
        """The params of `init`, every entry moved by 1/8 to 3/8, of itself where all of a leaf are positive, which they
        stay. In a "heavy" case they are 10 to 300 times larger, and for odd seeds every other one has the other sign;
        in a "start" case they are as they were.
        """
        if self.kind == "start":
            return self._made[1]
        rng = self.generator("params")
        if self.kind != "heavy":
            return Params(nested.mapped(lambda a: (a + _by(a) * signs(rng, a.shape)).astype(a.dtype), self._made[1]))
        sizes = self.generator("sizes of params")

        def moved(a: Any) -> Any:
            by = 10 ** sizes.uniform(1, 2.5) * (coins(sizes, a.shape) if self.seed % 2 else 1)
            return (by * (a + 0.25 * signs(rng, a.shape))).astype(a.dtype)

        return Params(nested.mapped(moved, self._made[1]))

    @property
    def _kinds(self) -> str | tuple[str, ...]:
        """What the inputs hold. In float32 those that all rows share, as weights, are not far out, or around 3000."""
        if self.kind not in ("wide", "offset") or self.dtype != np.float32 or not isinstance(self.batch_axis, tuple):
            return self.kind
        return tuple("normal" if axis is None else self.kind for axis in self.batch_axis)

    @cached_property
    def x(self) -> Any:
        """The input, read-only."""
        what = self.layer.definition.takes("any")
        drawn = inputs(
            self.generator("x"), self.shape, what,
            kind=self._kinds, dtype=self.dtype, tokens=self.tokens, domain=self.domain,
        )  # fmt: skip
        return nested.mapped(sealed, drawn)

    @property
    def z(self) -> dict[str, Any]:
        """The whole input, params and x, in plain dicts and tuples."""
        return {"params": plain_tree(self.params), "x": self.x}

    def cotangent(self, y: Any, name: str = "dy") -> Any:
        """A cotangent for the value `y`; another one for every name."""
        rng = self.generator(name)

        def drawn(a: Any) -> Any:
            if not nested.is_real(a):  # masks and tokens that pass through have no derivative
                return sealed(np.zeros(a.shape, self.dtype))
            return sealed(signs(rng, a.shape).astype(a.dtype))

        return nested.mapped(drawn, y)

    # running it -------------------------------------------------------------------------------------------------------
    def apply(self, params: Any = None, x: Any = None) -> Any:
        """The value, through the public door, as in a user's program."""
        return self.layer.apply(
            self.params if params is None else params, self.x if x is None else x, rng=self.key
        )

    def pull(self, params: Any = None, x: Any = None) -> tuple[Any, Callable[[Any], dict[str, Any]]]:
        """The value and the pullback, through the public door; gradients come as a tree `{"params": ..., "x": ...}`."""
        y, back = vjp(
            self.layer.apply, self.params if params is None else params, self.x if x is None else x, rng=self.key
        )

        def pullback(dy: Any) -> dict[str, Any]:
            dparams, dx = back(dy)
            return {"params": plain_tree(dparams), "x": dx}

        return y, pullback

    def bare_value(self, z: Any) -> Any:
        """The value without the door, at any point and in any dtype, complex ones too."""
        f = self.layer.apply
        return f.value(z["params"], z["x"], self.key) if f.random else f.value(z["params"], z["x"])

    def bare_pull(self, z: Any) -> tuple[Any, Callable[[Any], dict[str, Any]]]:
        """The rule without the door."""
        f = self.layer.apply
        y, back = f.rule(z["params"], z["x"], self.key) if f.random else f.rule(z["params"], z["x"])

        def pullback(dy: Any) -> dict[str, Any]:
            dparams, dx = back(dy)
            return {"params": plain_tree(dparams), "x": force(dx)}

        return y, pullback


def sealed(a: Any) -> Any:
    """The array itself, read-only from now on; it must be fresh."""
    a.setflags(write=False)
    return a
