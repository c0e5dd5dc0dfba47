"""The functions of the library, each with arguments that fit a case."""

from __future__ import annotations

import copy
import pickle
import tempfile
from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np

import funcnn
from funcnn import Key, Params
from funcnn.bridges.safetensors import load_safetensors, metadata_of, save_safetensors
from tests.fuzz.drawing import Case, Rng

f: Any = funcnn
Call = tuple[Callable[..., Any], list[Any], dict[str, Any]]

_CLIPPED = f.chain(f.clip_by_global_norm(1.0), f.sgd(0.1))
_OPTIMIZERS = [f.sgd(0.1), f.momentum(0.1, 0.9), f.adam(0.01), f.adamw(0.01), _CLIPPED]


def _one(y: Any) -> Any:
    return y[0] if isinstance(y, tuple) else y


def _flat(net: Any, case: Case) -> Any:
    """The network with one output, as losses take it."""
    y = case.y
    while isinstance(y, tuple):
        net, y = f.serial(net, f.select(0)), y[0]
    return net, f.serial(net).init(0, case.shape)[1] if net is not case.net else case.params, np.zeros_like(y)


def _pull(apply: Any, params: Any, x: Any, dy: Any, rng: Any = None) -> Any:
    return f.vjp(apply, params, x, rng=rng)[1](dy)


def _objective(loss: Any, apply: Any, params: Any, x: Any, t: Any, weights: Any = None, rng: Any = None) -> Any:
    return f.value_and_grad(loss, apply)(params, x, t, weights=weights, rng=rng)


def _fit(loss: Any, apply: Any, optimizer: Any, start: Any, data: Any, **options: Any) -> Any:
    return [(s.params, m.loss) for s, m in islice(f.fit(loss, apply, optimizer, start, data, **options), 3)]


def _update(optimizer: Any, grads: Any, params: Any) -> Any:
    return optimizer.update(grads, optimizer.init(params), params)


def _step(optimizer: Any, grads: Any, params: Any) -> Any:
    return optimizer.step(grads, optimizer.init(params), params)


def _through_file(params: Any, like: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        f.save_params(folder + "/params.npz", params)
        return f.load_params(folder + "/params.npz", like=like)


def _through_network_file(net: Any, params: Any, layers: Any = None) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        f.save_network(folder + "/net.npz", net, params)
        loaded, its = f.load_network(folder + "/net.npz", layers=layers)
        return loaded == net, repr(loaded) == repr(net), its


def _through_state_file(optimizer: Any, params: Any, like: Any, step: Any, key: Any, notes: Any) -> Any:
    state = f.TrainState(step, params, optimizer.init(params), key)
    with tempfile.TemporaryDirectory() as folder:
        f.save_state(folder + "/state.npz", state, notes=notes)
        return f.load_state(folder + "/state.npz", optimizer, like=like), f.load_notes(folder + "/state.npz")


def _through_folder(optimizer: Any, params: Any, score: Any, keep: Any, notes: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        for step in range(3):
            state = f.TrainState(step, params, optimizer.init(params), Key(step))
            f.save_checkpoint(folder, state, score=score, keep=keep, notes=notes)
        return f.load_checkpoint(folder, optimizer, like=params, best=True)[:3]


def _through_flat(params: Any) -> Any:
    return f.from_flat(f.to_flat(params))


def _through_safetensors(params: Any, like: Any, metadata: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        save_safetensors(folder + "/params", params, metadata=metadata)
        return load_safetensors(folder + "/params", like=like), metadata_of(folder + "/params")


def _batches(arrays: Any, size: Any, **options: Any) -> Any:
    return list(islice(f.batches(arrays, size, **options), 50))


def calls(case: Case, rng: Rng) -> dict[str, Callable[[], Call]]:
    """Every function, with fresh arguments at every call."""
    net, params, shape = case.net, case.params, case.shape
    key = Key(int(rng.integers(9)))
    optimizer = _OPTIMIZERS[int(rng.integers(len(_OPTIMIZERS)))]
    size = int(rng.integers(1, 5))

    def x() -> Any:
        return copy.deepcopy(case.x)

    def dy() -> Any:
        return copy.deepcopy(case.y)

    grads = f.Gradients(params)
    out: dict[str, Callable[[], Call]] = {
        "apply": lambda: (net.apply, [params, x()], {}),
        "apply, rng": lambda: (net.apply, [params, x()], {"rng": key}),
        "apply, dict": lambda: (net.apply, [params.to_dict(), x()], {}),
        "pullback": lambda: (_pull, [net.apply, params, x(), dy()], {}),
        "pullback, rng": lambda: (_pull, [net.apply, params, x(), dy()], {"rng": key}),
        "init": lambda: (net.init, [3, shape], {}),
        "init, dtype": lambda: (net.init, [Key(3), shape], {"dtype": np.float64}),
        "out_shape": lambda: (net.out_shape, [shape], {}),
        "summary": lambda: (lambda *a: str(f.summary(*a)), [net, shape], {}),
        "trace": lambda: (lambda n, p, v: f.trace(n)(p, v)[0], [net, params, x()], {}),
        "predict": lambda: (f.predict, [net.apply, params, x()], {"batch_size": size}),
        "calibrate": lambda: (f.calibrate, [net, params, [x()]], {}),
        "serial": lambda: (f.serial, [net, f.Identity], {}),
        "named": lambda: (net.named, ["name"], {}),
        ">>": lambda: (lambda a, b: a >> b, [net, f.Identity], {}),
        "rebuild": lambda: (f.rebuild, [net, lambda path, layer: layer], {}),
        "inference": lambda: (f.inference, [net], {}),
        "repr": lambda: (repr, [net], {}),
        "pickle": lambda: (lambda n: pickle.loads(pickle.dumps(n)) == n, [net], {}),
        "ravel": lambda: (lambda p: f.ravel(p)[0], [params], {}),
        "unravel": lambda: (lambda p, v: f.ravel(p)[1](v), [params, f.ravel(params)[0]], {}),
        "astype": lambda: (f.astype, [params, np.float64], {}),
        "tree_map": lambda: (f.tree_map, [np.tanh, params], {}),
        "Params": lambda: (Params, [params.to_dict()], {}),
        "|": lambda: (lambda a, b: a | b, [params, params.to_dict()], {}),
        "files": lambda: (_through_file, [params, params], {}),
        "network file": lambda: (_through_network_file, [net, params], {"layers": {"relu": f.Relu}}),
        "state file": lambda: (_through_state_file, [optimizer, params, params, size, key, {"losses": [0.5]}], {}),
        "folder": lambda: (_through_folder, [optimizer, params, 0.5, size, {"losses": [0.5] * 20}], {}),
        "flat": lambda: (_through_flat, [params], {}),
        "safetensors": lambda: (_through_safetensors, [params, params, {"by": "me"}], {}),
        "update": lambda: (_update, [optimizer, grads, params], {}),
        "step": lambda: (_step, [optimizer, grads, params], {}),
        "apply_updates": lambda: (f.apply_updates, [params, f.Updates(params)], {}),
        "l2": lambda: (lambda r, p: f.l2(r)(p), [0.1, params], {}),
        "batches": lambda: (_batches, [(np.arange(7), np.ones((7, 2))), size], {"key": key}),
        "Key": lambda: (lambda s, n: Key(s).fold(n), [3, "a"], {}),
        "schedule": lambda: (lambda r, n, s: f.cosine_decay(r, n)(s), [0.1, 10, size], {}),
        "count": lambda: (f.count, [params], {}),
    }
    if len(params.paths()):
        out["partition"] = lambda: (f.partition, [params, "**"], {})
        out["at"] = lambda: (lambda p, path: p.at(path), [params, params.paths()[0]], {})
        out["set"] = lambda: (lambda p, path, v: p.set(path, v), [params, *_leaf(params)], {})
    out |= _with_parts(net, params, shape)
    flat, flat_params, target = _flat(net, case)
    if target.dtype.kind == "f" and target.ndim and target.shape[0] == len(_first(case.x)) and target.size:
        mse = f.squared_error
        out |= {
            "loss": lambda: (mse, [_one(dy()), target.copy()], {}),
            "objective": lambda: (_objective, [mse, flat.apply, flat_params, x(), target.copy()], {"rng": key}),
            "objective, weights": lambda: (
                _objective, [mse, flat.apply, flat_params, x(), target.copy(), np.ones(len(target))], {"rng": key},
            ),
            "fit": lambda: (
                _fit, [mse, flat.apply, optimizer, flat_params, (x(), target.copy())],
                {"rng": key, "batch_size": size, "epochs": 2},
            ),
            "evaluate": lambda: (f.evaluate, [flat.apply, flat_params, (x(), target.copy()), f.mean_of(mse)], {}),
            "r2": lambda: (f.r2, [_one(dy()), target + np.arange(target.size).reshape(target.shape)], {}),
            "jvp": lambda: (f.jvp, [flat.apply, (flat_params, x()), (flat_params, x())], {}),
        }
        if target.ndim > 1 and target.shape[-1] > 1:
            labels = np.zeros(target.shape[:-1], int)
            out |= {
                "cross entropy": lambda: (f.softmax_cross_entropy, [_one(dy()), labels.copy()], {}),
                "accuracy": lambda: (f.accuracy, [_one(dy()), labels.copy()], {}),
            }
            logits = np.random.default_rng(size).normal(size=(6, 3)).astype(np.float32)
            for name, metric in _METRICS.items():
                out[name] = lambda metric=metric: (metric, [logits.copy(), np.arange(6) % 3], {})  # type: ignore[misc]
            out["sample"] = lambda: (f.sample, [_one(dy()), key], {"temperature": 0.5, "top_k": 2})
        objective = f.value_and_grad(f.squared_error, flat.apply)
        out |= {
            "jacobian": lambda: (f.jacobian, [flat.apply, flat_params, x()], {"by": "x", "rng": key}),
            "hvp": lambda: (f.hvp, [objective, flat_params, flat_params, x(), target.copy()], {"rng": key}),
            "ggn_vp": lambda: (f.ggn_vp, [objective, flat_params, flat_params, x(), target.copy()], {"rng": key}),
            "per_example_grads": lambda: (f.per_example_grads, [objective, flat_params, x(), target.copy()], {}),
            "as_scipy": lambda: (_scipy, [objective, flat_params, x(), target.copy()], {"rng": key}),
            "linearize": lambda: (_linear, [flat.apply, flat_params, x(), flat_params, x()], {}),
        }
    return out


_METRICS = {
    "f1": f.f1(), "precision": f.precision("micro"), "recall": f.recall("none"), "confusion": f.confusion_matrix,
    "top_k": f.top_k_accuracy(2), "perplexity": f.perplexity, "mean accuracy": f.mean_of(f.softmax_cross_entropy),
}  # fmt: skip


def _with_parts(net: Any, params: Any, shape: Any) -> dict[str, Callable[[], Call]]:
    """What makes networks of networks, and is called with one."""
    out: dict[str, Callable[[], Call]] = {
        "ensemble": lambda: (f.ensemble, [net, 2], {}),
        "repeat": lambda: (f.repeat, [net, 2], {"shared": True}),
        "checkpoint": lambda: (f.checkpoint, [net], {}),
        "stop_gradient": lambda: (f.stop_gradient, [net], {}),
        "map_over": lambda: (f.map_over, [net, 1], {}),
        "residual": lambda: (f.residual, [net, f.Identity], {}),
        "parallel": lambda: (f.parallel, [net, net], {}),
        "keep": lambda: (f.keep, [net], {}),
        "first": lambda: (f.first, [net], {}),
        "tie": lambda: (f.tie, [net, {"a/w": "b/w"}], {}),
        "tangent": lambda: (f.tangent, [net], {}),
        "input_gradient": lambda: (f.input_gradient, [net], {}),
        "second_tangent": lambda: (f.second_tangent, [net], {}),
        "laplacian": lambda: (f.laplacian, [net], {}),
        "decoder": lambda: (lambda n: type(f.decoder(n)), [net], {}),
        "thaw": lambda: (lambda n, p: f.thaw(n, p)[1], [net, params], {}),
    }
    if params.paths():
        out |= {
            "freeze": lambda: (f.freeze, [net, params, "**"], {}),
            "reinit": lambda: (f.reinit, [net, params, "**", Key(1), shape], {}),
            "freeze some": lambda: (f.freeze, [net, params], {"where": params.paths()[0]}),
        }
    return out


def _scipy(*args: Any, **options: Any) -> Any:
    fun, start, back = f.as_scipy(*args, **options)
    return fun(start), back(start)


def _linear(apply: Any, params: Any, x: Any, d: Any, v: Any) -> Any:
    y, along = f.linearize(apply, params, x)
    return y, along(d, v)


def _first(x: Any) -> Any:
    return _first(x[0]) if isinstance(x, tuple) else x


def _leaf(params: Params) -> tuple[str, Any]:
    path = params.paths()[0]
    return path, np.array(params.at(path))
