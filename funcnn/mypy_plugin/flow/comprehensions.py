"""Comprehensions: lists, generators and dictionaries."""

from __future__ import annotations

import ast
from typing import Any, Final

from funcnn.mypy_plugin.flow.frames import Frame
from funcnn.mypy_plugin.flow.keys import keyed
from funcnn.mypy_plugin.flow.names import Names
from funcnn.mypy_plugin.flow.values import Row, Table, combined, listed
from funcnn.mypy_plugin.recipes import ANY

MOST: Final = 20_000  # items of a list


class Comprehensions(Names):
    """Reads comprehensions."""

    def comprehension(self, e: ast.ListComp | ast.GeneratorExp, frame: Frame) -> Any:
        """A list of them; what a generator gives if it is asked at once."""
        names = {n.id for g in e.generators for n in ast.walk(g.target) if isinstance(n, ast.Name)}
        inner = Frame(frame.file, {}, frame, frozenset(names), kind="comprehension")
        inner.stars = ()

        def rounds(rest: list[ast.comprehension]) -> Any:
            if not rest:
                return (self.value(e.elt, inner),)
            items, made = self.items(self.value(rest[0].iter, inner)), ()
            if not listed(items):
                self.assign(rest[0].target, ANY, inner)
                rounds(rest[1:])
                return ANY
            for item in items:
                self.step()
                self.assign(rest[0].target, item, inner)
                wanted = [self.truth(self.value(test, inner)) for test in rest[0].ifs]
                if None in wanted:
                    return ANY
                if False not in wanted:
                    made = combined(joined_items, made, rounds(rest[1:]))
            return made

        self.stack.append(inner)
        try:
            made = rounds(e.generators)
        finally:
            self.stack.pop()
        for n in ast.walk(e) if not listed(made) else ():
            if isinstance(n, ast.NamedExpr):  # it belongs to the function around, and who knows what it was last
                self._forget(n.target.id, frame)
        return Row(made, mutable=True, lazy=isinstance(e, ast.GeneratorExp))

    def _forget(self, name: str, frame: Frame) -> None:
        while frame.kind == "comprehension" and frame.parent is not None:
            frame = frame.parent
        frame.bind(name, ANY)

    def table_of(self, e: ast.DictComp, frame: Frame) -> Any:
        """A dictionary of them."""
        pair = ast.copy_location(ast.Tuple([e.key, e.value], ast.Load()), e)
        rows = self.items(self.comprehension(ast.ListComp(pair, e.generators), frame))
        pairs: list[Any] = [self.items(row) for row in rows] if listed(rows) else [ANY]
        known = all(listed(p) and len(p) == 2 and keyed(p[0]) is not None for p in pairs)
        return Table({keyed(p[0]): p[1] for p in pairs} if known else ANY)


def joined_items(a: Any, b: Any) -> Any:
    """The items of both, where both are known, and not so many that a list that doubles would fill the memory."""
    return a + b if listed(a) and listed(b) and len(a) + len(b) <= MOST else ANY
