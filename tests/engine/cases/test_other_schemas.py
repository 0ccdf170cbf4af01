"""Schemas that do right in another way than ours are not blamed, and their faults are seen."""

from collections.abc import Iterable
from typing import Final

import pytest

from conformance.engine.cases.case_runner import CaseRunner
from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.catalogue.ordering import parents_first
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.sql.writes import Delete, Insert, Path, Statement
from conformance.framecast.rules import RULES
from strategies.near_misses import WAYS
from strategies.world import World
from tests.engine.cases.test_labels import changed
from tests.support.drawing import examples
from tests.support.rewriting import KEYS_AT_ONCE

PLAIN_NOW: Final = """
CREATE OR REPLACE FUNCTION framecast.tg__set_updated_at() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END;
$$
"""
AS_GIVEN: Final = PLAIN_NOW.replace("NEW.updated_at := now();", "")
# A project has one job in one of the states in which it is active, and as many in the other.
ONE_IN_STATE: Final = """
DO $$
DECLARE
    v_index text := (
        SELECT indexname FROM pg_indexes WHERE indexname ~ '^inv_j12__'
    );
BEGIN
    EXECUTE format('DROP INDEX public.%I', v_index);
    EXECUTE format(
        'CREATE UNIQUE INDEX %I ON public.jobs (project_id) WHERE status = %L',
        v_index, '{}'
    );
END;
$$
"""


def tried(sandbox: Sandbox, rule: str, path: Path, count: int = 100) -> Iterable[Finding]:
    """Return what is found of a rule along a path, of each sort the shortest."""
    ways = WAYS[rule][path]
    assert not isinstance(ways, str)
    case_runner = CaseRunner(sandbox, RULES[rule], path)
    case_runner.findings.wait()
    for scenario in examples(ways, count):
        case_runner.run(scenario)
    return case_runner.findings.kept.values()


def paths(rule: str) -> list[Path]:
    """Return the paths along which a rule is tried."""
    return [path for path, ways in WAYS[rule].items() if not isinstance(ways, str)]


def test_plain_now_is_right(scratch: Scratch, template: Template) -> None:
    """A schema that sets updated_at to now(), whatever it was, keeps AUTO-UPDATED."""
    with changed(scratch, template, PLAIN_NOW) as sandbox:
        assert [] == [
            each for path in paths("AUTO-UPDATED") for each in tried(sandbox, "AUTO-UPDATED", path)
        ]


def test_a_given_time_is_wrong(scratch: Scratch, template: Template) -> None:
    """A schema that takes what is given for updated_at breaks AUTO-UPDATED."""
    with changed(scratch, template, AS_GIVEN) as sandbox:
        found = {each.verdict for each in tried(sandbox, "AUTO-UPDATED", Path.UPDATE)}
    assert Verdict.BROKEN in found


@pytest.mark.parametrize("rule", ["INV-U2", "INV-T1", "INV-T2", "INV-T4", "CARD-1", "AUTO-SLUG"])
def test_keys_that_do_not_wait_are_no_fault_of_others(
    rule: str, scratch: Scratch, template: Template
) -> None:
    """Where foreign keys are asked at once, rules of other kinds are tried all the same."""
    with changed(scratch, template, KEYS_AT_ONCE) as sandbox:
        met = list(tried(sandbox, rule, Path.INSERT, 50))
    assert [] == [
        each for each in met if each.verdict is not Verdict.UNPROVEN and each.rule == rule
    ]
    assert [] == met


def test_parents_come_before_their_children() -> None:
    """Of inserts in a row parents come first, of deletes last; other writes stay where they are."""
    world = World()
    owner, team = world.a_creator(), world.a_team()
    joins = Insert("memberships", (world.a_membership(team, owner, role="owner"),))
    writes = (
        joins,
        Insert("teams", (team,)),
        Insert("users", (owner,)),
        Delete("users", {"id": owner["id"]}),
        Delete("teams", {"id": team["id"]}),
    )
    ordered = parents_first(writes, Path.CTE)
    assert ["users", "teams", "memberships", "teams", "users"] == list(map(table, ordered))
    assert ordered[-2].sql.startswith("WITH w AS (DELETE")


def table(statement: Statement) -> str:
    """Return the table that a statement is about."""
    return statement.sql.partition("public.")[2].split(" ")[0]


@pytest.mark.parametrize("path", [Path.INSERT, Path.MOVE])
@pytest.mark.parametrize("status", ["queued", "processing"])
def test_a_cap_on_some_states_is_seen(
    status: str, path: Path, scratch: Scratch, template: Template
) -> None:
    """A schema in which jobs of one state alone count as active breaks INV-J12, by a move too."""
    # What never changes would hide that.
    moves = "ALTER TABLE jobs DISABLE TRIGGER USER" if path is Path.MOVE else "SELECT 1"
    with changed(scratch, template, ONE_IN_STATE.format(status), moves) as sandbox:
        met = {(each.rule, each.verdict) for each in tried(sandbox, "INV-J12", path)}
    assert ("INV-J12", Verdict.BROKEN) in met
