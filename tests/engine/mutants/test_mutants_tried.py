"""Mutants are tried by the suite's engine: what should be noticed is, by the right rule."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

import psycopg
import pytest

from conformance.engine.cases.columns import hold
from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.mutants.applying import apply
from conformance.engine.mutants.errors import BaselineError
from conformance.engine.mutants.mutant import Mutant
from conformance.engine.mutants.mutant_run import Bench, Kill
from conformance.engine.mutants.parts import Part, Phase
from conformance.engine.mutants.rule_phases import own_rules
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.sql.writes import Statement
from conformance.framecast.mutants import role
from conformance.framecast.mutants.phases import columns
from conformance.framecast.races.harness import IllegalStartError
from conformance.framecast.rules import RULES
from strategies.facts import facts

ROOT: Final = Path(__file__).parents[3]
USERS = "ALTER TABLE public.users DROP CONSTRAINT"
NEUTRAL = Mutant("users", "neutral", "", ("SELECT 1",))
OWN = [Phase("rules", own_rules), Phase("columns", columns)]


@pytest.fixture
def bench(scratch: Scratch, template: Template) -> Iterator[Bench]:
    """Set up a place to try mutants at."""
    with Bench(scratch, template) as bench:
        yield bench


def test_a_dropped_rule_is_noticed_by_its_rule(bench: Bench) -> None:
    """Without its check, INV-U5 is broken, and its own near misses say so."""
    sql = f"{USERS} inv_u5__users_credits_not_negative"
    mutant_run = bench.attempt(Mutant("users", "dropped", "", (sql,), ("INV-U5",), ("users",)), OWN)
    assert mutant_run.kill is not None
    assert ("rules", "INV-U5", "broken") == (
        mutant_run.kill.phase,
        mutant_run.kill.rule,
        mutant_run.kill.verdict,
    )


def test_a_dropped_check_without_a_rule_is_noticed_by_its_column(bench: Bench) -> None:
    """Without its check a name is as long as it likes, and the column's own test says so."""
    sql = f"{USERS} users_name_at_most_100_characters"
    mutant_run = bench.attempt(
        Mutant("users.users_name_at_most_100_characters", "dropped", "", (sql,), (), ("users",)),
        OWN,
    )
    assert mutant_run.kill is not None
    assert ("columns", "column users.name longest") == (mutant_run.kill.phase, mutant_run.kill.part)


def test_a_guard_that_does_not_go_with_its_team_is_noticed(bench: Bench) -> None:
    """Without the cascade, a team whose memberships were deleted before it cannot be deleted."""
    alter, key = "ALTER TABLE framecast.team_guards", "CONSTRAINT inv_m6__team_guards_team_exists"
    to_team = "FOREIGN KEY (team_id) REFERENCES public.teams (id) DEFERRABLE INITIALLY DEFERRED"
    sql = (f"{alter} DROP {key}", f"{alter} ADD {key} {to_team}")
    mutant_run = bench.attempt(Mutant("team_guards", "exchanged", "", sql, ("INV-T1",)), OWN[:1])
    assert mutant_run.kill is not None
    assert mutant_run.kill.part.startswith("inv_t1__delete")


KEYS_OF_KEYS = """
SELECT k.conname::text FROM pg_trigger AS g JOIN pg_constraint AS k ON k.oid = g.tgconstraint
WHERE g.tgrelid = 'public.api_keys'::regclass AND g.tgname ~ '^RI_ConstraintTrigger_c_'
ORDER BY g.tgname
"""


def test_a_key_that_is_made_anew_keeps_its_place(scratch: Scratch, template: Template) -> None:
    """A key that a mutant or PostgreSQL makes anew is asked when it was asked before."""
    table = "ALTER TABLE public.api_keys"
    made = (
        f"{table} ADD made uuid GENERATED ALWAYS AS (NULL::uuid) STORED",
        f"{table} ADD CONSTRAINT made_1 FOREIGN KEY (made) REFERENCES public.teams (id)",
        f"{table} ADD CONSTRAINT made_2 FOREIGN KEY (user_id) REFERENCES public.users (id)",
    )
    column = f"{table} ALTER COLUMN made SET EXPRESSION AS (framecast.urn_team(owner))"
    key = "CONSTRAINT inv_x4__api_keys_membership_exists"
    pair = "(live_member_team_id, user_id) REFERENCES public.memberships (team_id, user_id)"
    again = (
        f"ALTER TABLE public.api_keys DROP {key}",
        f"ALTER TABLE public.api_keys ADD {key} FOREIGN KEY {pair}",
    )
    with scratch.cloned(template, "places") as database, database.connect() as connection:
        major = connection.info.server_version // 10000
        for statement in made:
            connection.execute(statement.encode())
        before = connection.execute(KEYS_OF_KEYS).fetchall()
        assert len(before) > 4
        apply(connection, again)
        assert before == connection.execute(KEYS_OF_KEYS).fetchall()
        if major >= 17:
            apply(connection, (column,))
            assert before == connection.execute(KEYS_OF_KEYS).fetchall()


def test_no_column_wakes_a_trigger_that_sleeps(scratch: Scratch, template: Template) -> None:
    """A write past triggers leaves a disabled one as it is."""
    triggers = "SELECT tgname FROM pg_trigger WHERE tgenabled = 'D'"
    with scratch.cloned(template, "disabled") as database:
        with database.connect() as connection:
            connection.execute("ALTER TABLE public.job_events DISABLE TRIGGER _500_record_number")
        with Sandbox(database.conninfo) as sandbox:
            for form in facts():
                if "job_events" in form.tables:
                    with suppress(Finding):
                        hold(sandbox, form)
            assert [("_500_record_number",)] == sandbox.session.fetch(triggers)


def test_whatever_a_test_would_fail_with_is_noticed(bench: Bench) -> None:
    """A start that a mutant refuses is no finding, and ends no run: it kills."""

    def begin(sandbox: Sandbox) -> None:
        if sandbox.owner.fetch("SELECT FROM pg_constraint WHERE conname LIKE 'inv_u5__%'") == []:
            raise IllegalStartError

    sql = f"{USERS} inv_u5__users_credits_not_negative"
    phase = Phase("races", lambda _mutant: iter([Part("begin", begin)]))
    mutant_run = bench.attempt(Mutant("users", "dropped", "", (sql,)), [phase])
    assert Kill("races", "begin", "", "IllegalStartError: ") == mutant_run.kill


@pytest.mark.parametrize(
    ("sql", "operator", "part"),
    [
        ("GRANT TRUNCATE ON public.jobs TO framecast_app", "right granted", "the role's rights"),
        ("GRANT UPDATE (id) ON public.jobs TO PUBLIC", "right granted to all", "the role's rights"),
        (
            "ALTER FUNCTION framecast.tg_memberships__lock_users_and_teams() SECURITY INVOKER",
            "security definer removed",
            "inv_t2__insert 1 as framecast_app",
        ),
    ],
)
def test_what_the_role_must_not_is_noticed(
    bench: Bench, sql: str, operator: str, part: str
) -> None:
    """A right too many is in the list of rights; a trigger without its owner's is in its way."""
    mutant = Mutant("rights.jobs", operator, "", (sql,), ("INV-T2",))
    mutant_run = bench.attempt(mutant, [Phase("role", role.parts)])
    assert mutant_run.kill is not None
    assert ("role", part) == (mutant_run.kill.phase, mutant_run.kill.part)


def test_a_neutral_change_survives(bench: Bench) -> None:
    """A change that no write can tell is not noticed."""
    sql = "ALTER TABLE public.users ALTER COLUMN name SET STATISTICS 10"
    mutant_run = bench.attempt(Mutant("users.name", "neutral", "", (sql,), ("INV-U5",)), OWN[:1])
    assert mutant_run.kill is None
    assert 0 < mutant_run.tried


def test_a_mutant_leaves_no_database(bench: Bench, scratch: Scratch) -> None:
    """The clone of a mutant is gone when it has been tried."""
    query = "SELECT count(*) FROM pg_database WHERE datname LIKE %s"
    ours = [f"{scratch._prefix}%mutant"]  # other workers try mutants at the same time
    with psycopg.connect(scratch.server.conninfo, autocommit=True) as connection:
        before = connection.execute(query, ours).fetchone()
        bench.attempt(Mutant("users", "neutral", "", ("SELECT 1",)), [])
        assert before == connection.execute(query, ours).fetchone()


def fail(_sandbox: Sandbox) -> None:
    """Find fault with any schema."""
    rule = "INV-U5"
    raise Finding(rule, Verdict.BROKEN, expected="", observed="", script="")


def test_a_red_baseline_ends_the_run(bench: Bench) -> None:
    """A part that fails on the schema itself kills no mutant: it is an error."""
    phase = Phase("wrong", lambda _mutant: iter([Part("always red", partial(fail))]))
    with pytest.raises(BaselineError, match="always red: INV-U5 is broken"):
        bench.attempt(Mutant("users", "neutral", "", ("SELECT 1",)), [phase])


def late(times: int, sandbox: Sandbox, runs: list[str]) -> None:
    """Find that the server gives no answer in time, the first times that this is asked."""
    runs.append(sandbox.session.connection.info.dbname)
    if len(runs) <= times:
        sandbox.session.connection.execute("SET statement_timeout = '1ms'")
        observed = str(sandbox.session.run([Statement("SELECT pg_catalog.pg_sleep(1)")]))
        rule = "INV-U5"
        raise Finding(rule, Verdict.UNPROVEN, expected="", observed=observed, script="")


def lost(times: int, sandbox: Sandbox, runs: list[str]) -> None:
    """Lose the session, the first times that this is asked."""
    runs.append(sandbox.session.connection.info.dbname)
    if len(runs) <= times:
        sandbox.session.fetch("SELECT pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid())")


@pytest.mark.parametrize("fault", [late, lost])
def test_what_is_late_once_kills_nothing(bench: Bench, fault: Callable[..., None]) -> None:
    """A timeout or a lost session says nothing of a mutant that then passes, on a fresh clone."""
    runs: list[str] = []
    part = Part("late", lambda sandbox: fault(1, sandbox, runs))
    mutant_run = bench.attempt(NEUTRAL, [Phase("slow", lambda _mutant: iter([part]))])
    assert mutant_run.kill is None
    assert 2 == len(set(runs))


def test_what_is_late_twice_is_killed_by_a_timeout(bench: Bench) -> None:
    """A mutant that is late on two clones is killed; the matrix says that it was the time."""
    runs: list[str] = []
    part = Part("late", lambda sandbox: late(2, sandbox, runs))
    mutant_run = bench.attempt(NEUTRAL, [Phase("slow", lambda _mutant: iter([part]))])
    assert Kill("slow", "late", "INV-U5", "timeout") == mutant_run.kill


def test_a_late_control_is_asked_again(bench: Bench) -> None:
    """One timeout on the schema itself does not end the run; one after another does."""
    runs: list[str] = []
    bench.check(Part("late once", lambda sandbox: late(1, sandbox, runs)))
    assert 2 == len(runs)
    with pytest.raises(BaselineError, match="late: INV-U5 is timeout"):
        bench.check(Part("late", lambda sandbox: late(9, sandbox, runs)))
    bench.check(Part("fine", lambda _sandbox: None))


def test_what_breaks_the_suite_itself_is_noticed(bench: Bench) -> None:
    """A schema on which a test ends with an error of the server fails that test."""

    def ask(sandbox: Sandbox) -> None:
        sandbox.session.fetch("SELECT name FROM public.users")

    phase = Phase("asks", lambda _mutant: iter([Part("a column", ask)]))
    sql = "ALTER TABLE public.users RENAME COLUMN name TO title"
    mutant_run = bench.attempt(Mutant("users.name", "renamed", "", (sql,)), [phase])
    assert mutant_run.kill is not None
    assert mutant_run.kill.verdict.startswith("UndefinedColumn")


def test_every_rule_can_be_tried() -> None:
    """The first phase has something to try for every rule that a write can break."""
    without = [rule for rule in RULES if not list(own_rules(Mutant("a", "b", "c", (), (rule,))))]
    assert [] == without
