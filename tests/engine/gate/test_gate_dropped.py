"""Objects that nobody but the target has, and that files drop where they exist."""

from pathlib import Path

import pytest

from conformance.engine.deployment import migrations, waivers
from conformance.engine.gate import dropped, trial
from conformance.engine.gate.files import Files
from conformance.engine.postgres.scratch import Database, Scratch

OURS = "CREATE TABLE memos (id int PRIMARY KEY); CREATE VIEW brief AS SELECT id FROM memos;"
OTHERS = """
CREATE SCHEMA crm; CREATE TABLE crm.contacts (id int); CREATE TABLE leads (id int);
CREATE VIEW by_hand AS SELECT id FROM memos;
CREATE MATERIALIZED VIEW summed AS SELECT count(*) FROM memos;
CREATE FUNCTION helper(a int, b text) RETURNS int LANGUAGE sql RETURN 1;
CREATE TYPE "Flavour" AS ENUM ('x'); CREATE DOMAIN short AS text;
CREATE PUBLICATION cdc FOR TABLE memos; CREATE SEQUENCE invoices; CREATE INDEX hand ON memos (id);
"""


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("DROP SCHEMA IF EXISTS crm CASCADE", "schema crm"),
        ("DROP TABLE IF EXISTS crm.contacts", "table crm.contacts"),
        ("DROP TABLE IF EXISTS nothing, leads", "table leads"),
        ("DROP VIEW IF EXISTS by_hand", "view by_hand"),
        ("DROP MATERIALIZED VIEW IF EXISTS public.summed", "materialized view summed"),
        ("DROP FUNCTION IF EXISTS helper", "function helper"),
        ("DROP FUNCTION IF EXISTS helper(integer, text)", "function helper"),
        ('DROP TYPE IF EXISTS "Flavour" CASCADE', 'type "Flavour"'),
        ("DROP DOMAIN IF EXISTS short", "type short"),
        ("DROP PUBLICATION IF EXISTS cdc", "publication cdc"),
        ("DROP SEQUENCE IF EXISTS invoices", "sequence invoices"),
        ("DO $$ BEGIN DROP VIEW IF EXISTS by_hand; END $$", "view by_hand"),
        ("DO $$ BEGIN EXECUTE 'DROP VIEW IF EXISTS by_hand'; END $$", "view by_hand"),
        ("DROP VIEW IF EXISTS brief", ""),  # which a migration has made
        ("CREATE VIEW v AS SELECT 1; DROP VIEW IF EXISTS v", ""),
        ("DROP VIEW IF EXISTS nothing; DROP TABLE IF EXISTS pg_temp.nothing", ""),
        ("DROP FUNCTION IF EXISTS helper(text)", ""),
        ("DROP INDEX IF EXISTS hand", ""),  # which is no matter
    ],
)
def test_what_of_the_target_goes_is_told(
    scratch: Scratch, empty: Database, folder: Path, script: str, told: str
) -> None:
    """It was not there where the file was tried; a waiver excuses it."""
    kind, _, name = told.rpartition(" ")
    (folder / "a.sql").write_text(OURS)
    (folder / "b.sql").write_text(script)
    (folder / "c.sql").write_text(f"-- waives DATA {name or 'x'}: nobody needs it\n{script}")
    applied, *pending = migrations.load(folder)
    tried = [trial.tried(scratch, Files((applied,), (file,)), None) for file in pending]
    absent = {name: said for each in tried for name, said in each.absent.items()}
    with empty.connect() as conn:
        conn.execute(f"{OURS}{OTHERS}")
        faults, notes = dropped.ask(conn, pending, absent, waivers.of_files(pending)[0])

    said = dropped.GOES.format(kind)
    assert [name] * bool(name) == [each.about for each in faults]
    assert all(each.what.startswith(said) for each in faults)
    assert [f"(excuses: {said}" in note for note in notes] == [True] * bool(name)
