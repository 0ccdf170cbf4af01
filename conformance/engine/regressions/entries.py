"""Failures that were found once, kept as JSON, and replayed without Hypothesis and without a model.

A file is an object with `version` (1), `rule` (the id of the rule that failed), `found` (the date),
`note` and `steps`. Each step is one transaction: `sql`, a list of statements, where a COPY is an
object with `copy` and `data`, and `expect`: "accepted", a list of rules one of which must refuse
it, or "lawful" (no rule is broken if it is accepted, and what refuses it has a name). All steps but
the last lead to the failure; the last one is what failed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from conformance.engine.cases.refusals import names
from conformance.engine.cases.steps import LEGAL, Expectation, Step, from_json, is_met
from conformance.engine.domain.chosen import RULES
from conformance.engine.machines.refusals import fault_of
from conformance.engine.sql.outcomes import Accepted, Inconclusive, Outcome, Rejected
from conformance.engine.sql.writes import Statement

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.engine.database.sandbox import Sandbox

VERSION = 1
# SQL that this schema cannot read: a table, a column or a function that is not there.
UNREADABLE = "42"
REFUSALS = ("428C9", "42501")


class Status(StrEnum):
    """Status of an earlier failure now."""

    FIXED = "FIXED"  # it no longer happens
    FAILED = "FAILED"  # it still does
    ERROR = "ERROR"  # it cannot be replayed


@dataclass(frozen=True, slots=True)
class Entry:
    """One failure."""

    rule: str
    found: str
    note: str
    steps: tuple[Step, ...]

    @property
    def name(self) -> str:
        """Return the name of its file, which is the same for the same rule and steps."""
        content = json.dumps([self.rule, [step.as_json() for step in self.steps]])
        digest = hashlib.sha256(content.encode()).hexdigest()[:12]
        return f"{self.rule.lower().replace('-', '_').replace(' ', '_')}__{digest}.json"


@dataclass(frozen=True, slots=True)
class Replay:
    """Result of replaying an entry, and the reason."""

    status: Status
    reason: str


class UnreadableEntryError(ValueError):
    """A file that holds no entry."""


def read(path: Path) -> Entry:
    """Read a file.

    Raises:
        UnreadableEntryError: It holds no entry of this version.
        OSError: It cannot be read at all.
    """
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if document["version"] != VERSION:
            message = f"{path.name} has version {document['version']}, not {VERSION}"
            raise UnreadableEntryError(message)
        steps = tuple(from_json(each) for each in document["steps"])
        entry = Entry(document["rule"], document["found"], document["note"], steps)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, UnreadableEntryError):
            raise
        message = f"{path.name} holds no entry: {type(error).__name__}: {error}"
        raise UnreadableEntryError(message) from None
    if not entry.steps:
        message = f"{path.name} has no steps"
        raise UnreadableEntryError(message)
    return entry


def write(folder: Path, entry: Entry) -> Path | None:
    """Write an entry that the folder does not hold yet; return its file, or None.

    Raises:
        OSError: The folder cannot be written to.
    """
    path = folder / entry.name
    if path.exists():
        return None
    document = {
        "version": VERSION,
        "rule": entry.rule,
        "found": entry.found,
        "note": entry.note,
        "steps": [step.as_json() for step in entry.steps],
    }
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def replay(sandbox: Sandbox, entry: Entry) -> Replay:
    """Do on an emptied database what failed once."""
    sandbox.reset()
    for number, step in enumerate(entry.steps, start=1):
        # What our role has no right to do, the owner did when it failed.
        run = sandbox.run_as_owner if sandbox.missing_privilege(step.sql) else sandbox.session.run
        outcome = run(step.sql)
        where = f"step {number} of {len(entry.steps)}: {_words(step.expect)}{outcome}"
        if isinstance(outcome, Inconclusive) or _is_unreadable(outcome):
            return Replay(Status.ERROR, where)
        met = _is_met(step, outcome)
        if number < len(entry.steps) and not met:
            return Replay(Status.ERROR, where)
        if not met:
            return Replay(Status.FAILED, where)
        broken = sandbox.new_violations()
        if broken:
            rule, keys = next(iter(broken.items()))
            return Replay(Status.FAILED, f"{where}; {rule} is broken by {keys[:5]}")
    return Replay(Status.FIXED, where)


def _is_met(step: Step, outcome: Outcome) -> bool:
    rules = [RULES[rule] for rule in step.expect if rule in RULES]
    tokens = frozenset().union(*(rule.tokens for rule in rules))
    if isinstance(outcome, Rejected):
        if step.expect == LEGAL:
            return not fault_of(outcome, Statement(" ".join(each.sql for each in step.sql)))
        if any(names(rule, outcome) for rule in rules):
            return True
    return is_met(step.expect, outcome, tokens)


def _is_unreadable(outcome: Outcome) -> bool:
    if isinstance(outcome, Accepted | Inconclusive):
        return False
    return outcome.sqlstate.startswith(UNREADABLE) and outcome.sqlstate not in REFUSALS


def _words(expect: Expectation) -> str:
    """Return what was expected, where that was one thing: what is lawful may end either way."""
    if expect == LEGAL:
        return ""
    said = expect if isinstance(expect, str) else f"refused by {' or '.join(expect)}"
    return f"expected {said}; "
