"""Branches of blocks that no scratch server takes: what they would change is told."""

from pathlib import Path

import pytest

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
