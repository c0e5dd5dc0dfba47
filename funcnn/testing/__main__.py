"""`python -m funcnn.testing mypkg.layers` writes a test file with one line for every public layer of the module."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from funcnn.testing.ghostwriting import check, write_tests
from funcnn.testing.trials.reports import as_html


def main(arguments: list[str] | None = None) -> int:
    """The program. It prints the file, or writes it where `-o` says; a file that is there is left alone."""
    parser = argparse.ArgumentParser(prog="python -m funcnn.testing", description=__doc__)
    parser.add_argument("module", help="a module with layers, as it is imported: mypkg.layers")
    parser.add_argument("-o", "--output", type=Path, help="the file to write, instead of printing it")
    parser.add_argument("--check", action="store_true", help="write no file: hold the layers to the laws, and report")
    parser.add_argument("--html", type=Path, help="with --check: a table of laws and layers, as a page")
    chosen = parser.parse_args(arguments)
    if chosen.html and not chosen.check:
        parser.error("--html is a table of what --check finds; add --check")
    if chosen.output and chosen.check:
        parser.error("-o writes tests, and --check writes none; drop one of the two")
    sys.path.insert(0, "")
    try:
        if chosen.check:
            return _checked(chosen.module, chosen.html)
        text = write_tests(chosen.module)
    except (ImportError, ValueError) as error:
        parser.error(str(error))
    if chosen.output is None:
        print(text, end="")
        return 0
    try:
        with chosen.output.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        parser.error(f"{chosen.output} is there already; remove it, or give another name")
    except OSError as error:
        parser.error(f"{chosen.output} cannot be written: {error.strerror}; is its folder there?")
    return 0


def _checked(module: str, html: Path | None) -> int:
    """Report on the layers of a module; 1 where a law is broken."""
    reports, untried = check(module)
    for source, report in reports.items():
        print(f"{source}\n{report}\n")
    if html is not None:
        html.write_text(as_html(reports), encoding="utf-8")
    if untried:
        print(
            f"NOT TRIED, for their arguments or their input cannot be guessed: {', '.join(untried)}; write a line for "
            f"each, TestLayer = laws(...), or combinator_laws(...)",
            file=sys.stderr,
        )  # fmt: skip
    return int(not all(report.held for report in reports.values()))


if __name__ == "__main__":
    sys.exit(main())
