"""A hang is a failure: whoever waits until a timeout is found, and quickly."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.engine.cases.gaps import Gaps
from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.postgres.scratch import Database, Scratch
from conformance.framecast.known_races import KNOWN_RACES
from conformance.framecast.machines.hostile import HostileRunner
from conformance.framecast.races import serializability
from conformance.framecast.races.explorer import PAIRS, drawn
from conformance.framecast.races.harness import Harness
from conformance.framecast.races.runner import RaceRunner
from strategies.hostility import hostile_runs

MIGRATIONS = Path(__file__).parents[3] / "migrations"
# Seconds that a race may take in which somebody hangs: its timeout, once more with more time.
LONGEST = 40
# Held until the session ends, which is long after its transaction.
NEVER_LETS_GO = """
CREATE FUNCTION framecast.tg_jobs__never_lets_go() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) >= 5 FROM public.jobs) THEN
        PERFORM pg_advisory_lock(7);
    END IF;
    RETURN NEW;
END;
$$;
CREATE TRIGGER _200_never_lets_go BEFORE INSERT ON public.jobs
FOR EACH ROW EXECUTE FUNCTION framecast.tg_jobs__never_lets_go();
"""
SLEEPS = """
CREATE FUNCTION framecast.tg_teams__sleeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_sleep(60);
    RETURN NEW;
END;
$$;
CREATE TRIGGER _200_sleeps BEFORE UPDATE OF name ON public.teams
FOR EACH ROW EXECUTE FUNCTION framecast.tg_teams__sleeps();
"""


@pytest.fixture
def database(
    request: pytest.FixtureRequest, scratch: Scratch, tmp_path: Path
) -> Iterator[Database]:
    """Lend a database with a fault, which the test names."""
    schema = Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))
    (schema / "999_fault.sql").write_text(request.param)
    with scratch.cloned(scratch.template(schema), "hanging") as database:
        yield database


@pytest.mark.parametrize("database", [NEVER_LETS_GO], indirect=True)
def test_a_known_race_that_hangs_fails(database: Database) -> None:
    """Its rule is named, and who waits for whom; the race is not run again and again."""
    begun = time.monotonic()
    with Sandbox(database.conninfo) as sandbox, Harness(sandbox, database.conninfo) as harness:
        race_runner = RaceRunner(harness)
        with pytest.raises(Finding, match="until its timeout") as caught:
            race_runner.run_all(KNOWN_RACES["card_5__make_a_job_and_make_a_job"])

    assert ("CARD-5", Verdict.OVERBLOCKED) == (caught.value.rule, caught.value.verdict)
    assert "'another' waits for 'one'" in str(caught.value)
    assert time.monotonic() - begun < LONGEST


@pytest.mark.parametrize("database", [NEVER_LETS_GO], indirect=True)
def test_a_drawn_race_that_hangs_fails(database: Database) -> None:
    """A hang is found in drawn races too, and nothing drawn after it is run."""
    begun = time.monotonic()
    with Sandbox(database.conninfo) as sandbox, Harness(sandbox, database.conninfo) as harness:
        race_runner, found = RaceRunner(harness, Gaps()), []
        for number in range(30):
            try:
                race_runner.run_some(*drawn(*PAIRS["jobs, four active jobs"], number), "jobs")
            except Finding as finding:
                found.append(finding)

    assert {(serializability.LOCKS, Verdict.OVERBLOCKED)} == {
        (each.rule, each.verdict) for each in found
    }
    assert len(found) > 1
    assert time.monotonic() - begun < LONGEST


@pytest.mark.parametrize("database", [SLEEPS], indirect=True)
def test_a_hostile_run_that_hangs_fails(database: Database) -> None:
    """Nothing is proven where a statement waits until its timeout, and the run ends there."""
    with Sandbox(database.conninfo) as sandbox:
        sandbox.session.connection.execute("SET statement_timeout = '1s'")
        hostile_runner = HostileRunner(sandbox, Gaps())

        @settings(
            max_examples=60,
            database=None,
            deadline=None,
            suppress_health_check=tuple(HealthCheck),
        )
        @given(data=st.data())
        def attack(data: st.DataObject) -> None:
            hostile_runner.run(data.draw(hostile_runs(hostile_runner.shape, "teams")))

        with pytest.raises(Finding, match="57014") as caught:
            attack()

    assert Verdict.UNPROVEN == caught.value.verdict
