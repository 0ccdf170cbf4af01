"""All rules, asked of one snapshot of a database: which rows break them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg
from psycopg import errors

from conformance.engine.audit.findings import SHOWN, Fault, Section
from conformance.engine.audit.questions import of_rules
from conformance.engine.audit.sessions import shared
from conformance.engine.domain.chosen import RULES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.engine.audit.questions import Question
    from conformance.engine.audit.target import Connection
    from conformance.engine.progress import Say

NUMBER, TITLE = 7, "data"
BY_CONSTRAINTS = "constraints that are validated and intact prove them of all rows"
PAGES = "SELECT relname::text, relpages FROM pg_class WHERE relkind = 'r'"
# What ends the whole audit: the server is busy, and would be for the next question too.
GIVE_UP = (errors.QueryCanceled, errors.LockNotAvailable, psycopg.OperationalError)


@dataclass(slots=True)
class Seen:
    """The rows that break one rule: how many, and the keys of the first."""

    count: int = 0
    keys: list[str] = field(default_factory=list)

    def add(self, key: str) -> None:
        """Count a row."""
        self.count += 1
        if len(self.keys) < SHOWN:
            self.keys.append(key)

    def join(self, other: Seen) -> None:
        """Count what was seen elsewhere."""
        self.count += other.count
        self.keys += other.keys[: SHOWN - len(self.keys)]


# What breaks each rule, and what could not be asked.
Answer: TypeAlias = "tuple[dict[str, Seen], list[Fault]]"


def ask(
    conn: Connection,
    say: Say,
    beside: Sequence[Connection] = (),
    given_up: Mapping[str, str] = MappingProxyType({}),
    questions: Sequence[Question] | None = None,
) -> Section:
    """Ask every rule that rows can answer, and return what was found.

    Args:
        conn: in a repeatable-read transaction, with the schema first in its search_path.
        say: receives how far it has come before each query.
        beside: further sessions that see the same, and share the work.
        given_up: rules that an applied file waives, and where it says so: rows may break them.
        questions: those that are left, where constraints prove the others; by default all.

    Raises:
        psycopg.Error: the server did not answer in time, or is gone.
    """
    questions = of_rules(RULES.values()) if questions is None else questions
    found, faults = violations(conn, say, beside, questions)
    unasked, excused = {fault.about for fault in faults}, []
    for rule, seen in found.items():
        rows = "1 row" if seen.count == 1 else f"{seen.count} rows"
        if rule in given_up:
            excused.append(f"{rule} is broken by {rows}, as {given_up[rule]}")
            continue
        what = f"broken by {rows}: {RULES[rule].statement}"
        remedy = "mend these rows, and find out who could write them: section 8 may tell"
        faults.append(Fault(rule, what, remedy, tuple(seen.keys), seen.count))
    order = list(RULES)
    faults.sort(key=lambda fault: order.index(fault.about))
    asked = {rule for question in questions for rule in question.rules}
    proven = [each.id for each in RULES.values() if each.of_rows and each.id not in asked]
    summary = (
        f"{len(asked) - len(unasked)} rules asked in one snapshot, {len(found)} of them broken"
    )
    if unasked:
        summary += f"; {len(unasked)} could not be asked"
    if proven:
        summary += f"; {len(proven)} proven by constraints"
    return Section(NUMBER, TITLE, summary, not unasked, faults, [*notes(proven), *excused])


def violations(
    conn: Connection,
    say: Say,
    beside: Sequence[Connection] = (),
    questions: Sequence[Question] | None = None,
) -> tuple[dict[str, Seen], list[Fault]]:
    """Return what breaks each rule that is broken, and which rules cannot be asked; as `ask`."""
    pages = dict(conn.execute(PAGES).fetchall())
    some = of_rules(RULES.values()) if questions is None else questions
    ordered = sorted(some, key=lambda each: -each.weight(pages))
    begun = count()

    def put(session: Connection, question: Question) -> Answer:
        say(f"asking {_names(question)}", next(begun), len(ordered))
        return _put(session, question)

    return _together(shared((conn, *beside), ordered, put))


def notes(proven: Sequence[str] = ()) -> list[str]:
    """Say which rules rows cannot answer, or in part, and which they need not answer."""
    silent = [rule.id for rule in RULES.values() if not rule.of_rows]
    half = [
        each.id
        for each in RULES.values()
        if each.of_rows and not each.in_rows and each.id not in proven
    ]
    said = (
        (f"not asked, as {BY_CONSTRAINTS} (--paranoid asks them)", proven),
        ("not asked, as they are about writes and changes, which leave no trace in rows", silent),
        ("asked as far as rows can tell", half),
    )
    return [f"{what}: {', '.join(rules)}" for what, rules in said if rules]


def _put(conn: Connection, question: Question) -> Answer:
    """Ask one question; where it cannot be asked as a whole, ask its parts, one a rule."""
    try:
        with conn.transaction():  # a savepoint: what fails leaves the snapshot as it was
            return _answers(conn, question), []
    except GIVE_UP:
        raise
    except psycopg.Error as error:
        if question.parts:
            return _together(_put(conn, part) for part in question.parts)
        said = error.diag.message_primary or str(error)
        fault = Fault(
            question.rules[0],
            f"it cannot be asked here: {said} ({error.sqlstate})",
            "ask as a role that may read all tables, and of a schema that has them",
        )
        return {}, [fault]


def _together(answers: Iterable[Answer]) -> Answer:
    found: dict[str, Seen] = {}
    faults: list[Fault] = []
    for broken, unclear in answers:
        for rule, seen in broken.items():
            found.setdefault(rule, Seen()).join(seen)
        faults += unclear
    return found, faults


def _answers(conn: Connection, question: Question) -> dict[str, Seen]:
    """Return what breaks each rule, row by row: there may be more than memory holds."""
    answers: dict[str, Seen] = {}
    with conn.cursor() as cursor:
        rows: Any = cursor.stream(question.sql.encode())
        for key, *broken in rows:
            # A rule with two conditions on a table stands there twice; its row counts once.
            for rule in {rule for rule, flag in zip(question.rules, broken, strict=True) if flag}:
                answers.setdefault(rule, Seen()).add(str(key))
    return answers


def _names(question: Question) -> str:
    more = len(question.rules) - 1
    return question.rules[0] + (f" and {more} more" if more else "")
