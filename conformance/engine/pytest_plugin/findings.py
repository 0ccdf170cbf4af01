"""Findings of a run as files, which `python -m conformance replay` reads.

Tests send what they find to the process that leads the run, which writes it at the end. What was
found before, in the same circumstances, and is not found any more, is dropped: what a test found,
by a run with the same profile in which it passed, and all that a rule had by a whole run that held
it.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from conformance.engine.arguments import FINDINGS, NOWHERE, OURS
from conformance.engine.cases.verdicts import Standing, Verdict
from conformance.engine.postgres.folders import is_writable
from conformance.engine.report import sections

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conformance.engine.cases.verdicts import Finding
    from conformance.engine.findings.kept import Circumstances, Kept, Seen

OPTION: Final = "--conformance-findings"
PROPERTY: Final = "conformance finding"
MOST: Final = 200  # files of one run: a schema that lacks a table fails everywhere


class Ended(NamedTuple):
    """End of a run: the standings of rules, and whether it was a whole one."""

    judged: Mapping[str, Standing]
    whole: bool


ENDED = pytest.StashKey[Ended]()
KEPT = pytest.StashKey[frozenset[str]]()  # ids of what the run has written
FOUND_FOLDER = pytest.StashKey[Path | None]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register where findings are kept."""
    parser.getgroup("conformance").addoption(
        OPTION,
        metavar="DIR",
        help=f"keep findings as files in this folder; {NOWHERE}: keep none ({FINDINGS}; "
        "default: .conformance/findings)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Keep what is found here or by all workers; end the run before it begins if that cannot be.

    Raises:
        UsageError: The folder that was named cannot be written to.
    """
    named, folder = _named(config), folder_of(config)
    if named and folder is not None and not is_writable(folder):
        given = OPTION if config.getoption(OPTION) else FINDINGS
        message = f"{given}: cannot write to {named}: name another folder, or {NOWHERE}"
        raise pytest.UsageError(message)
    sections.add(config, _Keeper(config))


def folder_of(config: pytest.Config) -> Path | None:
    """Return the folder of findings; None where none are kept, as in a read-only checkout."""
    if FOUND_FOLDER not in config.stash:
        from conformance.engine.findings.store import FOLDER

        named = _named(config)
        folder = Path(config.invocation_params.dir, named or FOLDER)
        kept = named != NOWHERE and (bool(named) or is_writable(folder))
        config.stash[FOUND_FOLDER] = folder if kept else None
    return config.stash[FOUND_FOLDER]


def unable(config: pytest.Config) -> str:
    """Return in a line why no finding is kept though nobody asked for that; or ''."""
    if folder_of(config) is not None or _named(config) == NOWHERE:
        return ""
    from conformance.engine.findings.store import FOLDER

    folder = Path(config.invocation_params.dir, FOLDER)
    return f"findings: not kept, since {folder} cannot be written: {OPTION} DIR"


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say where no finding is kept."""
    return unable(config) or None


def _named(config: pytest.Config) -> str | None:
    return config.getoption(OPTION) or os.environ.get(FINDINGS) or None


def seen(finding: Finding, path: str, item: pytest.Item) -> Seen | None:
    """Return a finding of a test as it is kept; None where none are."""
    if folder_of(item.config) is None:
        return None
    from conformance.engine.findings.kept import Seen
    from conformance.engine.pytest_plugin.regressions import steps_of

    test = item.nodeid.partition("::")[2]
    return Seen.of(finding, steps_of(finding, item), path, (item.path, test))


class _Keeper:
    """Writes what was found, and says where it is."""

    title = "findings"

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._found: dict[str, Seen] = {}
        self._passed: set[tuple[str, str]] = set()  # files of tests, and the names in them

    def note(self, report: pytest.TestReport) -> None:
        """Note what one test found, or that it passed."""
        if report.when == "call" and report.passed:
            file, _, test = report.nodeid.partition("::")
            self._passed.add((Path(file).name, test))
        for each in sections.carried(report, PROPERTY):
            from conformance.engine.findings.kept import Seen

            self._found.setdefault(each["id"], Seen.from_dict(each))

    def brief(self) -> Iterator[str]:
        """Write files; say how many, and how to replay one."""
        folder = folder_of(self._config)
        ended = self._config.stash.get(ENDED, Ended({}, whole=False))
        if folder is None or not (self._found or ended.judged):
            return
        from conformance.engine.findings import last, store
        from conformance.engine.findings.kept import Kept
        from conformance.engine.pytest_plugin.circumstances import circumstances

        run, now = circumstances(self._config), datetime.now(UTC).isoformat(timespec="seconds")
        stale = self._stale(store.inside(folder), run, ended)
        some = [Kept(each, run, now, now) for each in self._found.values()]
        verdicts = {rule: standing.word for rule, standing in ended.judged.items()}
        try:
            if folder.parent.name == OURS and verdicts:
                last.write(folder.parent, run, verdicts)
            if some:
                store.write(folder, some[:MOST])
                self._config.stash[KEPT] = frozenset(each.seen.id for each in some[:MOST])
            for each in stale:
                store.drop(each)
        except OSError as error:  # a folder that has become full or is gone loses no verdict
            yield f"not kept in {folder}: {error.strerror}"
            return
        if some:
            left = f", and {len(some) - MOST} more that are not" if len(some) > MOST else ""
            yield f"{len(some[:MOST])} kept in {folder}{left}"
            yield f"try one again: framecast-conformance replay {some[0].seen.id}"
        if stale:
            yield f"{len(stale)} dropped from {folder}: not found any more"

    def lines(self) -> Iterator[str]:
        """Return the id of each."""
        yield from self._found

    def missed(self) -> list[str]:
        """Return nothing: what is found fails by itself."""
        return []

    def _stale(self, there: list[Kept], run: Circumstances, ended: Ended) -> list[Kept]:
        """Return what was not found again, though it would have been."""
        return [
            each
            for each in there
            if each.run.is_alike(run)
            and each.seen.id not in self._found
            and (self._has_passed(each, run) or (ended.whole and _holds(each.seen.rule, ended)))
        ]

    def _has_passed(self, kept: Kept, run: Circumstances) -> bool:
        place = (Path(kept.seen.file).name, kept.seen.test)
        return place in self._passed and kept.run.profile == run.profile


def _holds(rule: str, ended: Ended) -> bool:
    """Return whether a rule was held; what stands in the place of one holds if nothing is said."""
    return rule not in ended.judged or ended.judged[rule].verdict is Verdict.HELD
