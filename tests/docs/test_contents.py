"""The page of contents is that of the package."""

from __future__ import annotations

import re

import funcnn
from tests.docs.contents import BESIDE, MODULES, PAGE, page, sentence, topics


def test_the_page_is_up_to_date() -> None:
    """Every name, its topic and its first sentence; `python -m tests.docs.contents` writes it anew."""
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.docs.contents"


def test_every_public_name_stands_there_once() -> None:
    """With a sentence behind it."""
    text = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)[^|]*` \| (.*) \|$", text.split("## More initializers")[0], re.MULTILINE)
    assert sorted(name for name, _ in rows) == sorted([*funcnn.__all__, *BESIDE])
    assert [name for name, told in rows if len(told) < 4] == []


def test_topics_are_the_comments_between_the_names() -> None:
    """There are several, none is empty, and together they are the public names."""
    found = topics()
    assert len(found) > 7 and all(found.values())
    assert sorted(name for names in found.values() for name in names) == sorted([*funcnn.__all__, *BESIDE])
    assert len(MODULES) == 13


def test_a_sentence_ends_where_it_ends() -> None:
    """At the first period before a capital, or with the paragraph; a table's bar is escaped."""
    assert sentence("Twice x, `y = 2 x`. More.\n\nShapes") == "Twice x, `y = 2 x`"
    assert sentence("A thing,\n    e.g. |x|, of\n    two lines.\n\nRest.") == "A thing, e.g. \\|x\\|, of two lines"
