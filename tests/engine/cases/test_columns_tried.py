"""Column cases on schemas that say the same in another way, or have a fault."""

from typing import Final, NamedTuple

import pytest

from conformance.engine.cases.columns import hold
from conformance.engine.cases.scenario import ColumnCase
from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.database.session import Session
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.framecast.powers import LISTS
from strategies.facts import facts
from tests.engine.cases.test_labels import changed
from tests.support.rewriting import rechecked, rewritten

FORMS: Final = {case.name: case for case in facts()}
NAME: Final = "ALTER TABLE projects DROP CONSTRAINT projects_name_1_to_200_characters"


def case(name: str) -> ColumnCase:
    """Return the case of this name."""
    return FORMS[name]


def test_a_type_with_a_length_is_as_good(scratch: Scratch, template: Template) -> None:
    """`varchar(n)` refuses what is too long without a name, as well as a check does."""
    with changed(
        scratch,
        template,
        "ALTER TABLE asset_files ALTER COLUMN filename TYPE varchar(255)",
        "DO $$DECLARE c text; BEGIN FOR c IN SELECT conname FROM pg_constraint"
        " WHERE conrelid = 'asset_files'::regclass AND pg_get_constraintdef(oid) ~ 'filename'"
        " LOOP EXECUTE format('ALTER TABLE asset_files DROP CONSTRAINT %I', c); END LOOP; END$$",
        "ALTER TABLE asset_files ADD CHECK (filename <> '')",
    ) as sandbox:
        hold(sandbox, case("asset_files.filename longest"))
        hold(sandbox, case("asset_files.filename ''"))


def test_a_type_that_is_too_long_is_not(scratch: Scratch, template: Template) -> None:
    """A longer `varchar(n)` takes what is too long, and the case of the column is broken."""
    with (
        changed(
            scratch,
            template,
            "DO $$DECLARE c text; BEGIN FOR c IN SELECT conname FROM pg_constraint"
            " WHERE conrelid = 'asset_files'::regclass AND pg_get_constraintdef(oid) ~ 'filename'"
            " LOOP EXECUTE format('ALTER TABLE asset_files DROP CONSTRAINT %I', c); END LOOP;"
            " END$$",
            "ALTER TABLE asset_files ALTER COLUMN filename TYPE varchar(256)",
        ) as sandbox,
        pytest.raises(Finding) as raised,
    ):
        hold(sandbox, case("asset_files.filename longest"))
    assert Verdict.BROKEN == raised.value.verdict


class Fault(NamedTuple):
    """A statement that changes the schema, and what the case of a column comes to then."""

    statement: str
    name: str
    verdict: Verdict
    said: str


@pytest.mark.parametrize(
    "fault",
    [
        Fault(
            "ALTER TABLE usage ADD COLUMN kind text NOT NULL",
            "usage defaults",
            Verdict.UNPROVEN,
            "because of usage.kind",
        ),
        Fault("DROP TABLE usage", "usage defaults", Verdict.UNPROVEN, "42P01"),
        Fault(
            "ALTER TABLE teams DROP COLUMN settings", "teams defaults", Verdict.UNPROVEN, "42703"
        ),
        Fault(
            "ALTER TABLE usage ADD CONSTRAINT inv_us3__usage_none CHECK (credits_used > 0)",
            "usage defaults",
            Verdict.UNPROVEN,
            "because of INV-US3",
        ),
        Fault(
            "ALTER TABLE usage ADD CHECK (render_seconds > 0)",
            "usage.render_seconds least",
            Verdict.UNPROVEN,
            "because of usage_render_seconds_check",
        ),
        Fault(
            rechecked("usage", "usage_render_seconds_not_negative", "render_seconds > 0"),
            "usage.render_seconds least",
            Verdict.OVERBLOCKED,
            "usage_render_seconds_not_negative",
        ),
        Fault(
            "CREATE UNIQUE INDEX one_name ON projects (name, created_by)",
            "specs searched: made",
            Verdict.UNPROVEN,
            "because of one_name",
        ),
        Fault(
            "ALTER TABLE jobs ADD CONSTRAINT few CHECK (credits_charged < 5)",
            "jobs.id unique",
            Verdict.UNPROVEN,
            "because of few",
        ),
        Fault(
            rewritten(
                "tg_invitations__set_expiry",
                "NEW.created_at + interval '168 hours'",
                "NEW.created_at + interval '7 days'",
            ),
            "invitations.expires_at elsewhere",
            Verdict.BROKEN,
            "False",
        ),
        Fault(
            rewritten(
                "delete_old_webhook_deliveries",
                "LIMIT greatest(coalesce(p_limit, 10000), 0)",
                "LIMIT greatest(least(coalesce(p_limit, 10000), 10000), 0)",
                "public",
            ),
            "webhook_deliveries.id cleaned up",
            Verdict.BROKEN,
            "10000",
        ),
        Fault(
            rewritten("tg_jobs__set_times", "'J2451545'", "'epoch'"),
            "jobs.started_at at the ends",
            Verdict.OVERBLOCKED,
            "22008",
        ),
    ],
)
def test_a_case_fails_as_a_rule_does(fault: Fault, scratch: Scratch, template: Template) -> None:
    """A case that fails ends in a finding, which names what refused; never in another error."""
    with changed(scratch, template, fault.statement) as sandbox, pytest.raises(Finding) as raised:
        hold(sandbox, case(fault.name))
    assert (fault.name, fault.verdict) == (raised.value.rule, raised.value.verdict)
    assert fault.said in raised.value.observed
    assert raised.value.cause


def test_what_a_move_carries_is_found(scratch: Scratch, template: Template) -> None:
    """A check that passes over rows in a state is asked in the statement that leads there."""
    change = rechecked(
        "jobs",
        "inv_j9__jobs_credits_not_negative",
        "least(credits_charged, credits_refunded) >= 0 OR status = 'canceled'",
    )
    with changed(scratch, template, change) as sandbox, pytest.raises(Finding) as raised:
        hold(sandbox, case("jobs.credits_charged of one that moves 3"))
    assert (Verdict.BROKEN, "accepted") == (raised.value.verdict, raised.value.observed)


def test_what_the_suite_adds_is_not_listed(scratch: Scratch, template: Template) -> None:
    """Objects that the suite puts beside a schema are none of those that a role is tried on."""
    with scratch.cloned(template, "listed") as database:
        with Session(database.conninfo) as session:
            before = {kind: session.fetch(f"{query} ORDER BY 1") for kind, query in LISTS.items()}
        with Sandbox(database.conninfo), Session(database.conninfo) as session:
            after = {kind: session.fetch(f"{query} ORDER BY 1") for kind, query in LISTS.items()}
            assert session.fetch(
                "SELECT count(*) > 0 FROM pg_trigger WHERE tgname ~ '^zzz_note'"
            ) == [(True,)]
    assert before == after
