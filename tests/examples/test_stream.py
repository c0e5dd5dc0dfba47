"""The example of a state that is carried over batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from funcnn import Key, TrainState
from tests.examples.test_examples import load

WIDTH = 12


@pytest.fixture(scope="module")
def stream() -> Any:
    """The example."""
    return load("stream_lstm")


def begun(stream: Any) -> tuple[Any, TrainState[Any], list[Any]]:
    """A small network, a state to begin with, and some pieces of the text."""
    net, data = stream.network(WIDTH), stream.pieces(stream.source(2_000), 4)
    _, params = net.init(0, ((-1, stream.PIECE), ((-1, WIDTH), (-1, WIDTH))))
    return net, TrainState(0, params, stream.OPTIMIZER.init(params), Key(0)), data


def test_a_carried_state_pays(stream: Any) -> None:
    """Unseen text costs less than where every piece begins with nothing known, which costs less than any character."""
    found = stream.main(["--quick"])
    assert found.carried < found.forgotten - 0.05 < np.log2(len(stream.CHARACTERS)) - 2


def test_pieces_are_the_stream(stream: Any) -> None:
    """Piece after piece, each begins where the last one ended; what is foretold is what comes next."""
    text = stream.source(3_000)
    found = stream.pieces(text, 4)
    now, then = (np.concatenate(parts, axis=1) for parts in zip(*found, strict=True))
    assert now.shape == then.shape == (4, len(found) * stream.PIECE)
    assert np.array_equal(now[:, 1:], then[:, :-1]) and np.array_equal(now.ravel(), text[: now.size])


def test_reading_in_pieces_is_reading_at_once(stream: Any) -> None:
    """With the state carried, the logits of all pieces are those of the whole stream."""
    net, state, data = begun(stream)
    memory, found = stream.nothing(4, WIDTH), []
    for now, _ in data:
        logits, memory = net.apply(state.params, (now, memory))
        found.append(logits)
    whole, end = net.apply(state.params, (np.concatenate([now for now, _ in data], axis=1), stream.nothing(4, WIDTH)))
    assert np.allclose(np.concatenate(found, axis=1), whole, atol=1e-5)
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(memory, end, strict=True))


def test_it_goes_on_from_a_file(stream: Any, tmp_path: Path) -> None:
    """With what is carried beside the state, the steps behind a checkpoint are the same, bit for bit."""
    net, state, data = begun(stream)
    whole = list(stream.read(net, state, stream.nothing(4, WIDTH), data, carry=True))
    stream.save(tmp_path / "reading.npz", whole[9])
    loaded, memory = stream.load(tmp_path / "reading.npz", state.params)
    rest = list(stream.read(net, loaded, memory, data, carry=True))
    assert [r.state for r in rest] == [r.state for r in whole[10:]] and len(rest) > 10
    assert [r.loss for r in rest] == [r.loss for r in whole[10:]]
