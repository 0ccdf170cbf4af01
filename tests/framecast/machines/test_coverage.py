"""The edges that a run must have seen, and the gate that fails a run which has not."""

import shutil
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from conformance.engine.cases.verdicts import Finding
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.machines.matrices import matrices
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.framecast.machines import coverage, runner
from conformance.framecast.machines.coverage_runs import every_pair
from conformance.framecast.machines.log import Log
from conformance.framecast.machines.run import MachineRun
from conformance.framecast.operations import step, users
from conformance.framecast.recorders import machines

MIGRATIONS: Final = Path(__file__).parents[3] / "migrations"
# By what is missing: whose pairs are tried, and what no longer refuses some of them. Without most
# of these, other rules refuse what the product's own operations do.
TRIGGERS: Final = {
    "a creator stays one": ("user", "_300_state_user__users_creator_stays_creator", "users"),
    "an invitation is inserted open": (
        "invitation",
        "_300_state_invitation__invitations_inserted_open",
        "invitations",
    ),
    "an answer is final": (
        "invitation",
        "_300_state_invitation__invitations_ends_are_final",
        "invitations",
    ),
    "a job's end is final": ("job", "_300_state_job__jobs_states", "jobs"),
    "a project is inserted a draft": (
        "project",
        "_300_state_project__projects_inserted_draft",
        "projects",
    ),
    "a project moves on": (
        "project",
        "_300_state_project__projects_status_moves_on",
        "projects",
    ),
}
ALL_EDGES: Final = dict.fromkeys(coverage.ALL, 1)


class Seen(NamedTuple):
    """A run: which machines and coverage runs ran, and the edges that they saw."""

    names: frozenset[str]
    edges: dict[str, int]


def report(name: str, seen: dict[str, int]) -> pytest.TestReport:
    """Return the report of a machine's test that saw these edges."""
    properties: dict[str, Any] = {
        "name": name,
        "edges": seen,
        "operations": {"sign up": 1},
        "steps": 1,
        "accepted": 1,
        "seconds": 1.0,
    }
    return pytest.TestReport(
        name,
        (name, 1, name),
        {},
        "passed",
        None,
        "call",
        user_properties=[(machines.PROPERTY, properties)],
    )


def gate(seen: Seen) -> tuple[list[str], list[str]]:
    """Return what fails a run that has seen this, and what it says at last."""
    total = machines._Sum({})
    for name in sorted(seen.names):
        total.note(report(name, seen.edges))
    return total.missed(), list(total.lines())


def test_a_run_that_saw_every_edge_passes() -> None:
    """All machines and coverage runs, and every pair and count: nothing is said to be unseen."""
    missed, lines = gate(Seen(runner.ALL, ALL_EDGES))

    assert [] == missed
    assert [] == [line for line in lines if line.startswith("unseen")]


@pytest.mark.parametrize("missing", sorted(coverage.ALL))
def test_a_run_that_missed_an_edge_fails_and_names_it(missing: str) -> None:
    """One pair or one count that nobody saw fails a run of all machines."""
    seen = {edge: count for edge, count in ALL_EDGES.items() if edge != missing}
    missed, _ = gate(Seen(runner.ALL, seen))

    assert [f"unseen: {missing}"] == missed


def test_a_run_of_some_machines_is_not_asked_for_all_edges() -> None:
    """A run of one machine lists the edges that it did not see, and passes."""
    some = frozenset(sorted(runner.ALL)[:1])
    missed, lines = gate(Seen(some, {}))

    assert [] == missed
    assert lines[-1].endswith("(not all machines ran)")


def test_every_pair_of_every_state_machine_is_an_edge() -> None:
    """The matrices have a cell for each pair, legal or not, and each cap has its counts."""
    shown = "\n".join(matrices(ALL_EDGES))

    assert len([edge for edge in coverage.ALL if ">" in edge]) == sum(
        line.split()[1:].count("1") + line.split()[1:].count("1!")
        for line in shown.splitlines()
        if ":" not in line
    )
    assert {"CARD-5 4", "CARD-5 5", "CARD-5 6"} <= coverage.ALL


@pytest.mark.parametrize("missing", TRIGGERS)
def test_a_coverage_run_misses_what_does_not_refuse(
    missing: str, scratch: Scratch, tmp_path: Path
) -> None:
    """A coverage run fails where its own rule does not refuse a pair, even if another does."""
    machine, trigger, table = TRIGGERS[missing]
    schema = Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))
    (schema / "999_hole.sql").write_text(f"DROP TRIGGER {trigger} ON public.{table};")

    with (
        scratch.cloned(scratch.template(schema), "edges") as database,
        Sandbox(database.conninfo) as sandbox,
    ):
        assert complaints(machine, sandbox)


def test_a_creator_who_becomes_a_starter_is_not_seen(scratch: Scratch, tmp_path: Path) -> None:
    """Without its trigger STATE-USER refuses nothing; that INV-U3 does is no reason to pass."""
    schema = Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))
    _, trigger, table = TRIGGERS["a creator stays one"]
    (schema / "999_hole.sql").write_text(f"DROP TRIGGER {trigger} ON public.{table};")

    with (
        scratch.cloned(scratch.template(schema), "edges") as database,
        Sandbox(database.conninfo) as sandbox,
    ):
        assert ["user creator>starter"] == complaints("user", sandbox)


def complaints(machine: str, sandbox: Sandbox) -> list[str]:
    """Return what a coverage run of a machine has found, else the edges that it has not seen."""
    log = Log()
    try:
        every_pair(machine, lambda: MachineRun(sandbox, log))
    except Finding as finding:
        return [str(finding)]
    return [edge for edge in coverage.unseen(log.edges) if edge.startswith(f"{machine} ")]


def test_a_refusal_of_several_operations_shows_no_edge(
    scratch: Scratch, template: Template
) -> None:
    """An operation shows an edge only by itself: of several, it is not known which was reached."""
    log = Log()
    with scratch.cloned(template, "edges") as database, Sandbox(database.conninfo) as sandbox:
        run = MachineRun(sandbox, log)
        run.do(users.SIGN_UP_AS_CREATOR, {"email": "ann@example.com", "team": True})
        first = step(run.state, users.RENAME, {"user": 1})
        run.commit([first, step(first.after, users.DOWNGRADE, {"user": 1})])
        together = log.edges["user creator>starter"]
        run.do(users.DOWNGRADE, {"user": 1})

    assert (0, 1) == (together, log.edges["user creator>starter"])
