"""Coroutines, one of which builds the network."""

import asyncio

import numpy as np

from funcnn import Array, Dense, Key, Layer, Params, Relu, residual, serial


async def build(width: int) -> Layer[Array, Array]:
    await asyncio.sleep(0)
    # wrong: return serial(Dense(width), Relu, residual(Dense(2 * width)))
    return serial(Dense(width), Relu, residual(Dense(width)))  # guilty


async def worker(queue: "asyncio.Queue[int]") -> Params:
    width = await queue.get()
    net = await build(width)
    _, params = net.init(Key(0), (-1, 4))
    return params


async def main() -> None:
    queue: asyncio.Queue[int] = asyncio.Queue()
    await queue.put(4)
    net = await build(8)
    _, params = net.init(Key(0), (-1, 4))
    print(net.apply(params, np.zeros((2, 4), np.float32)))
    await asyncio.gather(worker(queue))


asyncio.run(main())
