"""Functions that take rows, by every way in which a pending file can have them run."""

from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.engine.audit.findings import Fault
from conformance.engine.deployment import migrations, waivers
from conformance.engine.gate import exercised, rehearsal
from conformance.engine.gate.files import Files
from conformance.engine.gate.state import State
from conformance.engine.postgres.scratch import Scratch

WORDS = ("one", "two", "two")
Asked = tuple[list[Fault], list[str]]

EMPTIES = """
CREATE FUNCTION f(n integer) RETURNS integer LANGUAGE plpgsql AS
$$ BEGIN DELETE FROM bag WHERE word = 'two'; RETURN n; END $$;
"""


@pytest.mark.parametrize(
    "script",
    [
        "CREATE VIEW v AS SELECT f(id) AS n FROM teams; SELECT count(n) FROM v",
        (
            "CREATE MATERIALIZED VIEW v AS SELECT f(id) FROM teams WITH NO DATA; "
            "REFRESH MATERIALIZED VIEW v"
        ),
        "CREATE OPERATOR @@@ (RIGHTARG = integer, FUNCTION = f); SELECT @@@ 1",
        (
            "CREATE TYPE held AS (n integer); CREATE FUNCTION as_held(integer) RETURNS held "
            "LANGUAGE sql AS 'SELECT row(f($1))::held'; "
            "CREATE CAST (integer AS held) WITH FUNCTION as_held(integer); SELECT 1::held"
        ),
        (
            "CREATE AGGREGATE sums(integer) (SFUNC = summed, STYPE = integer, INITCOND = '0'); "
            "CREATE FUNCTION summed(integer, integer) RETURNS integer "
            "LANGUAGE sql AS 'SELECT f($2)'; "
            "SELECT sums(id) FROM teams"
        ),
        (
            "CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS "
            "'BEGIN PERFORM f(1); END'; CREATE EVENT TRIGGER e ON sql_drop EXECUTE FUNCTION e()"
        ),
        (
            "CREATE RULE r AS ON UPDATE TO teams DO ALSO DELETE FROM bag WHERE word = 'two'; "
            "UPDATE teams SET id = id"
        ),
        "CREATE TABLE n (id integer DEFAULT f(1)); INSERT INTO n DEFAULT VALUES",
        "CREATE DOMAIN d AS integer CHECK (f(VALUE) > 0); SELECT 1::d",
        "ALTER TABLE teams ADD CHECK (f(id) > 0)",
        "CREATE POLICY p ON teams USING (f(id) > 0)",
        "EXPLAIN ANALYZE SELECT f(1)",
        "PREPARE p AS SELECT f(1); EXECUTE p",
        "DECLARE c CURSOR FOR SELECT f(id) FROM teams; FETCH ALL FROM c",
        "CREATE TABLE n AS SELECT f(1)",
        "ALTER TABLE teams ALTER id TYPE bigint USING f(id)",
        "SELECT n FROM emptying",
        "SELECT ### id FROM teams",
        "SELECT '1'::hollow",
        "INSERT INTO spills (id) VALUES (1)",
    ],
)
def test_what_calls_without_a_name_is_read(asked: Callable[[str], Asked], script: str) -> None:
    """A view, an operator, a cast, a rule and the like lead to what their functions take."""
    [fault], _ = asked(EMPTIES + script)

    assert (fault.what, fault.count) == ("deletes 1 row of today's in bag", 1)


@pytest.mark.parametrize(
    "script",
    [
        "COMMENT ON FUNCTION f(integer) IS 'to empty it'; ALTER FUNCTION f(integer) STABLE",
        "CREATE RULE r AS ON UPDATE TO teams DO ALSO DELETE FROM bag; INSERT INTO teams VALUES (9)",
        "CREATE AGGREGATE most(integer) (SFUNC = int4larger, STYPE = integer); SELECT most(1)",
        "CREATE VIEW v AS SELECT id FROM teams; SELECT id FROM v WHERE id = ANY ('{1}'::integer[])",
        "INSERT INTO bag SELECT word FROM bag",
    ],
)
def test_what_only_stands_there_is_no_finding(asked: Callable[[str], Asked], script: str) -> None:
    """A function that nothing runs may take what it likes."""
    assert [] == asked(EMPTIES + script)[0]


@pytest.mark.parametrize(
    "script",
    [
        "SET search_path = apart; DELETE FROM stray WHERE id > 7",
        (
            "CREATE FUNCTION g() RETURNS void LANGUAGE sql SET search_path = apart AS "
            "'DELETE FROM stray'; SELECT g()"
        ),
    ],
)
def test_a_name_that_the_path_decides_cannot_be_asked(
    asked: Callable[[str], Asked], script: str
) -> None:
    """A table without its schema is another one under another search_path."""
    [fault], _ = asked(script)
    waived, _ = asked(f"-- waives DATA apart.stray: looked at\n{script}")

    assert "rows of apart.stray today cannot be asked: search_path decides" in fault.what
    assert [] == waived
    assert [] == asked("SET search_path = public; DELETE FROM teams WHERE id > 7")[0]


@pytest.fixture
def tried(scratch: Scratch, folder: Path, tmp_path: Path) -> Callable[[str], set[str]]:
    """Return what rehearses a file on a small schema, and returns what is told."""
    (folder / "001_first.sql").write_text(
        "CREATE TABLE crews (id integer PRIMARY KEY, slug text, name text, made timestamptz,"
        " settings jsonb); CREATE TABLE bag (word text PRIMARY KEY)"
    )
    rows = {"public.crews": ("id, slug, name, settings", b"1\tacme\tAcme\t{}\n")}
    rows["public.bag"] = ("word", b"two\n")

    def rehearse(script: str) -> set[str]:
        template = scratch.template(folder)
        (tmp_path / "002_x.sql").write_text(script)
        pending = migrations.load(tmp_path)
        files = Files((), pending, (), tuple(waivers.of_files(pending)[0]))
        section = rehearsal.tried(scratch, template, files, [State("one", rows)])
        return {fault.what for fault in section.faults}

    return rehearse


@pytest.mark.parametrize(
    ("script", "does"),
    [
        ("DELETE FROM crews WHERE settings ->> 'plan' = 'gold'", "deletes"),
        ("DELETE FROM crews WHERE made < now() - interval '900 days'", "deletes"),
        ("UPDATE crews SET slug = 'x' WHERE slug LIKE '%.example.org'", "changes"),
        ("UPDATE crews SET name = trim(name)", "changes"),
        ("DO $$ BEGIN DELETE FROM crews WHERE id > 10000; END $$", "deletes"),
    ],
)
def test_what_no_state_has_is_not_proven(
    tried: Callable[[str], set[str]], script: str, does: str
) -> None:
    """A statement that takes rows, and met none anywhere, was not tried: somebody says why."""
    assert {exercised.UNMET.format(does, "crews")} == tried(script)
    assert set() == tried(f"-- waives DATA crews: there are none\n{script}")


@pytest.mark.parametrize(
    "script",
    [
        "UPDATE crews SET slug = slug WHERE id > 10000",
        "ALTER TABLE crews ADD motto text; UPDATE crews SET motto = 'x' WHERE id > 10000",
        "CREATE TABLE news (id integer); DELETE FROM news WHERE id > 10000",
        "INSERT INTO crews (id) VALUES (7) ON CONFLICT (id) DO UPDATE SET name = 'x'",
    ],
)
def test_what_changes_nothing_that_was_there_is_proven(
    tried: Callable[[str], set[str]], script: str
) -> None:
    """What gives columns their own values, or writes what the file has made, takes nothing."""
    assert set() == tried(script)


def test_what_runs_unread_is_told(tried: Callable[[str], set[str]]) -> None:
    """A function that ran, though nobody saw what calls it, is asked about where it takes rows."""
    script = """
        CREATE FUNCTION g(n integer) RETURNS tsvector LANGUAGE plpgsql AS
        $$ BEGIN DELETE FROM bag WHERE word = 'three'; RETURN 'a'::tsvector; END $$;
        SELECT * FROM ts_stat('SELECT g(1)')
    """

    assert {exercised.RAN.format("g", "bag")} == tried(script)
    assert set() == tried(f"-- waives DATA bag: no threes\n{script}")


def test_the_first_state_that_tells_is_the_last(
    scratch: Scratch, folder: Path, tmp_path: Path
) -> None:
    """A rehearsal ends with the first state in which something is wrong, if it may."""
    (folder / "001_first.sql").write_text("CREATE TABLE bag (word text PRIMARY KEY)")
    (tmp_path / "002_x.sql").write_text("DELETE FROM bag WHERE word = 'two'")
    states = [
        State(f"{number}", {"public.bag": ("word", f"{word}\n".encode())})
        for number, word in enumerate(WORDS)
    ]
    every, early = (
        rehearsal.tried(
            scratch,
            scratch.template(folder),
            Files((), migrations.load(tmp_path)),
            states,
            early=each,
        )
        for each in (False, True)
    )

    assert "002_x.sql on data in 3 states" == every.summary
    assert f"002_x.sql on data in 2 states{rehearsal.ENDED}" == early.summary
    assert {("1",)} == {fault.keys for fault in early.faults}
    assert any(fault.count > 1 for fault in every.faults)
