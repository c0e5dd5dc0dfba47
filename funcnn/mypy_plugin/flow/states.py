"""What everything holds: kept before a branch, taken back, and joined behind it."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from funcnn.mypy_plugin.flow.calls import Calls
from funcnn.mypy_plugin.flow.core import Kept
from funcnn.mypy_plugin.flow.frames import OUTCOMES, Frame, goes_on, parted, veiled
from funcnn.mypy_plugin.flow.values import DOUBT, Either, Function, Row, Table, Thing, either, options, parts_of, same
from funcnn.mypy_plugin.recipes import ANY


class States(Calls):
    """Reads branches."""

    def branch(self, test: ast.expr, frame: Frame, then: Callable[[], Any], otherwise: Callable[[], Any]) -> Any:
        """Both ways of a condition, where it is not known which one is taken."""
        decided, turned = self.condition(test, frame)
        return self.ways(decided, otherwise, then) if turned else self.ways(decided, then, otherwise)

    def ways(self, decided: bool | str, then: Callable[[], Any], otherwise: Callable[[], Any]) -> Any:
        """The way that is taken, or both."""
        if isinstance(decided, bool):
            return then() if decided else otherwise()
        before, doubtful = self.keep(), decided.startswith(DOUBT)
        with self.assuming({decided: True}), self.expecting(doubtful):
            first = veiled(then()) if doubtful else then()
        after = self.keep()
        self.restore(before)
        with self.assuming({decided: False}), self.expecting(doubtful):
            second = veiled(otherwise()) if doubtful else otherwise()
        goes = [goes_on(first), goes_on(second)]
        if all(goes):
            self.restore(self.joined(decided, after, self.keep()))
        elif goes[0]:
            self.restore(after)
        if doubtful and options(first) + options(second) <= OUTCOMES:
            return Either(decided, first, second)  # of what is returned, nothing is known; but where it goes on, it does
        return parted(decided, first, second, self.fresh)

    def keep(self, frames: list[Frame] | None = None) -> Kept:
        """All that frames and containers hold now, and what they hold; other files, once read, do not change."""
        found: dict[int, tuple[Any, Any]] = {}
        todo: list[Any] = list(self.stack if frames is None else frames)
        while todo:
            self.step()
            of = todo.pop()
            if id(of) in found:
                continue
            match of:
                case Frame(env=env) if not of.finished:
                    found[id(of)] = of, dict(env)
                    todo += env.values()
                    todo += [of.parent] if of.parent is not None else []
                case Row(items) | Table(items):
                    found[id(of)] = of, items
                    todo += parts_of(items)
                case Thing(fields=fields):
                    found[id(of)] = of, (dict(fields), of.spoiled)
                    todo += fields.values()
                case Either(_, a, b):
                    todo += [a, b]
                case Function(frame=home, instance=thing):
                    todo += [home, thing]
                case _:
                    pass
        return Kept(found)

    def restore(self, kept: Kept) -> None:
        """Back to what was held then."""
        for of, content in kept.of.values():
            match of:
                case Frame():
                    of.env = dict(content)
                case Row() | Table():
                    of.items = content
                case Thing():
                    of.fields, of.spoiled = dict(content[0]), content[1]
                case _:
                    pass

    def joined(self, condition: str, a: Kept, b: Kept) -> Kept:
        """What is held where one way or the other was taken."""
        out = {**a.of, **b.of}
        for key in a.of.keys() & b.of.keys():
            of, mine = a.of[key]
            its = b.of[key][1]
            match of:
                case Frame():
                    names = dict.fromkeys([*mine, *its])
                    out[key] = of, {n: merged(condition, mine.get(n, ANY), its.get(n, ANY)) for n in names}
                case Thing():
                    names = dict.fromkeys([*mine[0], *its[0]])
                    fields = {n: merged(condition, mine[0].get(n, ANY), its[0].get(n, ANY)) for n in names}
                    out[key] = of, (fields, mine[1] or its[1])
                case _:
                    out[key] = of, mine if mine is its else either(condition, mine, its)
        return Kept(out)


def merged(condition: str, a: Any, b: Any) -> Any:
    """One of two values; the same value if they are."""
    return a if same(a, b) else either(condition, a, b)
