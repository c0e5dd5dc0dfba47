"""Laws about optimizers: closed forms, fixed points, trees, states, dtypes."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Mapping
from numbers import Number
from typing import Any, Final

import numpy as np

from funcnn.optimizers.definition import apply_updates
from funcnn.params import ArrayTree, Gradients, K, Params, Updates
from funcnn.params.packing import ravel
from funcnn.testing import nested
from funcnn.testing.casebook.copies import copies
from funcnn.testing.casebook.of_optimizers import OptimizerCase, Step, by_path, times
from funcnn.testing.drawing.contents import signs
from funcnn.testing.judging.left_alone import left_alone
from funcnn.testing.judging.verdicts import Law, Verdict, broken, listed
from funcnn.testing.lawbook.of_every_part import common_laws
from funcnn.testing.lawbook.of_optimizers_in_float32 import float32_tracks_float64


MANY_STEPS: Final = 12


def closed_form(steps: Callable[[Any], Step]) -> Law[OptimizerCase]:
    """The law that the first steps are those of a plain function, `steps(optimizer)(gradients, params) -> updates`."""

    def check(case: OptimizerCase) -> Verdict | None:
        plain, params = steps(case.optimizer), case.params
        for i, (updates, _, after) in enumerate(case.walk()):
            with np.errstate(all="ignore"):
                wanted = plain(_wide(case.gradients[i]), _wide(params))
            if not all(np.isfinite(a).all() for a in wanted.values()):
                return None if i else Verdict.MOOT  # as 0 / 0, of which a source says nothing
            got = by_path(updates)
            if wanted.keys() != got.keys():
                raise broken(
                    f"the formula gives updates of {', '.join(sorted(wanted)) or 'nothing'}, the optimizer of "
                    f"{', '.join(sorted(got))}: one for every leaf is wanted"
                )
            size = max([nested.largest(a) for a in wanted.values()], default=0.0)
            eps, reach = float(np.finfo(case.dtype).eps), max(nested.largest(a) for a in by_path(params).values())
            for path, a in wanted.items():  # an anchor is rounded as the params are
                off, allowed = nested.largest(got[path] - a), eps * (1024 * (size + 1e-3) + 4 * reach)
                if not off <= allowed:
                    raise broken(
                        f"step {i + 1}, {path}: the update is off by {off:.3g} from the closed form, whose values "
                        f"reach {nested.largest(a):.3g}; rounding allows {allowed:.3g}"
                    )
            params = after
        return None

    statement = "the first steps are those of the formula in the source"
    return Law("closed_form", statement, "numeric", check, made_by=(closed_form, steps), large=True)


def _wide(tree: Any) -> dict[str, Any]:
    return {path: a.astype(np.float64) for path, a in by_path(tree).items()}


def _fixed_point(case: OptimizerCase) -> None:
    nothing = Gradients(nested.mapped(np.zeros_like, case.params))
    for i, (updates, _, _) in enumerate(case.walk(gradients=[nothing] * case.steps)):
        for path, a in by_path(updates).items():
            if a.any():
                _refuse_nan(a, f"step {i + 1} with zero gradients: the update of {path}")
                raise broken(
                    f"step {i + 1} with zero gradients moves {path} by {nested.largest(a):.3g}; where weights are "
                    f'to decay, say except_={{"fixed_point": "weights decay"}}'
                )


def _refuse_nan(a: Any, what: str) -> None:
    if not np.isfinite(a).all():
        raise broken(f"{what} is not finite, as of a division by 0; `finite` tells more")


def _finite(case: OptimizerCase) -> None:
    """Params of zero, as biases are at first; gradients of zero, as of what is not used; tiny ones."""
    for path in case.shapes:
        for what, size in (("params", 0.0), ("gradients", 0.0), ("gradients", 1e-20)):
            params = times(size, case.params, path) if what == "params" else case.params
            steps = [g if what == "params" else Gradients(times(size, g, path)) for g in case.gradients]
            with np.errstate(all="ignore"):
                walked = case.walk(params, steps)
            for i, (updates, _, _) in enumerate(walked):
                for name, a in by_path(updates).items():
                    if not np.isfinite(a).all():
                        raise broken(
                            f"step {i + 1}: the update of {name} is not finite, where the {what} of {path} are "
                            f"{f'of size {size:g}' if size else '0'}"
                        )


def _vectors_stay(case: OptimizerCase) -> None:
    nothing = Gradients(nested.mapped(np.zeros_like, case.params))
    for i, (updates, _, _) in enumerate(case.walk(gradients=[nothing] * case.steps)):
        for path, a in by_path(updates).items():
            if a.ndim < 2 and a.any():
                _refuse_nan(a, f"step {i + 1} with zero gradients: the update of {path}")
                raise broken(
                    f"step {i + 1} with zero gradients moves {path}, of {a.ndim} axes, by {nested.largest(a):.3g}; "
                    f"decay is for matrices, unless where= says otherwise"
                )


def _descends(case: OptimizerCase) -> None:
    """From far away, in a bowl so shallow that no step leads beyond its bottom, and on a plain.

    In every second case the bowl is all but flat, and gradients are tiny.
    """
    start = nested.mapped(lambda a: (100 * signs(case.generator("start"), a.shape)).astype(a.dtype), case.params)
    steep = (0.01, 1e-6)[case.seed % 2]
    for what, slope in ((f"{steep / 2:g} times the squares of the params", steep), ("what knows no params", 0.0)):
        at, state = Params(start), case.optimizer.init(Params(start))
        for i in range(MANY_STEPS):
            g = Gradients(nested.mapped(lambda a: (slope * a).astype(a.dtype), at))  # noqa: B023
            updates, state = case.update(i, g, state, at)
            at = apply_updates(at, updates)
        far = [path for path, a in by_path(at).items() if not _squares(a) <= _squares(by_path(start)[path])]
        if far:
            before, after = _squares(by_path(start)[far[0]]), _squares(by_path(at)[far[0]])
            raise broken(
                f"{MANY_STEPS} steps on {what} lead uphill: the sum of squares of {far[0]} goes from {before:.6g} to "
                f"{after:.6g}; a part of a chain that gives no steps of its own is said to be so by part=True"
            )


def _squares(a: Any) -> float:
    return float((a.astype(np.float64) ** 2).sum())


def _splits(case: OptimizerCase) -> None:
    whole = case.walk()
    for path in case.shapes:
        part = case.like(shapes={path: case.shapes[path]})
        for i, (updates, _, _) in enumerate(part.walk()):
            got, wanted = by_path(updates)[path], by_path(whole[i][0])[path]
            allowed = 64 * float(np.finfo(case.dtype).eps) * (nested.largest(wanted) + 1e-30)
            if not nested.largest(got - wanted) <= allowed:
                raise broken(f"step {i + 1}: {path} alone moves otherwise than {path} among others")


def _plain_state(case: OptimizerCase) -> None:
    state = case.optimizer.init(case.params)
    for i, (_, after, _) in enumerate(case.walk()):
        for value in (state, after):
            _parts(value, case)
            for what, other in (("pickle", pickle.loads(pickle.dumps(value))), ("deepcopy", copy.deepcopy(value))):
                if other != value:
                    raise broken(f"step {i + 1}: the state from {what} is another one")
        state = after


def _parts(state: Any, case: OptimizerCase) -> None:
    """Refuse what is no number, no tree of read-only arrays in the dtype of the params, no tuple of these."""
    if isinstance(state, ArrayTree):
        for path, a in by_path(state).items():
            if a.flags.writeable or a.dtype != case.dtype:
                raise broken(f"{path} in the state is {a.dtype}{', writeable' if a.flags.writeable else ''}")
    elif isinstance(state, tuple):
        for part in state:  # pyright: ignore[reportUnknownVariableType]
            _parts(part, case)
    elif not (state is None or isinstance(state, (Number, str))):
        raise broken(f"the state holds a {type(state).__name__}; it is to be made of numbers, Params and tuples")


def _pure(case: OptimizerCase) -> None:
    given = [case.params, *case.gradients]
    before = [nested.bits(tree) for tree in given]
    first = case.walk()
    kept = [(nested.bits(updates), pickle.loads(pickle.dumps(state))) for updates, state, _ in first]
    case.again(1).walk()
    for i, ((updates, state, _), (bits, old)) in enumerate(zip(case.walk(), kept, strict=True)):
        if nested.bits(updates) != bits or _differ(state, old):
            raise broken(f"step {i + 1} is another one the second time")
        if nested.bits(first[i][0]) != bits or _differ(first[i][1], old):
            raise broken(f"what step {i + 1} returned has changed since")
    if [nested.bits(tree) for tree in given] != before:
        raise broken("the params or the gradients have changed")
    ours = [nested.mapped(np.array, case.gradients[0]), nested.mapped(np.array, case.params)]
    kept_bits = nested.bits(tuple(ours))
    with left_alone():
        case.update(0, ours[0], case.optimizer.init(case.params), ours[1])
    if nested.bits(tuple(ours)) != kept_bits:
        raise broken("update wrote into gradients or params that are writeable")
    _from_stored_states(case, first)


def _differ(one: Any, other: Any) -> bool:
    """Are two states different? What cannot be compared is for `plain_state` to tell."""
    try:
        return bool(one != other)
    except ValueError:  # as arrays cannot
        return False


def _given(case: OptimizerCase) -> list[bytes]:
    return [bits for updates, _, _ in case.walk() for bits in nested.bits(updates)]


def _from_stored_states(case: OptimizerCase, walked: list[tuple[Updates, Any, Params]]) -> None:
    """States are all there is: steps in another order, and beside those of another run, are the same."""
    starts = [case.optimizer.init(case.params), *(state for _, state, _ in walked)]
    places = [case.params, *(after for _, _, after in walked)]
    other = case.again(1)
    elsewhere, at = other.optimizer.init(other.params), other.params
    for i in reversed(range(len(walked))):
        updates, _ = case.update(i, case.gradients[i], pickle.loads(pickle.dumps(starts[i])), places[i])
        if nested.bits(updates) != nested.bits(walked[i][0]):
            raise broken(f"step {i + 1} from its stored state, after later ones, is another: not all is in the state")
    for i, state in enumerate(starts[:-1]):
        moved, elsewhere = other.update(i, other.gradients[i], elsewhere, at)
        at = apply_updates(at, moved)
        updates, _ = case.update(i, case.gradients[i], state, places[i])
        if nested.bits(updates) != nested.bits(walked[i][0]):
            raise broken(f"step {i + 1}, taken beside those of another run, is another one: not all is in the state")


def _dtype_kept(case: OptimizerCase) -> None:
    for i, (updates, _, after) in enumerate(case.walk()):
        if not isinstance(updates, Updates):
            raise broken(f"the updates are a {type(updates).__name__}, expected Updates")
        for what, tree in (("updates", updates), ("params", after)):
            for path, a in by_path(tree).items():
                if a.dtype != case.dtype or a.shape != case.shapes[path]:
                    raise broken(f"step {i + 1}: {path} of the {what} is {a.dtype} {a.shape}, expected {case.dtype}")
        if set(updates.paths()) != set(case.shapes):
            raise broken(f"the updates have the paths {updates.paths()}, the params {tuple(case.shapes)}")


def _order_blind(case: OptimizerCase) -> None:
    def turned(tree: Any) -> Any:
        return {k: turned(v) if isinstance(v, Mapping) else v for k, v in reversed(list(tree.items()))}

    wanted = case.walk()
    for i, (updates, _, _) in enumerate(case.walk(turned(case.params), case.gradients)):
        if by_path(updates).keys() != by_path(wanted[i][0]).keys() or nested.bits(updates) != nested.bits(wanted[i][0]):
            raise broken(f"step {i + 1} depends on the order of the names in the params")
    for i, (updates, _, _) in enumerate(case.walk(case.params, [turned(g) for g in case.gradients])):
        if nested.bits(updates) != nested.bits(wanted[i][0]):
            raise broken(f"step {i + 1} depends on the order of the names in the gradients")


def _packing_blind(case: OptimizerCase) -> None:
    def one(tree: K) -> K:
        vector, unravel = ravel(tree)
        return unravel(vector)

    wanted = case.walk(Params(case.params.to_dict()), [g.to_dict() for g in case.gradients])
    for i, (updates, _, _) in enumerate(case.walk(one(case.params), [one(g) for g in case.gradients])):
        if nested.bits(updates) != nested.bits(wanted[i][0]):
            raise broken(f"step {i + 1} is another one where params and gradients are packed")


def _is_data(case: OptimizerCase) -> Verdict | None:
    optimizer, others = case.optimizer, copies(case.optimizer)
    wanted = case.walk()
    for what, other in others.items():
        if other != optimizer or repr(other) != repr(optimizer):
            raise broken(f"{what} gives another optimizer, {other!r}")
        steps = case.like(optimizer=other).walk()
        if [nested.bits(updates) for updates, _, _ in steps] != [nested.bits(updates) for updates, _, _ in wanted]:
            raise broken(f"the optimizer from {what} takes other steps")
    return None if others else Verdict.MOOT


OPTIMIZER_LAWS: Final[Mapping[str, Law[OptimizerCase]]] = listed(
    "OPTIMIZER_LAWS",
    Law("fixed_point", "where all gradients are zero, nothing moves", "exact", _fixed_point),
    Law("vectors_stay",
        "where all gradients are zero, leaves of fewer than two axes do not move: decay is for matrices", "exact",
        _vectors_stay),
    Law("descends", "twelve steps lead downhill in a shallow bowl, and not away from zero on a plain", "exact",
        _descends, wants="steps", large=True),
    Law("finite", "where params or gradients are zero, or tiny, updates are finite", "exact", _finite),
    Law("splits", "a leaf moves alone as it does among others", "exact", _splits, large=True),
    Law("plain_state", "states are numbers, trees like the params, tuples of these: they compare, pickle, never change",
        "exact", _plain_state),
    Law("pure", "nothing is changed and nothing remembered, but in the state", "exact", _pure, large=True),
    *common_laws(_given),
    Law("dtype_kept", "updates have the structure, shapes and dtype of the params", "exact", _dtype_kept),
    Law("order_blind", "the order of names in trees does not matter", "exact", _order_blind),
    Law("packing_blind", "whether params are packed does not matter", "exact", _packing_blind),
    Law("float32_tracks_float64", "steps in float32 are those in float64, up to rounding", "numeric",
        float32_tracks_float64, dtypes=("float32",)),
    Law("is_data", "an optimizer comes back equal from pickle and deepcopy", "exact", _is_data),
)  # fmt: skip
"""Every law about optimizers, by name."""
