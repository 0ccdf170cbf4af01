"""Verdicts on the schema as it will be, as its owner and as the application's role.

The schema as it is is asked last, and only what failed: a rule that is held afterwards needs no
comparison.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from conformance.engine.audit.findings import Section
from conformance.engine.domain.chosen import RULES, domain
from conformance.engine.gate import compare, further, influence, kept, logs, suite, waived
from conformance.engine.gate.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.audit.description import Description
    from conformance.engine.audit.findings import Fault
    from conformance.engine.deployment.migrations import Migration
    from conformance.engine.gate.files import Files
    from conformance.engine.gate.result import Run
    from conformance.engine.postgres.scratch import Scratch
    from conformance.engine.progress import Say

CACHED = "some of these verdicts were in the cache"
ALIKE = "not run: the pending files leave alone all that a rule could tell"
AS_IT_WAS = "no rule can tell what the pending files change: each is as it was"
NO_ROLE = "not asked as {}: the schema as it will be gives it nothing"
AS_ROLE = "asked as {} too: all of the suite that needs one session"
NEAR = "asked as {} too: all that needs one session, and of single rules the {} that this can reach"
RECORDED = (
    "new triggers add rows to tables of the files' own, and ask nothing: asked was what writes the "
    "rows that they come after, of {} rules"
)
SAME = (
    "not asked once more as {}: nothing that the files change asks who writes, and one scenario "
    "of each rule and path was tried as that role"
)


class Proof:
    """Runs of the suite, and what they say of the pending files."""

    def __init__(
        self,
        scratch: Scratch,
        files: Files,
        steps: Sequence[Description],
        how: Run,
        *,
        keep_going: bool = False,
    ) -> None:
        """Begin with nothing asked.

        Args:
            scratch: on the server of the runs: files may change its roles.
            files: those of the schema as it is, and those to try.
            steps: what the schema is before the first pending file, and after each.
            how: parameters of the runs, as the owner.
            keep_going: whether to ask all, where something is wrong already.
        """
        self.notes: list[str] = []
        self._scratch = scratch
        self._files = files
        self._steps = steps
        every = (*files.given_up, *files.waived)
        known = further.of_schema(steps[0], every) if steps else ()
        new = further.of_files(steps, every) if steps else ()
        # What a rule was given up for is a failure that is meant: others come after it.
        few = not keep_going and not any(map(_is_of_the_suite, every))
        self._how = dataclasses.replace(how, further=(*known, *new), few=few)
        if not (keep_going or how.profile == suite.THOROUGH or any(map(_is_of_the_suite, every))):
            self._narrow()
        self._known = tuple(known)
        self._keep_going = keep_going
        self._as = [self._how]  # as whom the suite was asked
        self._before: Result | None = None
        self._is_asked, self._after = False, Result()
        self._unanswered: list[str] = []  # tests that meet a timeout on the schema as it is, too
        self._silent: list[str] = []  # rules that these alone are about

    def _narrow(self) -> None:
        """Ask of the triggers of a log what they meet."""
        recorded = self._files.applied and self._steps and logs.only(self._steps)
        rules = influence.near(self._steps) if recorded else None
        if rules:
            self._how = dataclasses.replace(self._how, rules=tuple(sorted(rules)), alone=True)
            self.notes.append(RECORDED.format(len(rules)))

    @property
    def is_needed(self) -> bool:
        """Whether a rule could tell what the files change, or they say that one can."""
        files = self._files
        alone = files.applied and files.pending and influence.leaves_alone(self._steps)
        return not alone or any(map(_is_of_the_suite, files.waived))

    def ask(self) -> None:
        """Run the suite, as the owner, and then as the application's role.

        Raises:
            TargetError: it did not come to its end.
        """
        if not self.is_needed:
            return
        self._is_asked, self._after = True, self._asked(self._how)
        role = domain().application
        if role and self._steps:
            if not _gives(self._steps[-1], role):
                self.notes.append(NO_ROLE.format(role))
            elif self._keep_going or not self._compared().faults:
                self._ask_as(role)

    def section(self) -> Section:
        """Return the verdicts, compared."""
        if not self._is_asked:
            return Section(compare.NUMBER, compare.TITLE, AS_IT_WAS, asked=True)
        section = self._compared()
        compare.set_apart(section, self._silent, self._unanswered)
        return section

    def misplaced(self) -> Iterator[Fault]:
        """Yield rules that are waived, and that another file breaks; raises as `ask`."""
        return waived.misplaced(self._after.verdicts, self._steps, self._files, self._partly)

    def _ask_as(self, role: str) -> None:
        how = dataclasses.replace(self._how, role=role)
        thorough = self._keep_going or how.profile == suite.THOROUGH
        if not thorough and not influence.minds_who_writes(self._steps):
            self.notes.append(SAME.format(role))
            return
        rules = None if thorough else influence.near(self._steps)
        how = dataclasses.replace(how, rules=tuple(sorted(rules or ())))
        self._as.append(how)
        given = _gives(self._steps[0], role)
        after = self._asked(how, given=given)
        self._after = self._after.and_as(role, after)
        told = AS_ROLE.format(role) if rules is None else NEAR.format(role, len(rules))
        self.notes.append(told)

    def _compared(self) -> Section:
        files = self._files
        return compare.compare(
            self._before, self._after, files.waived, files.given_up, new=not files.applied
        )

    def _asked(self, how: Run, *, given: bool = True) -> Result:
        """Return what the suite says of the schema as it will be; ask that as it is where needed.

        Args:
            how: parameters of the run.
            given: whether the role has any right on the schema as it is.
        """
        applied, pending = self._files.applied, self._files.pending
        with self._scratch.roles_kept(self._files.text):
            told = _told("as it will be", how)
            after, known = suite.run_once((*applied, *pending), told)
        if known and CACHED not in self.notes:
            self.notes.append(CACHED)
        if after.slow and applied:
            told = _told("as it is", how, "trying again what met a timeout, ")
            unanswered = suite.again(applied, told, after.slow)
            self._silent += after.about(unanswered)
            after.forgive(unanswered)
            self._unanswered += [each for each in unanswered if each not in self._unanswered]
        if applied and given:
            before = self._as_it_is(how, after) if pending else after
            if before is not None and how.role and self._before is not None:
                before = self._before.and_as(how.role, before)
            self._before = before or self._before
        return after

    def _as_it_is(self, how: Run, after: Result) -> Result | None:
        """Return what the suite says of the schema as it is, of what fails on the one to come."""
        told = dataclasses.replace(_told("as it is", how), further=self._known, few=False)
        known = kept.known(self._files.applied, told)
        wrong = compare.tests_of(after)
        if known is not None or not wrong:
            return known
        if not all(wrong.values()):  # what no single test says, all of them together do
            return suite.run_once(self._files.applied, told)[0]
        given_up = {waiver.what for waiver in self._files.given_up}
        tests = {
            what: some if what in given_up else some[:1]
            for what, some in wrong.items()
            if what in given_up or not what.startswith(compare.SUITE)
        }
        return suite.of_tests(self._files.applied, told, tests)

    def _partly(self, part: Sequence[Migration], name: str) -> Result:
        """Return what the suite says of the schema as one of the pending files leaves it."""
        owner, *roles = (
            self._run(part, _told(f"as {name} leaves it", how), how.role) for how in self._as
        )
        found = owner[0]
        for result, role in roles:
            found = found.and_as(role, result)
        return found

    def _run(self, part: Sequence[Migration], how: Run, role: str) -> tuple[Result, str]:
        with self._scratch.roles_kept(self._files.text):
            return suite.run((*self._files.applied, *part), how), role


def _is_of_the_suite(waiver: object) -> bool:
    what: str = getattr(waiver, "what", "")
    return what in RULES or what.startswith(compare.SUITE)


def _gives(schema: Description, role: str) -> bool:
    """Return whether a schema gives a role anything."""
    return any(kind == "privilege" and name.endswith(f" to {role}") for kind, name in schema)


def _told(schema: str, how: Run, begins: str = "running the suite ") -> Run:
    """Say what is done now, and return how to do it: how far it has come is said as well."""
    who = f"as {how.role} " if how.role else ""
    title = f"{begins}{who}on the schema {schema}"
    how.say(title)
    return dataclasses.replace(how, say=_titled(title, how.say))


def _titled(title: str, say: Say) -> Say:
    return lambda what, *share: say(f"{title}: {what}", *share)
