"""Build the site: `python -m tests.docs.website build/site`."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.docs.pages import ROOT
from tests.docs.website.staging import stage


def build(output: Path) -> None:
    """Write the site to a folder, in the place of what is there.

    Errors
        SystemExit   MkDocs warns of something
    """
    with TemporaryDirectory() as folder:
        settings = stage(Path(folder))
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"}
        command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", str(settings)]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(done.stderr + done.stdout)
        shutil.rmtree(output, ignore_errors=True)
        shutil.copytree(settings.parent / "site", output)


def main(arguments: list[str] | None = None) -> None:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m tests.docs.website", description=__doc__)
    parser.add_argument("output", type=Path, help="the folder to write, which is replaced")
    build(parser.parse_args(arguments).output)


if __name__ == "__main__":
    main()
