"""The pages of the site, gathered in a folder: those of docs, the README, the changelog, examples, the reference."""

from __future__ import annotations

import ast
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.docs.contents import MODULES, beside, families, homes, topics
from tests.docs.pages import ROOT

HERE = Path(__file__).parent
LINK = re.compile(r"(!?\[[^\]]*\])\(([^)\s]+)\)")
Nav = list[Any]
Families = Mapping[str, list[str]]


def stage(folder: Path) -> Path:
    """Write all pages to `folder/pages`; the configuration beside them, which is returned."""
    pages = folder / "pages"
    shutil.copytree(ROOT / "docs", pages)
    shutil.copy(HERE / "style.css", pages)
    for name in ("CHANGELOG.md", "README.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        (pages / name.lower()).write_text(_moved(text, ROOT, ROOT / "docs"), encoding="utf-8")
    _tutorial(pages)
    examples, reference = _examples(pages), _reference(pages)
    for page in (ROOT / "docs").rglob("*.md"):
        text = page.read_text(encoding="utf-8")
        (pages / page.relative_to(ROOT / "docs")).write_text(_moved(text, page.parent, page.parent), encoding="utf-8")
    settings = (HERE / "mkdocs.yml").read_text(encoding="utf-8")
    for name, below in {"Examples": examples, "Reference": reference, "Contributing": _contributing(pages)}.items():
        settings = settings.replace(f"- {name}: []", f"- {name}: {json.dumps(below)}")  # which is YAML too
    path = folder / "mkdocs.yml"
    path.write_text(settings, encoding="utf-8")
    return path


def _moved(text: str, here: Path, to: Path) -> str:
    """Links of a page as they are on the site: examples and the files beside docs are pages there."""

    def moved(match: re.Match[str]) -> str:
        label, target = match.groups()
        if ":" in target or target.startswith("#"):
            return match[0]
        path, hash_, anchor = target.partition("#")
        full = (here / path).resolve()
        if full.is_relative_to(ROOT / "docs"):
            place = full.relative_to(ROOT / "docs").as_posix()
        elif full.is_relative_to(ROOT / "examples"):
            inner = full.relative_to(ROOT / "examples")
            place = "tutorial.md" if full.suffix == ".ipynb" else f"examples/{inner.with_suffix('.md').as_posix()}"
            if full.is_dir():
                place = "examples/index.md"
        else:
            place = {"README.md": "readme.md", "CHANGELOG.md": "changelog.md"}.get(full.name, "")
        if not place:
            return f"{label.lstrip('!')[1:-1]}"  # what the site has not: the words stay
        ups = "../" * len(to.relative_to(ROOT / "docs").parts)
        return f"{label}({ups}{place}{hash_}{anchor})"

    return LINK.sub(moved, text)


def _tutorial(pages: Path) -> None:
    """The notebook as a page."""
    cells = json.loads((ROOT / "examples" / "tutorial.ipynb").read_text(encoding="utf-8"))["cells"]
    parts = ["".join(cell["source"]) for cell in cells]
    kinds = [cell["cell_type"] for cell in cells]
    text = "\n\n".join(part if kind == "markdown" else f"```python\n{part}\n```" for part, kind in zip(parts, kinds))
    (pages / "tutorial.md").write_text(_moved(text, ROOT / "examples", ROOT / "docs") + "\n", encoding="utf-8")


def _contributing(pages: Path) -> Nav:
    """The pages for people who carry on the work."""
    others = sorted(path.name for path in (pages / "contributing").glob("*.md") if path.name != "index.md")
    return [f"contributing/{name}" for name in ("index.md", *others)]


def _examples(pages: Path) -> Nav:
    """A page for every example, with its text, and one that shows them all."""
    folder = pages / "examples"
    folder.mkdir()
    cards: list[str] = []
    found: Nav = ["examples/index.md"]
    benchmarks: Nav = []
    for path in sorted((ROOT / "examples").rglob("*.py")):
        inner = path.relative_to(ROOT / "examples")
        if inner.name == "__init__.py":
            continue
        text = path.read_text(encoding="utf-8")
        said = ast.get_docstring(ast.parse(text)) or ""
        first, _, rest = said.partition("\n\n")
        picture = drawn(path)
        ups = "../" * len(inner.parts)
        shown = f"![what it draws]({ups}pictures/{picture})\n\n" if picture else ""
        page = folder / inner.with_suffix(".md")
        page.parent.mkdir(exist_ok=True)
        body = f"# {path.stem}\n\n{first}\n\n{shown}" + (f"```text\n{rest}\n```\n\n" if rest else "")
        page.write_text(f'{body}```python title="examples/{inner.as_posix()}"\n{text}```\n', encoding="utf-8")
        (benchmarks if len(inner.parts) > 1 else found).append(f"examples/{inner.with_suffix('.md').as_posix()}")
        if len(inner.parts) == 1:
            image = f'<img src="../pictures/{picture}" alt="">' if picture else ""
            cards.append(f'<a href="{path.stem}.html">{image}<strong>{path.stem}</strong>{_plain(first)}</a>')
    text = (
        "# Examples\n\nEach is a program of its own in `examples/`, made to be read and changed; `--quick` runs it in "
    )
    text += 'seconds. The pictures are what they draw.\n\n<div class="examples">\n' + "\n".join(cards) + "\n</div>\n"
    (folder / "index.md").write_text(text, encoding="utf-8")
    return [*found, {"Benchmarks": benchmarks}]


def drawn(example: Path) -> str | None:
    """The picture of an example, which it makes itself, as a path below that of all pictures."""
    pages = {"concepts": "concepts/vjp.svg", "pictures": "boundary.png"}
    places = [pages[example.stem]] if example.stem in pages else [f"examples/{example.stem}.{s}" for s in ("png", "svg")]
    there = [place for place in places if (ROOT / "docs" / "pictures" / place).exists()]
    return there[0] if there and example.parent.name == "examples" else None


def _plain(text: str) -> str:
    return re.sub(r"[`*]", "", text.replace("&", "&amp;").replace("<", "&lt;")).replace("\n", " ")


def _reference(pages: Path) -> Nav:
    """The public names by topic, a page each, as the page of contents has them."""
    (pages / "reference").mkdir()
    where = homes("funcnn")
    found: Nav = [
        _topic(pages, topic, families(topic, names, where), where, "funcnn") for topic, names in topics().items()
    ]
    return found + [_topic(pages, topic, {"": beside(name)}, homes(name), name) for name, topic in MODULES.items()]


def _topic(pages: Path, topic: str, names: Families, where: Mapping[str, str], module: str) -> dict[str, str]:
    title = topic[0].upper() + topic[1:]
    parts = [f"# {title}", f"From `{module}`."]
    for family, members in names.items():
        parts += [f"## {family}"] * bool(family)
        parts += [f"::: {where.get(name, module)}.{name}" for name in members]
    path = f"reference/{re.sub(r'[^a-z]+', '_', title.lower())}.md"
    (pages / path).write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return {title: path}
