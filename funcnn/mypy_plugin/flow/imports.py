"""What a file imports, read off its text: nothing of it is parsed, for most files of a program are of no concern."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Final

from funcnn.mypy_plugin.flow.files import origin

SPACE: Final = rb"(?:\s|\\\r?\n)"
LISTED: Final = rb"(?:[ \t]|\\\r?\n)*(\((?:[^)#]|#[^\n]*)*|(?:[^\n\\;#]|\\\r?\n)*)"
IMPORT: Final = re.compile(
    rb"\bfrom" + SPACE + rb"+((?:\." + SPACE + rb"*)*[.\w]*)" + SPACE + rb"*\bimport\b" + LISTED
    + rb"|\bimport" + SPACE + rb"+" + LISTED
)  # fmt: skip
COMMENT: Final = re.compile(rb"#[^\n]*")
FIRST: Final = re.compile(rb"[.\w]+")


@functools.lru_cache(4096)
def imports_of(path: str, module: str, source: bytes) -> frozenset[str]:
    """Modules that a file imports, and what may be one; more rather than less, for words in strings count too."""
    found = {name for name in _imported(path, module, source) if name and not f"{name}.".startswith("funcnn.")}
    return frozenset(found)


def _imported(path: str, module: str, source: bytes) -> Iterator[str]:
    for match in IMPORT.finditer(source):
        of, names, plain = match.groups()
        parts = COMMENT.sub(b"", names or plain).split(b",")
        listed = [found.group().decode() for part in parts if (found := FIRST.search(part))]
        if of is None:
            yield from listed
            continue
        dotted = "".join(of.decode().replace("\\", "").split())
        name = dotted.lstrip(".")
        whole = origin(path, module, len(dotted) - len(name), name)
        yield whole
        yield from (f"{whole}.{n}" if whole else n for n in listed)
