"""Settings that a migration gives a database come to all that is made of it, and are read."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from conformance.engine.cases.verdicts import Verdict
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.reading.switches import switches
from conformance.framecast.application import APPLICATION
from conformance.framecast.rules import RULES

BEGINS = """
SELECT coalesce(r.rolname, ''), s.setconfig
FROM pg_db_role_setting AS s JOIN pg_database AS d ON d.oid = s.setdatabase
LEFT JOIN pg_roles AS r ON r.oid = s.setrole
WHERE d.datname = current_database() ORDER BY 1
"""


def begun(whose: str, setting: str) -> str:
    """Return SQL that has all sessions of this database, or some, begin with a setting."""
    return f"DO $$BEGIN EXECUTE format('ALTER {whose} SET {setting}', current_database()); END$$"


@pytest.fixture(scope="module")
def owner(scratch: Scratch, template: Template) -> Iterator[psycopg.Connection[Any]]:
    """Connect to a database of this module's own, which nobody changes for good."""
    with scratch.cloned(template, "settings") as database, database.connect() as connection:
        yield connection


@pytest.mark.parametrize("whose", ["DATABASE %I", "ROLE ALL IN DATABASE %I"])
@pytest.mark.parametrize("value", ["replica", "local"])
def test_sessions_that_fire_no_trigger_are_named(
    whose: str, value: str, owner: psycopg.Connection[Any]
) -> None:
    """A database whose sessions begin without triggers keeps no rule, and is named for each."""
    with owner.transaction(force_rollback=True):
        owner.execute(begun(whose, f"session_replication_role = {value}").encode())
        found = switches(owner)

    if value == "replica":
        (switch,) = found
        assert "every session is begun with session_replication_role=replica" in str(switch)
        assert (tuple(RULES), Verdict.BROKEN) == (switch.rules, switch.verdict)
    else:  # fires what `origin` does
        assert [] == found


def test_other_settings_are_no_switch(owner: psycopg.Connection[Any]) -> None:
    """A setting on which no rule depends may be any database's."""
    with owner.transaction(force_rollback=True):
        owner.execute(begun("DATABASE %I", "TimeZone = ''Europe/Zurich''").encode())
        assert [] == switches(owner)


def test_a_clone_begins_as_its_template(scratch: Scratch, template: Template) -> None:
    """A copy of a database has its settings, lists and those of one role too, and our triggers."""
    changes = (
        begun("DATABASE %I", "search_path = framecast, public"),
        begun("DATABASE %I", "plpgsql.extra_errors = ''all''"),
        begun("DATABASE %I", "session_replication_role = replica"),
        begun(f"ROLE {APPLICATION} IN DATABASE %I", "work_mem = ''1MB''"),
    )
    database = scratch.clone(template, "begun")
    with database.connect() as connection:
        for change in changes:
            connection.execute(change.encode())
        before = connection.execute(BEGINS).fetchall()
    sealed = scratch.seal(database)
    with scratch.cloned(sealed, "again") as made, made.connect() as connection:
        after = connection.execute(BEGINS).fetchall()
        errors = connection.execute("SHOW plpgsql.extra_errors").fetchone()
        role = connection.execute("SHOW session_replication_role").fetchone()
    scratch.drop(sealed)

    assert before == after
    assert 2 == len(after)
    assert [("all",), ("origin",)] == [errors, role]
