"""History of a load: what was broken by one commit and mended by the next is found."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from conformance.engine.database.sandbox import Sandbox
from conformance.engine.database.session import Session
from conformance.engine.postgres import Request, provision, scratch
from conformance.engine.postgres.scratch import Database
from conformance.engine.soak import history, violation_queries
from conformance.engine.sql.outcomes import Accepted
from conformance.engine.sql.writes import Statement, Update
from strategies.world import World

MIGRATIONS: Final = Path(__file__).parents[3] / "migrations"
OF_OWNERS: Final = """
SELECT 'ALTER TABLE ' || tgrelid::regclass || ' {} TRIGGER ' || quote_ident(tgname)
FROM pg_trigger WHERE tgname LIKE '%inv\\_t2\\_\\_%'
"""


@pytest.fixture(scope="module")
def databases() -> Iterator[tuple[Database, Database]]:
    """Lend two databases of a server that tells the order of commits."""
    with (
        provision(Request.read({}, os.environ), history.SETTINGS) as server,
        scratch.opened(server) as made,
    ):
        template = made.template(MIGRATIONS)
        yield made.clone(template, "first"), made.clone(template, "again")


def switch(session: Session, to: str) -> None:
    """Disable or enable what guards the owners of teams."""
    for (statement,) in session.fetch(OF_OWNERS.format(to)):
        assert isinstance(session.run([Statement(str(statement))]), Accepted)


def test_what_is_broken_for_a_moment_is_found(databases: tuple[Database, Database]) -> None:
    """A team without an owner for one commit of three: its rule is named, and what was done."""
    first, again = databases
    world = World()
    team, _ = world.team()
    with first.connect() as connection, Session(first.conninfo) as session:
        connection.autocommit = True
        history.keep(connection)
        assert isinstance(session.transact(world.given), Accepted)
        switch(session, "DISABLE")
        for role in ("viewer", "owner"):
            changed = Update("memberships", {"team_id": team["id"]}, {"role": role})
            assert isinstance(session.transact([changed]), Accepted)
        switch(session, "ENABLE")
        with Sandbox(again.conninfo) as sandbox:
            commits, found = history.breach(connection, sandbox)

        assert {} == violation_queries.violations(connection)
    assert found is not None
    assert (2, 3) == (found.commit, commits)
    assert {"INV-T2", "CARD-1"} == {*found.broken}
    assert "role 'owner' -> 'viewer'" in found.told
