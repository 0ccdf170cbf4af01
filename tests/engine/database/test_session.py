"""Sessions and sandboxes: answers of a server, values on their way, and the reset to empty."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path as Folder
from typing import Final
from uuid import UUID

import psycopg
import pytest
from hypothesis.strategies import SearchStrategy

import strategies as s
from conformance.engine.database.disabled_triggers import triggers_of
from conformance.engine.database.sandbox import TABLES, Sandbox
from conformance.engine.database.session import Session, outcome
from conformance.engine.postgres import Server
from conformance.engine.postgres.scratch import Database, Scratch, opened
from conformance.engine.sql.outcomes import Accepted, Inconclusive, Rejected
from conformance.engine.sql.writes import (
    Insert,
    Path,
    RawSql,
    Row,
    Sql,
    Statement,
    Update,
    literal,
)
from strategies.world import World, urn_of_team
from tests.engine.postgres.test_scratch import role
from tests.support.drawing import examples
from tests.support.granting import have_role

MIGRATIONS: Final = Folder(__file__).parents[3] / "migrations"
FIXED: Final = "_300_perm_1__role_permissions_are_fixed"
ROWS: Final = "SELECT t::text FROM {} AS t"
ENABLED: Final = "SELECT tgrelid, tgname, tgenabled FROM pg_trigger ORDER BY 1, 2"
VALUES: Final = """
CREATE TABLE v (
    id integer PRIMARY KEY CONSTRAINT inv_u5__v_small CHECK (id < 100),
    word text, words text[], doc jsonb, yes boolean, at timestamptz, amount numeric, key uuid,
    other integer NOT NULL DEFAULT 1 REFERENCES v (id) DEFERRABLE INITIALLY DEFERRED
)
"""


@pytest.fixture
def session(empty: Database) -> Iterator[Session]:
    """Open a session on a database with a table of values."""
    with Session(empty.conninfo) as session:
        session.connection.execute(VALUES)
        yield session


def rejected(session: Session, *statements: str) -> Rejected:
    """Run statements that must be rejected, in one transaction."""
    found = session.run([Statement(sql) for sql in statements])
    assert isinstance(found, Rejected)
    return found


def test_a_rejection_is_told_by_its_name(session: Session) -> None:
    """The constraint, the table and the code of an error come from its diagnostics."""
    found = rejected(session, "INSERT INTO v VALUES (100)")
    assert ("23514", "inv_u5__v_small", "v") == (found.sqlstate, found.constraint, found.table)
    assert "inv_u5__" == found.token
    found = rejected(session, "INSERT INTO v (id, other) VALUES (1, 1), (1, 1)")
    assert ("23505", "v_pkey", "") == (found.sqlstate, found.constraint, found.token)
    found = rejected(session, "INSERT INTO v (id, other) VALUES (1, NULL)")
    assert ("23502", "", "other") == (found.sqlstate, found.constraint, found.column)
    found = rejected(session, "INSERT INTO v (id, other) VALUES (1, 2)")
    assert ("23503", "v_other_fkey") == (found.sqlstate, found.constraint)
    assert "22P02" == rejected(session, "INSERT INTO v (id) VALUES ('x')").sqlstate
    assert "42P01" == rejected(session, "INSERT INTO w VALUES (1)").sqlstate


def test_a_rejected_transaction_leaves_nothing(session: Session) -> None:
    """Writes before a rejection are gone with it, and the session goes on."""
    rejected(session, "INSERT INTO v VALUES (1)", "INSERT INTO v VALUES (100)")
    assert [] == session.fetch("TABLE v")
    assert Accepted() == session.run([Statement("INSERT INTO v VALUES (1)")])
    assert [(1,)] == session.fetch("SELECT id FROM v")


def test_a_copy_is_rejected_like_any_other(session: Session) -> None:
    """A COPY that fails at its row, its data or at commit is rejected as the rest is."""
    for data, sqlstate in (("100\t1\n", "23514"), ("x\t1\n", "22P02"), ("1\t2\n", "23503")):
        found = session.run([Statement("COPY v (id, other) FROM STDIN", data)])
        assert isinstance(found, Rejected)
        assert sqlstate == found.sqlstate
    assert [] == session.fetch("TABLE v")
    assert Accepted() == session.run([Statement("COPY v (id, other) FROM STDIN", "1\t1\n")])


def test_a_stuck_statement_is_inconclusive(session: Session, empty: Database) -> None:
    """Time out of a statement, or of the wait for a lock, says nothing of the rules."""
    stuck = [Statement("SET LOCAL statement_timeout = '20ms'"), Statement("SELECT pg_sleep(60)")]
    found = session.run(stuck)
    assert isinstance(found, Inconclusive)
    assert "57014" == found.sqlstate
    with empty.connect() as holder, holder.transaction():
        holder.execute("LOCK TABLE v")
        waiting = [Statement("SET LOCAL lock_timeout = '20ms'"), Statement("TABLE v")]
        found = session.run(waiting)
    assert isinstance(found, Inconclusive)
    assert "55P03" == found.sqlstate
    assert Accepted() == session.run([Statement("TABLE v")])


def test_a_serialization_failure_is_inconclusive(session: Session, empty: Database) -> None:
    """Two sessions that change one row above read committed: the second cannot say."""
    session.run([Statement("INSERT INTO v VALUES (1)")])
    with empty.connect() as first:
        first.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        first.execute("TABLE v")
        session.run([Statement("UPDATE v SET word = 'a'")])
        with pytest.raises(psycopg.Error) as caught:
            first.execute("UPDATE v SET word = 'b'")
    found = outcome(caught.value)
    assert isinstance(found, Inconclusive)
    assert "40001" == found.sqlstate


def test_a_lost_connection_is_no_outcome(session: Session) -> None:
    """A session that the server ended is an error, neither accepted nor rejected."""
    with pytest.raises(psycopg.OperationalError):
        session.run([Statement("SELECT pg_terminate_backend(pg_backend_pid())")])


TEXTS: Final = (
    *("", " ", "'", "''", '"', "\\", "\\\\", "\\'", "\\n", "\\N", "\\.", "NULL", "{}", "{a,b}"),
    *("\n", "\r", "\t", "\r\n", "\b\f\v", "a\n\\.\nb", "$$", "%s", ";", "--", "ä€😀", "\x01\x7f"),
)
ROUND: Final[dict[str, tuple[str, list[object]]]] = {
    "word": ("word", [*TEXTS, None]),
    "words": ("words", [[], list(TEXTS), [None], ["NULL", None, "null", "", ","]]),
    "doc": (
        "doc",
        [s.Jsonb(None), s.Jsonb(1), s.Jsonb("x'\\\n\""), s.Jsonb({"a": ["\\'", None, True, 1.5]})],
    ),
    "others": ("yes", [True, False, None]),
    "at": ("at", [datetime(2026, 1, 1, 12, 0, 0, 1, tzinfo=UTC), s.FIRST, s.LAST]),
    "amount": ("amount", [Decimal("0.001"), Decimal("-9999999.999")]),
    "key": ("key", [UUID(int=0xABC)]),
}
DRAWN: Final[dict[str, SearchStrategy[object]]] = {
    "word": s.texts(200),
    "words": s.tags(),
    "doc": s.jsonb(),
}


def back(value: object) -> object:
    """Return a value as psycopg reads it."""
    return value.value if isinstance(value, s.Jsonb) else value


@pytest.mark.parametrize("path", [Path.INSERT, Path.COPY, Path.MERGE, Path.CTE])
@pytest.mark.parametrize("name", ROUND)
def test_values_arrive_as_they_were(name: str, path: Path, session: Session) -> None:
    """Every shape of statement stores just the value that was given."""
    column, values = ROUND[name]
    values = values + (examples(DRAWN[name], 50) if name in DRAWN else [])
    for value in values:
        row: Row = {"id": 1, column: value}
        assert Accepted() == session.transact([Insert("v", (row,))], path)
        same = f"{column} IS NOT DISTINCT FROM {literal(value)}"
        stored = session.fetch(f"SELECT {column}, {same} FROM v")  # noqa: S608 - our own names
        assert [(back(value), True)] == stored
        session.connection.execute("DELETE FROM v")


@pytest.mark.parametrize("path", [Path.UPDATE, Path.ON_CONFLICT, Path.MERGE, Path.CTE])
def test_updates_arrive_as_they_were(path: Path, session: Session) -> None:
    """Every shape of update changes the row that it means, to just that."""
    row: Row = {"id": 1, "word": "before"}
    session.transact([Insert("v", (row, {"id": 2, "word": "other"}))])
    for word in TEXTS:
        update = Update("v", {"id": 1}, {"word": word, "words": [word, None]}, row)
        assert Accepted() == session.transact([update], path)
        assert [(1, word), (2, "other")] == session.fetch("SELECT id, word FROM v ORDER BY id")


def test_many_rows_may_name_different_columns(session: Session) -> None:
    """Rows of one insert are grouped by their columns, and all of them arrive."""
    for path in (Path.INSERT_MANY, Path.COPY, Path.CTE, Path.MERGE):
        last = "B" if path is Path.COPY else Sql("upper('b')")
        rows: tuple[Row, ...] = ({"id": 1}, {"id": 2, "word": "a"}, {"id": 3, "word": last})
        assert Accepted() == session.transact([Insert("v", rows)], path)
        assert [(1, None), (2, "a"), (3, "B")] == session.fetch("SELECT id, word FROM v ORDER BY 1")
        session.connection.execute("DELETE FROM v")


def contents(sandbox: Sandbox) -> dict[str, list[tuple[object, ...]]]:
    """Return all rows of all tables, the schema's own bookkeeping and the change log among them."""
    tables = [str(name) for name, *_ in sandbox.session.fetch(TABLES)]
    tables.append("conformance.changes")
    return {table: sorted(sandbox.session.fetch(ROWS.format(table))) for table in tables}


def fill(sandbox: Sandbox) -> None:
    """Write something to many tables, and so to the bookkeeping."""
    world = World()
    team, owner = world.team()
    job = world.job(owner, urn_of_team(team), project_id=world.project(team, owner)["id"])
    world.insert("job_events", world.an_event(job))
    world.insert("system_assets", world.a_system_asset())
    world.insert(
        "webhook_deliveries",
        world.a_delivery(world.insert("webhooks", world.a_webhook(team, owner))),
    )
    assert Accepted() == sandbox.session.transact(world.given)


def expect_reset(sandbox: Sandbox) -> None:
    """Fill and empty a sandbox, whether or not it has looked at what was written in between."""
    before = contents(sandbox)
    assert before["public.role_permissions"]
    for looks in (False, True):
        fill(sandbox)
        if looks:
            assert {} == sandbox.violations()
        written = {table for table, rows in contents(sandbox).items() if rows != before[table]}
        assert {
            *("public.users", "public.jobs", "public.job_events", "framecast.team_guards"),
            *("framecast.user_guards", "framecast.job_event_counters", "conformance.changes"),
        } <= written
        sandbox.reset()
        assert before == contents(sandbox)
    sandbox.session.connection.execute(
        f"ALTER TABLE public.role_permissions DISABLE TRIGGER {FIXED}"
    )
    sandbox.session.connection.execute(
        "DELETE FROM public.role_permissions WHERE role = 'owner';"
        "INSERT INTO public.role_permissions VALUES ('viewer', 'team.delete');"
    )
    sandbox.session.connection.execute(
        f"ALTER TABLE public.role_permissions ENABLE TRIGGER {FIXED}"
    )
    sandbox.reset()
    assert before == contents(sandbox)
    assert Accepted() == sandbox.session.transact([Insert("users", (World().a_starter(),))])


def test_a_reset_empties_everything(scratch: Scratch) -> None:
    """After a reset all is as it was installed: rows, bookkeeping, permissions, and triggers."""
    with (
        scratch.cloned(scratch.template(MIGRATIONS)) as database,
        Sandbox(database.conninfo) as sandbox,
    ):
        before = sandbox.session.fetch(ENABLED)
        expect_reset(sandbox)
        assert before == sandbox.session.fetch(ENABLED)


def test_a_reset_empties_unlogged_tables_too(scratch: Scratch) -> None:
    """A table that is not logged is taken back like any other."""
    with scratch.cloned(scratch.template(MIGRATIONS)) as database:
        with database.connect() as connection:
            connection.execute("CREATE UNLOGGED TABLE public.seen (id integer PRIMARY KEY)")
            connection.execute("CREATE UNLOGGED TABLE framecast.seen (id integer PRIMARY KEY)")
        with Sandbox(database.conninfo) as sandbox:
            for _ in range(2):
                fill(sandbox)
                sandbox.session.connection.execute("INSERT INTO public.seen VALUES (1)")
                sandbox.session.connection.execute("INSERT INTO framecast.seen VALUES (1)")
                sandbox.reset()
                assert [] == contents(sandbox)["public.seen"] + contents(sandbox)["framecast.seen"]


def test_a_reset_needs_no_superuser(server: Server) -> None:
    """A role that owns its database, and nothing else, resets as well."""
    have_role(server.conninfo)
    with role(server, "CREATEDB") as seen, opened(seen) as run:
        assert not seen.superuser
        with run.cloned(run.template(MIGRATIONS)) as database, ExitStack() as stack:
            with database.connect() as connection:  # and what was disabled stays so
                connection.execute("ALTER TABLE public.usage DISABLE TRIGGER _500_set_updated_at")
            sandbox = stack.enter_context(Sandbox(database.conninfo))
            triggers = (
                "SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2"
            )
            before = sandbox.session.fetch(triggers)
            expect_reset(sandbox)
            assert before == sandbox.session.fetch(triggers)


def test_triggers_sleep_for_an_owner_too(server: Server) -> None:
    """An owner who cannot switch all triggers off does it one by one, and enables no other."""
    triggers = "SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2"
    older = "UPDATE public.usage SET id = gen_random_uuid()"
    have_role(server.conninfo)
    with (
        role(server, "CREATEDB") as seen,
        opened(seen) as run,
        run.cloned(run.template(MIGRATIONS)) as database,
        Sandbox(database.conninfo) as sandbox,
    ):
        usage = World().a_usage("framecast:user:00000000-0000-0000-0000-000000000001")
        sandbox.session.transact([Insert("usage", (usage,))])
        sandbox.session.connection.execute(
            "ALTER TABLE public.usage DISABLE TRIGGER _500_set_updated_at"
        )
        sandbox.session.connection.execute(
            'CREATE TRIGGER "50% off" BEFORE UPDATE ON public.usage FOR EACH ROW'
            " EXECUTE FUNCTION suppress_redundant_updates_trigger()"
        )
        before = sandbox.session.fetch(triggers)
        disabled, enabled = triggers_of(["usage"])
        assert Accepted() == sandbox.session.transact([disabled, RawSql(older), enabled])
        assert before == sandbox.session.fetch(triggers)
        refused = sandbox.session.transact([RawSql(older)])
        assert isinstance(refused, Rejected)
        assert "imm_1__usage_subject_is_fixed" == refused.constraint


def test_copies_may_have_long_names_that_begin_alike(scratch: Scratch) -> None:
    """PostgreSQL cuts names after 63 bytes: two copies are two all the same."""
    alike = "a_race_that_has_a_very_long_name_which_is_the_same_up_to_a_point_"
    with (
        scratch.cloned(scratch.template(MIGRATIONS)) as database,
        Sandbox(database.conninfo) as sandbox,
    ):
        kept = {}
        for name in (f"{alike}one", f"{alike}two"):
            fill(sandbox)
            assert sandbox.keep(name)
            kept[name] = contents(sandbox)
            sandbox.reset()
        for name, rows in kept.items():
            sandbox.bring_back(name)
            assert rows == contents(sandbox)
