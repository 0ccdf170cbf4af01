"""Rules that constraints prove of all rows, and that nothing else is taken for proven."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from conformance.engine.audit import proven, snapshot
from conformance.engine.audit.description import Description, describe
from conformance.engine.audit.questions import Question, of_rules
from conformance.engine.postgres.scratch import Database, Scratch, Template
from conformance.engine.sql.writes import statements
from conformance.framecast.rules import RULES
from strategies.world import World
from tests.engine.audit.test_audit_data import EACH, damaged, quiet
from tests.planted.planting import Plant

ASKED = frozenset(rule for question in of_rules(RULES.values()) for rule in question.rules)


__all__ = ["damaged"]


@pytest.fixture(scope="module")
def kept(scratch: Scratch, template: Template) -> Iterator[psycopg.Connection[Any]]:
    """Connect to a database as a replica, where constraints are all that refuses."""
    with scratch.cloned(template, "kept") as database, database.connect() as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET search_path = public, pg_catalog")
        yield connection


@pytest.fixture(scope="module")
def made(kept: psycopg.Connection[Any]) -> Description:
    """Describe it as its migrations made it."""
    return described(kept)


@pytest.fixture(scope="module")
def some(kept: psycopg.Connection[Any], made: Description) -> tuple[Question, ...]:
    """Return what is left to ask of it."""
    return left(kept, made)


@pytest.fixture
def own(scratch: Scratch, template: Template) -> Iterator[psycopg.Connection[Any]]:
    """Connect to a database that a test may change."""
    with scratch.cloned(template, "own") as database, database.connect() as connection:
        connection.execute("SET search_path = public, pg_catalog")
        yield connection


def described(connection: psycopg.Connection[Any]) -> Description:
    """Describe a database, and leave its search_path as it was."""
    with connection.transaction(force_rollback=True):
        return describe(connection)


def left(connection: psycopg.Connection[Any], made: Description) -> tuple[Question, ...]:
    """Return what is left to ask of a database as it stands."""
    found = described(connection)
    with connection.transaction():
        return proven.questions(connection, made, found)


def asked(connection: psycopg.Connection[Any], made: Description) -> frozenset[str]:
    """Return the rules that are left to ask."""
    return frozenset(rule for each in left(connection, made) for rule in each.rules)


def test_half_of_the_rules_need_no_look_at_rows(
    kept: psycopg.Connection[Any], made: Description
) -> None:
    """Checks, keys, types and columns prove rules; what is decided elsewhere is asked."""
    needed = asked(kept, made)

    assert {"INV-U5", "INV-W4", "URN-1", "INV-AF6", "INV-T3", "INV-J1"} <= ASKED - needed
    assert {"INV-U2", "INV-M5", "INV-J2", "CARD-5", "SEQ-1", "INV-A4"} <= needed
    assert len(ASKED - needed) * 2 > len(needed)


@pytest.mark.parametrize(("rule", "plant"), EACH)
def test_a_row_is_refused_by_constraints_or_asked_for(
    rule: str, plant: Plant, kept: psycopg.Connection[Any], some: tuple[Question, ...]
) -> None:
    """Of a planted row that no constraint refuses, what is left to ask finds as much as all."""
    if not RULES[rule].of_rows:
        return  # as for the audit's questions
    every = of_rules(RULES.values())
    with kept.transaction(force_rollback=True):
        try:
            for write in plant(World()).writes:
                for statement in statements(write):
                    kept.execute(statement.sql)
        except (psycopg.errors.IntegrityError, psycopg.errors.DataError):
            return
        found = [_broken(kept, rule, questions) for questions in (some, every)]

    assert found[0] == found[1]


@pytest.mark.parametrize("rule", sorted(ASKED))
def test_a_constraint_that_is_gone_or_changed_proves_nothing(
    rule: str,
    kept: psycopg.Connection[Any],
    made: Description,
    some: tuple[Question, ...],
) -> None:
    """Whichever object of a proven rule is missing or not as made, the rule is asked."""
    objects = list(proven.enforcing(RULES[rule], made))
    if any(rule in question.rules for question in some):
        assert not objects or rule not in proven.by_constraints(kept, made, made)
        return
    assert objects
    for key in objects:
        gone = {each: made[each] for each in made if each != key}
        assert rule not in proven.by_constraints(kept, made, gone)
        for mark in (" (not validated)", " (not enforced)", " (invalid)"):
            assert rule not in proven.by_constraints(kept, made, {**made, key: made[key] + mark})


def test_what_was_not_asked_of_old_rows_proves_nothing(
    own: psycopg.Connection[Any], made: Description
) -> None:
    """A CHECK that is not validated, here or in the migrations, leaves its rule asked."""
    name = "inv_u5__users_credits_not_negative"
    own.execute(f"ALTER TABLE users DROP CONSTRAINT {name}".encode())
    assert "INV-U5" in asked(own, made)
    own.execute(f"ALTER TABLE users ADD CONSTRAINT {name} CHECK (credits >= 0) NOT VALID".encode())
    assert "INV-U5" in asked(own, made)
    assert "INV-U5" in asked(own, described(own))
    own.execute(f"ALTER TABLE users VALIDATE CONSTRAINT {name}".encode())
    assert "INV-U5" not in asked(own, made)


def test_a_function_that_was_replaced_proves_nothing(own: psycopg.Connection[Any]) -> None:
    """Where a CHECK calls a function of the schema, the function has to be as it was made."""
    own.execute(
        "CREATE FUNCTION public.is_small(n numeric) RETURNS boolean"
        " IMMUTABLE LANGUAGE sql RETURN n < 1000000;"
        " ALTER TABLE users ADD CONSTRAINT inv_u5__users_credits_small CHECK (is_small(credits))"
    )
    with_function = described(own)
    assert "INV-U5" not in asked(own, with_function)
    own.execute(
        "CREATE OR REPLACE FUNCTION public.is_small(n numeric) RETURNS boolean"
        " IMMUTABLE LANGUAGE sql RETURN true"
    )
    assert "INV-U5" in unproven(own, with_function)


def unproven(connection: psycopg.Connection[Any], made: Description) -> frozenset[str]:
    """Return the rules that their objects do not prove, whatever the planner knows."""
    found = described(connection)
    return ASKED - proven.by_constraints(connection, made, found)


def test_keys_prove_nothing_once_texts_are_sorted_otherwise(
    own: psycopg.Connection[Any], made: Description
) -> None:
    """After an update of the system's collations a unique index may have let twins in."""
    assert "INV-T3" not in asked(own, made)
    own.execute(
        "UPDATE pg_database SET datcollversion = 'of before' WHERE datname = current_database()"
    )
    needed = asked(own, made)
    assert {"INV-T3", "INV-AF6"} <= needed
    assert "INV-U5" not in needed


def test_the_section_says_what_was_proven_so(damaged: Database) -> None:
    """The rules that were not asked are named, with the option that asks them."""
    with damaged.connect() as connection:
        made = described(connection)
        with connection.transaction():
            some = proven.questions(connection, made, made)
            section = snapshot.ask(connection, quiet, questions=some)

    assert "; 48 proven by constraints" in section.summary
    (note,) = [each for each in section.notes if "--paranoid" in each]
    assert "INV-W4" in note
    assert {"INV-U5"} == {fault.about for fault in section.faults}


def _broken(
    connection: psycopg.Connection[Any], rule: str, questions: tuple[Question, ...]
) -> set[str]:
    """Return the keys of the rows that break a rule, as far as questions ask for it."""
    found = set()
    for question in questions:
        if rule in question.rules:
            for key, *broken in connection.execute(question.sql.encode()).fetchall():
                flags = zip(question.rules, broken, strict=True)
                found |= {key for name, is_broken in flags if is_broken and name == rule}
    return found
