"""The recorder of a run: gathers what all workers report, judges it, and shows and writes it."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from errno import ENOSPC
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance.engine.cases.verdicts import NOT_RUN, Standing, Verdict
from conformance.engine.pytest_plugin.findings import ENDED, KEPT, Ended
from conformance.engine.pytest_plugin.keys import ENVIRONMENT, runs_tests
from conformance.engine.pytest_plugin.scope import about_all, is_whole, selected
from conformance.engine.pytest_plugin.terminated import TerminatedError
from conformance.engine.report import parts, reasons, sections
from conformance.engine.report.document import ReportError
from conformance.engine.report.parts import Parts
from conformance.engine.report.record import COUNTED, Record
from conformance.engine.report.terminal import UNBROKEN
from framecast_conformance.refused import BEGUN

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from conformance.engine.report.baseline import Baseline
    from conformance.engine.report.forms.extras import Extras

PARTS = pytest.StashKey[Parts]()
DESELECTED = pytest.StashKey[list[pytest.Item]]()
BASELINE = pytest.StashKey["Baseline"]()
REPORT = "conformance_report"  # the option that names the files
FILE = "parts.json"
INTERRUPTS = (KeyboardInterrupt, TerminatedError)
OK = pytest.ExitCode.OK


def unheard(config: pytest.Config, error: OSError) -> pytest.UsageError:
    """Return why a run ends whose output cannot be written; what is left of that goes nowhere."""
    shown = config.get_terminal_writer()._file  # noqa: SLF001 - pytest has no other way to say it
    os.dup2(os.open(os.devnull, os.O_WRONLY), shown.fileno())
    return pytest.UsageError(f"cannot write to standard output: {error.strerror}")


class Recorder:
    """Gathers what the tests of all workers report, and says at the end what that comes to."""

    def __init__(self, config: pytest.Config) -> None:
        """Begin with nothing."""
        self._config = config
        self._record = Record()
        self._sections = sections.of(config)
        self._folder: Path | None = None  # where workers tell of their tests
        self._parts = Parts()
        self._judged: dict[str, Standing] = {}
        self._summaries: list[sections.Summary] = []
        self._begun, self._clock = datetime.now(UTC), time.monotonic()
        self._table: list[str] = []
        self._reasons: list[str] = []  # why rules are unproven
        self._failed: list[str] = []  # why the run failed
        self._lines: list[str] = []  # what is said of the report, and of the run
        self._session: pytest.Session | None = None  # until its report is written
        self._ended_by: list[BaseException] = []

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of pytest-xdist where to write which tests there are."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="framecast-conformance-run-"))
        node.workerinput["parts"] = str(self._folder / FILE)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add what one phase of one test said."""
        self._record.note(report)
        self._sections.note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Add a file of tests that could not be read."""
        self._record.note_collection(report)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> Generator[None, None, None]:
        """Note why a run could not begin."""
        self._session = session
        self._config.stash[BEGUN] = True
        with self._noting():
            yield

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """Note why a run came to no test."""
        with self._noting():
            return (yield)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Note that somebody interrupted the run, which `--maxfail` and its like are not.

        pytest and pytest-xdist have interrupts of their own for these.
        """
        if excinfo.type in INTERRUPTS:
            self._ended_by.append(excinfo.value)

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Note an error that is no test's."""
        self._ended_by.append(excinfo.value)

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except pytest.UsageError as error:
            self._ended_by.append(error)
            raise
        except OSError as error:  # of pytest's own header
            if error.errno != ENOSPC:
                raise
            raise unheard(self._config, error) from None

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a run in which a rule was not held, whatever its tests said; write the report."""
        self._session = None
        if not runs_tests(self._config):
            return
        self._parts = self._known()
        self._judged = self._record.judge(self._parts, whole=about_all(self._config))
        self._config.stash[ENDED] = Ended(self._judged, self._whole)
        self._summaries = self._sections.summaries()
        missed = [line for each in self._summaries for line in each.missed]
        self._table = self._sections.listed("rules", self._rules)
        unproven = partial(self._record.unproven, self._judged)
        self._reasons = self._sections.listed("unproven", unproven)
        if reasons.found(self._ended(session, missed)) and session.exitstatus == OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        self._sections.guarded("the baseline", lambda: self._compare(session, missed))
        targets = self._config.getoption(REPORT, default=None)
        if targets:
            self._write([Path(target) for target in targets], session, missed)
        self._failed = reasons.reasons(self._ended(session, missed))

    def _ended(self, session: pytest.Session, missed: list[str]) -> dict[str, Any]:
        """Return how a run ended, as its report says it."""
        return {
            "exit_status": int(session.exitstatus),
            "errors": [{"said": str(error)} for error in self._ended_by],
            "rules": [
                {"id": name, "verdict": each.word, "failures": each.failures}
                for name, each in self._judged.items()
            ],
            "beside": self._record.beside,
            "failed": [each.as_dict(()) for each in self._record.failed],
            "missed": [*missed, *self._sections.broken.values()],
        }

    def _compare(self, session: pytest.Session, missed: list[str]) -> None:
        """Say what a baseline accepts; end with 0 where nothing failed but that."""
        baseline: Baseline | None = self._config.stash.get(BASELINE, None)
        if baseline is None:
            return
        today = datetime.now(UTC).date()
        found = baseline.settle(self._record, self._judged, whole=self._whole, today=today)
        self._lines += found.notes
        entries = (each for each in found.faults if each.about == baseline.name)
        told = [f"{each.about}: {each.what}" for each in entries]
        self._lines += told
        if found.holds and not missed and not self._sections.broken:
            if session.exitstatus == pytest.ExitCode.TESTS_FAILED:
                session.exitstatus = OK
        elif session.exitstatus == OK and found.faults:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        missed += told

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> Generator[None, None, None]:
        """Print failures by their causes, then what pytest has to say, and the verdicts last."""
        from conformance.engine.report.terminal import Terminal

        if not self._is_of_suite():
            yield
            return
        shown = Terminal(terminalreporter, self._record, self._sections)
        with shown.failures():
            yield
        shown.summaries(self._summaries)
        shown.reasons(self._reasons)
        shown.verdicts(self._table, self._failed)
        for line in self._lines:
            terminalreporter.write_line(line)

    @pytest.hookimpl(tryfirst=True)
    def pytest_unconfigure(self) -> None:
        """Write the report of a run that could not begin; throw away what workers wrote."""
        if self._session is not None and self._ended_by:
            self.pytest_sessionfinish(self._session)
            shown = self._config.pluginmanager.get_plugin("terminalreporter")
            if shown is not None:
                for line in (*self._lines, *self._sections.broken.values()):
                    shown.write_line(line)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _rules(self) -> Iterator[str]:
        """Return a line a rule, or where that is all that is asked, for each that is not held.

        What is wrong is not to be looked for among what is not: `-v` shows both.
        """
        if not self._judged and not self._record.beside:
            return
        from conformance.engine.report import rules

        verbosity = self._config.get_verbosity()
        *rows, counts = rules.lines(
            self._judged,
            self._record.beside,
            width=0 if verbosity > 0 else self._config.get_terminal_writer().fullwidth,
            left_out=self._left_out(verbosity),
        )
        asked = selected(self._config)
        words = " ".join(shlex.quote(each).replace(" ", UNBROKEN) for each in asked)
        yield from (*rows, *([f"selected: {words}"] if asked else []), counts)

    def _left_out(self, verbosity: int) -> tuple[str, ...]:
        """Return the verdicts of rules that are counted, and not listed."""
        if verbosity < 0:
            return Verdict.HELD, NOT_RUN
        words = {standing.word for standing in self._judged.values()}
        is_wrong = bool(words - {Verdict.HELD, NOT_RUN} or self._record.beside)
        return (Verdict.HELD,) if is_wrong and not verbosity else ()

    def _known(self) -> Parts:
        """Return the tests of the run, as far as any process came to know them."""
        if self._folder is not None:
            return parts.read(self._folder / FILE)
        return self._config.stash.get(PARTS, Parts())

    @property
    def _whole(self) -> bool:
        """True if the run was of the whole suite, and came to its end."""
        interrupted = self._record.counts["not_run"] > 0 or not self._parts.tests
        return is_whole(self._config) and not interrupted

    def _is_of_suite(self) -> bool:
        """Return whether the run was about rules, and not about other tests."""
        return bool(self._judged) or any(part.marked for part in self._parts.tests.values())

    def _extras(self, formats: list[str], digests: dict[str, str] | None) -> Extras:
        """Return what a page shows beside the run: the project's mutants of this schema."""
        from conformance.engine.report.forms import PAGE, extras

        if PAGE not in formats:
            return extras.NOTHING
        from conformance.engine.mutants import last

        directory = self._config.invocation_params.dir
        schema = self._config.stash[ENVIRONMENT].migrations
        return extras.Extras(mutants=tuple(last.read(directory, schema)), schema=digests)

    def _write(self, targets: list[Path], session: pytest.Session, missed: list[str]) -> None:
        def write() -> None:
            # They know every way to try every rule, and only a report needs them.
            from conformance.engine.pytest_plugin.about import about, ended, objects, places
            from conformance.engine.report import forms, rules

            counts, stash = self._record.counts, self._config.stash
            kept = stash.setdefault(KEPT, frozenset())
            self._record.forget_all_but(kept)
            of_run = {
                "whole": self._whole,
                "exit_status": int(session.exitstatus),
                "begun": self._begun.isoformat(timespec="seconds"),
                "seconds": round(time.monotonic() - self._clock, 3),
                "counts": {name: counts[name] for name in COUNTED},
                **about(self._config),
            }
            limited = counts["not_run"] > 0 and not self._ended_by
            asked = selected(self._config, ended=limited)
            if asked:
                of_run["selected"] = asked
            if sections.COVERAGE in stash:
                of_run["coverage"] = stash[sections.COVERAGE]()
            if self._ended_by:
                of_run["errors"] = [ended(self._config, error) for error in self._ended_by]
            where = places(self._config)
            if where is not None:
                of_run["folder"] = where.folder
            of_tests = {
                **objects(self._config, where),
                "beside": self._record.beside,
                "failed": [
                    each.as_dict(self._parts.rules(each.test)) for each in self._record.failed
                ],
                "missed": [*missed, *self._sections.broken.values()],
            }
            moves = stash.setdefault(sections.MOVES, {})
            levels = stash.setdefault(sections.LEVELS, {})
            timelines = stash.setdefault(sections.TIMELINES, {})
            seen = rules.Seen(moves, levels, timelines)
            document = rules.document(self._judged, of_run, of_tests, where, seen)
            extras = self._extras([*map(forms.format_of, targets)], document["migrations"])
            for target in targets:
                try:
                    forms.write(document, target, extras=extras)
                except ReportError as error:  # it has become full, or is gone, since the run began
                    self._lines.append(f"report: {error}")
                    missed.append(self._lines[-1])
                    session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
                else:
                    self._lines.append(f"report: {target}")

        before = len(self._sections.broken)
        self._sections.guarded("the report", write)
        if len(self._sections.broken) > before and session.exitstatus == OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
