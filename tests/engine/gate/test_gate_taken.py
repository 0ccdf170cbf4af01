"""Rows of a target that pending files delete or change: asked of the target, and not run there."""

from collections.abc import Callable, Iterator

import pytest

from conformance.engine.audit.findings import Fault
from conformance.engine.audit.target import Limits, reading
from conformance.engine.deployment import migrations, waivers
from conformance.engine.gate import taken
from conformance.engine.postgres.scratch import Scratch, Template

BEFORE = """
CREATE TABLE teams (id integer PRIMARY KEY, slug text, name text, made timestamptz);
CREATE TABLE "Odd ones" (a integer, "B" integer, PRIMARY KEY (a, "B"));
CREATE TABLE bag (word text);
INSERT INTO teams VALUES (1, 'acme', 'Acme', '2020-01-01'), (2, 'zoo', NULL, '2026-01-01');
INSERT INTO "Odd ones" VALUES (1, 2), (1, 3);
INSERT INTO bag VALUES ('one'), ('one'), ('two');
"""
Asked = tuple[list[Fault], list[str]]


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
                return taken.ask(conn, taken.of_files(files), found)

        yield ask
        with target.connect() as conn:
            assert [(2, 2, 3)] == conn.execute(
                'SELECT (SELECT count(*) FROM teams), (SELECT count(*) FROM "Odd ones"), '
                "(SELECT count(*) FROM bag)"
            ).fetchall()


@pytest.mark.parametrize(
    ("script", "what", "keys"),
    [
        ("DELETE FROM teams", "deletes 2 rows of today's in teams", ("1", "2")),
        ("\nDELETE FROM teams WHERE slug = 'acme'", "deletes 1 row of today's in teams", ("1",)),
        (
            "DELETE FROM public.teams AS t WHERE t.made < now() - interval '3 years'",
            "deletes 1 row of today's in teams",
            ("1",),
        ),
        (
            "DELETE FROM ONLY teams t USING bag b, bag c WHERE b.word = 'two' AND t.id = 2",
            "deletes 1 row of today's in teams",
            ("2",),
        ),
        (
            "UPDATE teams SET name = upper(name)",
            "changes 1 row of today's in teams",
            ("1",),
        ),
        (
            "UPDATE teams t SET name = b.word, made = DEFAULT FROM bag b WHERE t.id = 2",
            "changes 1 row of today's in teams",
            ("2",),
        ),
        ("UPDATE teams SET (slug, name) = ('x', 'y')", "changes 2 rows of today's in teams", None),
        (
            "DO $$ BEGIN IF true THEN DELETE FROM teams WHERE id = 1; END IF; END $$",
            "deletes 1 row of today's in teams",
            ("1",),
        ),
        (
            "WITH gone AS (DELETE FROM bag WHERE word = 'one' RETURNING *) SELECT * FROM gone",
            "deletes 2 rows of today's in bag",
            None,
        ),
        (
            'DELETE FROM "Odd ones" WHERE "B" = 3',
            'deletes 1 row of today\'s in "Odd ones"',
            ("1, 3",),
        ),
    ],
)
def test_rows_that_would_go_are_named(
    asked: Callable[[str], Asked], script: str, what: str, keys: tuple[str, ...] | None
) -> None:
    """An UPDATE or DELETE of rows that a target has is a finding, with their keys, until waived."""
    [fault], _ = asked(script)
    table = what.rpartition(" in ")[2]
    waiver = f"-- waives DATA {table}: they are old\n" if table.isalpha() else ""
    waived, notes = asked(f"{waiver}{script}")

    assert what == fault.what
    assert fault.about == f"a.sql:{1 + script.startswith(chr(10))}"
    assert keys in {None, fault.keys}
    assert bool(waiver) == (not waived)
    assert bool(waiver) == any("(excuses: " in note for note in notes)


@pytest.mark.parametrize(
    "script",
    [
        "DELETE FROM teams WHERE slug = 'nobody'",
        "UPDATE teams SET slug = slug",
        "ALTER TABLE teams ADD COLUMN motto text; UPDATE teams SET motto = 'x'",
        "CREATE TABLE news (id int); DELETE FROM news",
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM teams'",
        "CREATE FUNCTION g() RETURNS void LANGUAGE sql BEGIN ATOMIC DELETE FROM teams; END",
        "CREATE RULE r AS ON INSERT TO bag DO ALSO DELETE FROM teams",
        "INSERT INTO teams VALUES (3)",
        "DELETE FROM",
    ],
)
def test_what_takes_nothing_is_no_finding(asked: Callable[[str], Asked], script: str) -> None:
    """A write that meets no row, fills a column of its own, or is only defined, may pass."""
    faults, _ = asked(script)

    assert [] == faults


@pytest.mark.parametrize(
    "script",
    [
        "DO $$ DECLARE n int := 2; BEGIN DELETE FROM teams WHERE id = n; END $$",
        "WITH old AS (SELECT 1 AS id) DELETE FROM teams USING old WHERE teams.id = old.id",
        "DELETE FROM teams WHERE id = nextval('s')",
    ],
)
def test_what_cannot_be_asked_is_a_note(asked: Callable[[str], Asked], script: str) -> None:
    """A query that needs what only the file has, or that would write, is not run to its end."""
    faults, [note] = asked(script)

    assert [] == faults
    assert note.startswith("a.sql:1: what it does to rows of teams today cannot be asked: ")
