"""Verdicts before and after: which rule was held and no longer is, and who has said so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.engine.audit.findings import SHOWN as MOST
from conformance.engine.audit.findings import Fault, Section
from conformance.engine.cases.verdicts import NOT_RUN, Verdict
from conformance.engine.domain.chosen import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from conformance.engine.deployment.waivers import Waiver
    from conformance.engine.gate.result import Result

NUMBER, TITLE = 6, "verdicts"
# What a Finding prints first.
HEADLINE = re.compile(r"(?P<rule>\S+) is (?P<verdict>" + "|".join(Verdict) + r")\b")
ANY_RULE = "the suite"
RIGHT = (Verdict.HELD, NOT_RUN)  # verdicts that say nothing against a rule
SUITE = "SUITE "  # and a test: what a waiver calls one that is about no single rule
MANY = 4  # rules of which the same is said
SHOWN = 3  # of what was seen of one rule
MEND = "mend the migration; or say in it why the rule may go: -- waives {}: reason"
UNANSWERED = "the server gave no answer in time, nor on the schema as it is: it is too slow to tell"
LATER = "nothing is known of that: run the gate again when the machine has less to do"
RERUN = (
    "run them on the new schema: framecast-conformance test --migrations …; what the migration "
    "means to change, it says of each: -- waives SUITE {}: reason"
)


def compare(
    before: Result | None,
    after: Result,
    pending: Sequence[Waiver],
    applied: Sequence[Waiver],
    *,
    new: bool = False,
) -> Section:
    """Name each rule that is not held, and whether it was.

    Args:
        before: what the suite says of the schema as it is; None where that was not asked.
        after: what it says of the schema as it will be.
        pending: the waivers of files that are pending: a rule that was held needs one of them.
        applied: those of files that were applied: what was given up then stays so, as far as it
            was given up.
        new: whether there is no schema yet.
    """
    section = Section(NUMBER, TITLE, asked=True)
    old, found = _wrong(before) if before else {}, _wrong(after)
    alone: dict[str, str] = {}
    for rule, seen in found.items():
        was_wrong = rule in old
        # What was given up then stays so; it does not get worse for it.
        as_it_was = was_wrong and before and _verdict(rule, before) == _verdict(rule, after)
        waivers = [*_matching(rule, (*pending, *applied) if as_it_was else pending)]
        if waivers:
            excused = seen[0] if seen else _verdict(rule, after)
            section.notes += [f"{waiver} (excuses: {excused})" for waiver in waivers]
        elif rule.startswith(SUITE):
            alone[rule.removeprefix(SUITE)] = seen[0]
        else:
            section.faults.append(_fault(rule, seen, after, was_wrong=was_wrong, new=new))
    section.faults = _together(section.faults) + _of_no_rule(alone)
    mended = [rule for rule in old if rule not in found]
    if mended:
        section.notes.append(f"held again: {', '.join(mended)}")
    for waiver in pending:
        if waiver.what not in found and (waiver.what in RULES or waiver.what.startswith(SUITE)):
            section.faults.append(
                Fault(
                    waiver.what,
                    f"waived in {waiver.file}:{waiver.line}, and yet it {_is_right(waiver)}",
                    "remove that line: it would hide what a later migration does",
                )
            )
    held = sum(verdict == Verdict.HELD for verdict in after.verdicts.values())
    section.summary = f"{held} of {len(after.verdicts)} rules held"
    if new or before:
        told = "there was no schema before" if new else "compared with the schema as it is"
        section.summary += f"; {told}"
    if NOT_RUN in after.verdicts.values():
        section.summary += "; ended at the first failures: --keep-going runs all"
    return section


def set_apart(section: Section, rules: Sequence[str], unanswered: Sequence[str]) -> None:
    """Tell what could not be asked from what is wrong.

    Args:
        section: of verdicts, as if these tests had passed.
        rules: which they alone are about.
        unanswered: tests that met a timeout, on the schema as it is as well.
    """
    if unanswered:
        names = tuple(test.rpartition("/")[2] for test in unanswered)
        about = ", ".join(sorted(rules)) or ANY_RULE
        section.asked = bool(section.faults)  # what is wrong is known, whatever else is not
        section.faults.append(Fault(about, UNANSWERED, LATER, names[:MOST], len(names)))
        section.summary += f"; {len(names)} tests had no answer in time"


def _wrong(result: Result) -> dict[str, list[str]]:
    """Return what was seen of each rule that is not held, by its own tests or by others.

    A test that fails and says nothing of a rule stands for itself.
    """
    wrong: dict[str, list[str]] = {
        rule: list(result.failures.get(rule, ()))
        for rule, verdict in result.verdicts.items()
        if verdict not in RIGHT
    }
    for test, said in result.failed.items():
        wrong.setdefault(_about(test, said), []).append(f"{_called(test)}: {said}")
    return wrong


def tests_of(result: Result) -> dict[str, list[str]]:
    """Return the tests that say what is wrong, by what they are about; none where no test does."""
    wrong = {
        rule: list(result.tests.get(rule, ()))
        for rule, verdict in result.verdicts.items()
        if verdict not in RIGHT
    }
    for test, said in result.failed.items():
        wrong.setdefault(_about(test, said), []).append(test)
    return wrong


def _about(test: str, said: str) -> str:
    found = HEADLINE.match(said)
    return found["rule"] if found and found["rule"] in RULES else f"{SUITE}{_called(test)}"


def _called(test: str) -> str:
    file, _, name = test.partition("::")
    return f"{file.rpartition('/')[2]}::{name}"


def _fault(rule: str, seen: Sequence[str], after: Result, *, was_wrong: bool, new: bool) -> Fault:
    verdict = _verdict(rule, after)
    since = "it was before, too" if was_wrong else "there was no schema before"
    since = since if was_wrong or new else "it was held before"
    what = f"{verdict}, and {since}: {RULES[rule].statement}"
    remedy = MEND.format(rule)
    return Fault(rule, what, remedy, tuple(seen[:SHOWN]), len(seen))


def _verdict(rule: str, result: Result) -> str:
    return result.verdicts.get(rule, Verdict.BROKEN)


def _of_no_rule(failed: Mapping[str, str]) -> list[Fault]:
    """Return one finding for tests that are about no single rule, each by its name."""
    if not failed:
        return []
    what, seen = "tests that are about no single rule fail", tuple(failed.values())
    return [Fault(ANY_RULE, what, RERUN.format(min(failed)), seen[:MOST], len(seen))]


def _is_right(waiver: Waiver) -> str:
    return "passes" if waiver.what.startswith(SUITE) else "is held"


def _together(faults: list[Fault]) -> list[Fault]:
    """Say once what is said of many rules: that a migration refuses what all of them begin with."""
    alike: dict[tuple[str, str], list[Fault]] = {}
    for fault in faults:
        verdict = fault.what.partition(":")[0]
        seen = fault.keys[0].rpartition("; on ")[0] if fault.keys else fault.about
        alike.setdefault((verdict, seen), []).append(fault)
    told = []
    for (verdict, seen), some in alike.items():
        if len(some) < MANY:
            told += some
            continue
        rules = tuple(fault.about for fault in some)
        remedy = "mend the migration: what it refuses is legal today"
        told.append(Fault(f"{len(some)} rules", f"{verdict}: {seen}", remedy, rules, len(some)))
    return told


def _matching(rule: str, waivers: Sequence[Waiver]) -> Iterator[Waiver]:
    return (waiver for waiver in waivers if waiver.what == rule)
