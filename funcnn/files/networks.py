"""A network and its params in one file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import IO, Any, TypeAlias, cast

from funcnn.checkpoints.atomic_writes import replacing
from funcnn.checkpoints.places import Path, path_of
from funcnn.errors import brief
from funcnn.foreign.calls import understood
from funcnn.networks import Layer, is_layer
from funcnn.params import Params, ParamsLike, as_params

Part: TypeAlias = "Layer[Any, Any] | Callable[..., Any]"


@understood
def save_network(path: Path, net: Layer[Any, Any], params: ParamsLike) -> None:
    """Write a network and its params to a file, from which `load_network` makes both again.

    The network is written as the calls that made it, which `repr` shows: names of the library's layers and
    initializers, numbers, texts, arrays that are frozen in it, and names of your own constructors and functions. What
    has no name, a `lambda` say, is refused with its place, before anything is written; so is a network that would not
    come back equal. Params are compared with a network where it meets an input, in `apply`. The file is written as that
    of `save_params`.

    Errors
        OSError       as the operating system raised it, about `path`; see `save_params`
        TypeError     `net` is no layer, or a part of it cannot be written; `path` is no path
        ParamsError   these are no params

    >>> import tempfile
    >>> net = serial(Dense(8), leaky_relu(0.2), Dense(2).named("head"))
    >>> _, params = net.init(Key(0), (-1, 4))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_network(folder + "/net.npz", net, params)
    ...     net, loaded = load_network(folder + "/net.npz")
    >>> net, loaded == params
    (serial(Dense(8), leaky_relu(0.2), Dense(2).named('head')), True)
    """
    from funcnn.checkpoints import manifests, sealed, values  # not above: zip files are slow to import, and seldom wanted
    from funcnn.files import making, writing  # nor these, which import them

    shown = path_of(path, "save_network")
    if not is_layer(net):
        raise TypeError(f"save_network(path, net, params) takes a network, got {brief(net)}")
    given = as_params(params, "save_network(path, net, params)")
    leaves: values.Leaves = []
    writer = writing.Writer(leaves)
    content = {"program": writer.program(net), "defaults": writer.defaults}
    count = len(leaves)
    content["params"] = values.encoded(given, "params", leaves, classes=False)
    manifest = manifests.manifest_of(manifests.NETWORK, content)
    manifests.refuse_unreadable(manifest, len(leaves))
    making.refuse_others(net, writer.own, manifest, leaves[:count])
    with replacing(shown) as file:
        sealed.write(file, manifest, leaves)


@understood
def load_network(path: Path, *, layers: Mapping[str, Part] | None = None) -> tuple[Layer[Any, Any], Params]:
    """The network and the params that `save_network` wrote to this file: `net, params = load_network(path)`.

    Parts of your own, constructors decorated with `@layer` and functions, are handed over by their names,
    `layers={"Swish": Swish}`. Nothing else is called: no name in a file is imported, looked up in a module or
    evaluated, and of funcnn itself only what makes layers and initializers is called.

    A network is what it was when it was saved: where a later version of funcnn has other defaults, the former ones are
    given. What this version does not know is refused, with the version that wrote it.

    Errors
        FileNotFoundError   there is no such file; or another OSError, as the operating system raised it
        CheckpointError     it is damaged, cut off, of another kind, or of a newer format; it has parts that are not in
                            `layers`; or a constructor refuses what stands in the file, and why
        TypeError           `layers` is no dict of constructors, layers and functions; `path` is no path
    """
    from funcnn.checkpoints import manifests, reading, sealed  # not above, as in save_network
    from funcnn.files import making  # as above

    shown = path_of(path, "load_network")
    own = _checked(layers)

    def read(file: IO[bytes]) -> tuple[Layer[Any, Any], Params]:
        manifest, contents = sealed.read(file, manifests.NETWORK)
        by = str(manifest.get("funcnn"))[:20]
        return making.Reader(contents, own, manifest.get("defaults"), by).whole(manifest)

    return reading.contents_of(shown, read)


def _checked(layers: object) -> Mapping[str, Part]:
    if layers is None:
        return {}
    if not isinstance(layers, Mapping):
        raise TypeError(f"load_network: layers is a dict of your own parts by name, got {brief(layers)}")
    found = cast("Mapping[str, Part]", layers)
    for name, part in found.items():
        if type(name) is not str:
            raise TypeError(f"load_network: layers is a dict of your own parts by name, got the name {brief(name)}")
        if not (is_layer(part) or callable(part)):
            wanted = "a constructor, a layer or a function"
            raise TypeError(f"load_network: layers[{name!r}] must be {wanted}, got {brief(part)}")
    return found
