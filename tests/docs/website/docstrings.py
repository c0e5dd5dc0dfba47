"""Our docstrings as Markdown: the sections of equations, shapes and errors are tables of text, and stay as written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import griffe

SECTION = re.compile(r"(?:Shapes|Errors|Pullback|Units|Source|Raises|State|Cost)\b[^.]*")


class Docstrings(griffe.Extension):
    """Rewrite every docstring of the package when it is read."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """After an object was read, with its docstring."""
        if obj.docstring is not None:
            obj.docstring.value = markdown(obj.docstring.value)


def markdown(text: str) -> str:
    """Paragraphs stay paragraphs; a line with an indented block below it becomes a heading with that block as text.

    >>> print(markdown("Twice x.\\n\\nShapes\\n    x  (n,)\\nSource: a book.\\n\\n>>> 1 + 1\\n2"))
    Twice x.
    <BLANKLINE>
    **Shapes**
    <BLANKLINE>
    ``` { .text .told }
    x  (n,)
    ```
    <BLANKLINE>
    **Source:** a book.
    <BLANKLINE>
    ```pycon
    >>> 1 + 1
    2
    ```
    """
    return "\n\n".join(_parts(text.strip("\n").splitlines()))


def _parts(lines: list[str]) -> Iterator[str]:
    at = 0
    while at < len(lines):
        line = lines[at]
        if not line.strip():
            at += 1
        elif line.startswith(">>>"):
            end = _until(lines, at, lambda one: not one.strip())
            yield "```pycon\n" + "\n".join(lines[at:end]) + "\n```"
            at = end
        elif line.startswith(" "):
            end = _until(lines, at, lambda one: bool(one.strip()) and not one.startswith(" "))
            block = lines[at:end]
            least = min(len(one) - len(one.lstrip()) for one in block if one.strip())
            yield "``` { .text .told }\n" + "\n".join(one[least:] for one in block).rstrip() + "\n```"
            at = end
        else:
            end = _until(lines, at, lambda one: not one.strip() or one.startswith((" ", ">>>")))
            # sections follow each other without an empty line between
            starts = [i for i in range(at + 1, end) if re.match(r"Source:|Pullback|Errors|Shapes", lines[i])]
            for first, last in zip([at, *starts], [*starts, end]):
                yield _paragraph(
                    lines[first:last], followed=last == end and end < len(lines) and bool(lines[end].strip())
                )
            at = end


def _paragraph(lines: list[str], followed: bool) -> str:
    text = "\n".join(lines)
    head, colon, rest = text.partition(":")
    if colon and head == "Source":
        return f"**Source:**{rest}"
    return f"**{text}**" if followed and SECTION.fullmatch(text) else text


def _until(lines: list[str], at: int, ends: Any) -> int:
    """The first line behind this one that ends it."""
    return next((i for i in range(at + 1, len(lines)) if ends(lines[i])), len(lines))
