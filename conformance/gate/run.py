"""The whole gate: eight sections, from a look at the target to the audit of its data."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from conformance.audit import enforcement, snapshot
from conformance.audit.findings import Fault, Section
from conformance.audit.run import Known, Wish, ask, closed, gone
from conformance.audit.target import TargetError, examine, reading
from conformance.deployment import waivers
from conformance.deployment.migration import HistoryError
from conformance.gate import changes, compare, demands, rehearsal, suite, trial
from conformance.gate import lint as linter
from conformance.gate.files import Files
from conformance.migrate import migrations
from conformance.migrate.history import pending
from conformance.migrate.migrations import MigrationError
from conformance.postgres import ProvisionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from conformance.audit.description import Description
    from conformance.audit.target import Connection, Target
    from conformance.gate.suite import Result
    from conformance.gate.trial import Trial
    from conformance.migrate.migrations import Migration
    from conformance.postgres import Request
    from conformance.postgres.scratch import Scratch

# What a scratch server, or what is installed there, may end with.
UNSETTLED = (MigrationError, ProvisionError, TargetError, psycopg.Error)
AGAIN = "nothing is known of it until it can be asked: do that, and run the gate again"
UNKNOWN = "the files do not say what the target is"
TITLES = {
    1: "target",
    2: "files",
    linter.NUMBER: linter.TITLE,
    4: "suite",
    rehearsal.NUMBER: rehearsal.TITLE,
    compare.NUMBER: compare.TITLE,
    snapshot.NUMBER: snapshot.TITLE,
    enforcement.NUMBER: enforcement.TITLE,
}


@dataclass(frozen=True)
class Effort:
    """Effort of the gate: profile, seed and states.

    Attributes:
        profile: Hypothesis', for the suite on each schema.
        timeout: seconds that each of its runs may take.
        seed: what the rehearsal's random runs draw.
    """

    profile: str
    timeout: float
    seed: int


class Gate:
    """One run of the gate; `sections` grows as they are asked."""

    def __init__(
        self,
        wish: Wish,
        effort: Effort,
        show: Callable[[Section], None],
        say: Callable[[str], None],
    ) -> None:
        """Begin; nothing is asked yet.

        Args:
            wish: what to ask, and where.
            effort: how hard to try.
            show: receives each section when it is done.
            say: receives lines of progress.
        """
        self.sections: list[Section] = []
        self._wish = wish
        self._effort = effort
        self._show = show
        self._say = say
        self._tried: tuple[Trial, Files] | None = None
        self._target: Target | None = None
        self._files: Files | None = None
        self._begun = time.monotonic()

    def facts(self) -> dict[str, Any]:
        """Return what was asked about, for `migrate --gated` and for people: database and files."""
        facts: dict[str, Any] = {"seconds": round(time.monotonic() - self._begun, 1)}
        if self._target is not None:
            facts["target"] = {
                "database": self._target.database,
                "release": self._target.release,
                "role": self._target.role,
            }
            facts["files"] = {"applied": dict(self._target.applied), "pending": {}}
        if self._files is not None:
            facts["files"]["pending"] = {each.name: each.sha256 for each in self._files.pending}
        return facts

    def run(self) -> None:
        """Ask all sections; what one needs and does not have, it says.

        Raises:
            MigrationError: the folder cannot be read.
            ProvisionError: two scratch servers are named at once.
        """
        every = migrations.load(self._wish.directory)
        enforcement.request_of(0, self._wish.options, self._wish.environ)
        target = self._look()
        if target is None:
            self._skip(2, 8)
            return
        files = self._divide(every, target)
        if files is None:
            self._skip(3, 6, UNKNOWN)
            self._audit(target, UNKNOWN)
            return
        self._done(linter.lint(files.pending, target.major))
        self._audit(target, self._scratch(target, files), files.applied)

    def _look(self) -> Target | None:
        section = _section(1)
        try:
            with reading(self._wish.url, self._wish.limits) as conn:
                target = examine(conn, self._wish.record, self._wish.migrates_as)
        except TargetError as error:
            section.faults.append(Fault("target", str(error), AGAIN))
            self._done(section)
            return None
        self._target = target
        section.asked, section.summary = True, f"{target}; read only"
        if target.installed and not target.applied:
            what = "it has a schema, and no record of which files made it"
            remedy = (
                "audit it, and if all files were run there, python -m conformance migrate --record"
            )
            section.faults.append(Fault("schema_migrations", what, remedy))
        self._done(section)
        return target

    def _divide(self, every: Sequence[Migration], target: Target) -> Files | None:
        section = _section(2)
        try:
            todo = pending(every, target.applied)
        except HistoryError as error:
            section.faults += [Fault(*each) for each in error.faults]
            section.asked = True
            self._done(section)
            return None
        applied = tuple(file for file in every if file not in todo)
        before, _ = waivers.of_files(applied)
        waived, wrong = waivers.of_files(todo)
        for each in wrong:
            place, _, what = each.partition(": ")
            section.faults.append(
                Fault(place, what, "a waiver that is not understood waives nothing")
            )
        refused = [each for file in todo for each in _refusals(file)]
        section.faults += refused
        section.asked = not (target.installed and not target.applied)
        names = ", ".join(file.name for file in todo) or "none"
        section.summary = f"{len(applied)} applied, as they were; pending: {names}"
        section.notes = [str(waiver) for waiver in waived]
        self._done(section)
        if not section.asked:
            return None
        self._files = Files(applied, todo, tuple(before), tuple(waived), refused=bool(refused))
        return self._files

    def _scratch(self, target: Target, files: Files) -> Description | str:
        """Ask what needs a scratch server; return what the target should be, or why not."""
        wish = self._wish
        expected: Description | str = ""
        number, section = 4, None
        try:
            request = enforcement.request_of(target.major, wish.options, wish.environ)
            with enforcement.scratch_of(target.major, wish.options, wish.environ) as scratch:
                self._say("installing the applied files on a scratch server")
                expected = (
                    enforcement.expected_of(scratch, files.applied) if files.applied else "no file"
                )
                if files.refused:
                    self._skip(4, 6, "a pending file may not be run: see section 2")
                    return expected
                attempt = self._trial(scratch, target, files)
                if attempt is None:
                    return expected
                self._tried = attempt, files
                after, before = self._verdicts(scratch, request, files)
                number = 5
                self._done(self._rehearsal(scratch, files, attempt))
                number, section = 6, _section(6, "there are no verdicts")
                if after is not None:
                    section = compare.compare(before, after, files.waived, files.given_up)
        except UNSETTLED as error:  # also of ending the server, when all else is known
            section = _unsettled(section or _section(number), error)
            expected = expected or str(error)
        self._done(section)
        self._skip(number + 1, 6)
        return expected

    def _trial(self, scratch: Scratch, target: Target, files: Files) -> Trial | None:
        """Tell at once what cannot be applied even where there are no data."""
        self._say("applying the pending files where there are no data")
        attempt = trial.tried(scratch, files, target.owner)
        fault = attempt.fault
        if fault is None:
            return attempt
        self._skip(4, 4, "the pending files cannot be applied: see section 5")
        section = _section(5, "applied where there are no data")
        section.asked = True
        section.faults.append(fault)
        self._done(section)
        self._skip(6, 6, "there are no verdicts")
        return None

    def _verdicts(
        self, scratch: Scratch, request: Request, files: Files
    ) -> tuple[Result | None, Result | None]:
        """Run the suite on the schema as it will be, and on the schema as it is."""
        section = _section(4)
        profile, timeout = self._effort.profile, self._effort.timeout
        how = suite.Run(request, scratch.server.version, profile, timeout)
        before = after = None
        try:
            if files.applied:
                self._say("running the suite on the schema as it is")
                before, known = suite.run_once(files.applied, how)
                if known:
                    section.notes.append("the verdicts on the schema as it is are from the cache")
            if files.pending or not files.applied:
                self._say("running the suite on the schema as it will be")
                after = suite.run((*files.applied, *files.pending), how)
            else:
                after = before
        except TargetError as error:
            remedy = "see what it says: pytest conformance --migrations … on these files"
            section.faults.append(Fault("pytest conformance", str(error), remedy))
            self._done(section)
            return None, None
        section.asked = True
        section.summary = f"profile {profile} on {scratch.server.origin}; verdicts in section 6"
        self._done(section)
        return after, before

    def _rehearsal(self, scratch: Scratch, files: Files, attempt: Trial) -> Section:
        try:
            section = rehearsal.rehearse(scratch, files, self._effort.seed, self._say)
        except UNSETTLED as error:
            section = _unsettled(_section(5), error)
        faults, notes = changes.look(attempt.steps, files)
        section.faults += faults + ([attempt.denied] if attempt.denied else [])
        section.notes += attempt.notes + notes
        return section

    def _audit(
        self, target: Target, expected: Description | str, applied: Sequence[Migration] = ()
    ) -> None:
        why = "" if _makes_no_table(expected) else gone(target)
        if why:
            for section in closed(why, settled=True):
                self._done(section)
            return
        if not target.installed:
            for number in (snapshot.NUMBER, enforcement.NUMBER):
                section = _section(number, "there is no schema yet, and no data")
                section.asked = True
                self._done(section)
            return
        for section in ask(self._wish, target, expected, self._say, Known(applied, self._demand)):
            self._done(section)

    def _demand(self, conn: Connection) -> tuple[list[Fault], list[str]]:
        """Ask the target's own rows what the pending files newly demand of them."""
        if self._tried is None or not self._tried[0].steps:
            return [], []
        attempt, files = self._tried
        asked, notes = demands.of_files(attempt.steps[0], attempt.steps[-1])
        faults, further = demands.ask(conn, asked, files.pending)
        return faults, notes + further

    def _skip(self, first: int, last: int, why: str = "") -> None:
        for number in range(first, last + 1):
            self._done(_section(number, why))

    def _done(self, section: Section) -> None:
        self.sections.append(section)
        self._show(section)


def _refusals(file: Migration) -> Iterator[Fault]:
    """Yield what of a file is for another program, or reaches beyond the database."""
    for refuse in (migrations.refuse_foreign_parts, migrations.refuse_reach):
        try:
            refuse(file)
        except MigrationError as error:
            place, _, what = str(error).removeprefix(f"{file.path.parent}{os.sep}").partition(": ")
            what, _, remedy = what.rpartition(": ")
            yield Fault(place, what, remedy)


def _makes_no_table(expected: Description | str) -> bool:
    """Return whether the applied files are known to end before the first table of the schema."""
    return not isinstance(expected, str) and all(kind != "relation" for kind, _ in expected)


def _unsettled(section: Section, error: Exception) -> Section:
    if isinstance(error.__context__, KeyboardInterrupt):  # it came of cleaning up after Ctrl-C
        raise error.__context__
    said = " ".join(str(error).split())
    section.faults.append(Fault("scratch server", said, AGAIN))
    return section


def _section(number: int, summary: str = "") -> Section:
    return Section(number, TITLES[number], summary)
