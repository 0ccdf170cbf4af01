"""Branches of blocks that no scratch server takes: what they would change is told."""

from pathlib import Path

import pytest

from conformance.engine.deployment import migrations
from conformance.engine.gate import branches, changes
from conformance.engine.postgres.scratch import Scratch
from tests.support.trials import attempted

BLOCK = "DO $$ BEGIN {} END $$"
HERE = "current_database() LIKE 'framecast_conformance%'"
GRANTED = "TRUNCATE on public.jobs to framecast_app"


@pytest.mark.parametrize(
    ("block", "place"),
    [
        (f"IF NOT {HERE} THEN GRANT TRUNCATE ON jobs TO framecast_app; END IF;", GRANTED),
        (f"IF {HERE} THEN RETURN; END IF; GRANT TRUNCATE ON jobs TO framecast_app;", GRANTED),
        (
            (
                "IF (SELECT count(*) FROM jobs) > 1000 THEN ALTER TABLE jobs DISABLE TRIGGER "
                "_300_state_job__jobs_states; END IF;"
            ),
            "trigger _300_state_job__jobs_states on public.jobs",
        ),
        (
            (
                f"IF {HERE} THEN NULL; ELSIF random() > 2 THEN NULL; ELSE DROP FUNCTION "
                "framecast.email_key(text) CASCADE; END IF;"
            ),
            "function framecast.email_key(text)",
        ),
        (
            (
                f"IF {HERE} THEN NULL; ELSIF random() > 2 THEN "
                "ALTER ROLE framecast_app SET statement_timeout = 1; END IF;"
            ),
            "setting statement_timeout of framecast_app",
        ),
    ],
)
def test_what_a_condition_hides_is_told(
    scratch: Scratch, folder: Path, block: str, place: str
) -> None:
    """A block that does elsewhere what it does not do here is tried with other conditions."""
    trial, files = attempted(scratch, folder, script := BLOCK.format(block))
    faults, _ = changes.look(trial.steps, files, trial.otherwise)
    waivers = "".join(
        f"-- waives RIGHT {fault.what.removesuffix(f': {branches.WHAT}')}: looked at\n"
        for fault in faults
    )
    trial, files = attempted(scratch, folder, waivers + script)
    waived, notes = changes.look(trial.steps, files, trial.otherwise)

    assert f"{place}: {branches.WHAT}" in {fault.what for fault in faults}
    assert [] == waived
    assert len(faults) == sum(branches.WHAT in note for note in notes)


@pytest.mark.parametrize(
    "script",
    [
        BLOCK.format(
            "IF NOT EXISTS (SELECT FROM pg_type WHERE typname = 'mood') THEN CREATE TYPE "
            "mood AS ENUM ('good'); END IF;"
        ),
        BLOCK.format(
            "IF EXISTS (SELECT FROM pg_class WHERE relname = 'old') THEN DROP TABLE old; END IF;"
        ),
        BLOCK.format(
            "IF current_setting('server_version_num')::int < 150000 THEN GRANT TRUNCATE "
            "ON jobs TO framecast_app; END IF;"
        ),
        (
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW IS NULL THEN "
            "RAISE 'no'; END IF; RETURN NEW; END $$"
        ),
    ],
)
def test_a_condition_that_hides_nothing_is_no_finding(
    scratch: Scratch, folder: Path, script: str
) -> None:
    """What is made where it is missing, or fails where there is nothing, needs no waiver."""
    trial, _ = attempted(scratch, folder, script)

    assert [] == [each for some in trial.otherwise.values() for each in some]


@pytest.mark.parametrize(
    ("script", "count"),
    [
        (
            BLOCK.format(
                f"CASE WHEN {HERE} THEN NULL; ELSE GRANT TRUNCATE ON jobs TO x; END CASE;"
            ),
            1,
        ),
        (BLOCK.format(f"LOOP EXIT WHEN {HERE}; GRANT TRUNCATE ON jobs TO x; END LOOP;"), 1),
        (BLOCK.format("PERFORM 1 / nullif(0, length(current_catalog)); DROP TABLE jobs;"), 1),
        ("SELECT run() FROM pg_database WHERE datname = 'prod'", 1),
        (BLOCK.format("EXECUTE format('ALTER DATABASE %I RESET ALL', current_database());"), 0),
        (BLOCK.format(f"IF {HERE} THEN NULL; END IF;"), 0),
        ("CREATE TABLE t (made_in name DEFAULT current_database())", 0),
    ],
)
def test_a_block_that_asks_where_it_runs_needs_a_reason(
    folder: Path, script: str, count: int
) -> None:
    """What a block does elsewhere, by other ways than an IF, nobody can try."""
    (folder / "a.sql").write_text(script)
    [file] = migrations.load(folder)

    assert [("where it runs", branches.ASKS)] * count == [*branches.asking(file)]
