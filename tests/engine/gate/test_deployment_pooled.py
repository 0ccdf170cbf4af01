"""A deployment through a pooler, by an owner who is no superuser, from gate to migrate to audit."""

import functools
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from conformance.engine.audit.findings import Section
from conformance.engine.gate import rehearsal, suite
from conformance.engine.gate.result import Result
from conformance.engine.migrate import runner
from conformance.engine.postgres import Server
from conformance.engine.postgres.scratch import Database, Scratch, Template
from conformance.framecast.rules import RULES
from tests.support.gating import run
from tests.support.migrating import Outcome
from tests.support.pooling import POOLERS, pooled

KEEPER = "framecast_conformance_pool_keeper"
INDEX = """\
-- outside a transaction: writers need not wait
CREATE INDEX CONCURRENTLY users_email_lower ON public.users (lower(email));
"""
NOT_VALID = """\
-- squawk-ignore-file constraint-missing-not-valid
ALTER TABLE public.teams ADD CONSTRAINT teams_slug_is_short
CHECK (char_length(slug) <= 100) NOT VALID;
"""
VALIDATE = "ALTER TABLE public.teams VALIDATE CONSTRAINT teams_slug_is_short;\n"
HELD = Result(dict.fromkeys(RULES, "held"))
# All that anybody wrote to a database, its catalog included, and what was read of it. What belongs
# to the server counts scratch databases too, which are made on the same one here; and what vacuum
# notes is nobody's.
WRITTEN = """
    SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint
      FROM pg_stat_all_tables AS s JOIN pg_class AS c ON c.oid = s.relid
     WHERE NOT c.relisshared AND s.relname NOT IN ('pg_class', 'pg_statistic', 'pg_toast_2619')
"""
READ = "SELECT sum(seq_scan + coalesce(idx_scan, 0))::bigint FROM pg_stat_user_tables"
ALONE = """
    SELECT count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND backend_type = 'client backend'
"""


@pytest.fixture
def owned(
    scratch: Scratch, empty_template: Template, roles_alone: None
) -> Iterator[tuple[Database, str]]:
    """Lend a database whose owner is no superuser, and the owner's address."""
    assert roles_alone is None
    with scratch.cloned(empty_template, "pooled") as database, database.connect() as admin:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE").format(sql.Identifier(KEEPER)))
        admin.execute(
            sql.SQL("ALTER DATABASE {} OWNER TO {}").format(
                sql.Identifier(database.name), sql.Identifier(KEEPER)
            )
        )
        yield database, make_conninfo(database.conninfo, user=KEEPER)
        admin.execute(
            sql.SQL("REASSIGN OWNED BY {} TO CURRENT_USER").format(sql.Identifier(KEEPER))
        )
        admin.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(KEEPER)))
        admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(KEEPER)))


@pytest.fixture
def schema(tmp_path: Path, pytestconfig: pytest.Config) -> Path:
    """Copy the project's own migrations, with the linter's configuration above them."""
    shutil.copy(pytestconfig.rootpath / ".squawk.toml", tmp_path)
    return shutil.copytree(pytestconfig.rootpath / "migrations", tmp_path / "migrations")


@pytest.fixture(params=POOLERS)
def address(request: pytest.FixtureRequest, owned: tuple[Database, str]) -> Iterator[str]:
    """Put a pooler in front of it."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    with pooled(request.param, owned[0].conninfo, KEEPER, folder) as behind:
        yield behind
    shutil.rmtree(folder)


@pytest.fixture
def gate(server: Server, schema: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Return what runs a command on the schema; the suite and the states are others' tests."""
    monkeypatch.setattr(suite, "run", lambda _files, _how: HELD)
    monkeypatch.setattr(suite, "run_once", lambda _files, _how: (HELD, False))
    reached = Section(rehearsal.NUMBER, rehearsal.TITLE, asked=True)
    monkeypatch.setattr(rehearsal, "rehearse", lambda *_, **__: reached)
    return functools.partial(_run, server, schema)


def _run(server: Server, schema: Path, command: str, url: str, *arguments: str) -> Outcome:
    return run(url, schema, server, *arguments, command=command)


def test_a_deployment_through_a_pooler(
    address: str, gate: Callable[..., Outcome], schema: Path, tmp_path: Path
) -> None:
    """A concurrent index and a NOT VALID pair go from gate to migrate to audit, in two releases."""
    passed = str(tmp_path / "gate.json")
    assert 0 == gate("migrate", address).code
    for release in (
        {"004_index.sql": INDEX, "005_short_slugs.sql": NOT_VALID},
        {"006_validate.sql": VALIDATE},
    ):
        for name, text in release.items():
            (schema / name).write_text(text)
        asked = gate("gate", address, "--json", passed)
        done = gate("migrate", address, "--gated", passed)
        audited = gate("audit", address)

        assert (0, 0, 0) == (asked.code, done.code, audited.code), (
            f"{asked.out}{done.err}{audited.out}"
        )
        assert all(f"applied {name}" in done.out for name in release)
        assert ("not validated yet" in audited.out) == ("005_short_slugs.sql" in release)
        assert "tried with the rights of " in asked.out

    assert json.loads(Path(passed).read_text())["files"]["pending"].keys() == {"006_validate.sql"}
    with psycopg.connect(address) as conn:
        valid = conn.execute(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = 'users_email_lower'::regclass"
        ).fetchone()
        left = conn.execute(
            "SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND "
            "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        assert ((True,), 0) == (valid, left.rowcount)


def test_gate_and_audit_write_nothing_to_the_target(
    owned: tuple[Database, str], gate: Callable[..., Outcome], schema: Path
) -> None:
    """By the target's own statistics, they have read its tables, and written to none."""
    database, url = owned
    runner.migrate(url, schema, 5, lambda _line: None)
    (schema / "004_index.sql").write_text(INDEX)
    (schema / "005_kind.sql").write_text(
        "-- waives LOCK public.teams: it is small\n"
        "-- squawk-ignore-file\n"
        "ALTER TABLE teams ALTER COLUMN name TYPE varchar(200);\n"
    )
    with database.connect() as admin:
        written, read = (_settled(admin, query) for query in (WRITTEN, READ))
        asked, audited = gate("gate", url), gate("audit", url)
        after, seen = (_settled(admin, query) for query in (WRITTEN, READ))

    assert "compared with the migrations" in asked.out + audited.out
    assert written == after
    assert seen > read + len(RULES) // 2


def _settled(admin: psycopg.Connection[Any], query: str) -> int:
    """Return a figure once all sessions that were there have told what they did."""
    deadline = time.monotonic() + 20
    while admin.execute(ALONE).fetchone() != (1,):  # the fixture's own
        assert time.monotonic() < deadline
    admin.execute("SELECT pg_stat_clear_snapshot()")
    return int(admin.execute(query.encode()).fetchall()[0][0])
