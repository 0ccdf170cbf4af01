"""Schemas that lack something: what does not need it is tried, and what does is unproven."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from benchmarks.planted_races import COUNT_WITHOUT_LOCK
from benchmarks.planted_sequences import CAP_COUNTS_ITSELF
from conformance.engine.cases.gaps import Gaps
from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.postgres.scratch import Scratch
from conformance.engine.pytest_plugin import profiles
from conformance.engine.races.orders import following
from conformance.framecast.known_races import KNOWN_RACES
from conformance.framecast.machines.coverage_runs import every_count, every_pair
from conformance.framecast.machines.everything import WholeMachine
from conformance.framecast.machines.hostile import HostileRunner
from conformance.framecast.machines.jobs import JobMachine, ProjectMachine
from conformance.framecast.machines.keys import KeyAndAssetMachine
from conformance.framecast.machines.machine import Machine
from conformance.framecast.machines.memberships import MembershipMachine
from conformance.framecast.machines.runner import MachineRunner
from conformance.framecast.races.explorer import PAIRS, drawn
from conformance.framecast.races.harness import Harness
from conformance.framecast.races.meetings import Floor
from conformance.framecast.races.places import office
from conformance.framecast.races.runner import RaceRunner
from conformance.framecast.races.schedule import Race, Start
from conformance.framecast.races.strangers import Strangers
from strategies.hostility import hostile_runs
from tests.support.rewriting import KEYS_AT_ONCE

MIGRATIONS = Path(__file__).parents[3] / "migrations"
CAP = "card_5__make_a_job_and_make_a_job"
SPENT = "inv_t6__spent_twice"
FEW = 4  # runs of a machine

RENAMED = "ALTER TABLE public.teams RENAME COLUMN credits TO balance;"
NO_FUNCTION = "DROP FUNCTION public.api_key_is_valid CASCADE;"
CALLS_NOTHING = """
CREATE FUNCTION framecast.tg_calls_what_is_missing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM framecast.no_such();
    RETURN NEW;
END;
$$;
CREATE TRIGGER _300_missing BEFORE INSERT ON public.TABLE
FOR EACH ROW EXECUTE FUNCTION framecast.tg_calls_what_is_missing();
"""
NO_TABLE = "DROP TABLE public.usage CASCADE;"
NEW_COLUMN = "ALTER TABLE public.asset_files ADD COLUMN region text NOT NULL;"
WANTED = "ALTER TABLE public.users ADD COLUMN region text NOT NULL;"
NO_LABEL = "ALTER TYPE public.membership_role RENAME VALUE 'viewer' TO 'guest';"
NUMBERED = """
ALTER TABLE public.job_events DROP COLUMN id CASCADE, ADD COLUMN id bigserial PRIMARY KEY;
ALTER TABLE public.usage DROP COLUMN id CASCADE, ADD COLUMN id bigserial PRIMARY KEY;
"""
NOBODY_IS_CALLED_TEAM = "ALTER TABLE public.teams ADD CONSTRAINT plain CHECK (name <> 'Team 2');"


class Place(NamedTuple):
    """A database with a schema that lacks something."""

    sandbox: Sandbox
    conninfo: str

    def harness(self) -> Harness:
        """Return a harness on it."""
        return Harness(self.sandbox, self.conninfo)

    def race(self, name: str) -> Finding | None:
        """Run a known race; return what it finds."""
        with self.harness() as harness:
            return found_by(lambda: RaceRunner(harness).run_all(KNOWN_RACES[name]))


Lacking = Callable[[str], Place]


@pytest.fixture
def lacking(scratch: Scratch, tmp_path: Path) -> Iterator[Lacking]:
    """Return who makes a database of which something was taken."""
    with ExitStack() as databases:

        def make(sql: str) -> Place:
            schema = Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))
            (schema / "999_lack.sql").write_text(sql)
            database = databases.enter_context(scratch.cloned(scratch.template(schema), "lack"))
            return Place(databases.enter_context(Sandbox(database.conninfo)), database.conninfo)

        yield make


def found_by(tried: Callable[[], object]) -> Finding | None:
    """Return what something finds."""
    try:
        tried()
    except Finding as finding:
        return finding
    return None


def rules(finding: Finding | None) -> set[str]:
    """Return the rules that a finding says are unproven."""
    assert finding is not None
    assert Verdict.UNPROVEN == finding.verdict, str(finding)
    return {finding.rule, *finding.also}


def lead(sandbox: Sandbox, machine: type[Machine]) -> tuple[MachineRunner, Finding | None]:
    """Make a few runs; return the runner and what it found."""
    how = settings(
        settings.get_profile("default"),
        max_examples=FEW,
        stateful_step_count=profiles.RUN,
        database=None,
    )
    runner = MachineRunner(sandbox, 1)
    return runner, found_by(lambda: runner.run(machine, how))


def test_a_renamed_column_leaves_unproven_what_needs_it(lacking: Lacking) -> None:
    """Of all known races only those that read or write the column are unproven."""
    place = lacking(RENAMED)

    assert place.race(CAP) is None
    assert place.race("inv_t2__two_owners_leave") is None
    spent = place.race(SPENT)
    assert {"INV-T6"} == rules(spent)
    assert "teams" in str(spent)
    assert "credits" in str(spent)


def test_what_is_broken_is_found_without_the_column(lacking: Lacking) -> None:
    """A race that does not need the column finds what it finds elsewhere."""
    found = lacking(RENAMED + COUNT_WITHOUT_LOCK).race(CAP)

    assert found is not None
    assert ("CARD-5", Verdict.BROKEN) == (found.rule, found.verdict)


def test_drawn_races_go_on_without_the_column(lacking: Lacking) -> None:
    """A step that writes the column is not drawn; other arguments are, and all else."""
    # An operation that always writes it is left out whole, and with it its share in each rule that
    # speaks of what it writes.
    place = lacking(RENAMED)
    with place.harness() as harness:
        race_runner = RaceRunner(harness, Gaps())
        for number in range(12):
            race_runner.run_some(
                *drawn(*PAIRS["credits, a team"], number, race_runner.limits), "credits"
            )
        found = found_by(race_runner.settle)

    assert found is not None
    assert "INV-T6" in rules(found)
    assert not {"CARD-5", "CARD-6", "INV-J5"} & rules(found)
    assert "spend credits: payer=('teams'" in found.observed
    assert "'refund a job' cannot be done" in found.observed
    assert race_runner.log.judged


def test_an_operation_that_is_never_done_leaves_all_its_rules_unproven(lacking: Lacking) -> None:
    """Where no job can be made, every rule that speaks of a new job's columns lost its races."""
    place = lacking("ALTER TABLE public.jobs RENAME COLUMN spec_snapshot TO document;")
    with place.harness() as harness:
        race_runner = RaceRunner(harness, Gaps())
        for number in range(12):
            race_runner.run_some(*drawn(*PAIRS["jobs, a team"], number, race_runner.limits), "jobs")
        found = found_by(race_runner.settle)

    assert found is not None
    assert "'make a job' cannot be done" in found.observed
    assert {"CARD-5", "CARD-6", "INV-X1", "URN-1"} <= rules(found)


def test_a_start_goes_without_what_it_can_spare(lacking: Lacking) -> None:
    """Jobs that were charged for are made free of charge where nobody has credits."""
    place = lacking(RENAMED)
    gaps = Gaps()
    with place.harness() as harness:
        race_runner = RaceRunner(harness, gaps)
        for number in range(4):
            race, orders = drawn(*PAIRS["jobs, jobs of each kind"], number, race_runner.limits)
            race_runner.run_some(race, orders, "jobs")

    assert race_runner.log.judged
    assert {rule for each in gaps.reasons.values() for rule in each} <= {"INV-T6"}


def test_a_run_goes_on_without_the_column(lacking: Lacking) -> None:
    """A machine that begins with a grant begins without it, and only that is unproven."""
    runner, found = lead(lacking(RENAMED).sandbox, JobMachine)

    assert {"INV-T6"} == rules(found)
    assert runner.log.operations["make a job"]
    assert runner.log.gaps is None


def test_a_run_finds_what_is_broken_without_the_column(lacking: Lacking) -> None:
    """A cap that is one too low is found as everywhere."""
    place = lacking(RENAMED + CAP_COUNTS_ITSELF)

    found = found_by(lambda: every_count("CARD-5", MachineRunner(place.sandbox).new_run()))

    assert found is not None
    assert ("CARD-5", Verdict.OVERBLOCKED) == (found.rule, found.verdict)


def test_a_coverage_run_goes_on_to_its_end(lacking: Lacking) -> None:
    """Each pair of a state machine is tried where a column cannot be read, not only the first."""
    runner = MachineRunner(lacking(RENAMED).sandbox)

    found = found_by(lambda: every_pair("asset", runner.new_run))

    assert {"INV-T6"} == rules(found)
    assert runner.log.edges["asset pending>ready"]
    assert runner.log.edges["asset failed>ready"]


@pytest.mark.parametrize("table", ["projects", "jobs", "teams"])
def test_machines_that_can_do_nothing_say_why(lacking: Lacking, table: str) -> None:
    """Where nothing can be made, runs and pairs end with what is missing, not in an error."""
    place = lacking(CALLS_NOTHING.replace("TABLE", table))

    _, run = lead(place.sandbox, ProjectMachine)
    pairs = found_by(lambda: every_pair("project", MachineRunner(place.sandbox).new_run))

    for found in (run, pairs):
        assert "framecast.no_such" in str(found)
        assert rules(found)


def test_a_missing_function_leaves_unproven_what_it_answers(lacking: Lacking) -> None:
    """Where nothing says whether a key is valid, that is unproven, and the rest is compared."""
    place = lacking(NO_FUNCTION)
    _, found = lead(place.sandbox, KeyAndAssetMachine)

    assert {"INV-A4", "INV-A5"} == rules(found)
    assert place.race(CAP) is None
    assert lead(place.sandbox, ProjectMachine)[1] is None


def test_a_missing_table_leaves_unproven_its_rules(lacking: Lacking) -> None:
    """A table that is gone is of no concern to races that do not write it."""
    place = lacking(NO_TABLE)

    assert place.race(CAP) is None
    assert {"INV-US4"} == rules(place.race("inv_us4__month_opened_twice"))


def test_a_new_column_that_must_be_given_leaves_its_table_unproven(lacking: Lacking) -> None:
    """No row of the table can be made, which is no rule's fault: other tables are tried."""
    place = lacking(NEW_COLUMN)
    _, found = lead(place.sandbox, KeyAndAssetMachine)

    assert "INV-AF2" in rules(found)
    assert "INV-A3" not in rules(found)
    assert place.race(CAP) is None


def test_machines_go_on_without_a_label_that_is_missing(lacking: Lacking) -> None:
    """A second membership of one user is not to blame where its role is refused by the type."""
    _, found = lead(lacking(NO_LABEL).sandbox, MembershipMachine)

    assert "INV-M2" in rules(found)
    assert "membership_role, which lacks a label" in str(found)


def test_races_go_on_without_a_label_that_is_missing(lacking: Lacking) -> None:
    """A race of a rule that is about no label is unproven where a start or a step needs one."""
    found = lacking(NO_LABEL).race("inv_m3__two_seats_for_one")

    assert {"INV-M3"} == rules(found)
    assert "membership_role, which lacks a label" in str(found)


@pytest.mark.parametrize("sql", [WANTED, NUMBERED])
def test_machines_and_meetings_say_what_is_not_taken(sql: str, lacking: Lacking) -> None:
    """A setup that needs what is not taken is left out, and no error ends its runs."""
    place = lacking(sql)
    _, found = lead(place.sandbox, WholeMachine)
    meeting = found_by(lambda: Floor(place.sandbox, place.conninfo, office()))
    unable = Strangers(place.sandbox).waits()["users"] if sql == WANTED else meeting

    told = "users.region, which must be given" if sql == WANTED else "id of type bigint"
    for each in (found, meeting, unable):
        assert rules(each)
        assert told in str(each)


def test_a_violation_query_that_fails_is_its_rules(lacking: Lacking) -> None:
    """A race is unproven where the query of a rule that it is about cannot be asked."""
    place = lacking(RENAMED)
    place.sandbox.unreadable["CARD-5"] = "no such thing"

    assert {"CARD-5"} == rules(place.race(CAP))
    assert place.race("card_6__make_a_job_and_make_a_job") is None


def test_a_start_that_is_refused_says_by_whom(lacking: Lacking) -> None:
    """A race that cannot begin is unproven in all its rules, and names who refused its start."""
    found = lacking(NOBODY_IS_CALLED_TEAM).race("inv_p5__rendered_while_its_job_ends")

    assert {"INV-P5", "STATE-PROJECT", "INV-J12", "AUTO-PROJECT"} == rules(found)
    assert "rejected by plain (23514" in str(found)


def test_a_start_is_written_in_the_order_that_is_accepted(lacking: Lacking) -> None:
    """Where foreign keys do not wait, parents are written before their children."""
    place = lacking(KEYS_AT_ONCE)
    race = KNOWN_RACES["inv_t2__two_owners_leave"].race()
    plainly = race.start.plainly[::-1]
    backwards = replace(race, start=Start("backwards", plainly, race.start.state, plainly))

    with place.harness() as harness:
        assert 2 == len(harness.run(backwards, following((0, 0, 1, 1))).outcomes)
    assert isinstance(backwards, Race)


@pytest.mark.parametrize(
    ("sql", "unproven"),
    [
        (RENAMED, set()),
        (NO_TABLE, set()),
        (NEW_COLUMN, {"INV-AF2"}),
        (NUMBERED, {"HOSTILE"}),
    ],
)
def test_a_hostile_run_goes_on_without_what_is_missing(
    sql: str, unproven: set[str], lacking: Lacking
) -> None:
    """Its start leaves out what the schema lacks; one that cannot be made is unproven."""
    gaps = Gaps()
    hostile_runner = HostileRunner(lacking(sql).sandbox, gaps)

    attack_teams(hostile_runner)

    assert unproven <= {rule for each in gaps.reasons.values() for rule in each}
    assert bool(unproven) == bool(gaps.reasons)
    assert hostile_runner.tally.transactions["accepted"] or sql == NUMBERED


def attack_teams(hostile_runner: HostileRunner) -> None:
    """Make a few hostile runs on teams."""

    @seed(1)
    @settings(
        max_examples=12,
        database=None,
        deadline=None,
        suppress_health_check=tuple(HealthCheck),
    )
    @given(data=st.data())
    def attack(data: st.DataObject) -> None:
        hostile_runner.run(data.draw(hostile_runs(hostile_runner.shape, "teams")))

    attack()
