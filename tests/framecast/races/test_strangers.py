"""A lock that is wider than its rule is found by people who have nothing to do with each other."""

from typing import Final

import pytest

from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.mutants import pool
from conformance.engine.mutants.mutant import Mutant
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.framecast.races.strangers import Strangers
from conformance.test_strangers import LOCKED
from tests.support.rewriting import rewritten

FIRST: Final = "\nBEGIN\n"
# What an engineer writes -> a table whose writers then wait for strangers.
PLANTED: Final = {
    rewritten(function, FIRST, f"{FIRST}    {lock}\n"): table
    for function, lock, table in (
        ("tg_job_events__number", "PERFORM pg_advisory_xact_lock(42);", "job_events"),
        (
            "tg_job_events__record_number",
            "LOCK TABLE public.job_events IN EXCLUSIVE MODE;",
            "job_events",
        ),
        ("lock_teams", "PERFORM pg_advisory_xact_lock(1);", "invitations"),
        (
            "tg_jobs__may_be_made",
            "PERFORM FROM public.role_permissions FOR UPDATE;",
            "jobs",
        ),
        (
            "tg_webhooks__creator_may_manage",
            "PERFORM pg_advisory_xact_lock(hashtext('webhooks'));",
            "webhooks",
        ),
        (
            "tg_memberships__user_in_at_most_50_teams",
            "LOCK TABLE public.memberships IN SHARE ROW EXCLUSIVE MODE;",
            "memberships",
        ),
        (
            "tg_memberships__leaves_starter_1_active",
            "PERFORM pg_advisory_xact_lock(7);",
            "memberships",
        ),
    )
} | {
    # Teams alone wait for each other; jobs of users do not.
    rewritten(
        "tg_jobs__may_be_made",
        "IF v_is_full THEN",
        "PERFORM pg_advisory_xact_lock(5);\n        IF v_is_full THEN",
    ): "jobs",
    rewritten(
        "tg_jobs__may_be_made",
        FIRST,
        f"{FIRST}    PERFORM pg_advisory_xact_lock(5) WHERE NEW.project_id IS NOT NULL;\n",
    ): "jobs",
}


@pytest.mark.parametrize("sql", PLANTED)
def test_a_lock_for_all_is_found(sql: str, scratch: Scratch, template: Template) -> None:
    """One lock for everybody makes strangers wait, those who take it at COMMIT too."""
    with scratch.cloned(template, "strangers") as database:
        with database.connect() as connection:
            connection.execute(sql.encode())
        with Sandbox(database.conninfo) as sandbox:
            found = Strangers(sandbox).waits()

    assert Verdict.OVERBLOCKED == found[PLANTED[sql]].verdict


def test_mutants_are_tried_with_strangers(scratch: Scratch, template: Template) -> None:
    """Mutants have a phase in which strangers may not wait, also for what is asked at COMMIT."""
    sql = rewritten(
        "tg__erased_has_no_key_nor_team", FIRST, f"{FIRST}    PERFORM pg_advisory_xact_lock(7);\n"
    )
    (phase,) = pool.named(["strangers"])
    (part,) = phase.parts(Mutant("a", "b", "c", ()))
    with scratch.cloned(template, "strangers") as database:
        with database.connect() as connection:
            connection.execute(sql.encode())
        with Sandbox(database.conninfo) as sandbox, pytest.raises(Finding) as caught:
            part.run(sandbox)

    assert Verdict.OVERBLOCKED == caught.value.verdict


def test_what_is_legal_is_done_beside_the_rest(scratch: Scratch, template: Template) -> None:
    """Of each table, more than one row is made in the company that holds all locks."""
    with (
        scratch.cloned(template, "strangers") as database,
        Sandbox(database.conninfo) as sandbox,
    ):
        strangers = Strangers(sandbox)
        kept = strangers.kept()

    assert 5 <= len([each for each in kept if each.startswith("INSERT INTO public.jobs ")])


def test_strangers_do_not_wait(scratch: Scratch, template: Template) -> None:
    """In the schema as it is nobody waits, and something is done in every table that is named."""
    with scratch.cloned(template, "strangers") as database, Sandbox(database.conninfo) as sandbox:
        strangers = Strangers(sandbox)
        assert {} == strangers.waits()
        assert LOCKED.keys() <= strangers.tables


def test_what_cannot_be_done_is_unproven(scratch: Scratch, template: Template) -> None:
    """A table that nobody can write leaves its own rules unproven, and no others."""
    with scratch.cloned(template, "strangers") as database:
        with database.connect() as connection:
            connection.execute("ALTER TABLE public.webhooks ADD COLUMN region text NOT NULL")
        with Sandbox(database.conninfo) as sandbox:
            found = Strangers(sandbox).waits()

    assert {"webhooks": Verdict.UNPROVEN} == {
        table: each.verdict for table, each in found.items() if table != "webhook_deliveries"
    }
