"""The whole state of training in a file, to go on from in another process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any, TypeGuard, TypeVar, cast

from funcnn.arguments import is_integer
from funcnn.checkpoints.atomic_writes import replacing
from funcnn.checkpoints.places import Path, path_of
from funcnn.errors import ParamsError, brief
from funcnn.foreign.calls import understood
from funcnn.keys import Key, as_key
from funcnn.optimizers import Optimizer
from funcnn.params import Params, ParamsLike, as_params
from funcnn.training.steps import TrainState
from funcnn.types import is_mapping, is_tuple

S = TypeVar("S")


@understood
def save_state(path: Path, state: TrainState[Any], *, notes: Mapping[str, object] | None = None) -> None:
    """Write a state of training to a file, which `load_state` reads back bit for bit.

    All of it: params, the state of the optimizer, the key, the number of steps and the place in the data. `notes` are
    what else belongs to it, the history of losses say: strings, numbers, arrays, params, in lists and dicts.
    `load_notes` reads them.

    The file is written as that of `save_params`: whole or not at all, sealed by a digest, without a pickle. What an
    optimizer keeps may be numbers, strings, None, arrays of numbers, params, gradients, keys, and tuples, named tuples,
    dataclasses, lists and dicts of them. What cannot be stored is refused, with its place, before anything is written.

    Errors
        OSError       as the operating system raised it, about `path`; see `save_params`
        TypeError     the state is none, or something in it or in the notes cannot be stored; `path` is no path
        ParamsError   a tree of params in it has more levels or longer names than `save_params` takes

    >>> import tempfile
    >>> net, optimizer = Dense(1), adam(0.1)
    >>> _, params = net.init(0, (-1, 2))
    >>> data = np.ones((4, 2)), np.ones((4, 1))
    >>> first, second = (state for state, _ in fit(squared_error, net.apply, optimizer, params, data, epochs=2))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_state(folder + "/run.npz", first, notes={"losses": [0.5]})
    ...     loaded = load_state(folder + "/run.npz", optimizer, like=params)
    ...     load_notes(folder + "/run.npz")
    {'losses': [0.5]}
    >>> [state == second for state, _ in fit(squared_error, net.apply, optimizer, loaded, data, epochs=2)]
    [True]
    """
    from funcnn.checkpoints import manifests, sealed, values  # not above: zip files are slow to import, and seldom wanted

    shown = path_of(path, "save_state")
    checked = checked_state(state, "save_state")
    if notes is not None and not isinstance(notes, Mapping):
        raise TypeError(f"save_state: notes are a dict, {{'losses': [...]}}, got {brief(notes)}")
    given: dict[str, object] = {} if notes is None else dict(notes)
    leaves: values.Leaves = []
    content = {
        "step": checked.step,
        "epoch": checked.epoch,
        "batch": checked.batch,
        "key": bytes(checked.key).hex(),
        "notes": values.encoded(given, "notes", leaves, classes=False),
        "params": values.encoded(checked.params, "params", leaves, classes=False),
        "optimizer": values.encoded(checked.optimizer, "optimizer", leaves, classes=True),
    }
    manifest = manifests.manifest_of(manifests.STATE, content)
    manifests.refuse_unreadable(manifest, len(leaves))
    with replacing(shown) as file:
        sealed.write(file, manifest, leaves)


@understood
def load_state(path: Path, optimizer: Optimizer[S], *, like: ParamsLike) -> TrainState[S]:
    """The state that `save_state` wrote to this file, bit for bit: `fit` goes on from it.

    What is in the file must be what this optimizer starts with for params `like` these: the same named tuples, paths,
    shapes and dtypes. What is None at one of the two times may be anything at the other; lists may be longer, and
    tuples and dicts that start empty. Nothing in a file is ever run or unpickled, and no class is looked up by name.

    Errors
        FileNotFoundError   there is no such file; or another OSError, as the operating system raised it
        CheckpointError     it is damaged, cut off, of another kind, or of a format newer than this library
        ParamsError         it is the state of another optimizer or network; the message lists every place that differs
        TypeError           `optimizer` is none; `path` is no path
    """
    return read_state(path_of(path, "load_state"), optimizer, like)[0]


@understood
def load_notes(path: Path) -> dict[str, Any]:
    """What `save_state` wrote to this file beside the state.

    Errors
        FileNotFoundError   there is no such file; or another OSError, as the operating system raised it
        CheckpointError     it is damaged, cut off, of another kind, or of a format newer than this library
    """
    from funcnn.checkpoints import decoding, manifests, reading, sealed  # not above, as in save_state

    def read(file: IO[bytes]) -> dict[str, Any]:
        manifest, contents = sealed.read(file, manifests.STATE)
        notes = decoding.Decoder(contents).value(manifest.get("notes"), {}, "notes")
        if type(notes) is not dict:
            raise ValueError(f"{manifests.MANIFEST} has no notes")
        return cast("dict[str, Any]", notes)

    return reading.contents_of(path_of(path, "load_notes"), read)


def read_state(path: str, optimizer: Optimizer[S], like: ParamsLike) -> tuple[TrainState[S], dict[str, Any]]:
    """The state in a file, and the notes beside it; see `load_state`."""
    from funcnn.checkpoints import decoding, manifests, reading, sealed  # not above, as in save_state

    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"load_state takes the optimizer of the state, got {brief(optimizer)}; write adam(1e-3)")
    expected = as_params(like, "load_state(path, optimizer, like=params)")
    first = optimizer.init(expected)

    def read(file: IO[bytes]) -> tuple[TrainState[Any], dict[str, Any], list[str]]:
        manifest, contents = sealed.read(file, manifests.STATE)
        step, epoch, batch = (manifest.get(name) for name in ("step", "epoch", "batch"))
        for name, count in (("step", step), ("epoch", epoch), ("batch", batch)):
            if type(count) is not int or count < 0:
                raise ValueError(f"{manifests.MANIFEST} has {count!r:.20} for the {name}")
        decoder = decoding.Decoder(contents)
        notes = decoder.value(manifest.get("notes"), {}, "notes")
        params = decoder.value(manifest.get("params"), expected, "params")
        if not isinstance(params, Params) or not isinstance(notes, dict):
            raise ValueError(f"{manifests.MANIFEST} has no params or no notes")
        memory = decoder.value(manifest.get("optimizer"), first, "optimizer")
        decoder.finish()
        key = Key.fromhex(cast(str, manifest.get("key")))
        state = TrainState(cast(int, step), params, memory, key, cast(int, epoch), cast(int, batch))
        return state, cast("dict[str, Any]", notes), decoder.wrong

    state, notes, wrong = reading.contents_of(path, read)
    if wrong:
        raise ParamsError(
            f"{path} holds the state of another network or optimizer: {', '.join(wrong)}; take the optimizer and the "
            f"params it was saved with, this one is {optimizer!r}"
        )
    return state, notes


def checked_state(state: object, where: str) -> TrainState[Any]:
    """The state, its parts as they must be.

    Errors
        TypeError   it is none
    """
    if not _is_state(state):
        hint = "; fit yields pairs (state, metrics), take the first" if is_tuple(state) else ""
        hint = "; take its .state" if hasattr(state, "state") else hint
        hint = "; params alone are saved by save_params" if is_mapping(state) else hint
        raise TypeError(f"{where} takes a TrainState, got {brief(state)}{hint}")
    for name in ("step", "epoch", "batch"):
        if not is_integer(count := getattr(state, name)) or count < 0:
            raise TypeError(f"{where}: the {name} of a state is an integer of at least 0, got {brief(count)}")
    params = as_params(state.params, f"{where}(path, TrainState(step, params, ...))")
    key = as_key(state.key, where=f"{where}: the key")
    return TrainState(int(state.step), params, state.optimizer, key, int(state.epoch), int(state.batch))


def _is_state(value: object) -> TypeGuard[TrainState[Any]]:
    return isinstance(value, TrainState)
