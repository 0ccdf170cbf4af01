"""Objects of somebody else, which refuse some of what the rules allow: no rule is blamed."""

import pytest

from benchmarks.planted_sequences import CAP_COUNTS_ITSELF
from conformance.engine.cases.gaps import Gaps
from conformance.engine.cases.verdicts import Verdict
from conformance.framecast.machines.coverage_runs import every_count
from conformance.framecast.machines.hostile import HostileRunner
from conformance.framecast.machines.jobs import CreditMachine, ProjectMachine
from conformance.framecast.machines.machine import Machine
from conformance.framecast.machines.runner import MachineRunner
from tests.framecast.machines.test_lacking_schemas import (
    Lacking,
    attack_teams,
    found_by,
    lacking,
    lead,
    rules,
)

__all__ = ["lacking"]  # a fixture

CHEAP = "ALTER TABLE public.jobs ADD CONSTRAINT cheap CHECK (credits_charged < 3);"
ONE_ARCHIVED = (
    "CREATE UNIQUE INDEX one_archived ON public.projects (created_by) WHERE status = 'archived';"
)
KEPT = "ALTER TABLE public.projects ADD CONSTRAINT acme__kept CHECK (status <> 'archived');"
SHORT = "ALTER TABLE public.teams ADD CONSTRAINT acme__short CHECK (length(slug) < 7);"
RAISES = """
CREATE FUNCTION framecast.tg_raises() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'not on my watch';
END;
$$;
CREATE TRIGGER watched BEFORE UPDATE ON public.projects
FOR EACH ROW WHEN (old.status = 'archived') EXECUTE FUNCTION framecast.tg_raises();
"""


@pytest.mark.parametrize(
    ("sql", "machine", "named"),
    [
        (CHEAP, CreditMachine, "because of cheap: rejected by cheap (23514"),
        (ONE_ARCHIVED, ProjectMachine, "because of one_archived: rejected by one_archived (2"),
        (RAISES, ProjectMachine, "because of what raises P0001"),
    ],
)
def test_a_machine_goes_on_without_what_another_object_refuses(
    sql: str, machine: type[Machine], named: str, lacking: Lacking
) -> None:
    """What was tried is unproven because of it, and no rule is blamed."""
    runner, found = lead(lacking(sql).sandbox, machine)

    assert rules(found)
    assert named in str(found)
    assert runner.log.accepted


def test_a_rule_that_is_not_kept_is_found_beside_another_object(lacking: Lacking) -> None:
    """A cap that is one too low is no other object's fault."""
    place = lacking(CHEAP + CAP_COUNTS_ITSELF)

    found = found_by(lambda: every_count("CARD-5", MachineRunner(place.sandbox).new_run()))

    assert found is not None
    assert ("CARD-5", Verdict.OVERBLOCKED) == (found.rule, found.verdict)


def test_a_race_is_unproven_because_of_another_object(lacking: Lacking) -> None:
    """A step that an object of somebody else refuses proves nothing of the rules of its race."""
    found = lacking(KEPT).race("inv_p4__project_archived_by_who_began_before")

    assert "INV-P4" in rules(found)
    assert "because of acme__kept" in str(found)


def test_a_start_of_hostile_runs_is_unproven_because_of_another_object(lacking: Lacking) -> None:
    """A start that an object of somebody else refuses is named after it."""
    gaps = Gaps()
    hostile_runner = HostileRunner(lacking(SHORT).sandbox, gaps)
    attack_teams(hostile_runner)

    assert any("because of acme__short" in each for each in gaps.reasons), gaps.reasons
