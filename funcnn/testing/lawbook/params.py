"""Laws about params and about layers as data: how they are drawn, that they never change, that they survive a file."""

from __future__ import annotations

import copy
import operator
import pickle
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np

from funcnn.checkpoints import load_params, save_params
from funcnn.errors import ImmutableError
from funcnn.keys import Key
from funcnn.networks import Layer, serial
from funcnn.networks.surgery import children_of, rebuild
from funcnn.params import Params
from funcnn.params.packing import ravel
from funcnn.shapes import normalize
from funcnn.testing import nested
from funcnn.testing.casebook.of_layers import Case
from funcnn.testing.judging.draws import asks_elsewhere
from funcnn.testing.judging.tolerances import compare_exactly
from funcnn.testing.judging.verdicts import Law, Verdict, broken
from funcnn.testing.lawbook.composition import gain


def _repeatable_init(case: Case) -> None:
    key = Key(case.seed)
    draws = [case.layer.init(k, case.shape, dtype=case.dtype)[1] for k in (key, key, Key(case.seed), case.seed)]
    if any(drawn != draws[0] for drawn in draws):
        raise broken("init with the same key gave other params the second time")
    _draws_as_asked(case)
    others = [case.layer.init(key.fold(i), case.shape, dtype=case.dtype)[1] for i in range(2)]
    spec = case.layer.definition.planned(normalize(case.shape))[1]
    initializers = {path: initializer for path, initializer, _ in _wanted(spec)}
    for path in draws[0].paths():
        leaf = draws[0].at(path)
        if leaf.dtype != case.dtype:
            raise broken(f"init was asked for {case.dtype}, {path} is {leaf.dtype}")
        drawn = leaf.size >= 4 and len(np.unique(leaf)) == leaf.size  # random, as it seems
        made = initializers.get(path)  # a linspace draws nothing, and so does a layer that makes params out of params
        same = drawn and all(nested.same_bytes(leaf, other.at(path)) for other in others)
        if same and made and asks_elsewhere(made, leaf):
            raise broken(f"init draws {path} without its key: other keys give the same numbers")


def _draws_as_asked(case: Case) -> None:
    """Initializers draw in the dtype that they are asked for: another one is rounded, or has fewer digits."""
    spec = case.layer.definition.planned(normalize(case.shape))[1]
    for path, initializer, shape in _wanted(spec):
        drawn = np.asarray(initializer(Key(case.seed).fold(path), shape, case.dtype))
        if drawn.dtype != case.dtype and drawn.dtype.kind == "f" and not (drawn.astype(case.dtype) == drawn).all():
            raise broken(f"the initializer of {path} was asked for {case.dtype}, and draws in {drawn.dtype}")


def _wanted(spec: Mapping[str, Any], at: str = "") -> Iterator[tuple[str, Any, tuple[int, ...]]]:
    for name, wanted in spec.items():
        path = f"{at}/{name}" if at else name
        if nested.is_mapping(wanted):
            yield from _wanted(wanted, path)
        else:
            yield path, *wanted


def _init_by_path(case: Case) -> None:
    alone = serial(case.layer.named("probe")).init(case.seed, case.shape, dtype=case.dtype)[1]
    for net in (
        serial(case.layer.named("probe"), gain().named("after")),
        serial(gain().named("before"), case.layer.named("probe")),
        serial(serial().named("nothing"), case.layer.named("probe"), serial()),
    ):
        beside = net.init(case.seed, case.shape, dtype=case.dtype)[1]
        if "probe" in alone and ("probe" not in beside or beside.sub("probe") != alone.sub("probe")):
            raise broken(f"the params of the layer change with what stands beside it, in {net}")


def _immutable_params(case: Case) -> None:
    params = case.params
    for tree, name in _nodes(params):
        writeable = cast(Any, tree)
        for what, act in (
            ("assigned", partial(operator.setitem, writeable, name, np.zeros(1))),
            ("deleted", partial(operator.delitem, writeable, name)),
        ):
            try:
                act()
            except ImmutableError:
                continue
            raise broken(f"{name!r} was {what} in params")
    for what, held in (("params", params), ("the params of init", case.layer.init(0, case.shape)[1])):
        for path, leaf in nested.leaves(held):
            if leaf.flags.writeable or not leaf.flags.c_contiguous:
                raise broken(f"{path} of {what} is writeable, or not contiguous")
    for path in params.paths():
        other = params.set(path, 2 * params.at(path) + 1)  # 1 alone is lost beside 1e9
        if nested.same_values(other.at(path), params.at(path)):
            raise broken(f"params.set({path!r}, ...) gives the old leaf")
        if any(other.at(p) is not params.at(p) and not nested.same_bytes(other.at(p), params.at(p))
               for p in params.paths() if p != path):  # fmt: skip
            raise broken(f"params.set({path!r}, ...) changes another leaf")


def _nodes(params: Params) -> Iterator[tuple[Params, str]]:
    for name, value in params.items():
        yield params, name
        if isinstance(value, Params):
            yield from _nodes(value)


def _round_trip(case: Case) -> None:
    params = case.params
    vector, unravel = ravel(params)
    others = {
        "pickle": pickle.loads(pickle.dumps(params)),
        "deepcopy": copy.deepcopy(params),
        "Params(params.to_dict())": Params(params.to_dict()),
        "unravel(ravel)": unravel(vector),
    }
    if case.seed % 4 == 0:  # a file that is safe from a power cut takes longer than everything else here
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "params.npz"
            save_params(file, params)
            others["load_params(save_params)"] = load_params(file)
    y = case.apply()
    for what, other in others.items():
        if other != params:
            raise broken(f"{what} gives other params")
        if any(leaf.flags.writeable for _, leaf in nested.leaves(other)):
            raise broken(f"{what} gives params that can be written to")
        compare_exactly({"y": case.apply(params=other)}, {"y": y}, f"with params from {what}")


def _is_data(case: Case) -> Verdict | None:
    layer = case.layer
    if layer.init.record is None or not _importable(layer):
        return Verdict.MOOT
    others: dict[str, Layer[Any, Any]] = {
        **_pickled(layer),
        "deepcopy": copy.deepcopy(layer),
        "rebuild": rebuild(layer, lambda path, child: child),
        "Layer(*layer)": Layer(*layer),
    }
    y = case.apply()
    for what, other in others.items():
        if other != layer or hash(other) != hash(layer) or repr(other) != repr(layer):
            raise broken(f"{what} gives another layer, {other!r}")
        compare_exactly({"y": case.like(layer=other).apply(params=case.params)}, {"y": y}, f"the layer from {what}")
    return None


def _pickled(layer: Layer[Any, Any]) -> dict[str, Layer[Any, Any]]:
    """What comes from a pickle; nothing where it cannot find what an argument holds, by name: a lambda, and a function
    or a class within a function.
    """
    try:
        return {"pickle": pickle.loads(pickle.dumps(layer))}
    except (AttributeError, pickle.PicklingError) as error:
        if any(nameless in str(error) for nameless in ("<lambda>", "<locals>")):
            return {}
        raise


def _importable(layer: Layer[Any, Any]) -> bool:
    """Can a pickle find this layer's constructor, and those of its children, by name?"""
    record = layer.init.record
    if record is None:
        return False
    at_home = hasattr(sys.modules.get(record.module), record.name)
    return at_home and all(map(_importable, children_of(layer).values()))


PARAMS_LAWS = (
    Law(
        "repeatable_init",
        "init is a function of key and shape: the same key gives the same bits, another key others",
        "exact", _repeatable_init, kinds=("normal",), passes="inference",
    ),
    Law(
        "init_by_path",
        "a leaf's initial value depends on the key and its path alone, not on the layers beside it",
        "exact", _init_by_path, dtypes=("float32",), kinds=("normal",), passes="inference",
    ),
    Law(
        "immutable_params",
        "params never change: assignment raises, leaves are read-only, set makes another tree",
        "exact", _immutable_params, dtypes=("float32",), kinds=("normal",), passes="inference",
    ),
    Law(
        "round_trip",
        "params come back bit for bit, and read-only, from files, pickles, copies and vectors",
        "exact", _round_trip, kinds=("normal",), passes="inference",
    ),
    Law(
        "is_data",
        "a layer comes back equal from pickle, deepcopy and rebuild, and computes the same",
        "exact", _is_data, dtypes=("float32",), kinds=("normal",), passes="inference",
    ),
)  # fmt: skip
