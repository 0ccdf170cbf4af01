"""A sandbox whose own statements meet a timeout: what comes later does not suffer from it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest
from psycopg.errors import LockNotAvailable

from conformance.engine.database.sandbox import Sandbox
from conformance.engine.postgres.scratch import Database, Scratch
from conformance.engine.sql.outcomes import Accepted
from conformance.engine.sql.writes import Insert
from strategies.world import World
from tests.engine.database.test_session import contents, fill

MIGRATIONS: Final = Path(__file__).parents[3] / "migrations"


@pytest.fixture
def database(scratch: Scratch) -> Iterator[Database]:
    """Lend a database with the schema."""
    with scratch.cloned(scratch.template(MIGRATIONS), "hindered") as database:
        yield database


@pytest.fixture
def sandbox(database: Database) -> Iterator[Sandbox]:
    """Lend a sandbox that waits for no lock."""
    with Sandbox(database.conninfo) as sandbox:
        for session in (sandbox.owner, sandbox._cleaner):
            session.connection.execute("SET lock_timeout = '1ms'")
        yield sandbox


@contextmanager
def hindered(database: Database, table: str = "webhooks") -> Iterator[None]:
    """Hold a table, by default the last of them, and expect that somebody gives up waiting."""
    with database.connect() as other, other.transaction():
        other.execute(f"LOCK TABLE public.{table} IN ACCESS EXCLUSIVE MODE".encode())
        with pytest.raises(LockNotAvailable):
            yield


def test_a_reset_that_failed_is_made_good_by_the_next(database: Database, sandbox: Sandbox) -> None:
    """After a timeout the next reset empties all that was written, before and after it."""
    empty = contents(sandbox)
    starter = Insert("users", ({**World().a_starter(), "id": uuid4()},))
    fill(sandbox)
    with hindered(database):
        sandbox.reset()
    sandbox.reset()
    assert empty == contents(sandbox)

    assert Accepted() == sandbox.session.transact([starter])
    assert {} == sandbox.violations()  # which sees what was written by now
    with hindered(database, "users"):
        sandbox.reset()
    fill(sandbox)
    sandbox.reset()

    assert empty == contents(sandbox)


def test_a_copy_that_failed_can_be_made_again(database: Database, sandbox: Sandbox) -> None:
    """A copy that met a timeout halfway leaves nothing in the way of the next one."""
    fill(sandbox)
    with hindered(database):
        sandbox.keep("a setup")
    assert not sandbox.has_kept("a setup")

    assert sandbox.keep("a setup")
    kept = contents(sandbox)
    sandbox.reset()
    with hindered(database):
        sandbox.bring_back("a setup")
    sandbox.bring_back("a setup")

    assert kept == contents(sandbox)
