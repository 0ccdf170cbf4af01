"""Rows of a target that pending files delete or change: asked of the target, and not run there."""

from collections.abc import Callable

import pytest

from conformance.engine.audit.findings import Fault
from conformance.engine.gate import data_loss

Asked = tuple[list[Fault], list[str]]


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
        ("TRUNCATE bag", "deletes 4 rows of today's in bag", None),
        ("DROP TABLE public.bag", "deletes 4 rows of today's in bag", None),
        (
            (
                "MERGE INTO teams AS t USING bag AS b ON t.id = 2 AND b.word = 'two' "
                "WHEN MATCHED AND t.made < '2000-01-01' THEN DO NOTHING WHEN MATCHED THEN DELETE"
            ),
            "changes 1 row of today's in teams",
            ("2",),
        ),
        (
            (
                "MERGE INTO teams AS t USING bag AS b ON t.slug = 'acme' AND b.word = 'two' "
                "WHEN NOT MATCHED BY SOURCE THEN UPDATE SET name = 'Left'"
            ),
            "changes 1 row of today's in teams",
            ("2",),
        ),
        (
            (
                "INSERT INTO teams (id, name) SELECT n, 'Acme' FROM generate_series(1, 9) AS n "
                "ON CONFLICT (id) DO UPDATE SET name = excluded.name"
            ),
            "changes 1 row of today's in teams",
            ("2",),
        ),
        (
            (
                "INSERT INTO teams AS t VALUES ('1', 'acme', 'A', '2020-01-01') "
                "ON CONFLICT (id) DO UPDATE SET slug = t.slug, name = upper(t.name)"
            ),
            "changes 1 row of today's in teams",
            ("1",),
        ),
        (
            "WITH old AS (SELECT 1 AS id) DELETE FROM teams USING old WHERE teams.id = old.id",
            "deletes 1 row of today's in teams",
            ("1",),
        ),
        (
            "EXPLAIN ANALYZE DELETE FROM teams WHERE id = 2",
            "deletes 1 row of today's in teams",
            ("2",),
        ),
        (
            "PREPARE gone AS DELETE FROM teams; EXECUTE gone",
            "deletes 2 rows of today's in teams",
            None,
        ),
        (
            (
                "DO $$ DECLARE r record; BEGIN FOR r IN SELECT id, slug FROM teams LIMIT 1 LOOP "
                "DELETE FROM teams WHERE id = r.id AND slug = r.slug; END LOOP; END $$"
            ),
            "deletes 1 row of today's in teams",
            ("1",),
        ),
        (
            (
                "DO $$ DECLARE t record; b record; BEGIN FOR t IN SELECT id FROM teams LOOP "
                "FOR b IN SELECT word, t.id FROM bag WHERE word = 'two' AND t.id = 2 LOOP "
                "UPDATE teams SET name = b.word WHERE id = b.id; END LOOP; END LOOP; END $$"
            ),
            "changes 1 row of today's in teams",
            ("2",),
        ),
        (
            "DO $$ BEGIN EXECUTE 'DELETE FROM teams WHERE id = 1'; END $$",
            "deletes 1 row of today's in teams",
            ("1",),
        ),
        (
            (
                "CREATE FUNCTION pg_temp.clean() RETURNS void LANGUAGE sql AS 'DELETE FROM teams'; "
                "SELECT pg_temp.clean()"
            ),
            "deletes 2 rows of today's in teams",
            None,
        ),
        (
            (
                "CREATE PROCEDURE clean() LANGUAGE plpgsql AS $$ BEGIN PERFORM purge(); END $$; "
                "CALL clean()"
            ),
            "deletes 1 row of today's in bag",
            None,
        ),
        ("SELECT purge()", "deletes 1 row of today's in bag", None),
        (
            "DO $$ DECLARE n int := 2; BEGIN DELETE FROM teams WHERE id = n; END $$",
            "deletes 1 row of today's in teams",
            ("2",),
        ),
        (
            (
                "DO $$ DECLARE ids int[]; most constant int := 1; last int; BEGIN "
                "SELECT array_agg(id) INTO ids FROM teams WHERE slug <> 'zoo'; last := most; "
                "DELETE FROM teams WHERE id = ANY (ids) AND id <= last; END $$"
            ),
            "deletes 1 row of today's in teams",
            ("1",),
        ),
        (
            (
                "INSERT INTO teams (id, name) VALUES (1, 'Other') "
                "ON CONFLICT ON CONSTRAINT teams_pkey DO UPDATE SET name = excluded.name"
            ),
            "changes 1 row of today's in teams",
            ("1",),
        ),
        (
            "DO $$ BEGIN EXECUTE 'UPDATE ' || 'teams' || ' SET name = NULL'; END $$",
            "changes 1 row of today's in teams",
            ("1",),
        ),
        ("ALTER TABLE days DETACH PARTITION early", "detaches 1 row of today's in early", None),
        ("ALTER TABLE heir NO INHERIT bag", "detaches 1 row of today's in heir", None),
        ("DELETE FROM days WHERE day = 3", "deletes 1 row of today's in days", None),
        (
            "SELECT lo_unlink(oid) FROM pg_largeobject_metadata",
            "deletes 1 row of today's in pg_largeobject_metadata",
            None,
        ),
        (
            "DO $$ DECLARE o oid := 4711; BEGIN PERFORM lo_put(o, 0, ''); END $$",
            "deletes 1 row of today's in pg_largeobject_metadata",
            None,
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
    ("script", "rows", "keys"),
    [
        ("INSERT INTO teams (id, slug) VALUES (2, 'x'), (3, 'y')", "1 row", ("2",)),
        ("INSERT INTO public.teams SELECT id, slug FROM teams", "2 rows", ("1", "2")),
        (
            "WITH n (i) AS (VALUES (1)) INSERT INTO teams (id) SELECT i FROM n",
            "1 row",
            ("1",),
        ),
    ],
)
def test_keys_that_are_taken_are_named(
    asked: Callable[[str], Asked], script: str, rows: str, keys: tuple[str, ...]
) -> None:
    """An INSERT of keys that the target has would fail there."""
    [fault], _ = asked(script)

    assert (fault.what, fault.keys) == (f"{data_loss.AGAIN} {rows} of today's in teams", keys)


@pytest.mark.parametrize(
    "script",
    [
        "INSERT INTO teams (slug) SELECT 'acme' WHERE false",
        "INSERT INTO teams (id) SELECT 1 WHERE NOT EXISTS (SELECT FROM teams WHERE id = 1)",
        "INSERT INTO bag SELECT word FROM bag",
        "CREATE TABLE news (id int PRIMARY KEY); INSERT INTO news VALUES (1)",
        "DELETE FROM teams WHERE slug = 'nobody'",
        "UPDATE teams SET slug = slug",
        "ALTER TABLE teams ADD COLUMN motto text; UPDATE teams SET motto = 'x'",
        "CREATE TABLE news (id int); DELETE FROM news",
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM teams'",
        "CREATE FUNCTION g() RETURNS void LANGUAGE sql BEGIN ATOMIC DELETE FROM teams; END",
        "CREATE RULE r AS ON INSERT TO bag DO ALSO DELETE FROM teams",
        "INSERT INTO teams VALUES (3)",
        "INSERT INTO teams VALUES (1) ON CONFLICT (id) DO NOTHING",
        "INSERT INTO teams (id) VALUES (7) ON CONFLICT (id) DO UPDATE SET name = 'x'",
        "DO $$ BEGIN EXECUTE format('CREATE TRIGGER t BEFORE UPDATE ON %I', 'teams'); END $$",
        "DO $$ BEGIN EXECUTE format('... REFERENCES %I ON UPDATE SET NULL', 'x'); END $$",
        (
            "DO $$ DECLARE r record; BEGIN FOR r IN SELECT id FROM teams WHERE id > 7 LOOP "
            "DELETE FROM teams WHERE id = r.id; END LOOP; END $$"
        ),
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
        ("DO $$ DECLARE n int := 2; BEGIN n := n + 1; DELETE FROM teams WHERE id = n; END $$"),
        (
            "DO $$ DECLARE n int; BEGIN FOR n IN 1..2 LOOP "
            "DELETE FROM teams WHERE id = n; END LOOP; END $$"
        ),
        "DELETE FROM teams WHERE id = nextval('s')",
        "CREATE VIEW part AS SELECT * FROM teams; DELETE FROM part WHERE id = 1",
        "CREATE VIEW part AS SELECT * FROM teams; UPDATE part SET name = 'x'",
        "ALTER TABLE teams RENAME TO crews; DELETE FROM crews WHERE id = 1",
        "ALTER TABLE teams RENAME slug TO code; UPDATE teams SET code = 'x' WHERE id = 1",
        (
            "CREATE FUNCTION d(n int) RETURNS void LANGUAGE sql AS 'DELETE FROM teams WHERE id=n';"
            "SELECT d(1)"
        ),
        "INSERT INTO teams VALUES (1) ON CONFLICT ON CONSTRAINT other DO UPDATE SET id = 1",
        (
            "DO $$ DECLARE c CURSOR FOR SELECT * FROM teams; BEGIN FOR r IN c LOOP "
            "DELETE FROM teams WHERE CURRENT OF c; END LOOP; END $$"
        ),
    ],
)
def test_what_cannot_be_asked_needs_a_reason(asked: Callable[[str], Asked], script: str) -> None:
    """A statement whose rows only the file can tell is a finding, which a waiver excuses."""
    [fault], _ = asked(script)
    table = fault.what.partition("to rows of ")[2].partition(" today")[0]
    waived, notes = asked(f"-- waives DATA {table}: looked at by hand\n{script}")

    assert fault.what.startswith(f"what it does to rows of {table} today cannot be asked: ")
    assert [] == waived
    assert any("(excuses: what it does" in note for note in notes)
