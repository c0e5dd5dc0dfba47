"""The site is built without a warning, is whole, and loads nothing from other machines."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import funcnn
from tests.docs.pages import ROOT
from tests.docs.website.__main__ import build
from tests.docs.website.docstrings import markdown
from tests.docs.website.staging import drawn

WITHOUT = ("core_in_one_file", "gallery", "table_of_laws")  # to be read, and those whose pictures are pages
LOADED = {"img": "src", "script": "src", "link": "href"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built strictly."""
    folder = tmp_path_factory.mktemp("website") / "site"
    build(folder)
    return folder


class Page(HTMLParser):
    """What a page links to and loads, and its anchors."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag with its attributes."""
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        elif tag in LOADED and LOADED[tag] in given and given.get("rel") not in ("canonical", "next", "prev"):
            self.loads.append(given[LOADED[tag]])


def test_every_link_leads_somewhere(site: Path) -> None:
    """To a page that is there, and to a place on it that is there."""
    pages = {path: Page(path) for path in site.rglob("*.html") if path.name != "404.html"}
    assert len(pages) > 60
    astray: list[str] = []
    for path, page in pages.items():
        for link in page.links:
            target, _, anchor = link.partition("#")
            if ":" in target:
                continue
            there = (path.parent / target).resolve() if target else path
            there = there / "index.html" if there.is_dir() else there
            if not there.exists() or (anchor and anchor not in pages[there].anchors):
                astray.append(f"{path.relative_to(site)} -> {link}")
    assert astray == []


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    """Pictures, scripts and styles lie in the site."""
    for path in site.rglob("*.html"):
        for link in Page(path).loads:
            assert "//" not in link, (path, link)
            if path.name != "404.html":
                assert (path.parent / link.partition("?")[0]).exists(), (path, link)


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    """With its documentation."""
    told = "\n".join(path.read_text(encoding="utf-8") for path in (site / "reference").glob("*.html"))
    anchors = re.findall(r'id="funcnn\.([\w.]+)"', told)
    assert set(funcnn.__all__) - {name.rpartition(".")[2] for name in anchors} == set()
    assert "Deep Learning (2016), algorithm 6.4" in told
    assert re.findall(r"<p>[^<]*&gt;&gt;&gt;", told) == []  # examples are code


def test_every_example_has_a_page(site: Path) -> None:
    """And a place on the page of examples."""
    shown = (site / "examples" / "index.html").read_text(encoding="utf-8")
    for path in (ROOT / "examples").glob("*.py"):
        assert (site / "examples" / f"{path.stem}.html").exists()
        assert f'href="{path.stem}.html"' in shown
        assert path.stem in WITHOUT or f'src="../pictures/{drawn(path)}"' in shown


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("One.\n\nTwo.", "One.\n\nTwo."),
        ("One\ntwo.", "One\ntwo."),
        ("One.\n\nErrors\n    A  b\n      c\nPullback\n    d\nMore.",
         "One.\n\n**Errors**\n\n``` { .text .told }\nA  b\n  c\n```\n\n**Pullback**\n\n``` { .text .told }\nd\n```\n\nMore."),
        ("One:\n\n    y = x\n\n    z", "One:\n\n``` { .text .told }\ny = x\n\nz\n```"),
        (">>> 1\n1\n\n>>> 2\n2", "```pycon\n>>> 1\n1\n```\n\n```pycon\n>>> 2\n2\n```"),
        ("Source: a, in\nb.", "**Source:** a, in\nb."),
    ],
)  # fmt: skip
def test_docstrings(given: str, wanted: str) -> None:
    """Their sections, paragraphs and examples as Markdown."""
    assert markdown(given) == wanted
