"""Fixtures of the gate's tests."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conformance.engine.audit.findings import Fault
from conformance.engine.audit.target import Limits, reading
from conformance.engine.deployment import migrations, waivers
from conformance.engine.gate import data_loss, kept, row_changes
from conformance.engine.postgres.scratch import Scratch, Template

BEFORE = """
CREATE TABLE teams (id integer PRIMARY KEY, slug text, name text, made timestamptz);
CREATE TABLE "Odd ones" (a integer, "B" integer, PRIMARY KEY (a, "B"));
CREATE TABLE bag (word text);
CREATE TABLE days (day integer) PARTITION BY RANGE (day);
CREATE TABLE early PARTITION OF days FOR VALUES FROM (0) TO (2);
CREATE TABLE late PARTITION OF days FOR VALUES FROM (2) TO (9);
CREATE TABLE heir () INHERITS (bag);
CREATE FUNCTION purge() RETURNS void LANGUAGE sql AS $$ DELETE FROM bag WHERE word = 'two' $$;
CREATE FUNCTION emptied(n integer) RETURNS integer LANGUAGE plpgsql AS
$$ BEGIN DELETE FROM bag WHERE word = 'two'; RETURN n; END $$;
CREATE SCHEMA apart;
CREATE TABLE apart.stray (id integer);
CREATE VIEW emptying AS SELECT emptied(1) AS n;
CREATE OPERATOR ### (RIGHTARG = integer, FUNCTION = emptied);
CREATE DOMAIN hollow AS integer CHECK (emptied(VALUE) > 0);
CREATE TABLE spills (id integer, n integer DEFAULT emptied(1));
INSERT INTO teams VALUES (1, 'acme', 'Acme', '2020-01-01'), (2, 'zoo', NULL, '2026-01-01');
INSERT INTO "Odd ones" VALUES (1, 2), (1, 3);
INSERT INTO bag VALUES ('one'), ('one'), ('two');
INSERT INTO days VALUES (1), (3);
INSERT INTO heir VALUES ('three');
SELECT lo_create(4711);
"""
Asked = tuple[list[Fault], list[str]]


@pytest.fixture(scope="session")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder for verdicts that tests have made up, or that are about few rules."""
    return tmp_path_factory.mktemp("verdicts")


@pytest.fixture(autouse=True)
def _kept_apart(verdicts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep no such verdict where a gate of somebody's would find it."""
    monkeypatch.setattr(kept, "cache", lambda: verdicts)


@pytest.fixture(scope="module")
def asked(
    scratch: Scratch, empty_template: Template, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Asked]]:
    """Return what asks the rows of a target what a file would do to them."""
    with scratch.cloned(empty_template, "taken") as target:
        with target.connect() as conn:
            conn.execute(BEFORE)

        def ask(script: str) -> Asked:
            folder = tmp_path_factory.mktemp("files")
            (folder / "a.sql").write_text(script)
            files = migrations.load(folder)
            found, wrong = waivers.of_files(files)
            assert [] == wrong
            with reading(target.conninfo, Limits(60, 5)) as conn, conn.transaction():
                return data_loss.ask(conn, row_changes.of_files(files, conn), found, files)

        yield ask
        with target.connect() as conn:
            assert [(2, 2, 4)] == conn.execute(
                'SELECT (SELECT count(*) FROM teams), (SELECT count(*) FROM "Odd ones"), '
                "(SELECT count(*) FROM bag)"
            ).fetchall()
