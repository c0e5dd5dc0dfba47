"""Params in safetensors files, which PyTorch's and JAX's libraries read and write. Needs the extra `safetensors`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any, Final, cast

import numpy as np
import numpy.typing as npt

from funcnn.bridges.extras import needed
from funcnn.checkpoints import reading
from funcnn.checkpoints.atomic_writes import replacing
from funcnn.checkpoints.places import Path, path_of
from funcnn.checkpoints.saving import unlike
from funcnn.checkpoints.manifests import SUBTREES, SUBTREES_A_LEAF
from funcnn.errors import DTypeError, ParamsError, brief, printable
from funcnn.params import Params, plain_tree, trees
from funcnn.params.flat import from_flat, nested, to_flat
from funcnn.types import Tree, is_array

_DTYPES: Final = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}
_OTHERS: Final = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4", "U64": "<u8",
    "I64": "<i8",
}  # fmt: skip
_KNOWN: Final = {**_DTYPES, **_OTHERS, "BF16": "<f4"}
_RESERVED: Final = "__metadata__"


def save_safetensors(path: Path, params: Tree, *, metadata: Mapping[str, str] | None = None) -> None:
    """Write params to a safetensors file: a tensor for every leaf, named by its path, `"dense_0/w"`.

    Names of another library come by `from_flat`: `from_flat({path.replace("/", "."): a for path, a in
    to_flat(params).items()})` has dots in them. `metadata` are texts by name, for whoever reads the file. The file is
    written as that of `save_params`, whole or not at all; unlike that, it has no digest, and does not keep the order.

    Errors
        MissingExtraError   safetensors is not installed
        OSError       as the operating system raised it, about `path`; see `save_params`
        ParamsError   these are no params; or a path or an empty subtree is none that the format can tell
        DTypeError    a leaf is not float16, float32 or float64; it says which
        TypeError     `metadata` has something else than texts; `path` is no path
    Source: the format is that of https://github.com/huggingface/safetensors.

    >>> import tempfile
    >>> from funcnn.bridges.safetensors import load_safetensors, metadata_of, save_safetensors
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_safetensors(folder + "/net.safetensors", {"dense_0": {"w": np.ones(2)}}, metadata={"by": "me"})
    ...     metadata_of(folder + "/net.safetensors"), load_safetensors(folder + "/net.safetensors").at("dense_0/w")
    ({'by': 'me'}, array([1., 1.]))
    """
    save: Any = needed("safetensors.numpy", "save_safetensors").save
    shown = path_of(path, "save_safetensors")
    arrays = to_flat(params)
    _refuse_unsayable(arrays)
    texts = _texts(metadata)
    # The package reads from where an array begins: one that is not contiguous would be written as something else.
    data: bytes = save({name: np.ascontiguousarray(a).reshape(a.shape) for name, a in arrays.items()}, metadata=texts)
    with replacing(shown) as file:
        file.write(data)


def load_safetensors(path: Path, *, like: Tree | None = None) -> Params:
    """The params in a safetensors file; names are paths, `"dense_0/w"` is the leaf `w` of `dense_0`.

    Names with dots are names as they are; see `from_flat` for others. With `like`, the params must have the same
    paths, shapes and dtypes. bfloat16 becomes float32, which holds the same numbers. Nothing in a file is ever run.

    Errors
        MissingExtraError   safetensors is not installed
        FileNotFoundError   there is no such file; or another OSError, as the operating system raised it
        CheckpointError     it is damaged or of another kind; a tensor is not floating-point, and which; or its names
                            make no tree
        ParamsError         they are not like `like`; the message lists every path that differs
    """
    safetensors = needed("safetensors", "load_safetensors")

    def read(file: IO[bytes]) -> Params:
        return from_flat(_arrays(safetensors, file.read()))

    shown = path_of(path, "load_safetensors")
    params = reading.contents_of(shown, read)
    if like is not None:
        mine, its = (dict(trees.flatten(plain_tree(tree))) for tree in (params, like))
        if wrong := list(unlike(mine, its)):
            said = f"{shown} holds params of another network: {', '.join(wrong)}"
            raise ParamsError(f"{said}; without like= they are loaded")
    return params


def load_tensors(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The tensors in a safetensors file by name, of any dtype that NumPy has: what `from_state_dict` takes.

    A state dict has integers too, `num_batches_tracked`. bfloat16 becomes float32, which holds the same numbers. A file
    does not keep the order of the names: tell `from_state_dict` by `names` which layer is which.

    Errors
        MissingExtraError   safetensors is not installed
        FileNotFoundError   there is no such file; or another OSError, as the operating system raised it
        CheckpointError     it is damaged or of another kind; or a tensor is of a dtype that NumPy has not, and which

    >>> import tempfile
    >>> from funcnn.bridges.safetensors import load_tensors, save_tensors
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_tensors(folder + "/bn.safetensors", {"weight": np.ones(2), "num_batches_tracked": np.array(7)})
    ...     load_tensors(folder + "/bn.safetensors")["num_batches_tracked"].tolist()
    7
    """
    safetensors = needed("safetensors", "load_tensors")

    def read(file: IO[bytes]) -> dict[str, npt.NDArray[Any]]:
        found = _tensors(safetensors, file.read())
        if odd := [f"{name} is {one['dtype']}" for name, one in found.items() if one["dtype"] not in _KNOWN]:
            raise ValueError(f"NumPy has no such dtype, {', '.join(odd)}; write them as F32")
        return {name: _array(one) for name, one in found.items()}

    return reading.contents_of(path_of(path, "load_tensors"), read)


def save_tensors(
    path: Path, tensors: Mapping[str, npt.NDArray[Any]], *, metadata: Mapping[str, str] | None = None
) -> None:
    """Write arrays by name, of any dtype that the format has, to a safetensors file: what `to_state_dict` gives.

    It is written as by `save_safetensors`, whole or not at all. PyTorch's own loader of such files is
    `safetensors.torch.load_file`.

    Errors
        MissingExtraError   safetensors is not installed
        OSError       as the operating system raised it, about `path`; see `save_params`
        ParamsError   a name is none that the format can tell
        DTypeError    something is no array, or of another dtype; it says which
        TypeError     `metadata` has something else than texts; `path` is no path
    """
    save: Any = needed("safetensors.numpy", "save_tensors").save
    shown = path_of(path, "save_tensors")
    held = {np.dtype(code) for code in _KNOWN.values()}
    if odd := [f"{name} is {brief(a)}" for name, a in tensors.items() if not is_array(a)]:
        raise DTypeError(f"save_tensors takes NumPy's arrays by name, {', '.join(odd)}")
    if wide := [f"{name} is {a.dtype}" for name, a in tensors.items() if a.dtype.newbyteorder("=") not in held]:
        raise DTypeError(f"a safetensors file does not hold these dtypes, {', '.join(wide)}; convert by astype")
    _refuse_names(tensors)
    native = {name: np.ascontiguousarray(a, a.dtype.newbyteorder("=")).reshape(a.shape) for name, a in tensors.items()}
    data: bytes = save(native, metadata=_texts(metadata))
    with replacing(shown) as file:
        file.write(data)


def metadata_of(path: Path) -> dict[str, str]:
    """The texts that a safetensors file has beside its tensors.

    Errors
        MissingExtraError   safetensors is not installed
        FileNotFoundError   there is no such file; or another OSError, as the operating system raised it
        CheckpointError     it is damaged or of another kind
    """
    safetensors = needed("safetensors", "metadata_of")
    shown = path_of(path, "metadata_of")

    def read(file: IO[bytes]) -> dict[str, str]:
        try:
            with safetensors.safe_open(shown, framework="numpy") as opened:
                return dict(opened.metadata() or {})
        except safetensors.SafetensorError as error:
            raise ValueError(f"it is no safetensors file: {error}") from None

    return reading.contents_of(shown, read)


def _arrays(safetensors: Any, data: bytes) -> dict[str, npt.NDArray[Any]]:
    """The tensors of a file by name.

    Errors
        ValueError   it is none, or has others than floating-point ones, or names of too many subtrees
    """
    found = _tensors(safetensors, data)
    dtypes = {name: one["dtype"] for name, one in sorted(found.items())}  # a file has no order
    if odd := [f"{name} is {dtype}" for name, dtype in dtypes.items() if dtype not in (*_DTYPES, "BF16")]:
        raise ValueError(f"params are floating-point, {', '.join(odd)}; leave them out, or write them as F32")
    nested(found, SUBTREES + SUBTREES_A_LEAF * len(found))
    return {name: _array(one) for name, one in found.items()}


def _tensors(safetensors: Any, data: bytes) -> dict[str, dict[str, Any]]:
    """What the package makes of a file.

    Errors
        ValueError   it is none
    """
    try:
        return dict(cast("list[tuple[str, dict[str, Any]]]", safetensors.deserialize(data)))
    except safetensors.SafetensorError as error:
        raise ValueError(f"it is no safetensors file: {error}") from None


def _array(tensor: Mapping[str, Any]) -> npt.NDArray[Any]:
    if tensor["dtype"] == "BF16":  # the upper half of float32
        bits = np.frombuffer(tensor["data"], "<u2").astype(np.uint32) << 16
        return bits.view(np.float32).reshape(tensor["shape"])
    return np.frombuffer(tensor["data"], _KNOWN[tensor["dtype"]]).reshape(tensor["shape"])


def _refuse_unsayable(arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Refuse what the format has no word for, all of it at once.

    Errors
        ParamsError, DTypeError   with the paths
    """
    held = ("float16", "float32", "float64")
    if wide := [f"{name} is {a.dtype}" for name, a in arrays.items() if a.dtype.name not in held]:
        raise DTypeError(f"a safetensors file holds float16, float32 and float64, {', '.join(wide)}; convert by astype")
    _refuse_names(arrays)
    nested(arrays, SUBTREES + SUBTREES_A_LEAF * len(arrays))


def _refuse_names(arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    if odd := [name for name in arrays if name == _RESERVED or not _is_text(name)]:
        raise ParamsError(f"a safetensors file cannot name {', '.join(map(printable, odd))}; rename the leaf")


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # half a pair of surrogates
        return False
    return True


def _texts(metadata: object) -> dict[str, str] | None:
    if metadata is None:
        return None
    if not isinstance(metadata, Mapping):
        raise TypeError(f"save_safetensors: metadata is a dict of texts, got {type(metadata).__name__}")
    texts = cast("Mapping[object, object]", metadata)
    for name, text in texts.items():
        if not isinstance(name, str) or not isinstance(text, str) or not _is_text(name) or not _is_text(text):
            raise TypeError(f"save_safetensors: metadata is a dict of texts, got {name!r:.40}: {text!r:.40}")
    return {str(name): str(text) for name, text in texts.items()}
