"""Races: the same choices come to the same end, and what is shown can be done again."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.postgres import binaries
from conformance.engine.races import orders
from conformance.engine.races.orders import every, following
from conformance.engine.sql.outcomes import Accepted, Inconclusive, Rejected
from conformance.framecast.known_races import AREAS, KNOWN_RACES, KnownRace
from conformance.framecast.known_races.definition import RaceSetup, RaceStep
from conformance.framecast.operations import teams
from conformance.framecast.races import rendering, serializability
from conformance.framecast.races.explorer import PAIRS, drawn
from conformance.framecast.races.runner import RaceRunner
from conformance.framecast.races.schedule import Level
from conformance.framecast.recorders import races as recorder

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from conformance.engine.postgres.scratch import Scratch, Template
    from conformance.framecast.races.harness import Harness

MADE_AND_TAKEN = ("made", "taken")
LEAVE = "inv_t2__two_owners_leave"
CROSSING = "inv_t2__two_owners_hand_over_to_each_other"


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.__name__.rpartition(".")[2])
def test_every_known_race_that_is_written_is_run(area: ModuleType) -> None:
    """A race that is missing in its module's list would never be tried, and nobody would know."""
    written = [each.name for each in vars(area).values() if isinstance(each, KnownRace)]

    run = {each.name for each in area.KNOWN_RACES}  # some areas derive theirs, and write none

    assert run
    assert [] == [name for name in written if name not in run]


def test_a_second_session_waits_and_is_refused(harness: Harness) -> None:
    """Of two owners who leave at once, the second waits for the first, and is then refused."""
    race = KNOWN_RACES[LEAVE].race()

    trace = harness.run(race, following((0, 1, 0, 1)))

    assert Accepted() == trace.outcomes[0]
    refused = trace.outcomes[1]
    assert isinstance(refused, Rejected)
    assert "inv_t2__" == refused.token
    assert [(1, (0,))] == [(line.session, line.waits_for) for line in trace.lines if line.waits_for]


def test_a_rejection_above_read_committed_is_inconclusive(harness: Harness) -> None:
    """At repeatable read the second fails to serialize, which is no rejection."""
    race = KNOWN_RACES[LEAVE].race().at(Level.REPEATABLE_READ)

    trace = harness.run(race, following((0, 1, 0, 1)))

    refused = trace.outcomes[1]
    assert isinstance(refused, Inconclusive)
    assert "40001" == refused.sqlstate


def test_who_is_apart_must_not_wait(harness: Harness) -> None:
    """Of sessions that are said to be apart, one that waits is a fault; in turns nobody does."""
    race = replace(KNOWN_RACES[LEAVE].race(), independent=True)

    harness.run(race, following((0, 0, 1, 1)))
    with pytest.raises(Finding, match="waits for") as caught:
        harness.run(race, following((0, 1, 0, 1)))
    assert (serializability.LOCKS, Verdict.OVERBLOCKED) == (caught.value.rule, caught.value.verdict)


def test_a_deadlock_ends_the_last_to_wait(harness: Harness) -> None:
    """The session that closes the circle is given up, at once and each time."""
    race = KNOWN_RACES[CROSSING].race()

    ends = [harness.run(race, following((0, 1, 0, 1, 0, 1))) for _ in range(3)]

    assert [{1: (0, 1)}] * 3 == [trace.deadlocked for trace in ends]
    assert ["40P01"] * 3 == [getattr(trace.outcomes[1], "sqlstate", "") for trace in ends]


def test_every_order_is_run_once(harness: Harness) -> None:
    """Two sessions that do not meet have all six orders of two steps each."""
    race = KNOWN_RACES["inv_x2__uploaded_while_leaving"].race()

    seen = [trace.order for trace in every(lambda choose: harness.run(race, choose))]

    assert 6 == len(seen)
    assert 6 == len(set(seen))


def test_the_same_draw_comes_to_the_same_end(harness: Harness) -> None:
    """A number draws the same race, and its orders come to the same ends each time."""
    pair = PAIRS["owned, nine owned teams"]

    def ends(number: int) -> list[object]:
        race, drawn_orders = drawn(*pair, number)
        return [harness.run(race, following(order)).lines for order in drawn_orders]

    assert [ends(number) for number in range(3)] == [ends(number) for number in range(3)]


def test_no_order_explains_a_refusal_that_nothing_calls_for(harness: Harness) -> None:
    """A refusal that no serial order explains is one too many."""
    race = KNOWN_RACES["inv_p4__project_archived_by_who_began_before"].race()
    trace = harness.run(race, following(()))
    trace.committed.remove(1)
    trace.outcomes[1] = Rejected("23514", constraint="card_5__jobs_team_has_at_most_5_active")

    faults = list(serializability.faults(race, trace, {}, {}, explained=True, events={}))

    assert [("CARD-5", Verdict.OVERBLOCKED)] == [(each.rule, each.verdict) for each in faults]


def test_an_end_that_no_order_comes_to_is_broken(harness: Harness) -> None:
    """Rows that no order of the committed transactions comes to are a finding."""
    race = KNOWN_RACES[LEAVE].race()
    trace = harness.run(race, following((0, 0, 1, 1)))

    assert serializability.explained(race, trace, {"memberships": set()}) is False


def test_a_reader_that_misses_an_event_is_found(harness: Harness) -> None:
    """A reader that has seen event 2, and sees event 1 only later, has missed it."""
    race = KNOWN_RACES["seq_2__followed_while_appended"].race()
    trace = harness.run(race, following(()))
    trace.looks = {2: [[2], [1, 2]]}
    (job,) = race.start.state.jobs

    faults = list(serializability.faults(race, trace, {}, {}, explained=True, events={job: [1, 2]}))

    assert ["SEQ-2"] == [each.rule for each in faults]


def test_the_race_is_shown_side_by_side(harness: Harness) -> None:
    """Sessions stand side by side, line by line, with who waited for whom."""
    race = KNOWN_RACES[LEAVE].race()
    trace = harness.run(race, following((0, 1, 0, 1)))

    shown = rendering.side_by_side(race, trace)

    assert "ann (read committed)" in shown
    assert re.search(r"^ +2 .*leave a team", shown, re.MULTILINE)
    assert "waits for ann" in re.sub(r"\s+", " ", shown)
    for most in (60, 80):
        table = rendering.side_by_side(race, trace, most).splitlines()
        assert most - 30 < max(len(line) for line in table if line.startswith(" ")) <= most


def test_a_run_keeps_the_turns_that_explain_draws(harness: Harness) -> None:
    """Of all orders of a known race a report gets one, at the first level: that of `explain`."""
    runner = RaceRunner(harness)
    runner.run_all(KNOWN_RACES[LEAVE])

    assert [LEAVE] == [*runner.log.timelines]
    shown = runner.log.timelines[LEAVE]
    race = KNOWN_RACES[LEAVE].race()
    trace = harness.run(race, race.in_turns())
    assert rendering.timeline(race, trace) == shown
    assert ["ann (read committed)", "bob (read committed)"] == shown["sessions"]
    assert rendering.side_by_side(race, trace).endswith("\n".join([*shown["ends"], ""]))
    assert [0, 1, 0, 1, 1] == [step["session"] for step in shown["steps"]]
    assert "waits for ann" in shown["steps"][1]["said"]


def test_a_race_is_saved_as_scripts_and_a_spec(harness: Harness, tmp_path: Path) -> None:
    """A failure is saved as a script for each session, and as an isolation test without braces."""
    race = KNOWN_RACES["inv_j12__rendered_twice"].race()
    trace = harness.run(race, following((0, 1, 0, 1)))

    rendering.save(race, trace, tmp_path / "saved")

    names = {path.name for path in (tmp_path / "saved").iterdir()}
    assert {
        "setup.sql",
        "session_1.sql",
        "session_2.sql",
        "race.spec",
        "race.txt",
        "run.sh",
    } == names
    spec = (tmp_path / "saved" / "race.spec").read_text()
    assert "permutation s1_1 s2_1 s1_2" in spec
    for block in re.findall(r"\{(.*?)\n\}", spec, re.DOTALL):
        assert "{" not in block


@pytest.mark.parametrize("level", [Level.READ_COMMITTED, Level.REPEATABLE_READ])
def test_a_saved_race_comes_to_the_same_end_under_psql(
    harness: Harness, scratch: Scratch, template: Template, tmp_path: Path, level: Level
) -> None:
    """A transaction that began before a row, and took no snapshot, sees it in the scripts too."""
    race = KNOWN_RACES["inv_p4__project_archived_by_who_began_before"].race().at(level)
    trace = harness.run(race, following((1, 0, 0, 1, 1)))
    rendering.save(race, trace, tmp_path / "saved")
    bin_dir = binaries.embedded()
    path = f"{bin_dir}{os.pathsep}{os.environ['PATH']}" if bin_dir else os.environ["PATH"]

    with scratch.cloned(template, "psql") as database, database.connect() as connection:
        surroundings = {**os.environ, "PATH": path, "DATABASE_URL": database.conninfo}
        ended = subprocess.run(
            [tmp_path / "saved" / "run.sh"],
            env=surroundings,
            capture_output=True,
            text=True,
            check=False,
        )
        ends = connection.execute("SELECT status::text FROM public.projects").fetchall()

    assert {0: Accepted(), 1: Accepted()} == trace.outcomes
    assert (0, [("archived",)]) == (ended.returncode, ends), ended.stdout + ended.stderr


def test_orders_are_followed_as_far_as_they_can_be() -> None:
    """The first session of an order that can go on goes on; after it, the one that went last."""
    choose = orders.following((1, 0))

    assert [0, 1, 1] == [choose((0,)), choose((0, 1)), choose((0, 1))]


def test_a_slug_that_is_made_up_may_be_another_above_read_committed(harness: Harness) -> None:
    """The database ends it in digits there, and then whoever asks for the plain one may have it."""
    setup = RaceSetup()
    ann, _ = setup.given.creator()
    does = [
        RaceStep(teams.FOUND, {"user": ann, "slug": slug, "owned": True}) for slug in MADE_AND_TAKEN
    ]
    setup.session("ann", *does)
    race = setup.race("slugs").at(Level.REPEATABLE_READ)

    trace = harness.run(race, following((0, 0, 0)))

    assert {0: Accepted()} == trace.outcomes


def test_a_finding_tells_the_race(harness: Harness) -> None:
    """A failure prints the race side by side, the SQL of its start, and where its scripts are."""
    race = KNOWN_RACES[LEAVE].race()
    trace = harness.run(race, following((0, 1, 0, 1)))
    finding = Finding("INV-T2", Verdict.BROKEN, expected="", observed="", script="", steps=())

    told = rendering.told(finding, race, trace)
    assert rendering.timeline(race, trace) == told.timeline
    shown = str(told)

    assert "on a fresh installation, psql" not in shown
    assert f"-- .conformance/races/{rendering.name_of('INV-T2', race, trace)}, and run.sh" in shown
    assert "INSERT INTO public.teams" in shown
    assert "--      ann (read committed)" in shown


def test_a_race_is_saved_where_its_finding_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder that is told is below the one that pytest was called in, whatever its root."""
    saved: list[Path] = []
    monkeypatch.setattr(rendering, "save", lambda *each: saved.append(each[-1]))
    monkeypatch.setattr(rendering, "name_of", lambda rule, *_: rule)
    config: Any = SimpleNamespace(
        rootpath=tmp_path, invocation_params=SimpleNamespace(dir=tmp_path / "sub")
    )
    finding: Any = SimpleNamespace(rule="INV-T2")
    runner: Any = SimpleNamespace(failed=("a race", "its trace"))
    told = recorder._save(finding, runner, config)

    assert ".conformance/races/INV-T2" == told
    assert [tmp_path / "sub" / told] == saved
