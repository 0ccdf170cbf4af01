"""Scope of a run: the whole suite, all rules, or some tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from conformance.engine.pytest_plugin import keywords, workers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pytest

SUITE = Path(__file__).resolve().parents[2]
RULE_TESTS = SUITE / "test_rules.py"
# Options that leave tests out, as they are written.
SOME: Final = {
    "keyword": "-k",
    "markexpr": "-m",
    "deselect": "--deselect",
    "lf": "--last-failed",
    "stepwise": "--stepwise",
    "collectonly": "--collect-only",
    "ignore": "--ignore",
    "ignore_glob": "--ignore-glob",
    "only_changed": "--only-changed",
}
LIMITS: Final = {
    "max_time": "--max-time",
    "max_failures": "--max-failures",
    "maxfail": "--maxfail",
}
SINCE: Final = {"changed_since": "--changed-since", "changed": "--changed"}


def is_whole(config: pytest.Config) -> bool:
    """Return whether a run was asked for all tests of the suite."""
    return not selected(config)


def about_all(config: pytest.Config) -> bool:
    """Return whether a run is about all rules, those that no test tries included."""
    return not [*_options(config)] and _asks_for(config, RULE_TESTS)


def selected(config: pytest.Config, *, ended: bool = False) -> list[str]:
    """Return the words of a command line that ask for a part of the suite; [] for all of it.

    Wherever the suite is installed, its files are named from there.

    Args:
        config: of the run.
        ended: whether a limit has ended it.
    """
    limits = [*_given(config, LIMITS)] if ended else []
    files = [] if _asks_for(config, SUITE) else config.args
    return [*_options(config), *limits, *(each.removeprefix(f"{SUITE.parent}/") for each in files)]


def _options(config: pytest.Config) -> Iterator[str]:
    for rule in config.getoption("rule", default=[]):
        yield from ("--rule", rule)
    shown = {**SOME, **SINCE} if config.getoption("only_changed", default=False) else SOME
    yield from _given(config, shown)


def _given(config: pytest.Config, options: Mapping[str, str]) -> Iterator[str]:
    for name, option in options.items():
        value = config.getoption(name, default=None)
        if name == "keyword":  # without what `--rule` says
            value = config.stash.get(keywords.GIVEN, value)
        for each in value if isinstance(value, list) else [value]:
            if each:
                yield from (option,) if each is True else (option, str(each))


def _asks_for(config: pytest.Config, wanted: Path) -> bool:
    pyargs = bool(config.getoption("pyargs", default=False))
    files = [each for each in config.args if "::" not in each]  # which names tests of a file
    asked = workers.paths(files, config.invocation_params.dir, pyargs=pyargs)
    return any(wanted.is_relative_to(path) for path in asked)
