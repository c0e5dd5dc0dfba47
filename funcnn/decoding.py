"""Networks step by step along time: `decoder` goes on where it left off, `sample` draws the next token."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, Final, Protocol, TypeAlias, TypeVar

import numpy as np

from funcnn.arguments import counted, is_number
from funcnn.errors import NonFiniteError, ShapeError, brief
from funcnn.foreign.calls import understood
from funcnn.inputs import convert
from funcnn.keys import Rng, as_key
from funcnn.nested import arrays, mapped
from funcnn.networks import Layer
from funcnn.networks.children import definition_of
from funcnn.networks.definitions import Definition
from funcnn.networks.pair import layer_of
from funcnn.networks.rebuilding import Path, rebuilt
from funcnn.types import Array, Tokens, Tree, is_tuple

X = TypeVar("X")
Y = TypeVar("Y")
X_contra = TypeVar("X_contra", contravariant=True)
Y_co = TypeVar("Y_co", covariant=True)

Memory: TypeAlias = Mapping[str, object]
"""What a network remembers of the steps so far, by the paths of the layers that remember it. It is a value."""


class Decoder(Protocol[X_contra, Y_co]):
    """What `decoder` returns."""

    def __call__(self, params: Tree, x: X_contra, memory: Memory | None = None) -> tuple[Y_co, Memory]:
        """The outputs of the next steps, and what is remembered from now on."""
        ...


class _Call:
    """One call of a decoder: what is remembered so far, what will be, and how many steps are new."""

    __slots__ = ("old", "new", "steps")

    def __init__(self, old: Memory, steps: int) -> None:
        self.old, self.steps = old, steps
        self.new: dict[str, Any] = {}


_now: Final[ContextVar[_Call]] = ContextVar("the call of a decoder")


def decoder(net: Layer[X, Y]) -> Decoder[X, Y]:
    """The network step by step: `y, memory = step(params, x, memory)`, with the next steps of x on axis 1.

    What it gives for a sequence piece by piece is what `net.apply` gives for the whole sequence, at the cost of the new
    steps alone: recurrent layers remember their state, attention its keys and values. Memory is None at first; one
    memory may be gone on from several times, in beams say. Steps are those of inference, and have no pullback.

    A layer that looks along time says in its definition how it goes on, `Layer.of(..., step=)`: `(params, x, memory) ->
    (y, memory)`, or a string that says why it cannot. All others must treat steps alike. That is looked at, once, where
    a layer first gets steps: an array of three axes or more, tokens, or a mask.

    Errors
        TypeError    at once, or at the first call: a layer cannot go on, with its path
        TypeError, ValueError, ShapeError   memory is none, one of another network, or of another batch
        others       as those of `net.apply`
    Source: the cache of keys and values is described by Pope et al., Efficiently Scaling Transformer Inference (2023),
    section 2.1.

    >>> net = serial(Embedding(10, 4), LSTM(8), Dense(10))
    >>> _, params = net.init(Key(0), (1, 5))
    >>> step, tokens = decoder(net), np.array([[3, 1, 4, 1, 5]])
    >>> y, memory = step(params, tokens[:, :3])
    >>> z, memory = step(params, tokens[:, 3:], memory)
    >>> bool(np.allclose(np.concatenate([y, z], axis=1), net.apply(params, tokens), atol=1e-6))
    True
    """
    found = definition_of(net, where="decoder")
    going = _going_on(found)
    unseen: set[Path] = set()

    def other(path: Path, part: Definition) -> Definition:
        if any(path[: len(outer)] == outer and len(outer) < len(path) for outer in going):
            return part  # inside of what goes along time itself
        if isinstance(part.step, str):
            raise TypeError(f"{_shown(path, part)} cannot go on step by step: {part.step}")
        if part.step is not None:
            return _remembering(path, part)
        if part.children or part.walked is not None:
            return part
        unseen.add(path)
        return _looked_at(path, part, unseen)

    run = layer_of(rebuilt(found, other)).apply

    def step(params: Tree, x: X, memory: Memory | None = None) -> tuple[Y, Memory]:
        batch = _batch(x)
        call = _Call({} if memory is None else _of(memory, net, batch), _steps(x))
        token = _now.set(call)
        try:
            y: Y = run(params, x)
        finally:
            _now.reset(token)
        return y, _Remembered(call.new, net, batch)

    return step


class _Remembered(Mapping[str, object]):
    """What a call remembers, of which network and of how many examples."""

    __slots__ = ("batch", "net", "_parts")

    def __init__(self, parts: Mapping[str, object], net: Layer[Any, Any], batch: int) -> None:
        self._parts, self.net, self.batch = parts, net, batch

    def __getitem__(self, path: str) -> object:
        return self._parts[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)


def _of(memory: object, net: Layer[Any, Any], batch: int) -> Memory:
    """A memory of this network, of as many examples."""
    if not isinstance(memory, _Remembered):
        raise TypeError(f"decoder: memory must be what a step returned, or None to begin, got {brief(memory)}")
    if memory.net is not net and memory.net != net:
        raise ValueError(
            f"decoder: this memory is of another network: expected one of {brief(net)}, got one of "
            f"{brief(memory.net)}; begin with memory None"
        )
    if memory.batch != batch:
        raise ShapeError(
            f"decoder: this memory is of another batch: expected x with {memory.batch} examples, got {batch}; give x as "
            f"many rows as the memory has, or begin with memory None"
        )
    return memory


def _batch(x: Any) -> int:
    """How many examples there are: the size of axis 0 of the first array that has one."""
    sizes = [np.shape(a)[0] for a in arrays(x) if np.ndim(a)]
    return int(sizes[0]) if sizes else 1


def goes_on(net: Layer[Any, Any]) -> bool:
    """Is there a layer in it that looks along time and says how it goes on, and none that says that it cannot?

    >>> goes_on(serial(Dense(3), LSTM(4))), goes_on(serial(Dense(3), Relu)), goes_on(bidirectional(LSTM(4)))
    (True, False, False)
    """
    steps: list[object] = []

    def see(path: Path, part: Definition) -> Definition:
        steps.append(part.step)
        return part

    rebuilt(net.definition, see)
    return any(map(callable, steps)) and not any(isinstance(step, str) for step in steps)


def _going_on(net: Definition) -> list[Path]:
    found: list[Path] = []

    def see(path: Path, part: Definition) -> Definition:
        if part.step is not None and not isinstance(part.step, str):
            found.append(path)
        return part

    rebuilt(net, see)
    return found


def _shown(path: Path, part: Definition) -> str:
    return "/".join(path) or part.name


def _remembering(path: Path, part: Definition) -> Definition:
    """The layer that takes what it remembers from the call, and leaves there what it will."""
    first = "/".join(path)

    def value(params: Tree, x: Any, *rng: Any) -> Any:
        call, name, times = _now.get(), first, 0
        while name in call.new:  # shared weights: called again under the same path
            times += 1
            name = f"{first}[{times}]"
        assert callable(part.step)
        y, call.new[name] = part.step(params, x, call.old.get(name))
        return y

    return replace(part, value=value)


# layers without a step ------------------------------------------------------------------------------------------------
def _looked_at(path: Path, part: Definition, unseen: set[Path]) -> Definition:
    """The layer that is looked at, the first time it gets steps."""

    def value(params: Tree, x: Any, *rng: Any) -> Any:
        y = part.value(params, x, *rng)
        n = _now.get().steps
        if path in unseen and _has_steps(x, n):
            if not _alike(lambda v: part.value(params, v, *rng), x, y, n):
                raise TypeError(
                    f"{_shown(path, part)} does not treat steps alike and does not say how it goes on; give its "
                    f"definition a step, Layer.of(..., step=), or decode without it"
                )
            unseen.discard(path)
        return y

    return replace(part, value=value)


def _is_sequence(a: Any, n: int) -> bool:
    """Has it so many steps? Two axes of features are no steps: (batch, features)."""
    return bool(a.ndim > (2 if a.dtype.kind == "f" else 1) and a.shape[1] == n)


def _has_steps(x: Any, n: int) -> bool:
    return any(_is_sequence(a, n) for a in arrays(x))


def _steps(x: Any) -> int:
    """How many steps there are: the size of axis 1 of the first array that has one."""
    sizes = [np.shape(a)[1] for a in arrays(x) if np.ndim(a) > 1]
    return int(sizes[0]) if sizes else 1


def _alike(f: Callable[[Any], Any], x: Any, y: Any, n: int) -> bool:
    """Does each half of the steps give its half of the output, whatever the other half is?

    Of one step there is no half: then another one is put behind it.
    """

    def cut(tree: Any, part: slice, of: int) -> Any:
        return mapped(lambda a: a[:, part] if _is_sequence(a, of) else a, tree)

    def longer(a: Any) -> Any:
        other = a * a.dtype.type(-0.5) if a.dtype.kind == "f" else a
        return np.concatenate([a, other], 1) if _is_sequence(a, 1) else a

    def close(got: Any, wanted: Any) -> bool:
        pairs = zip(arrays(got), arrays(wanted), strict=True)
        return all(a.shape == b.shape and np.allclose(a, b, 1e-3, 1e-5, equal_nan=True) for a, b in pairs)

    try:
        if n == 1:
            x, n = mapped(longer, x), 2
            return close(cut(f(x), slice(0, 1), n), y)
        halves = (slice(0, n // 2), slice(n // 2, n))
        return all(close(f(cut(x, half, n)), cut(y, half, n)) for half in halves)
    except Exception:  # a layer that cannot take fewer steps does not treat them alike
        return False


# drawing tokens -------------------------------------------------------------------------------------------------------
@understood
def sample(logits: Array, key: Rng, *, temperature: float = 1.0, top_k: int | None = None) -> Tokens:
    """Draw a token for every row of logits: `t` with probability `softmax(logits / temperature)[t]`.

    A temperature of 0 takes the most likely token, the first of equals. With `top_k` only the k most likely can be
    drawn. The same key draws the same tokens: fold the step into it.

    Shapes
        logits  (..., vocabulary)
        tokens  (...)           integers
    Errors
        ValueError       the temperature is negative, or no number; `top_k` is less than one; logits have no axis
        NonFiniteError   a logit is NaN or inf, or all of a row are -inf
        TypeError        `key` is no key and no seed
    Source: the largest of logits plus Gumbel noise is such a draw, Maddison, Tarlow & Minka, A* Sampling (2014),
    section 2.2; for `top_k` Fan, Lewis & Dauphin, Hierarchical Neural Story Generation (2018), section 5.4.

    >>> logits = np.array([[0.0, 5.0, 1.0], [3.0, -np.inf, 2.0]])
    >>> sample(logits, Key(0), temperature=0.0), sample(logits, Key(1), top_k=1)
    (array([1, 0]), array([1, 0]))
    """
    if not (is_number(temperature) and 0 <= temperature < np.inf):
        raise ValueError(f"sample: temperature must be a finite number of at least 0, got {brief(temperature)}")
    k = None if top_k is None else counted("sample", top_k=top_k)
    generator = as_key(key, where="key").generator()
    if is_tuple(logits):
        raise ValueError(f"sample: logits are (..., vocabulary), got a tuple of {len(logits)}")
    z: Array = convert(logits, "features", np.dtype(np.float64), "the array of logits")
    if not z.ndim or not z.shape[-1]:
        raise ValueError(f"sample: logits are (..., vocabulary), got the shape {z.shape}")
    if np.isnan(z).any() or (z.max(-1) == np.inf).any() or (z.max(-1) == -np.inf).any():
        raise NonFiniteError("sample: every row of logits needs a finite one, and none may be NaN or inf")
    if temperature == 0:
        best: Tokens = z.argmax(-1)
        return best
    if k is not None and k < z.shape[-1]:
        order = np.argsort(-z, axis=-1, kind="stable")[..., k:]
        z = z.copy()
        np.put_along_axis(z, order, -np.inf, axis=-1)
    noise = -np.log(generator.standard_exponential(z.shape))
    tokens: Tokens = (z / temperature + noise).argmax(-1)
    return tokens
