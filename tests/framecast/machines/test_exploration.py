"""Guided runs: what they know, what they prefer, and where they begin."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import exploration as benchmark
from benchmarks.planted_sequences import FAULTS
from conformance.engine.cases.verdicts import Finding
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.machines.shortening import shortest
from conformance.engine.postgres.scratch import Scratch
from conformance.framecast.machines.exploration import Archive, Explorer, told
from conformance.framecast.machines.log import Log
from conformance.framecast.machines.repeating import repeating
from conformance.framecast.machines.run import MachineRun
from conformance.framecast.model import State, view
from conformance.framecast.model.abstraction import Abstraction
from conformance.framecast.operations import choices_of, clock, credit, jobs, step, teams, users
from conformance.framecast.operations.setups import BEGIN

MIGRATIONS = Path(__file__).parents[3] / "migrations"


@pytest.fixture
def sandbox(scratch: Scratch) -> Iterator[Sandbox]:
    """Return a sandbox of the schema as it is."""
    template = scratch.template(MIGRATIONS)
    with scratch.cloned(template, "guided") as database, Sandbox(database.conninfo) as made:
        yield made


def after(like: str) -> State:
    """Return the state after a setup."""
    return step(State(), BEGIN, {"like": like}).after


def archived(run: MachineRun) -> None:
    """Begin a round that knows what a run has seen, and begins at one of its states."""
    assert run.log.archive is not None
    run.log.archive.begin_round("next")


def test_an_abstract_state_does_not_say_which_row_is_which() -> None:
    """Two states with rows of the same kinds are one abstract state; another status makes two."""
    of, plain = Abstraction().of, State()
    ann = step(plain, users.SIGN_UP, {"email": "ann@example.com"}).after
    bob = step(replace(plain, serial=7, tick=3), users.SIGN_UP, {"email": "bob@example.com"}).after
    state = after("jobs of each kind")
    queued = next(job.id for job in state.jobs.values() if job.status == "queued")
    moved = step(state, jobs.START, {"job": queued}).after

    assert of(ann) == of(bob)
    assert of(state) != of(moved)


def test_an_abstract_state_sees_how_full_a_cap_is_and_what_is_old() -> None:
    """One owned team more or less at the cap is another abstract state, and so is a month."""
    of, state = Abstraction().of, after("nine owned teams")
    full = step(state, teams.FOUND, {"user": 1, "slug": "given", "owned": True}).after
    events = after("deliveries of each kind")

    assert of(state) != of(full)
    assert of(events) != of(step(events, clock.AGE, {}).after)


def test_what_one_run_sees_is_known_from_the_next_round_on() -> None:
    """Within a round an explorer knows its own transitions and no other run's."""
    archive = Archive()
    archive.begin_round("1")
    state = after("a team")
    planned = step(state, users.SIGN_UP, {"email": "ann@example.com"})
    one, other = Explorer(archive), Explorer(archive)

    one.note(state, [planned], accepted=True)
    known = [one.is_new(state, planned), other.is_new(state, planned)]
    archive.begin_round("2")

    assert [False, True] == known
    assert not Explorer(archive).is_new(state, planned)


def test_the_same_choices_make_the_same_steps() -> None:
    """A number leads to the same step within a round, whatever other runs see meanwhile."""
    archive = Archive()
    archive.begin_round("1")
    state = after("jobs of each kind")
    ways = [(each, choices_of(state, each)) for each in (jobs.MAKE, credit.REFUND)]

    steps = []
    for _ in range(2):
        explorer = Explorer(archive)
        planned = explorer.chosen(explorer.random(3), state, ways)
        explorer.note(state, [planned], accepted=not planned.broken)
        steps.append(str(planned))

    assert steps[0] == steps[1]


def test_what_leads_nowhere_new_is_not_done_while_something_does() -> None:
    """An explorer does another operation where all that it was asked for is known."""
    archive = Archive()
    archive.begin_round("1")
    state = after("a team")
    planned = step(state, users.SIGN_UP, {"email": "dan@example.com"})
    explorer = Explorer(archive)
    explorer.note(state, [planned], accepted=True)

    ways = [(users.SIGN_UP, {"email": ["dan@example.com"]})]
    chosen = explorer.chosen(explorer.random(0), state, ways, [users.SIGN_UP_AS_CREATOR])

    assert users.SIGN_UP_AS_CREATOR == chosen.operation


def test_turns_are_taken_by_all_before_one_is_taken_again() -> None:
    """An explorer takes each of some things once, its rule's own first, and then begins anew."""
    archive = Archive()
    archive.begin_round("1")
    explorer = Explorer(archive)
    random = explorer.random(0)

    taken = [explorer.turn(random, "abcd", "c") for _ in range(5)]

    assert ("c", set("abcd"), "c") == (taken[0], set(taken[:4]), taken[4])


@pytest.mark.parametrize("passes", [False, True])
def test_a_run_begins_where_another_came_to(sandbox: Sandbox, passes: bool) -> None:
    """Its rows are those that the model has there, and its history begins with nothing."""
    log = Log(archive=Archive())
    first = MachineRun(sandbox, log)
    first.begin("jobs of each kind")
    first.do(users.SIGN_UP, {"email": "dan@example.com"})
    if passes:
        first.do(clock.PASS, {"days": 1})
    first.do(jobs.CANCEL, {"job": max(first.state.jobs), "lacking": "nothing"})
    MachineRun(sandbox, Log()).do(users.SIGN_UP, {"email": "eve@example.com"})
    archived(first)
    assert log.archive is not None
    log.archive.starts = (max(log.archive.known(), key=lambda each: len(each.past)),)

    run = MachineRun(sandbox, log)
    run.resume(log.archive.starts[0])

    rows = sandbox.session.fetch_all(";\n".join(map(view.query, view.COLUMNS)))
    shown = {(str(table), str(row)) for table, row in rows}
    assert {(t, row) for t in view.COLUMNS for row in view.rows(first.state, t)} == shown
    assert first.record == run.record
    assert 3 + passes == len(sandbox.session.history)
    assert {} == sandbox.violations()


def test_a_finding_after_that_tells_all_from_the_beginning(
    scratch: Scratch, tmp_path: Path
) -> None:
    """A finding of a run that began elsewhere is shown, and shortened, as one whole run."""
    schema = Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))
    (schema / "999_fault.sql").write_text(FAULTS["project stuck"].sql)
    log = Log(archive=Archive())
    template = scratch.template(schema)
    with scratch.cloned(template, "fault") as database, Sandbox(database.conninfo) as sandbox:
        first = MachineRun(sandbox, log)
        first.begin("projects of each kind")
        first.do(users.SIGN_UP, {"email": "dan@example.com"})
        job = max(first.state.jobs)
        first.do(jobs.START, {"job": job})
        archived(first)
        assert log.archive is not None
        run = MachineRun(sandbox, log)
        run.resume(max(log.archive.known(), key=lambda each: len(each.past)))

        with pytest.raises(Finding) as caught:
            run.do(jobs.CANCEL, {"job": job, "lacking": "nothing"})
        found = caught.value
        short = shortest(found, log.failed, repeating(found, lambda: MachineRun(sandbox, log)))

    lines = ["-- begin: ", "-- start a job: ", "-- cancel a job: "]
    assert [True] * 3 == [line in short.script for line in lines]
    assert "sign up" not in short.script
    assert [True] * 4 == [line in caught.value.script for line in (*lines, "-- sign up: ")]


def test_a_curve_says_whether_more_time_would_help() -> None:
    """New transitions of each quarter are told in words."""
    archive = Archive()
    archive.news, archive.done = [1, 2, 3, 4, 5, 6, 30], 40

    assert [6, 0, 1, 0] == archive.curve()
    assert told("OneMachine", 40, [6, 0, 1, 0]).endswith("more time would show little more")
    assert told("OneMachine", 40, [9, 7, 6, 5]).endswith("more time would show much more")
    assert "6 different transitions in 40" in told("OneMachine", 40, [3, 1, 1, 1])


def test_the_benchmark_compares_guided_runs_with_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both parts of it run to their last line; guided runs see more in as many operations."""
    small = ["--operations=150", "--machine=Credit", "--seeds=1", "--fault=stuck"]
    monkeypatch.setattr(sys, "argv", ["exploration", *small])

    benchmark.main()

    lines = capsys.readouterr().out.splitlines()
    (seen,) = (line for line in lines if line.startswith("transitions: "))
    assert float(seen.split()[1]) > 1
    assert lines[-1].startswith("findings: after ")
