"""Hostile runs: what they are made of, what they must find, and what refusals they let pass."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from conformance.engine.cases.verdicts import Finding
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.machines.refusals import fault_of, names_of
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.pytest_plugin import profiles
from conformance.engine.sql.outcomes import Inconclusive, Rejected
from conformance.engine.sql.writes import Statement
from conformance.framecast.machines.essentials import essentials
from conformance.framecast.machines.hostile import HostileRunner, Tally, shape_of
from strategies.hostile_rows import Shape
from strategies.hostility import BOOKS, MOST_PARTS, MOST_TRANSACTIONS, HostileRun, hostile_runs
from strategies.tables import COLUMNS, DERIVED

MIGRATIONS = Path(__file__).parents[3] / "migrations"
FEWEST_ACCEPTED = 0.3
FEW = 4  # statements after shrinking
PLAIN = Statement("UPDATE public.users SET name = 'a'")

# A trigger that forgets one column.
FORGETS_UPLOADER = """
DROP TRIGGER _300_imm_1__asset_files_subject_is_fixed ON public.asset_files;
CREATE TRIGGER _300_imm_1__asset_files_subject_is_fixed
BEFORE UPDATE OF id, owner, project_id, created_at ON public.asset_files
FOR EACH ROW WHEN (
    (old.id, old.owner, old.project_id, old.created_at)
    IS DISTINCT FROM (new.id, new.owner, new.project_id, new.created_at)
)
EXECUTE FUNCTION framecast.tg__reject('an asset never changes', 'upload another asset');
"""
# The schema's own bookkeeping within a client's reach.
OPEN_BOOKS = "DROP TRIGGER _300_own_1__team_guards_kept_by_schema ON framecast.team_guards;"
# A table that the schema keeps for itself, and that the suite has never heard of.
NEW_BOOKS = "CREATE TABLE framecast.totals (team_id uuid PRIMARY KEY, jobs bigint NOT NULL);"
# Members can be moved to another team.
MOVING_MEMBERS = "DROP TRIGGER _300_imm_1__memberships_subject_is_fixed ON public.memberships;"
# The last owner can become something less.
LAST_OWNER_DEMOTED = (
    "DROP TRIGGER _700_inv_t2__memberships_owner_not_demoted ON public.memberships;"
)
# A refusal in words, which names nothing.
SPEAKS = """
CREATE FUNCTION framecast.tg_speaks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'please do not';
END;
$$;
CREATE TRIGGER _300_speaks BEFORE UPDATE OF url ON public.webhooks
FOR EACH ROW EXECUTE FUNCTION framecast.tg_speaks();
"""

# Statements that show each: a table of nobody's needs none, a membership its user and its team.
MOST = {
    "forgets the uploader": 10,
    "open books": 5,
    "new books": 1,
    "moving members": 10,
    "last owner demoted": 5,
    "speaks": 6,
}
HOLES: dict[str, tuple[str, str, set[str]]] = {
    "forgets the uploader": (FORGETS_UPLOADER, "asset_files", {"IMM-1"}),
    "open books": (OPEN_BOOKS, BOOKS, {"OWN-1"}),
    "new books": (NEW_BOOKS, BOOKS, {"OWN-1"}),
    # A move breaks the one rule, and the move of a team's last member or owner others as well.
    "moving members": (MOVING_MEMBERS, "memberships", {"IMM-1", "INV-T1", "INV-T2"}),
    "last owner demoted": (LAST_OWNER_DEMOTED, "memberships", {"INV-T1", "INV-T2"}),
    "speaks": (SPEAKS, "webhooks", {"HOSTILE"}),
}


@pytest.fixture(scope="module")
def sandbox(scratch: Scratch, template: Template) -> Iterator[Sandbox]:
    """Lend a database with the schema."""
    with (
        scratch.cloned(template, "hostile_runs") as database,
        Sandbox(database.conninfo) as sandbox,
    ):
        yield sandbox


@pytest.fixture(scope="module")
def shape(sandbox: Sandbox) -> Shape:
    """Look at the schema."""
    return shape_of(sandbox)


@pytest.mark.parametrize("hole", HOLES)
def test_a_planted_hole_is_found(hole: str, scratch: Scratch, tmp_path: Path) -> None:
    """A hostile run of the default profile finds the hole, and shrinks to few statements."""
    sql, focus, rules = HOLES[hole]
    schema = Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))
    (schema / "999_hole.sql").write_text(sql)

    with (
        scratch.cloned(scratch.template(schema), "hole") as database,
        Sandbox(database.conninfo) as it,
    ):
        hostile_runner = HostileRunner(it)
        with pytest.raises(Finding) as caught:
            _hostile_run(hostile_runner, focus)
        least = essentials(caught.value, hostile_runner)

    assert least.rule in rules
    assert least.steps is not None
    assert len(least.steps[-1].sql) <= FEW, least.steps[-1].sql
    statements = sum(len(step.sql) for step in least.steps)
    assert statements <= MOST[hole], least.script


def test_a_hole_shows_in_the_report(tmp_path: Path) -> None:
    """A run that finds a hole calls its rule broken, and says how to replay what found it."""
    schema = Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))
    (schema / "999_hole.sql").write_text(MOVING_MEMBERS)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "conformance/test_hostile.py", "-k", "memberships"),
            *("--migrations", str(schema), "--hypothesis-seed=0"),
        ],
        cwd=MIGRATIONS.parent,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert "1 broken" in done.stdout
    assert "-m pytest 'conformance/test_hostile.py::test_hostile[memberships]'" in done.stdout
    assert "hostile runs, " in done.stdout


def test_the_schema_stands(sandbox: Sandbox) -> None:
    """A hostile run of the default profile finds nothing, and a good share of it is accepted."""
    hostile_runner = HostileRunner(sandbox)

    _hostile_run(hostile_runner, "everything")

    accepted, refused = hostile_runner.tally.accepted.total(), hostile_runner.tally.refused.total()
    assert accepted / (accepted + refused) > FEWEST_ACCEPTED
    assert hostile_runner.tally.transactions["accepted"] > 0


def test_all_that_can_be_written_is_known(shape: Shape) -> None:
    """Tables of the domain, bookkeeping and derived columns are found in the database."""
    assert set(COLUMNS) < set(shape.tables)
    for table, columns in COLUMNS.items():
        every = {*columns, *DERIVED.get(table, ())}
        assert every == {column.name for column in shape.tables[table]}
    assert "framecast.job_event_counters" in shape.tables
    assert "public.inv_m5__memberships_user_exists" in shape.deferrable


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_hostile_run_has_bounds(data: st.DataObject, shape: Shape) -> None:
    """A hostile run has at most ten transactions, each statement about a known table."""
    hostile_run = data.draw(hostile_runs(shape, "jobs"))

    assert len(hostile_run.attacks) <= MOST_TRANSACTIONS
    for attack in hostile_run.attacks:
        assert 1 <= len(attack.parts) <= MOST_PARTS
        for part in attack.parts:
            assert {hostile_statement.table for hostile_statement in part.steps} <= {
                *shape.tables,
                "",
            }


@pytest.mark.parametrize(
    "refused",
    [
        Rejected("23514", constraint=min(names_of("Framecast"))),
        Rejected("23514", constraint="inv_j9__half_of_a_check_in_two"),
        Rejected("23514", constraint="users_email_at_most_255_characters"),
        Rejected("23502", table="users", column="email"),
        Rejected("22P02"),
        Rejected("428C9"),
        Rejected("42501"),
    ],
    ids=str,
)
def test_a_refusal_with_a_reason_passes(refused: Rejected) -> None:
    """A rule, a constraint, a column, a type, a generated column and a privilege are reasons."""
    assert fault_of(refused, PLAIN) == ""


@pytest.mark.parametrize(
    "refused",
    [
        Rejected("23514", constraint="inv_u99__no_such_rule"),
        Rejected("23514"),
        Rejected("P0001"),
        Rejected("XX000"),
        Rejected("42P01"),
        Rejected("21000"),
        Rejected("0A000"),
        Inconclusive("40P01"),
    ],
    ids=str,
)
def test_a_refusal_without_a_reason_is_a_fault(refused: Rejected | Inconclusive) -> None:
    """A refusal that names nothing or no known rule, or that waits for nobody, is reported."""
    assert fault_of(refused, PLAIN) != ""


@pytest.mark.parametrize(
    ("sqlstate", "sql"),
    [
        ("21000", "INSERT INTO a VALUES (1), (1) ON CONFLICT (b) DO UPDATE SET c = 1"),
        ("0A000", "TRUNCATE a"),
        ("42P10", "COPY a (generated) FROM STDIN"),
    ],
)
def test_what_postgresql_says_of_a_statement_passes(sqlstate: str, sql: str) -> None:
    """A statement that PostgreSQL itself cannot carry out is no fault of the schema."""
    assert fault_of(Rejected(sqlstate), Statement(sql)) == ""


def test_tallies_add_up() -> None:
    """Counts of several workers are summed, after travelling as plain values."""
    total, one = Tally(), Tally(hostile_runs=2, seconds=0.5)
    one.accepted["update"] += 3
    one.named["inv_u5__users_credits_not_negative"] += 1

    for _ in range(2):
        total.add(one.as_dict())

    assert total == Tally(
        4, accepted=one.accepted + one.accepted, named=one.named + one.named, seconds=1.0
    )
    assert "4 hostile runs, 4.0 a second" in next(total.lines())


def _hostile_run(hostile_runner: HostileRunner, focus: str) -> None:
    """Attack a database as the default profile does, without what earlier runs have found."""

    @seed(0)
    @settings(
        settings.get_profile("default"),
        max_examples=profiles.HOSTILE_RUNS["default"],
        database=None,
    )
    @given(hostile_runs(hostile_runner.shape, focus))
    def go(hostile_run: HostileRun) -> None:
        hostile_runner.run(hostile_run)

    go()
