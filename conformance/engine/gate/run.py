"""The whole gate: eight sections, from a look at the target to the audit of its data."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import psycopg

from conformance.engine.audit import enforcement, snapshot
from conformance.engine.audit.findings import Fault, Section
from conformance.engine.audit.run import Known, Wish, ask, closed, gone
from conformance.engine.audit.target import TargetError, examine, reading
from conformance.engine.deployment import migrations, waivers
from conformance.engine.deployment.history import pending
from conformance.engine.deployment.migration import HistoryError
from conformance.engine.deployment.migrations import MigrationError
from conformance.engine.gate import (
    changes,
    data_loss,
    demands,
    dropped,
    locks,
    numbers,
    published,
    rehearsal,
    row_changes,
    sleeping,
    target_objects,
    trial,
    unasked,
)
from conformance.engine.gate import lint as linter
from conformance.engine.gate.called import Bodies
from conformance.engine.gate.files import Files
from conformance.engine.gate.proof import ALIKE, Proof
from conformance.engine.gate.result import Run
from conformance.engine.gate.sections import AGAIN, refusals, section_of, unsettled
from conformance.engine.postgres import ProvisionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.engine.audit.description import Description
    from conformance.engine.audit.target import Connection, Target
    from conformance.engine.deployment.migrations import Migration
    from conformance.engine.gate.sections import Effort
    from conformance.engine.gate.trial import Trial
    from conformance.engine.postgres import Request
    from conformance.engine.postgres.scratch import Scratch
    from conformance.engine.progress import Say

# What a scratch server, or what is installed there, may end with.
UNSETTLED = (MigrationError, ProvisionError, TargetError, psycopg.Error)
STOPPED = "something is wrong already: --keep-going asks all the same"
UNKNOWN = "the files do not say what the target is"


class Gate:
    """One run of the gate; `sections` grows as they are asked."""

    def __init__(
        self,
        wish: Wish,
        effort: Effort,
        show: Callable[[Section], None],
        say: Say,
    ) -> None:
        """Begin; nothing is asked yet.

        Args:
            wish: what to ask, and where.
            effort: how hard to try.
            show: receives each section when it is done.
            say: receives how far it has come.
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
        self._number = 1  # of the section that is being asked

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

    def in_order(self) -> list[Section]:
        """Return the sections as the documentation counts them; they are asked in another order."""
        return sorted(self.sections, key=lambda section: section.number)

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
        self._done(linter.lint(files.pending, target.major, files.applied))
        self._scratch(target, files)

    def _look(self) -> Target | None:
        section = section_of(1)
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
                "audit it, and if all files were run there, framecast-conformance migrate --record"
            )
            section.faults.append(Fault("schema_migrations", what, remedy))
        self._done(section)
        return target

    def _divide(self, every: Sequence[Migration], target: Target) -> Files | None:
        section = section_of(2)
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
        refused = [each for file in todo for each in refusals(file)]
        section.faults += refused
        section.asked = not (target.installed and not target.applied)
        names = ", ".join(file.name for file in todo) or "none"
        section.summary = f"{len(applied)} applied, as they were; pending: {names}"
        section.notes = [str(waiver) for waiver in waived]
        if undoing := migrations.left_out(self._wish.directory):
            section.notes.append(f"not run, since they undo others: {', '.join(undoing)}")
        section.notes += migrations.below(self._wish.directory)
        self._done(section)
        if not section.asked:
            return None
        self._files = Files(applied, todo, tuple(before), tuple(waived), refused=bool(refused))
        return self._files

    def _scratch(self, target: Target, files: Files) -> None:
        """Ask what needs a scratch server, and the target: first what costs little."""
        wish = self._wish
        expected: Description | str = ""
        self._number = 4
        try:
            request = enforcement.request_of(target.major, wish.options, wish.environ)
            with enforcement.scratch_of(target.major, wish.options, wish.environ) as scratch:
                self._say("installing the applied files on a scratch server")
                files, stand_ins = files.on(scratch, target)
                expected = (
                    enforcement.expected_of(scratch, files.applied) if files.applied else "no file"
                )
                if files.refused:
                    self._skip(4, 6, "a pending file may not be run: see section 2")
                elif (attempt := self._trial(scratch, target, files)) is not None:
                    attempt.notes += stand_ins
                    self._audit(target, expected, files.applied)
                    self._prove(scratch, request, files, attempt)
        except UNSETTLED as error:  # also of ending the server, when all else is known
            if not self._is_done(self._number):
                self._done(unsettled(section_of(self._number), error))
            expected = expected or str(error)
        self._skip(4, 6)
        if not self._is_done(snapshot.NUMBER):
            self._audit(target, expected, files.applied)

    def _prove(self, scratch: Scratch, request: Request, files: Files, attempt: Trial) -> None:
        """Rehearse the files, and run the suite, as long as nothing is wrong."""
        self._number = 5
        # Where there is no schema yet, nobody has a right to lose.
        faults, notes = (
            changes.look(attempt.steps, files, attempt.otherwise) if files.applied else ([], [])
        )
        faults += [attempt.denied] if attempt.denied else []
        if faults and not self._effort.keep_going:
            section = section_of(5, "applied where there are no data")
            section.asked = True
        elif self._stops():
            section = None
        else:
            section = self._rehearsal(scratch, files)
        if section is not None:
            section.faults += faults
            section.notes += attempt.notes + notes
            self._done(section)
        if self._stops():
            self._skip(4, 6, STOPPED)
            return
        self._number = 4
        profile, timeout = self._effort.profile, self._effort.timeout
        how = Run(request, scratch.server.version, profile, timeout, say=self._say)
        proof = Proof(scratch, files, attempt.steps, how, keep_going=self._effort.keep_going)
        section, asked = self._suite(scratch, proof)
        self._done(section)
        self._number = 6
        section = section_of(6, "there are no verdicts")
        if asked:
            section = proof.section()
            section.faults += proof.misplaced()
        self._done(section)

    def _stops(self) -> bool:
        """Return whether something is wrong already, so that what takes minutes is left out."""
        return not self._effort.keep_going and any(each.faults for each in self.sections)

    def _trial(self, scratch: Scratch, target: Target, files: Files) -> Trial | None:
        """Tell at once what cannot be applied even where there are no data."""
        self._number = 5
        self._say("applying the pending files where there are no data")
        attempt = trial.tried(scratch, files, target.owner)
        if attempt.fault is None:
            self._tried = attempt, files
            return attempt
        section = section_of(5, "applied where there are no data")
        section.asked = True
        section.faults.append(attempt.fault)
        self._done(section)
        self._skip(4, 6, "the pending files cannot be applied: see section 5")
        return None

    def _suite(self, scratch: Scratch, proof: Proof) -> tuple[Section, bool]:
        """Run the suite; return the section that says so, and whether it came to its end."""
        section = section_of(4)
        if not proof.is_needed:
            section.asked, section.summary = True, ALIKE
            return section, True
        try:
            proof.ask()
        except TargetError as error:
            remedy = "see what it says: framecast-conformance test --migrations … on these files"
            section.faults.append(Fault("pytest conformance", str(error), remedy))
            return section, False
        section.asked, section.notes = True, proof.notes
        origin = scratch.server.origin
        section.summary = f"profile {self._effort.profile} on {origin}; verdicts in section 6"
        return section, True

    def _rehearsal(self, scratch: Scratch, files: Files) -> Section:
        try:
            early = not self._effort.keep_going
            return rehearsal.rehearse(scratch, files, self._effort.seed, self._say, early=early)
        except UNSETTLED as error:
            return unsettled(section_of(5), error)

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
                section = section_of(number, "there is no schema yet, and no data")
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
        asked, notes = demands.of_files(attempt.steps[0], attempt.steps[-1], files.pending)
        faults, further = demands.ask(conn, asked, files.pending, files.waived)
        asked_of = row_changes.of_files(files.pending, conn)
        lost, kept = data_loss.ask(conn, asked_of, files.waived, files.pending)
        faults, further = faults + lost, further + kept + unasked.ask(conn, files.pending)
        for again, known in (
            numbers.ask(conn, files.pending, files.waived),
            published.ask(conn, attempt.steps, files.pending, files.waived),
            target_objects.ask(conn, attempt.steps, files.pending, files.waived),
            dropped.ask(conn, files.pending, attempt.absent, files.waived),
            sleeping.look(files.pending, Bodies(files.pending, conn), files.waived),
        ):
            faults, further = faults + again, further + known
        for file in files.pending:
            held = attempt.locks.get(file.name, ())
            long, short = locks.estimate(conn, file, held, files.waived)
            faults, notes = faults + long, notes + short
        return faults, notes + further

    def _skip(self, first: int, last: int, why: str = "") -> None:
        for number in range(first, last + 1):
            if not self._is_done(number):
                self._done(section_of(number, why))

    def _is_done(self, number: int) -> bool:
        return any(section.number == number for section in self.sections)

    def _done(self, section: Section) -> None:
        self.sections.append(section)
        self._show(section)


def _makes_no_table(expected: Description | str) -> bool:
    """Return whether the applied files are known to end before the first table of the schema."""
    return not isinstance(expected, str) and all(kind != "relation" for kind, _ in expected)
