"""The pytest plugin: options, a marker, failures that read well, and a summary. Loading it imports no laws."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from funcnn.hooks.running import running


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--law-examples` and `--laws`."""
    group = parser.getgroup("funcnn", "laws of layers")
    group.addoption(
        "--law-examples", type=_positive, metavar="N", dest="law_examples", default=None,
        help="cases to try each law on",
    )  # fmt: skip
    group.addoption(
        "--laws", metavar="NAME,NAME", dest="laws", default="", help="run the tests of these laws, and of no others"
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise ArgumentTypeError(f"the number of cases is at least 1, got {text!r}")
    return int(text)


def pytest_configure(config: pytest.Config) -> None:
    """The marker of tests of laws."""
    config.addinivalue_line("markers", "law(name): the test holds something to the law of this name")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `--laws`, the tests of these laws alone."""
    names = {name.strip() for name in str(config.getoption("laws")).split(",") if name.strip()}
    if not names:
        return
    unknown = names - {_law(item) for item in items}
    alone = not hasattr(config, "workerinput")  # a process of xdist must not stop: that is an internal error to it
    if unknown and alone and (unknown := unknown - _listed_laws()):
        raise pytest.UsageError(f"--laws: no test is about {', '.join(sorted(unknown))}, and no law has this name")
    kept = [item for item in items if _law(item) in names]
    if len(kept) < len(items):
        config.hook.pytest_deselected(items=[item for item in items if _law(item) not in names])
        items[:] = kept


def _listed_laws() -> set[str]:
    from funcnn.testing import LAWS, LOSS_LAWS, OPTIMIZER_LAWS  # not above: most runs of pytest want no laws

    return {*LAWS, *LOSS_LAWS, *OPTIMIZER_LAWS}


def _law(item: pytest.Item) -> str:
    marker = item.get_closest_marker("law")
    return "" if marker is None else str(marker.args[0])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Note which test runs."""
    token = running.set(item)
    try:
        return (yield)
    finally:
        running.reset(token)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A broken law is shown by its message alone, which says all: no frames of the laws, no margin in the program.

    What the layer raised follows, from where the layer is called. Whoever asks pytest for another style gets it.
    """
    report = yield
    laws: Any = sys.modules.get("funcnn.testing.judging.verdicts")
    asked = item.config.getoption("fulltrace") or item.config.getoption("tbstyle") not in ("auto", "short")
    if laws is None or asked or call.excinfo is None or not isinstance(call.excinfo.value, laws.LawBroken):
        return report
    broken: Any = call.excinfo.value
    report.longrepr = shown = call.excinfo.getrepr(style="value", chain=False)
    if shown.reprcrash is not None:
        shown.reprcrash.message = broken.headline
    if broken.__cause__ is not None and not broken.told:
        from funcnn.testing.judging.causes import story  # not above, as in _listed_laws

        report.sections.append(("what the layer raised", story(broken.__cause__)))
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How often laws said nothing, worst first: `no verdict` is a kink, or noise that hides the answer."""
    tried = 0
    undecided: list[tuple[float, int, str, str]] = []
    for name, where, (holds, none, _) in _tallies(terminalreporter.stats):
        tried += holds + none
        if none:
            undecided.append((none / (holds + none), none, name, where))
    if not undecided:
        return
    total = sum(none for _, none, _, _ in undecided)
    terminalreporter.section("laws")
    terminalreporter.write_line(f"no verdict in {total} of {tried} cases ({100 * total / tried:.2g} %); most of all:")
    for share, _, name, where in sorted(undecided, reverse=True)[:10]:
        terminalreporter.write_line(f"  {100 * share:3.0f} %  {name}  {where}")


def _tallies(stats: dict[str, list[Any]]) -> Iterator[tuple[str, str, tuple[int, int, int]]]:
    for reports in stats.values():
        for report in reports:
            for key, value in getattr(report, "user_properties", ()):
                if key == "law" and getattr(report, "when", "") == "call":
                    name, holds, none, moot = value
                    yield name, report.nodeid, (holds, none, moot)
