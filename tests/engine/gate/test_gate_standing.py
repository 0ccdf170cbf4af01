"""Objects that pending files take away, or leave in a worse state than they were in."""

from pathlib import Path

import pytest

from conformance.engine.audit.findings import Fault
from conformance.engine.deployment import migrations
from conformance.engine.gate import changes
from conformance.engine.gate.sections import refusals
from conformance.engine.postgres.scratch import Scratch
from tests.support.trials import attempted, flipped

THERE = """
CREATE TABLE memos (id int PRIMARY KEY, body text, said text NOT NULL DEFAULT 'x');
CREATE FUNCTION tidy(p text) RETURNS text LANGUAGE sql IMMUTABLE RETURN lower(p);
CREATE INDEX tidied ON memos (tidy(body));
ALTER TABLE memos ADD tidy_body text GENERATED ALWAYS AS (tidy(body)) STORED;
CREATE TABLE keyless (a int);
CREATE VIEW lively AS SELECT id FROM memos;
GRANT SELECT ON lively TO framecast_app;
CREATE FUNCTION spend(p int) RETURNS int LANGUAGE sql RETURN p;
GRANT EXECUTE ON FUNCTION spend(int) TO framecast_app;
CREATE VIEW unread AS SELECT id FROM memos;
"""
READ = "SELECT * FROM schema_migrations;\n"
TIDY = "CREATE OR REPLACE FUNCTION tidy(p text) RETURNS text LANGUAGE sql IMMUTABLE RETURN {};"
OTHER = TIDY.format("lower(btrim(p))")
SAID = "holds what public.tidy() said before, until it is made anew"
ASKED_FOR = "takes no null, and holds nothing by default: INSERT without it fails"
RETYPED = "is text from now on, and was integer: clients that know it so may fail"
ANEW = "REINDEX INDEX tidied; UPDATE memos SET tidy_body = DEFAULT"


def looked(scratch: Scratch, folder: Path, *scripts: str) -> tuple[list[Fault], list[str]]:
    """Return the findings and notes of files after the first."""
    faults, notes = changes.look(*flipped(attempted(scratch, folder, THERE, *scripts)))
    return [each for each in faults if each.about != "900.sql"], notes


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (OTHER, {f"DATA tidied: {SAID}", f"DATA memos.tidy_body: {SAID}"}),
        (
            "ALTER TABLE memos ALTER said DROP DEFAULT",
            {f"DATA memos.said: {ASKED_FOR}"},
        ),
        (
            (
                "ALTER TABLE memos ADD due date NOT NULL DEFAULT now(); "
                "ALTER TABLE memos ALTER due DROP DEFAULT"
            ),
            {f"DATA memos.due: {ASKED_FOR}"},
        ),
        (
            "ALTER TABLE keyless ALTER a TYPE text",
            {f"DATA keyless.a: {RETYPED}"},
        ),
        (
            "DROP VIEW lively",
            {"RIGHT view public.lively: is gone, and framecast_app has a right to it"},
        ),
        (
            "DROP FUNCTION spend(int)",
            {"RIGHT function public.spend(integer): is gone, and framecast_app has a right to it"},
        ),
        (
            "ALTER FUNCTION spend(int) RENAME TO spend_all",
            {"RIGHT function public.spend(integer): is gone, and framecast_app has a right to it"},
        ),
        (
            "ALTER TABLE memos SET (autovacuum_enabled = off)",
            {"RIGHT storage of public.memos: is not vacuumed by itself any more"},
        ),
        (
            "CREATE PUBLICATION out FOR TABLE keyless",
            {
                (
                    "RIGHT storage of public.keyless: "
                    "is published without a key: UPDATE and DELETE fail there"
                )
            },
        ),
        (
            "CREATE PUBLICATION out FOR TABLE memos; ALTER TABLE memos REPLICA IDENTITY NOTHING",
            {
                (
                    "RIGHT storage of public.memos: "
                    "is published without a key: UPDATE and DELETE fail there"
                )
            },
        ),
    ],
)
def test_what_is_gone_or_worse_is_told(
    scratch: Scratch, folder: Path, script: str, told: set[str]
) -> None:
    """Objects in use, and what a function derives, are findings until waived."""
    kinds = {each.partition(": ")[0] for each in told}
    lines = "".join(f"-- waives {kind}: on purpose\n" for kind in sorted(kinds))
    found, _ = looked(scratch, folder, script)
    waived, notes = looked(scratch, folder, f"{lines}{script}")

    assert {each.partition(" ")[2] for each in told} == {each.what for each in found}
    assert [] == waived
    assert len(kinds) == sum("on purpose (excuses: " in note for note in notes)


@pytest.mark.parametrize(
    "scripts",
    [
        [f"{OTHER} {ANEW}"],
        [OTHER, ANEW],
        [TIDY.format("lower(p)")],
        ["ALTER FUNCTION tidy(text) COST 10"],
        ["DROP VIEW unread"],
        [
            "ALTER TABLE memos ALTER said SET DEFAULT 'y'",
            "ALTER TABLE memos ALTER said TYPE varchar(9)",
        ],
        ["ALTER TABLE memos ALTER said DROP NOT NULL, ALTER said DROP DEFAULT"],
        ["ALTER TABLE memos ALTER id TYPE bigint, ALTER body SET NOT NULL"],
        ["ALTER TABLE memos ADD due date NOT NULL DEFAULT now()"],
        ["ALTER TABLE memos ADD n int NOT NULL GENERATED ALWAYS AS IDENTITY"],
        ["CREATE TABLE lists (a int NOT NULL)"],
        ["CREATE OR REPLACE VIEW lively AS SELECT id, body FROM memos"],
        [
            (
                "DROP FUNCTION spend(int); "
                "CREATE FUNCTION spend(p int, q int DEFAULT 1) RETURNS int LANGUAGE sql RETURN p;"
            )
        ],
        ["ALTER TABLE memos SET (autovacuum_vacuum_scale_factor = 0.01)"],
        ["CREATE PUBLICATION out FOR TABLE memos"],
        ["CREATE PUBLICATION out FOR TABLE keyless WITH (publish = 'insert')"],
    ],
)
def test_what_is_made_anew_or_used_by_nobody_is_not_told(
    scratch: Scratch, folder: Path, scripts: list[str]
) -> None:
    """An index that is built again, a view of nobody's, and a function that takes more may pass."""
    assert [] == looked(scratch, folder, *scripts)[0]


def test_a_view_that_shows_other_rows_is_noted(scratch: Scratch, folder: Path) -> None:
    """No rule tells of rows that a view leaves out: the difference is shown."""
    script = "CREATE OR REPLACE VIEW lively AS SELECT id FROM memos WHERE false"
    found, notes = looked(scratch, folder, script)

    assert [] == found
    assert any("changes relation public.lively: " in each and "false" in each for each in notes)


@pytest.mark.parametrize(
    "script",
    [
        "INSERT INTO public.schema_migrations SELECT * FROM x",
        "DELETE FROM schema_migrations",
        "WITH x AS (UPDATE schema_migrations SET name = 'x' RETURNING 1) SELECT * FROM x",
        "ALTER TABLE schema_migrations ADD x int",
    ],
)
def test_the_record_of_migrations_is_not_theirs_to_write(folder: Path, script: str) -> None:
    """A file that changes what counts as applied would leave out others, or run them twice."""
    (folder / "a.sql").write_text(READ + script)
    [file] = migrations.load(folder)
    [fault] = refusals(file)

    assert (fault.about, fault.what) == ("a.sql:2", "writes to schema_migrations")
