"""JAX: the same network in stax, the whole step compiled."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

from reading import named, parts
from works import Work

Step = Callable[[], object]


def jax_entries(work: Work) -> Iterator[tuple[str, Callable[[Work], Step]]]:
    yield "jax.jit", _step


def _network(work: Work) -> Any:
    stax: Any = importlib.import_module("jax.example_libraries.stax")
    return stax.serial(*(getattr(stax, name)(*args) if args else getattr(stax, name) for name, args, *_ in parts(work)))


def _step(work: Work) -> Step:
    jax: Any = importlib.import_module("jax")
    jnp: Any = importlib.import_module("jax.numpy")
    jax.config.update("jax_enable_x64", work.dtype().itemsize == 8)
    x, y = (jnp.asarray(a) for a in work.data())
    init, apply = _network(work)
    _, params = init(jax.random.PRNGKey(0), work.shape)
    if not work.training:
        forward = jax.jit(apply)
        return lambda: jax.block_until_ready(forward(params, x))
    kind = named(work.loss)

    def loss(params: Any) -> Any:
        prediction = apply(params, x)
        if kind == "softmax_cross_entropy":
            return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(prediction), y[:, None], 1))
        return (jnp.sum if kind == "sum_squared_error" else jnp.mean)((prediction - y) ** 2)

    return training_step(work, loss, params)


def training_step(work: Work, loss: Callable[..., Any], params: Any, *inputs: Any) -> Step:
    """A compiled step of the work's optimizer on `loss(params, *inputs)`, which goes on with the state of the last."""
    jax: Any = importlib.import_module("jax")
    optimizers: Any = importlib.import_module("jax.example_libraries.optimizers")
    start, update, read = getattr(optimizers, named(work.optimizer))(*work.optimizer.init.record.args)
    gradient = jax.grad(loss)
    compiled = jax.jit(lambda i, state, *given: update(i, gradient(read(state), *given), state), donate_argnums=1)
    state, count = start(params), 0

    def step() -> None:
        nonlocal state, count
        state = jax.block_until_ready(compiled(count, state, *inputs))
        count += 1

    return step
