"""The core of the library in one file, for a reader: what is left when every check, kernel and shortcut is taken out.

    python examples/core_in_one_file.py

Five nouns: params, keys, differentiable functions, layers, optimizers. It trains XOR, and computes what the library
computes, to the last bit where NumPy adds up in the same order; a test compares the two.
"""

from __future__ import annotations

import argparse
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias, Union

import numpy as np
import numpy.typing as npt
from numpy.random.bit_generator import ISeedSequence

Array: TypeAlias = npt.NDArray[np.float32]
Shape: TypeAlias = "tuple[int, ...]"
Tree: TypeAlias = "Mapping[str, Union[Array, Tree]]"


# 1. Params: a nested mapping that never changes -----------------------------------------------------------------------
class Params(Mapping[str, Any]):
    """Arrays and other params by name. What comes in is copied, and nobody can write to what is inside."""

    def __init__(self, tree: Tree) -> None:
        self._items = {name: self._sealed(value) for name, value in tree.items()}

    @staticmethod
    def _sealed(value: Any) -> Any:
        if isinstance(value, Mapping):
            return Params(value)
        copy = np.array(value)
        copy.setflags(write=False)
        return copy

    def __getitem__(self, name: str) -> Any:
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)


def tree_map(f: Callable[..., Array], tree: Tree, *rest: Tree) -> Params:
    """`f` of corresponding leaves: the whole of what an optimizer needs to know about trees."""
    found: dict[str, Any] = {}
    for name, value in tree.items():
        others: list[Any] = [other[name] for other in rest]
        found[name] = tree_map(f, value, *others) if isinstance(value, Mapping) else f(value, *others)
    return Params(found)


# 2. Key: randomness as a value ----------------------------------------------------------------------------------------
class Key:
    """Sixteen bytes. A child's key is the hash of its name under its parent's key, so that a leaf's initial value
    depends on the path of the leaf, and on nothing that stands beside it."""

    def __init__(self, seed: int) -> None:
        self.state = hashlib.blake2b(b"i%d" % seed, digest_size=16).digest()

    def fold(self, name: str) -> Key:
        """The key of a child."""
        child = Key(0)
        child.state = hashlib.blake2b(b"s" + name.encode(), key=self.state, digest_size=16).digest()
        return child

    def generator(self) -> np.random.Generator:
        """A fresh generator of NumPy's, the same at every call."""
        seed: Any = _Seed(self.state)
        return np.random.Generator(np.random.Philox(seed))


class _Seed(ISeedSequence):
    """Hands the bit generator the very bytes of the key."""

    def __init__(self, state: bytes) -> None:
        self.state = state

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> Any:
        return np.frombuffer(self.state, dtype)[:n_words]


# 3. Differentiable functions: a rule returns its value, and the pullback that finishes the job ------------------------
class Apply:
    """The `apply` of a layer: called, it is a plain function; `vjp` reaches the rule that it carries."""

    def __init__(self, rule: Callable[[Tree, Array], tuple[Array, Callable[[Array], tuple[Tree, Array]]]]) -> None:
        self.rule = rule

    def __call__(self, params: Tree, x: Array) -> Array:
        return self.rule(params, x)[0]


def vjp(f: Apply, params: Tree, x: Array) -> tuple[Array, Callable[[Array], tuple[Params, Array]]]:
    """The value, and the pullback: from the cotangent of the value to those of the params and of the input."""
    y, back = f.rule(params, x)

    def pullback(dy: Array) -> tuple[Params, Array]:
        dparams, dx = back(dy)
        return Params(dparams), dx

    return y, pullback


Loss: TypeAlias = Callable[[Array, Array], "tuple[float, Callable[[], Array]]"]


def sum_squared_error(y: Array, target: Array) -> tuple[float, Callable[[], Array]]:
    """A loss is a rule, too: `sum (y - t)^2`, and `2 (y - t)`."""
    error = y - target
    return float((error * error).sum()), lambda: 2 * error


def value_and_grad(loss: Loss, apply: Apply) -> Callable[[Tree, Array, Array], tuple[float, Params]]:
    """An objective: the loss of a network's prediction, and its gradients for the params."""

    def objective(params: Tree, x: Array, target: Array) -> tuple[float, Params]:
        y, pullback = vjp(apply, params, x)
        value, cotangent = loss(y, target)
        return value, pullback(cotangent())[0]

    return objective


# 4. Layer: a pair of pure functions -----------------------------------------------------------------------------------
class Layer(NamedTuple):
    """`init(key, shape)` gives the shape of the output and the params, `apply(params, x)` the value."""

    init: Callable[[Key, Shape], tuple[Shape, Params]]
    apply: Apply
    kind: str  # what it is called in params, where a number follows


def Dense(units: int) -> Layer:
    """`y = x w + b`."""

    def init(key: Key, shape: Shape) -> tuple[Shape, Params]:
        n = shape[-1]
        scale = (2 / (n + units)) ** 0.5  # Glorot's: neither values nor cotangents grow on their way
        w = key.fold("w").generator().standard_normal((n, units), np.float32) * scale
        return (*shape[:-1], units), Params({"w": w.astype(np.float32), "b": np.zeros(units, np.float32)})

    def rule(params: Any, x: Array) -> tuple[Array, Callable[[Array], tuple[Tree, Array]]]:
        w, b = params["w"], params["b"]

        def pullback(dy: Array) -> tuple[Tree, Array]:
            return {"w": x.T @ dy, "b": np.ones(len(dy), np.float32) @ dy}, dy @ w.T

        return x @ w + b, pullback

    return Layer(init, Apply(rule), "dense")


def elementwise(kind: str, f: Callable[[Array], Array], df: Callable[[Array], Array]) -> Layer:
    """A layer without params, of a function and its derivative, which is written in terms of the value."""

    def rule(params: Tree, x: Array) -> tuple[Array, Callable[[Array], tuple[Tree, Array]]]:
        y = f(x)
        return y, lambda dy: ({}, dy * df(y))

    return Layer(lambda key, shape: (shape, Params({})), Apply(rule), kind)


Tanh = elementwise("tanh", np.tanh, lambda y: 1 - y * y)


def serial(*layers: Layer) -> Layer:
    """Layers in a row: values from left to right, pullbacks from right to left. This is the chain rule."""
    seen: Counter[str] = Counter()
    children: list[tuple[str, Layer]] = []
    for layer in layers:
        children.append((f"{layer.kind}_{seen[layer.kind]}", layer))
        seen[layer.kind] += 1

    def init(key: Key, shape: Shape) -> tuple[Shape, Params]:
        found: dict[str, Any] = {}
        for name, layer in children:
            shape, params = layer.init(key.fold(name), shape)
            if params:
                found[name] = params
        return shape, Params(found)

    def rule(params: Any, x: Array) -> tuple[Array, Callable[[Array], tuple[Tree, Array]]]:
        pulls: list[tuple[str, Callable[[Array], tuple[Tree, Array]]]] = []
        for name, layer in children:
            x, pull = layer.apply.rule(params.get(name, {}), x)
            pulls.append((name, pull))

        def pullback(dy: Array) -> tuple[Tree, Array]:
            grads: dict[str, Any] = {}
            for name, pull in reversed(pulls):
                dparams, dy = pull(dy)
                if dparams:
                    grads[name] = dparams
            return grads, dy

        return x, pullback

    return Layer(init, Apply(rule), "serial")


# 5. Optimizer: a pair of pure functions, whose state is a value -------------------------------------------------------
class Optimizer(NamedTuple):
    """`init(params)` gives the first state, `update(grads, state, params)` what to add, and the next state."""

    init: Callable[[Params], int]
    update: Callable[[Params, int, Params], tuple[Params, int]]


def sgd(rate: float) -> Optimizer:
    """`update = -rate g`; the state counts the steps."""
    return Optimizer(
        lambda params: 0, lambda grads, step, params: (tree_map(lambda g: np.float32(-rate) * g, grads), step + 1)
    )


def main(arguments: list[str] | None = None) -> float:
    """Train XOR; the loss at the end."""
    parser = argparse.ArgumentParser(description="Train XOR with the core of the library in one file.")
    parser.add_argument("--quick", action="store_true", help="fewer steps")
    steps = 300 if parser.parse_args(arguments).quick else 2000

    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    target = np.array([[0], [1], [1], [0]], np.float32)
    net = serial(Dense(8), Tanh, Dense(1))
    _, params = net.init(Key(0).fold("init"), x.shape)  # the library folds "init" at its door
    objective, optimizer = value_and_grad(sum_squared_error, net.apply), sgd(0.1)
    state, value = optimizer.init(params), 0.0
    for _ in range(steps):
        value, grads = objective(params, x, target)
        updates, state = optimizer.update(grads, state, params)
        params = tree_map(np.add, params, updates)
    print(f"after {state} steps the loss is {value:.2e}; 0 xor 1 = {net.apply(params, x)[1, 0]:.3f}")
    return value


if __name__ == "__main__":
    main()
