"""Files that sleep while others wait."""

from pathlib import Path

import pytest

from conformance.engine.deployment import migrations, waivers
from conformance.engine.gate import sleeping
from conformance.engine.gate.called import Bodies
from conformance.engine.postgres.scratch import Database

SLOW = (
    "CREATE FUNCTION slow() RETURNS {} LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1); {} END $$;"
)


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("UPDATE bag SET word = word WHERE pg_sleep(1) IS NOT NULL", sleeping.HOLDING),
        ("LOCK TABLE bag; SELECT pg_sleep_for('1 min')", sleeping.HOLDING),
        ("DO $$ BEGIN DELETE FROM bag; PERFORM pg_sleep(1); END $$", sleeping.HOLDING),
        (SLOW.format("int", "RETURN 1;") + " SELECT slow()", sleeping.HOLDING),
        ("SELECT lazy()", sleeping.HOLDING),
        (SLOW.format("trigger", "RETURN NEW;"), sleeping.FIRING),
        ("SELECT pg_sleep(1)", ""),
        ("SET lock_timeout = '5s'; SELECT pg_sleep(1)", ""),
        (SLOW.format("int", "RETURN 1;"), ""),
        ("DO $$ BEGIN -- pg_sleep\nDELETE FROM bag; END $$", ""),
        ("-- outside a transaction: it commits between\nCALL lazily()", ""),
    ],
)
def test_pauses_are_told(script: str, told: str, folder: Path, empty: Database) -> None:
    """In a statement that locks, a block, what is called, and a trigger; not where nobody waits."""
    (folder / "a.sql").write_text(script)
    (folder / "b.sql").write_text(f"-- waives LOCK pg_sleep: at night\n{script}")
    files = migrations.load(folder)
    with empty.connect() as conn:
        conn.execute(SLOW.format("int", "RETURN 1;").replace("slow", "lazy"))
        faults, notes = sleeping.look(files, Bodies(files, conn), waivers.of_files(files)[0])

    assert [told] * bool(told) == [each.what for each in faults]
    assert [f"(excuses: {told})" in each for each in notes] == [True] * bool(told)
