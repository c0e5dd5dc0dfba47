"""Twelve mistakes that hand-written layers really make, which law convicts each, and why: writes docs/gallery.md.

    python examples/gallery.py > docs/gallery.md
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from hypothesis import settings

from funcnn import Layer, Loss, Optimizer, ShapeError, Updates, loss, tree_map
from funcnn.authoring import axes
from funcnn.initializers import ones
from funcnn.testing import LawBroken, pair
from funcnn.testing.trials.of_layers import trials
from funcnn.testing.trials.of_losses import loss_trials
from funcnn.testing.trials.of_optimizers import optimizer_trials


def recurrent_sum() -> Layer[Any, Any]:
    def forward(x: Any) -> Any:
        y = np.zeros_like(x)
        for t in range(x.shape[1]):
            y[:, t] = x[:, t] + (0.5 * y[:, t - 1] if t else 0)
        return y

    def backward(dy: Any) -> Any:
        return dy * 1  # every step's own part, and nothing through time

    return pair(forward, backward)


def embedding() -> Layer[Any, Any]:
    def forward(tokens: Any, w: Any) -> Any:
        return w[tokens]

    def backward(dy: Any, tokens: Any, w: Any) -> Any:
        dw = np.zeros_like(w)
        dw[tokens] = dy  # of a token that comes twice, the last one counts: np.add.at(dw, tokens, dy)
        return dw

    return pair(forward, backward, takes={"tokens": "tokens"})


def centered() -> Layer[Any, Any]:
    def f(x: Any) -> Any:
        return x * x - (x * x).mean(-1, keepdims=True), lambda dy: 2 * x * dy  # the mean depends on x, too

    return Layer.lift(lambda shape: axes("centered", shape, at_least=1), f)


def largest() -> Layer[Any, Any]:
    def f(x: Any) -> Any:
        y = x.max(-1, keepdims=True)
        return y, lambda dy: dy * (x == y)  # entries that are tied get the whole cotangent each

    return Layer.lift(lambda shape: (*axes("largest", shape, at_least=1)[:-1], 1), f)


def softmax() -> Layer[Any, Any]:
    def f(x: Any) -> Any:
        e = np.exp(x)  # overflows: np.exp(x - x.max(-1, keepdims=True))
        y = e / e.sum(-1, keepdims=True)
        return y, lambda dy: y * (dy - (dy * y).sum(-1, keepdims=True))

    return Layer.lift(lambda shape: axes("softmax", shape, at_least=1), f)


def dropout() -> Layer[Any, Any]:
    def rule(p: Any, x: Any, rng: Any) -> Any:
        if rng is None:
            return x * 1, lambda dy: ({}, dy * 1)
        mask = (rng.generator().random(x.shape) < 0.5).astype(x.dtype)  # and not divided by 0.5
        return x * mask, lambda dy: ({}, dy * mask)

    return Layer.of(lambda shape: axes("dropout", shape, at_least=1), lambda shape: {}, rule)


def averaged() -> Layer[Any, Any]:
    def affine_forward(x: Any, w: Any, b: Any) -> Any:
        return x @ w + b, (x, w)

    def affine_backward(dout: Any, cache: Any) -> Any:
        x, w = cache
        return dout @ w.T, x.T @ dout / len(x), dout.mean(0)  # the loss takes the mean, not the layer

    return pair(affine_forward, affine_backward)


def remembering() -> Layer[Any, Any]:
    kept: dict[str, Any] = {}

    def f(x: Any) -> Any:
        kept["x"] = x  # as self.x = x: the next forward pass takes it away
        return x * x, lambda dy: 2 * kept["x"] * dy if kept["x"].shape == dy.shape else 2 * x * dy

    return Layer.lift(lambda shape: axes("remembering", shape, at_least=1), f)


def leaking() -> Layer[Any, Any]:
    scale = np.sqrt(np.float64(2))  # a scalar of float64 makes float32 arrays float64

    def rule(p: Any, x: Any) -> Any:
        return x * p["w"], lambda dy: ({"w": (scale * (dy * x)).sum(0) / 2**0.5}, dy * p["w"])

    return Layer.of(
        lambda shape: axes("leaking", shape, exactly=2),
        lambda shape: {"w": (ones, axes("leaking", shape, exactly=2)[1:])}, rule,
    )  # fmt: skip


def absolute_error() -> Loss[Any, Any]:
    @loss
    def absolute(y: Any, t: Any) -> Any:
        if y.shape != t.shape or not y.size:
            raise ShapeError("these do not fit")
        return np.abs(y - t), lambda d: (d * np.sign(t - y), d * np.sign(y - t))  # the other way round

    return absolute


def adam() -> Optimizer[Any]:
    def update(g: Any, state: Any, params: Any) -> Any:
        m, v = state
        m = tree_map(lambda a, b: 0.9 * a + 0.1 * b, m, g)
        v = tree_map(lambda a, b: 0.999 * a + 0.001 * b * b, v, g)
        moved = tree_map(lambda a, b: -0.1 * a / (np.sqrt(b) + 1e-8), m, v)  # no division by 1 - 0.9^t and 1 - 0.999^t
        return Updates(moved), (m, v)

    return Optimizer(lambda params: (tree_map(np.zeros_like, params), tree_map(np.zeros_like, params)), update)


def decaying() -> Optimizer[Any]:
    def update(g: Any, state: Any, params: Any) -> Any:
        return Updates(tree_map(lambda a, w: -0.1 * (a + 0.01 * w), g, params)), state  # biases and scales, too

    return Optimizer(lambda params: (), update)


def adam_by_the_paper(optimizer: Any) -> Any:
    """Kingma & Ba (2015), algorithm 1."""
    t, m, v = 0, {}, {}  # type: ignore[var-annotated]

    def step(g: Any, p: Any) -> Any:
        nonlocal t
        t += 1
        for k in g:
            m[k] = 0.9 * m.get(k, 0) + 0.1 * g[k]
            v[k] = 0.999 * v.get(k, 0) + 0.001 * g[k] ** 2
        return {k: -0.1 * (m[k] / (1 - 0.9**t)) / (np.sqrt(v[k] / (1 - 0.999**t)) + 1e-8) for k in g}

    return step


class Mistake(NamedTuple):
    """A mistake, why it is one, how it is made, and the law that convicts it."""

    title: str
    why: str
    make: Callable[[], Any]
    law: str
    tried: Callable[[Any], Any]


# fmt: off
MISTAKES = (
    Mistake("No gradient through time", "Each output depends on all inputs before it; the pullback knows of one. Shapes "
            "are right, and the network trains, for short memories only.", recurrent_sum, "full_jacobian",
            lambda f: trials(f, ("B", range(2, 4)))),
    Mistake("Repeated tokens are lost", "`dw[x] = dy` writes the same row more than once, and the last one stays.",
            embedding, "true_pullback", lambda f: trials(f, (("B",), (5, 2)))),
    Mistake("A mean that is taken for a constant", "The mean of the squares is a function of every entry; leaving it out "
            "gives a gradient that points nearly right.", centered, "true_pullback",
            lambda f: trials(f, ("B", range(2, 4)))),
    Mistake("Ties get everything", "Zeros and padding tie all the time; each tied entry gets the whole cotangent, and a "
            "step becomes as many times too long.", largest, "at_ties", lambda f: trials(f, ("B", range(2, 4)))),
    Mistake("An exponential without a shift", "It works until a logit passes 88 in float32; then all is NaN.", softmax,
            "finite", lambda f: trials(f, ("B", "D"))),
    Mistake("Dropout that does not rescale", "What inference sees is twice what training saw. Every pullback is true, so "
            "that no check of gradients can find it.", dropout, "unbiased",
            lambda f: trials(f, ("B", 3), also=["unbiased"])),
    Mistake("A layer that averages over the batch", "The loss divides by the number of rows already.", averaged,
            "true_pullback", lambda f: trials(f, ((3, "D"), ("D", 2), (2,)))),
    Mistake("What the pullback needs is kept in the layer", "Two passes before a pullback, as in a siamese network, and "
            "the first one gets the gradient of the second.", remembering, "pure", lambda f: trials(f, ("B", "D"))),
    Mistake("A scalar of float64", "One NumPy scalar, and gradients need twice the memory, or are refused.", leaking,
            "dtype_kept", lambda f: trials(f, ("B", "D"))),
    Mistake("The wrong sign", "The mean absolute error falls, if one climbs.", absolute_error, "true_pullback",
            lambda f: loss_trials(f, ("B", "D"))),
    Mistake("Adam without bias correction", "The first steps are three times too long, which looks like a rate that is "
            "too large.", adam, "closed_form", lambda f: optimizer_trials(f, steps=adam_by_the_paper)),
    Mistake("Decay of biases", "Biases, scales and statistics of norms shrink with the weights.", decaying, "vectors_stay",
            lambda f: optimizer_trials(f, except_={"fixed_point": "it decays"})),
)
# fmt: on

HEAD = """# Gallery of convicted faults

Mistakes that public hand-written layers, losses and optimizers really make, written afresh. Each was tried at default \
effort; what a law says stands below the code. This page is what `python examples/gallery.py` prints.
"""


def verdict(mistake: Mistake) -> str:
    """What the law says, without the program that makes the case again, which needs the fault in a module."""
    try:
        mistake.tried(mistake.make())[mistake.law].run(30)
    except LawBroken as broken:
        return str(broken).partition("  again:")[0].rstrip()
    raise AssertionError(f"{mistake.title}: {mistake.law} finds nothing")


def page() -> str:
    """The page, in Markdown."""
    parts = [HEAD]
    for i, mistake in enumerate(MISTAKES, 1):
        source = inspect.getsource(mistake.make).rstrip()
        parts.append(
            f"\n## {i}. {mistake.title}\n\n{mistake.why}\n\n```text\n{source}\n```\n\n```text\n{verdict(mistake)}\n```\n"
        )
    return "".join(parts)


if __name__ == "__main__":
    settings.register_profile("gallery", derandomize=True, database=None, max_examples=30)
    settings.load_profile("gallery")
    print(page(), end="")
