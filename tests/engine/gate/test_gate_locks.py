"""Tables that a file locks and writes anew, and how long that takes where they are large."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conformance.engine.audit.findings import Fault
from conformance.engine.audit.target import Limits, reading
from conformance.engine.deployment import migrations, waivers
from conformance.engine.gate import locks, trial
from conformance.engine.gate.files import Files
from conformance.engine.postgres.scratch import Database, Scratch

TABLES = "CREATE TABLE big (a integer, b text); CREATE TABLE small (a integer);"
# As ANALYZE would leave it on a table of a million rows.
LARGE = """
INSERT INTO big SELECT n, 'x' FROM generate_series(1, 10) AS n;
UPDATE pg_class SET reltuples = 1000000 WHERE relname = 'big';
UPDATE pg_class SET reltuples = 1000 WHERE relname = 'small';
"""
Asked = tuple[list[Fault], list[str]]


@pytest.fixture
def target(scratch: Scratch, folder: Path) -> Iterator[Database]:
    """Lend a database with a table that seems large."""
    (folder / "a.sql").write_text(TABLES)
    with scratch.cloned(scratch.template(folder), "large") as database:
        with database.connect() as conn:
            conn.execute(LARGE)
        yield database


@pytest.fixture
def asked(scratch: Scratch, target: Database, folder: Path) -> Callable[[str], Asked]:
    """Return what tries a file, and estimates on the target what it would hold."""

    def ask(script: str) -> Asked:
        (folder / "b.sql").write_text(script)
        before, after = migrations.load(folder)
        files = Files((before,), (after,), (), tuple(waivers.of_files([after])[0]))
        tried = trial.tried(scratch, files, None)
        assert tried.fault is None
        with reading(target.conninfo, Limits()) as conn:
            return locks.estimate(conn, after, tried.locks["b.sql"], files.waived)

    return ask


@pytest.mark.parametrize(
    ("script", "out"),
    [
        ("ALTER TABLE big ALTER a TYPE bigint", "all who read or write"),
        ("ALTER TABLE big ADD c uuid DEFAULT gen_random_uuid()", "all who read or write"),
        ("CREATE INDEX i ON big (a); CLUSTER big USING i", "all who read or write"),
        ("UPDATE public.big SET b = 'y'", "all who change the same rows"),
        ("LOCK TABLE big; DELETE FROM ONLY big", "all who read or write"),
    ],
)
def test_a_large_table_that_is_written_anew_is_a_finding(
    asked: Callable[[str], Asked], script: str, out: str
) -> None:
    """The table, whom it keeps out, its size and the seconds are told; a waiver lets it pass."""
    [fault], _ = asked(script)
    faults, notes = asked(f"-- waives LOCK big: at night\n{script}")

    assert "b.sql" == fault.about
    assert fault.what.startswith(f"big: keeps out {out}, and writes all of about 1,000,000 rows (")
    assert fault.what.endswith("): about 67 s")
    assert "-- waives LOCK big: reason" in fault.remedy
    assert ([], True) == (faults, any("waives LOCK big: at night (" in note for note in notes))


def test_an_exclusion_on_a_large_table_is_a_finding(asked: Callable[[str], Asked]) -> None:
    """No other way leads to it, so a waiver says when it may be."""
    script = "ALTER TABLE big ADD EXCLUDE USING gist (int4range(a, a) WITH &&)"
    [fault], _ = asked(script)

    assert "keeps out all who read or write, and compares all of about 1,000,000" in fault.what
    assert ([], 1) == (asked(f"-- waives LOCK big: at night\n{script}")[0], len(asked(script)[0]))
    assert [] == asked(script.replace("big", "small"))[0]


@pytest.mark.parametrize(
    ("script", "noted"),
    [
        ("ALTER TABLE small ALTER a TYPE bigint", True),
        ("ALTER TABLE big ADD c text", True),
        ("LOCK TABLE big IN SHARE MODE", True),
        ("UPDATE big SET b = 'y' WHERE a = 1", False),
        ("CREATE TABLE new (a integer)", False),
        ("SELECT 1", False),
    ],
)
def test_what_is_held_for_a_moment_is_a_note(
    asked: Callable[[str], Asked], script: str, noted: bool
) -> None:
    """A small table, or a lock under which nothing is written anew, is a note at most."""
    faults, notes = asked(script)

    assert ([], noted) == (faults, bool(notes))


def test_a_file_that_waits_with_a_lock_is_a_finding(
    asked: Callable[[str], Asked], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file holds its locks at least for as long as it takes without any rows."""
    monkeypatch.setattr(locks, "LONGEST", 0.3)
    script = "LOCK TABLE small; SELECT pg_sleep(0.4)"
    [fault], _ = asked(script)
    waived, notes = asked(f"-- waives LOCK small: at night\n{script}")
    alone, _ = asked("SELECT pg_sleep(0.4)")

    assert "small: keeps out all who read or write of about 1,000 rows" in fault.what
    assert fault.what.endswith("s, even without any")
    assert [] == waived == alone
    assert any("(excuses: keeps out" in note for note in notes)


def test_a_table_that_vacuum_writes_anew_is_a_finding(asked: Callable[[str], Asked]) -> None:
    """VACUUM FULL keeps everybody out, though it runs outside a transaction."""
    mark = "-- outside a transaction: it is so\n"
    [fault], _ = asked(f"{mark}VACUUM (FULL) public.big")
    waived, _ = asked(f"-- waives LOCK big: at night\n{mark}VACUUM (FULL) public.big")
    plain, _ = asked(f"{mark}VACUUM public.big")

    assert "keeps out all who read or write, and writes all of about 1,000,000 rows" in fault.what
    assert [] == waived == plain
