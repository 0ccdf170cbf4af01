"""Runs of all there is get workers without asking; others do not."""

import os
from argparse import Namespace
from pathlib import Path
from typing import Any, Final

import pytest

from conformance.engine.pytest_plugin import workers

ROOT: Final = Path(__file__).parents[3]
CORES: Final = len(os.sched_getaffinity(0))


def options(*asked: str, **given: Any) -> Namespace:
    """Return what pytest knows of a command line before its plugins are loaded."""
    return Namespace(file_or_dir=list(asked), numprocesses=None, dist="no", **given)


@pytest.mark.parametrize("whole", ["conformance", "tests"])
def test_a_run_of_everything_takes_all_cores(whole: str) -> None:
    """The suite, and the tests of the suite, are spread over as many workers as there are cores."""
    expected = ["--numprocesses", str(CORES), "--dist", "worksteal"] if CORES > 1 else []
    assert expected == workers.arguments(options(whole), ROOT)


@pytest.mark.parametrize(
    "chosen",
    [
        options("conformance.test_rules", pyargs=True),
        options("conformance/test_rules.py"),
        options("conformance", keyword="inv_t2__"),
        options("conformance", collectonly=True),
        options("conformance", usepdb=True),
        options(),
        Namespace(file_or_dir=["conformance"], numprocesses=0, dist="no"),
        Namespace(file_or_dir=["conformance"], numprocesses=None, dist="load"),
    ],
    ids=str,
)
def test_who_chooses_gets_what_was_chosen(chosen: Namespace) -> None:
    """A file, a name, a debugger or a number of workers leaves the command line as it is."""
    assert [] == workers.arguments(chosen, ROOT)


@pytest.mark.parametrize(
    ("argument", "expected"),
    [("conformance", True), ("conformance/test_rules.py::test_rule", True), ("tests", False)],
)
def test_the_suite_is_known_by_its_path(argument: str, expected: bool) -> None:
    """Every part of the suite that is named is the suite; its tests are not."""
    assert expected == workers.names_suite([argument], ROOT)


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("conformance", workers.SUITE),
        ("conformance.test_rules::test_rule", workers.SUITE / "test_rules.py"),
        ("conformance/test_rules.py", Path("/nowhere/conformance/test_rules.py")),
        ("strategies", Path("/nowhere/strategies")),
    ],
)
def test_the_suite_is_known_by_its_name(argument: str, expected: Path) -> None:
    """Where names of packages are asked for, the suite is where it is installed."""
    assert [expected] == workers.paths([argument], Path("/nowhere"), pyargs=True)
    named = workers.names_suite([argument], Path("/nowhere"), pyargs=True)
    assert expected.is_relative_to(workers.SUITE) == named


def test_every_module_of_the_suite_has_its_place() -> None:
    """No module runs first because nobody said when; tests of others run before all of them."""
    modules = sorted(workers.SUITE.glob("test_*.py"))

    assert [each.stem for each in modules] == sorted(workers.ORDER)
    places = [workers.place(each) for each in modules]
    assert [*range(len(modules))] == sorted(places)
    assert workers.place(Path(__file__)) < min(places)
