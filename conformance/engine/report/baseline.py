"""Baseline of a run: failures that are accepted for a time, each with a reason and an end.

The file is as `accepted.toml` of the audit: `about` is the rule, or what stands in its place, and
`what` begins as the failure does: its verdict, and what was observed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from conformance.engine.audit import accepted
from conformance.engine.audit.findings import Fault, Section
from conformance.engine.cases.verdicts import NOT_RUN, Standing, Verdict
from conformance.engine.domain import names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date
    from pathlib import Path

    from conformance.engine.audit.accepted import Accepted
    from conformance.engine.report.record import Record

# What is meant to be a rule, and no table, role or part of the suite that stands in its place.
LIKE_RULE = re.compile(r"[\w-]*-[\w-]*|[a-z]+_[a-z]*\d+_*", re.IGNORECASE)
REMEDY = "mend the schema, or accept it for a time in the baseline"


class BaselineError(Exception):
    """A baseline that cannot be read; its text is one message, ready for a user."""


@dataclass(slots=True)
class Settled:
    """Judgement of a run by a baseline.

    Attributes:
        notes: what is accepted, a line each.
        faults: what is not, and entries that are over or accept nothing any more.
        holds: whether nothing failed but what is accepted.
    """

    notes: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    holds: bool = False


@dataclass(frozen=True, slots=True)
class Baseline:
    """A baseline: the name of its file, and its entries."""

    name: str
    entries: tuple[Accepted, ...]

    @classmethod
    def read(cls, path: Path) -> Baseline:
        """Return the baseline of a file.

        Raises:
            BaselineError: It cannot be read, or is none.
        """
        try:
            return cls(path.name, tuple(map(_of_rule, accepted.read(path))))
        except (OSError, ValueError, TypeError) as error:
            message = f"{path}: {error}: {accepted.HOW}"
            raise BaselineError(message) from None

    def accepts(self, failures: Iterable[Mapping[str, Any]], today: date) -> bool:
        """Return whether there are failures, and each is accepted by an entry that is not over."""
        faults = [*map(_fault, failures)]
        now = [each for each in self.entries if each.until >= today]
        return bool(faults) and all(any(each.of(fault) for each in now) for fault in faults)

    def settle(
        self, record: Record, judged: Mapping[str, Standing], *, whole: bool, today: date
    ) -> Settled:
        """Return what it makes of a run, and mark the failures that it accepts.

        A part of the suite does not say that an entry accepts nothing: what it is about may not
        have been tried.

        Args:
            record: what was seen.
            judged: the standings of rules.
            whole: whether the run was of the whole suite, and came to its end.
            today: which an entry must not end before.
        """
        failures = [*_failures(record, judged)]
        faults = list(dict.fromkeys(map(_fault, failures)))
        some = [each for each in self.entries if whole or any(map(each.of, faults))]
        section = Section(1, "baseline", asked=True, faults=faults)
        accepted.apply(section, some, today, self.name)
        left = set(section.faults)
        for failure in failures:
            if _fault(failure) not in left:
                entry = next(each for each in some if each.of(_fault(failure)))
                failure["accepted"] = f"until {entry.until}, {entry.reason}"
        explained = {each["test"] for each in failures} - {
            each["test"] for each in failures if _fault(each) in left
        }
        holds = not left and all(each.test in explained for each in record.failed)
        return Settled(section.notes, section.faults, holds)


def _of_rule(entry: Accepted) -> Accepted:
    """Return an entry about a rule by its id, however it is written."""
    rule = names.find(entry.about)
    if rule is not None:
        return replace(entry, about=rule.id)
    if LIKE_RULE.fullmatch(entry.about):
        names.rule(entry.about)  # which says what is near
    return entry


def _failures(record: Record, judged: Mapping[str, Standing]) -> Iterator[dict[str, Any]]:
    """Yield what failed, of rules and beside them; a rule that was seen on one side, too."""
    for rule, standing in judged.items():
        yield from standing.failures
        if standing.word == NOT_RUN or (
            standing.verdict is not Verdict.HELD and not standing.failures
        ):
            observed = "not seen on both sides" if standing.word != NOT_RUN else "it ended before"
            yield {"rule": rule, "verdict": standing.word, "observed": observed, "test": ""}
    yield from record.beside


def _fault(failure: Mapping[str, Any]) -> Fault:
    return Fault(failure["rule"], f"{failure['verdict']}: {failure['observed']}", REMEDY)
