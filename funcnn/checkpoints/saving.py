"""Saving and loading params."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from funcnn.checkpoints.atomic_writes import replacing
from funcnn.checkpoints.places import Path, path_of
from funcnn.errors import ParamsError
from funcnn.foreign.calls import understood
from funcnn.params import Params, as_tree, plain, plain_tree, trees, wrap
from funcnn.params.mapping import K
from funcnn.params.packing import pack
from funcnn.types import Array, Tree


@understood
def save_params(path: Path, params: Tree) -> None:
    """Write params to a file, which `load_params` reads back bit for bit.

    The file is an ordinary `.npz`, which `np.load` reads too: a member for every leaf, named by its number, and
    `manifest.json`, which says how they make a tree. Its last bytes are a SHA-256 digest of all the others: of every
    path, dtype, shape and value. Equal params give equal files.

    A file knows params only: gradients and updates are saved too, and come back as params;
    `Gradients(load_params(path))` makes gradients of them.

    The file takes its path in one step, after all of it is on the disk: whoever reads, whatever fails, and however many
    processes save to one path, there is one complete checkpoint.

    Errors
        OSError       as the operating system raised it, about `path`: no such folder, disk full, ...; the old file is
                      untouched, unless the message says that the new one is there
        ParamsError   these are no params, or have more than 500 levels or many thousand empty subtrees
        TypeError     `path` is no path

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_params(folder + "/params.npz", {"w": np.ones(3)})
    ...     load_params(folder + "/params.npz").at("w")
    array([1., 1., 1.])
    """
    from funcnn.checkpoints import archives  # not above: zip files are slow to import, and wanted by few programs

    tree = plain(as_tree(params))
    shown = path_of(path, "save_params")
    with replacing(shown) as file:
        archives.write(file, tree)


def load_params(path: Path, *, like: Tree | None = None) -> Params:
    """The params that `save_params` wrote to this file, bit for bit, in their order of names.

    A file is either read completely or refused. Nothing in it is ever run or unpickled, and reading takes no more
    memory than a small multiple of its size. With `like`, the params must have the same paths, shapes and dtypes.

    Errors
        FileNotFoundError   there is no such file; or another OSError, as the operating system raised it
        CheckpointError     it is damaged, cut off, of another kind, or of a format newer than this library
        ParamsError         they are not like `like`; the message lists every path that differs

    >>> load_params("no such file.npz")
    Traceback (most recent call last):
        ...
    FileNotFoundError: [Errno 2] No such file or directory: 'no such file.npz'
    """
    from funcnn.checkpoints import archives, reading  # not above, as in save_params

    shown = path_of(path, "load_params")
    tree = reading.contents_of(shown, archives.read)
    if like is not None and (wrong := list(unlike(dict(trees.flatten(tree)), dict(trees.flatten(plain_tree(like)))))):
        raise ParamsError(f"{shown} holds params of another network: {', '.join(wrong)}; without like= they are loaded")
    return owned(tree, Params)


def owned(tree: trees.Plain, kind: type[K]) -> K:
    """A tree out of a file, of its own memory: one vector where there is one dtype."""
    one_dtype = len({leaf.dtype for _, leaf in trees.flatten(tree)}) == 1
    return pack(wrap(tree, kind=kind)) if one_dtype else kind(tree)


def unlike(got: Mapping[trees.Path, Array], want: Mapping[trees.Path, Array]) -> Iterator[str]:
    """How the leaves of a file differ from those that are expected: a phrase for every path."""
    for path in sorted(got.keys() | want.keys()):
        shown = trees.at_path(path)
        if path not in got:
            yield f"missing {shown}"
        elif path not in want:
            yield f"unexpected {shown}"
        elif (got[path].shape, got[path].dtype) != (want[path].shape, want[path].dtype):
            yield (
                f"{shown} is {got[path].dtype} of shape {got[path].shape}, "
                f"expected {want[path].dtype} of shape {want[path].shape}"
            )
