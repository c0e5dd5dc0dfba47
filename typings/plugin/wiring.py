"""Layers that do not take what they are given, told at the layer, in networks of any length."""

from funcnn import Array, Dense, Embedding, FanInSum, FanOut, Identity, Layer, Relu, Tokens, parallel, serial

serial(Dense(1), FanInSum)  # E[funcnn-wiring]: FanInSum takes tuple[Array, ...], but Dense(...) before it gives Array
serial(
    Dense(3),
    Relu,
    Embedding(100, 8),  # E[funcnn-wiring]: Embedding(...) takes Tokens, but Relu before it gives Array
    Dense(3),
)
serial(
    Relu, Relu, Relu, Relu, Relu, Relu, Relu, Relu, Relu, Relu, Relu, Relu, Relu, Relu, Relu,
    FanOut(2),
    Relu,  # E[funcnn-wiring]: Relu takes Array, but FanOut(...) before it gives tuple[Array, Array]
)  # fmt: skip
Dense(3) >> FanInSum  # E[funcnn-wiring]: FanInSum takes tuple[Array, ...], but what stands before it gives Array
(
    Relu
    >> Relu
    >> FanOut(2)
    >> parallel(Relu, Relu, Relu)  # E[funcnn-wiring]: takes tuple[Array, Array, Array], but what stands before it gives
)
serial(FanOut(2), parallel(Relu, Dense(3)), FanInSum, Dense(2))
serial(FanOut(3), parallel(Relu, Dense(3), serial(Dense(2), Identity)), FanInSum, Dense(2))


def own(f: Layer[Tokens, Array], g: Layer[Array, Tokens]) -> None:
    """Layers from outside have types too."""
    serial(f, g, f)
    serial(f, f)  # E[funcnn-wiring]: f takes Tokens, but f before it gives Array
    serial(serial(f, g), f, Dense(3), g, serial(g))  # E[funcnn-wiring]: takes Array, but g before it gives Tokens
    f >> g >> g  # E[funcnn-wiring]: g takes Array, but what stands before it gives Tokens
