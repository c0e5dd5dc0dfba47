"""`python -m funcnn.testing mypkg.layers` writes a test file with one line for every public layer of the module."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from funcnn.testing.ghostwriting import write_tests


def main(arguments: list[str] | None = None) -> int:
    """The program. It prints the file, or writes it where `-o` says; a file that is there is left alone."""
    parser = argparse.ArgumentParser(prog="python -m funcnn.testing", description=__doc__)
    parser.add_argument("module", help="a module with layers, as it is imported: mypkg.layers")
    parser.add_argument("-o", "--output", type=Path, help="the file to write, instead of printing it")
    chosen = parser.parse_args(arguments)
    sys.path.insert(0, "")
    try:
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


if __name__ == "__main__":
    sys.exit(main())
