"""``python -m conformance audit``: what it prints, how it ends, and that it leaves no trace."""

import io
import json
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import psycopg
import pytest
from psycopg import conninfo, sql

from conformance.commands import main
from conformance.engine.audit import enforcement, snapshot
from conformance.engine.audit.target import Limits, TargetError, reading
from conformance.engine.postgres import Server
from conformance.engine.postgres.scratch import Database, Scratch, Template
from tests.support.migrating import Outcome
from tests.support.outputs import without_progress

pytestmark = pytest.mark.usefixtures("roles_alone")
TABLES = """
    SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
     WHERE schemaname IN ('public', 'framecast') ORDER BY 1
"""
LOCKS = """
    SELECT DISTINCT mode FROM pg_locks
     WHERE pid = %s AND locktype NOT IN ('virtualxid', 'transactionid')
"""
READER = "framecast_conformance_reader"


@pytest.fixture
def target(scratch: Scratch, template: Template) -> Iterator[Database]:
    """Lend a database in use."""
    with scratch.cloned(template, "target") as database:
        yield database


def run(server: Server, *arguments: str) -> Outcome:
    """Run the command in this process, with the server under test as its scratch server."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["audit", *arguments, "--scratch-url", server.conninfo])
    return Outcome(code, out.getvalue(), err.getvalue())


def test_a_sound_database_ends_with_nought(target: Database, server: Server) -> None:
    """Where all rules hold and are enforced, two sections are right, and the exit code says so."""
    ended = run(server, target.conninfo)

    assert (0, "") == (ended.code, without_progress(ended.err))
    lines = ended.out.splitlines()
    assert ["7  data         ok", "8  enforcement  ok"] == [
        line[:20].rstrip() for line in lines if line[0] in "78"
    ]
    assert "audit: the data keep the rules, and the rules are enforced" == lines[-1]


def test_a_row_that_breaks_a_rule_is_named(target: Database, server: Server) -> None:
    """Rows that a replica wrote past triggers are found, by rule and key, and fail the audit."""
    with target.connect() as connection:
        connection.execute("SET session_replication_role = replica")
        made = connection.execute(
            "INSERT INTO users (email, tier, upgraded_at)"
            " VALUES ('a@example.com', 'creator', now()) RETURNING id::text"
        ).fetchall()
    ended = run(server, target.conninfo)

    assert 1 == ended.code
    assert "INV-U2: broken by 1 row: a creator belongs to at least one team" in ended.out
    assert made[0][0] in ended.out
    assert "audit: not sound: 1 finding" == ended.out.splitlines()[-1]


def test_the_json_says_the_same(target: Database, server: Server) -> None:
    """The JSON has the sections with their findings, the keys, and one answer for all of it."""
    with target.connect() as connection:
        connection.execute("ALTER TABLE jobs DISABLE TRIGGER _500_move_project")
    ended = run(server, target.conninfo, "--json")
    document = json.loads(ended.out)

    assert (1, 1, False) == (ended.code, document["version"], document["holds"])
    assert [(7, "ok"), (8, "1 finding")] == [
        (section["number"], section["outcome"]) for section in document["sections"]
    ]
    assert [
        {
            "about": "trigger _500_move_project on public.jobs",
            "what": "disabled",
            "remedy": "ALTER TABLE public.jobs ENABLE TRIGGER _500_move_project",
        }
    ] == document["sections"][1]["faults"]


@pytest.mark.parametrize(
    ("timeouts", "said"),
    [
        (("--lock-timeout", "0.05"), "somebody held a lock for longer than 0.05 s"),
        (("--statement-timeout", "0.05"), "a statement took longer than 0.05 s"),
    ],
)
def test_what_takes_too_long_is_not_right(
    target: Database, server: Server, timeouts: tuple[str, str], said: str
) -> None:
    """Behind a lock the audit gives up, says what to do, and does not end with nought."""
    with target.connect() as connection, connection.transaction():
        connection.execute("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
        ended = run(server, target.conninfo, *timeouts)

    assert 3 == ended.code
    assert said in ended.out
    assert "not asked to the end" in ended.out.splitlines()[-1]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("host=/nowhere", "target: the database cannot be reached: "),
        ("postgresql://joe:s3cret@[half", "target: not a database URL, such as "),
    ],
)
def test_what_cannot_be_reached_is_not_right(url: str, said: str, server: Server) -> None:
    """An address where nobody answers, or that is none, is a finding; no password is shown."""
    ended = run(server, url)

    assert 3 == ended.code
    assert said in ended.out
    assert "s3cret" not in ended.out + ended.err


def test_another_database_is_not_right(empty: Database, server: Server) -> None:
    """A database without the schema cannot be audited."""
    ended = run(server, empty.conninfo)

    assert 1 == ended.code
    assert "target: there is no schema of Framecast: name its database" in ended.out


def test_a_role_that_may_not_read_says_so(target: Database, server: Server) -> None:
    """Tables that the role may not read are named, rule by rule, and not passed over."""
    name = sql.Identifier(READER)
    with target.connect() as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
        try:
            url = conninfo.make_conninfo(target.conninfo, user=READER)
            ended = run(server, url)
        finally:
            connection.execute(sql.SQL("DROP ROLE {}").format(name))

    assert 3 == ended.code
    assert "INV-U2: it cannot be asked here: permission denied for table users" in ended.out


def test_nothing_is_written_and_nobody_waits(target: Database) -> None:
    """With all asked and the snapshot open, only shared locks are held, and writers write on."""
    with reading(target.conninfo, Limits()) as looking, target.connect() as writer:
        snapshot.ask(looking, lambda *_: None)
        enforcement.inspect(looking, {})
        modes = writer.execute(LOCKS, (looking.info.backend_pid,)).fetchall()
        written = looking.execute("SELECT pg_current_xact_id_if_assigned()::text").fetchall()
        writer.execute("SET lock_timeout = '100ms'")
        for (table,) in writer.execute(TABLES).fetchall():
            with writer.transaction(force_rollback=True):
                writer.execute(f"LOCK TABLE {table} IN ROW EXCLUSIVE MODE".encode())
                writer.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE".encode())
        writer.execute("INSERT INTO users (email) VALUES ('a@example.com')")

    assert [("AccessShareLock",)] == modes
    assert [(None,)] == written


def test_what_would_write_is_refused(target: Database) -> None:
    """Even a function of the target that writes cannot do so in the audit's transaction."""
    with target.connect() as connection:
        connection.execute("INSERT INTO users (email) VALUES ('a@example.com')")
        connection.execute(
            "CREATE FUNCTION spoil() RETURNS void LANGUAGE sql AS 'DELETE FROM users'"
        )
        with (
            pytest.raises(TargetError, match="read-only transaction"),
            reading(target.conninfo, Limits()) as looking,
        ):
            looking.execute("SELECT spoil()")

        assert [(1,)] == connection.execute("SELECT count(*) FROM users").fetchall()


def test_the_snapshot_is_one(target: Database) -> None:
    """Commits during the audit are not seen by it: all rules see the same rows."""
    with reading(target.conninfo, Limits()) as looking, target.connect() as writer:
        counted: list[Any] = [looking.execute("SELECT count(*) FROM users").fetchall()]
        writer.execute("INSERT INTO users (email) VALUES ('a@example.com')")
        counted.append(looking.execute("SELECT count(*) FROM users").fetchall())
        level = looking.execute("SHOW transaction_isolation").fetchall()

    assert counted[0] == counted[1]
    assert [("repeatable read",)] == level


def test_an_address_is_needed(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    """Without an address there is one message on standard error, and nothing else."""
    monkeypatch.delenv("DATABASE_URL", raising=False)

    assert Outcome(1, "", "audit: no database: give its URL, or set DATABASE_URL\n") == run(server)


def test_a_target_that_waits_for_ever_is_left(target: Database) -> None:
    """The connection itself has limits, which no setting of the target's roles undoes."""
    with reading(target.conninfo, Limits(statement=7, lock=3)) as looking:
        shown = [
            looking.execute(f"SHOW {name}".encode()).fetchall()[0][0]
            for name in (
                "statement_timeout",
                "lock_timeout",
                "idle_in_transaction_session_timeout",
                "transaction_read_only",
            )
        ]
        known = looking.info.get_parameters()

    assert ["7s", "3s", "1min", "on"] == shown
    assert {"connect_timeout", "keepalives_idle", "tcp_user_timeout"} <= known.keys()
    assert isinstance(looking, psycopg.Connection)
    assert looking.closed


class Pooled(psycopg.Connection[Any]):
    """A session that outlives its client, as that of a pooler does."""

    def close(self) -> None:
        """Leave the session to whoever comes next."""


def test_a_pooled_session_is_left_as_it_was(
    target: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings of the audit end with its transaction: behind a pooler, others get the session."""
    settings = "SELECT name, setting FROM pg_settings ORDER BY name"
    with psycopg.connect(target.conninfo, application_name="framecast audit") as fresh:
        expected = fresh.execute(settings).fetchall()
    monkeypatch.setattr(psycopg, "connect", Pooled.connect)
    with reading(target.conninfo, Limits()) as looking:
        snapshot.ask(looking, lambda *_: None)
        enforcement.inspect(looking, {})
    found = looking.execute(settings).fetchall()

    assert expected == found
    psycopg.Connection.close(looking)
