"""The audit's questions: the catalogue's own, few scans for many, in one snapshot."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from conformance.engine.audit import snapshot
from conformance.engine.audit.findings import SHOWN
from conformance.engine.audit.questions import of_rules
from conformance.engine.database import change_log
from conformance.engine.postgres.scratch import Database, Scratch, Template
from conformance.engine.sql.writes import statements
from conformance.framecast.rules import RULES
from strategies.world import World
from tests.planted import planted_rows
from tests.planted.planting import STRIP, Plant

QUESTIONS = of_rules(RULES.values())
# Rules of which a part can be seen in rows; plants of their other parts stand with the changes.
EACH = [
    pytest.param(rule, plant, id=f"{RULES[rule].token}{number}")
    for rule, plants in planted_rows.PLANTS.items()
    for number, plant in enumerate(plants)
]


def quiet(*_: object) -> None:
    """Show no progress."""


@pytest.fixture(scope="module")
def stripped(scratch: Scratch, template: Template) -> Iterator[psycopg.Connection[Any]]:
    """Connect to a database where nothing is refused, as a replica, which fires no trigger."""
    with scratch.cloned(template, "stripped") as database, database.connect() as connection:
        change_log.install(connection)
        connection.execute(STRIP)
        connection.execute("SET session_replication_role = replica")
        yield connection


@pytest.fixture
def damaged(scratch: Scratch, template: Template) -> Iterator[Database]:
    """Lend a database in which more users owe credits than are shown."""
    with scratch.cloned(template, "damaged") as database, database.connect() as connection:
        connection.execute("ALTER TABLE users DROP CONSTRAINT inv_u5__users_credits_not_negative")
        connection.execute(
            "INSERT INTO users (email, credits)"
            " SELECT 'user' || n || '@example.com', -n FROM generate_series(1, 25) AS n"
        )
        yield database


@pytest.mark.parametrize(("rule", "plant"), EACH)
def test_a_planted_row_is_seen(rule: str, plant: Plant, stripped: psycopg.Connection[Any]) -> None:
    """The questions of a full database find each row that the rule's own query finds."""
    if not RULES[rule].of_rows:
        return  # nothing of it is asked, as the next test has it
    planted = plant(World())
    asked = [question for question in QUESTIONS if rule in question.rules]
    seen = set()
    with stripped.transaction(force_rollback=True):
        for write in planted.writes:
            for statement in statements(write):
                stripped.execute(statement.sql)
        for question in asked:
            for key, *broken in stripped.execute(question.sql.encode()).fetchall():
                flags = zip(question.rules, broken, strict=True)
                seen |= {key for name, is_broken in flags if is_broken and name == rule}
        known = RULES[rule].violations if RULES[rule].in_rows else RULES[rule].of_rows
        own = {key for (key,) in stripped.execute(known.encode()).fetchall()}

    assert own == seen


def test_every_rule_is_asked_or_named() -> None:
    """Rules of which rows say nothing are named in a note, and all the others are asked."""
    asked = {rule for question in QUESTIONS for rule in question.rules}
    silent, half = (note.partition(": ")[2].split(", ") for note in snapshot.notes())

    assert set(RULES) == asked | set(silent)
    assert set() == asked & set(silent)
    assert {rule for rule in asked if not RULES[rule].in_rows} == set(half)


def test_a_table_is_scanned_once_for_all_its_conditions() -> None:
    """No two questions are about conditions on the rows of one table alone."""
    tables = [question.sql.partition(" FROM ")[2] for question in QUESTIONS if question.parts]

    assert len(tables) == len(QUESTIONS) - sum(not question.parts for question in QUESTIONS)
    assert any({"INV-J1", "INV-J9", "CARD-5"} - {"CARD-5"} <= set(q.rules) for q in QUESTIONS)


def test_many_offenders_are_counted_and_some_shown(damaged: Database) -> None:
    """Of a rule that many rows break, all are counted, and the keys of the first are shown."""
    with damaged.connect() as connection, connection.transaction():
        section = snapshot.ask(connection, quiet)

    assert [("INV-U5", 25, SHOWN)] == [
        (fault.about, fault.count, len(fault.keys)) for fault in section.faults
    ]
    assert "broken by 25 rows: a user's credits are never negative" == section.faults[0].what


def test_a_rule_that_cannot_be_asked_is_named(damaged: Database) -> None:
    """Where a column is missing, its rules are named, and the others are asked all the same."""
    with damaged.connect() as connection:
        connection.execute("ALTER TABLE users DROP COLUMN ephemeral_storage_bytes CASCADE")
        with connection.transaction():
            section = snapshot.ask(connection, quiet)

    assert [
        ("INV-U5", "broken by 25 rows: a user's credits are never negative"),
        (
            "INV-U6",
            'it cannot be asked here: column "ephemeral_storage_bytes" does not exist (42703)',
        ),
    ] == [(fault.about, fault.what) for fault in section.faults]
