"""Verdicts on the schema as it is and as it will be, as its owner and as the application's role."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from conformance.engine.domain.chosen import domain
from conformance.engine.gate import changes, compare, further, suite, waived

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.audit.description import Description
    from conformance.engine.audit.findings import Fault, Section
    from conformance.engine.deployment.migrations import Migration
    from conformance.engine.gate.files import Files
    from conformance.engine.gate.suite import Result
    from conformance.engine.postgres.scratch import Scratch
    from conformance.engine.progress import Say

CACHED = "the verdicts on the schema as it is are from the cache"
ALIKE = "the pending files leave alone what is there: the verdicts are those of the schema as it is"
NO_ROLE = "not asked as {}: the schema as it will be gives it nothing"
AS_ROLE = "asked as {} too: all of the suite that needs one session"


class Proof:
    """Runs of the suite on two schemas, and what they say of the pending files."""

    def __init__(
        self,
        scratch: Scratch,
        files: Files,
        steps: Sequence[Description],
        how: suite.Run,
        *,
        keep_going: bool = False,
    ) -> None:
        """Begin with nothing asked.

        Args:
            scratch: on the server of the runs: files may change its roles.
            files: those of the schema as it is, and those to try.
            steps: what the schema is before the first pending file, and after each.
            how: parameters of the runs, as the owner.
            keep_going: whether to ask as the role, too, where something is wrong already.
        """
        self.notes: list[str] = []
        self._scratch = scratch
        self._files = files
        self._steps = steps
        self._how = how
        every = (*files.given_up, *files.waived)
        self._known = tuple(further.of_schema(steps[0], every)) if steps else ()
        new = further.of_files(steps, every) if steps else ()
        self._further = (*self._known, *new)
        self._keep_going = keep_going
        self._as = [how]  # as whom the suite was asked
        self._before: Result | None = None
        self._after = suite.Result()
        self._unanswered: list[str] = []  # tests that meet a timeout on the schema as it is, too
        self._silent: list[str] = []  # rules that these alone are about

    def ask(self) -> None:
        """Run the suite, as the owner, and then as the application's role.

        Raises:
            TargetError: it did not come to its end.
        """
        self._before, self._after = self._pair(self._how)
        role = domain().application
        if not role or self._leaves_alone() or not self._steps:
            return
        if not _gives(self._steps[-1], role):
            self.notes.append(NO_ROLE.format(role))
        elif self._keep_going or not self._compared().faults:
            how = dataclasses.replace(self._how, role=role)
            self._as.append(how)
            before, after = self._pair(how, given=_gives(self._steps[0], role))
            self._after = self._after.and_as(role, after)
            if self._before is not None and before is not None:
                self._before = self._before.and_as(role, before)
            self.notes.append(AS_ROLE.format(role))

    def section(self) -> Section:
        """Return the verdicts, compared."""
        section = self._compared()
        compare.set_apart(section, self._silent, self._unanswered)
        return section

    def misplaced(self) -> Iterator[Fault]:
        """Yield rules that are waived, and that another file breaks; raises as `ask`."""
        return waived.misplaced(self._after.verdicts, self._steps, self._files, self._partly)

    def _compared(self) -> Section:
        files = self._files
        return compare.compare(self._before, self._after, files.waived, files.given_up)

    def _leaves_alone(self) -> bool:
        return self._before is not None and changes.leaves_alone(self._steps)

    def _pair(self, how: suite.Run, *, given: bool = True) -> tuple[Result | None, Result]:
        """Return what the suite says of the schema as it is, if it is one, and as it will be."""
        before: Result | None = None
        applied, pending = self._files.applied, self._files.pending
        if applied and given:
            told = dataclasses.replace(_told("as it is", how), further=self._known)
            before, known = suite.run_once(applied, told)
            if known and CACHED not in self.notes:
                self.notes.append(CACHED)
        if before is not None and changes.leaves_alone(self._steps):
            if pending:
                self.notes.append(ALIKE)
            return before, before
        with self._scratch.roles_kept(self._files.text):
            told = dataclasses.replace(_told("as it will be", how), further=self._further)
            after = suite.run((*applied, *pending), told)
        if after.slow and applied:
            told = _told("as it is", how, "trying again what met a timeout, ")
            unanswered = suite.again(applied, told, after.slow)
            self._silent += after.about(unanswered)
            after.forgive(unanswered)
            self._unanswered += [each for each in unanswered if each not in self._unanswered]
        return before, after

    def _partly(self, part: Sequence[Migration], name: str) -> Result:
        """Return what the suite says of the schema as one of the pending files leaves it."""
        owner, *roles = (
            self._run(part, _told(f"as {name} leaves it", how), how.role) for how in self._as
        )
        found = owner[0]
        for result, role in roles:
            found = found.and_as(role, result)
        return found

    def _run(self, part: Sequence[Migration], how: suite.Run, role: str) -> tuple[Result, str]:
        with self._scratch.roles_kept(self._files.text):
            how = dataclasses.replace(how, further=self._further)
            return suite.run((*self._files.applied, *part), how), role


def _gives(schema: Description, role: str) -> bool:
    """Return whether a schema gives a role anything."""
    return any(kind == "privilege" and name.endswith(f" to {role}") for kind, name in schema)


def _told(schema: str, how: suite.Run, begins: str = "running the suite ") -> suite.Run:
    """Say what is done now, and return how to do it: how far it has come is said as well."""
    who = f"as {how.role} " if how.role else ""
    title = f"{begins}{who}on the schema {schema}"
    how.say(title)
    return dataclasses.replace(how, say=_titled(title, how.say))


def _titled(title: str, say: Say) -> Say:
    return lambda what, *share: say(f"{title}: {what}", *share)
