"""Checks that time breaks, and indexes of what is said to be immutable and is not."""

from pathlib import Path

import pytest

from conformance.engine.gate import changes, unsteady
from conformance.engine.postgres.scratch import Scratch
from tests.support.trials import attempted, flipped

TIDY = "CREATE {}FUNCTION tidy(p text) RETURNS text LANGUAGE sql IMMUTABLE RETURN {}"
THERE = f"""
CREATE TABLE memos (id int PRIMARY KEY, body text, made timestamptz, due date);
{TIDY.format("", "lower(p)")};
CREATE INDEX tidied ON memos (tidy(body));
CREATE TABLE words (word text);
"""
LIE = "CREATE FUNCTION {}(d date) RETURNS boolean LANGUAGE {} IMMUTABLE AS $$ {} $$; "
LATE = LIE.format("late", "sql", "SELECT d < current_date")
KNOWN = LIE.format("known", "plpgsql", "BEGIN RETURN EXISTS (SELECT FROM words); END")
CHECKS = "ALTER TABLE memos ADD CONSTRAINT c CHECK ({})"
BY_CLOCK = unsteady.OTHERWISE.format("a clock")


def looked(scratch: Scratch, folder: Path, script: str) -> tuple[list[str], list[str]]:
    """Return the findings and the notes of a file."""
    faults, notes = changes.look(*flipped(attempted(scratch, folder, THERE, script)))
    return [f"{each.remedy.rpartition('-- waives ')[2]} {each.what}" for each in faults], notes


@pytest.mark.parametrize(
    ("script", "place", "what"),
    [
        (CHECKS.format("due > current_date"), "memos.c", BY_CLOCK),
        (CHECKS.format("made > now() - interval '1 year'"), "memos.c", BY_CLOCK),
        (CHECKS.format("NOT made <= now()"), "memos.c", BY_CLOCK),
        (CHECKS.format("age(made) < '1 year'"), "memos.c", BY_CLOCK),
        (CHECKS.format("body <> current_setting('a.b')"), "memos.c", "reads a setting"),
        (f"{LATE}{CHECKS.format('late(due)')}", "memos.c", BY_CLOCK),
        (f"{KNOWN}{CHECKS.format('known(due)')}", "memos.c", unsteady.OTHERWISE.format("rows")),
        (f"{LATE}CREATE INDEX i ON memos (id) WHERE late(due)", "i", "public.late() reads a clock"),
        (
            f"{KNOWN}ALTER TABLE memos ADD k boolean GENERATED ALWAYS AS (known(due)) STORED",
            "memos.k",
            "public.known() reads rows",
        ),
        (
            TIDY.format("OR REPLACE ", "p || now()"),
            "tidied",
            "public.tidy() reads a clock",
        ),
        ("CREATE DOMAIN soon AS date CHECK (VALUE > current_date)", "soon.soon_check", BY_CLOCK),
    ],
)
def test_what_tomorrow_breaks_is_told(
    scratch: Scratch, folder: Path, script: str, place: str, what: str
) -> None:
    """The check of a clock that moves on, and what is stored by a function that lies."""
    told = [each for each in looked(scratch, folder, script)[0] if what in each]

    assert [f"DATA {place}"] == [each.partition(": reason")[0] for each in told]


@pytest.mark.parametrize(
    "script",
    [
        CHECKS.format("made <= now()"),
        CHECKS.format("due IS NULL OR due <= current_date + 30"),
        CHECKS.format("NOT (made > now() + interval '1 day') AND id > 0"),
        CHECKS.format("made BETWEEN '2020-01-01' AND clock_timestamp()"),
        CHECKS.format("tidy(body) = body"),
        "CREATE INDEX i ON memos (tidy(body)) WHERE due > '2026-01-01'",
        "ALTER TABLE memos ADD k text GENERATED ALWAYS AS (tidy(body)) STORED",
        "ALTER TABLE memos ADD late date DEFAULT now()",
    ],
)
def test_what_stays_true_is_none(scratch: Scratch, folder: Path, script: str) -> None:
    """A moment that has passed has passed for good."""
    assert [] == looked(scratch, folder, script)[0]


def test_a_waiver_excuses_it(scratch: Scratch, folder: Path) -> None:
    """It is shown, with what it excuses."""
    script = CHECKS.format("due > current_date")
    faults, notes = looked(scratch, folder, f"-- waives DATA memos.c: rows go soon\n{script}")

    assert [] == faults
    assert any(f"(excuses: {BY_CLOCK})" in each for each in notes)
