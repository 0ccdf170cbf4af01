"""Rules are not blamed where their checks refuse a row that a trigger has made illegal."""

from typing import Final

import pytest

from conformance.engine.cases.findings import sort_of
from conformance.engine.cases.verdicts import Verdict
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.sql.writes import Path
from conformance.framecast.machines.memberships import MembershipMachine
from tests.engine.cases.test_labels import changed, findings
from tests.framecast.machines.test_lacking_schemas import lead
from tests.support.engineering import Refused, expect_refused
from tests.support.rewriting import rechecked, rewritten

OF_LAST_WEEK: Final = rewritten(
    "tg__set_updated_at", "greatest(now(), OLD.updated_at)", "now() - interval '7 days'"
)
LATER: Final = rechecked("teams", "inv_t5__teams_created_not_after_updated", "updated_at > now()")
EARLY: Final = "NEW.created_at - interval '1 hour'"
OF_A_RULE: Final = rewritten(
    "tg_jobs__set_times",
    "IF OLD.status <> NEW.status THEN",
    f"IF NEW.status = 'processing' THEN NEW.started_at := {EARLY}; END IF;"
    " IF OLD.status <> NEW.status THEN",
)
OF_NOBODY: Final = (
    "CREATE FUNCTION public.early() RETURNS trigger LANGUAGE plpgsql SET search_path = ''"
    f" AS $$ BEGIN NEW.started_at := {EARLY}; RETURN NEW; END $$;"
    "CREATE TRIGGER _150_early BEFORE UPDATE ON public.jobs FOR EACH ROW"
    " WHEN (new.status = 'processing') EXECUTE FUNCTION public.early();"
)


@pytest.mark.parametrize(
    ("sql", "named"), [(OF_A_RULE, "AUTO-TIMES"), (OF_NOBODY, "what the schema itself writes")]
)
def test_no_rule_is_named_by_a_guess(
    sql: str, named: str, scratch: Scratch, template: Template
) -> None:
    """A rule is said to derive what is wrong only if nothing is without its triggers."""
    with changed(scratch, template, sql) as sandbox:
        found = findings(sandbox, "INV-TIME2", Path.UPDATE)

    causes = {each.cause for each in found if each.rule == "INV-TIME2"}
    assert causes & {"AUTO-TIMES", "what the schema itself writes"} == {named}, causes
    assert {each.rule for each in found if each.verdict is not Verdict.UNPROVEN} <= {named}


@pytest.mark.parametrize("rule", ["INV-T5", "INV-P4", "INV-TIME1"])
def test_a_check_that_refuses_what_a_trigger_made_illegal(
    rule: str, scratch: Scratch, template: Template
) -> None:
    """Its rule is unproven because of the rule by which the trigger derives, which is broken."""
    with changed(scratch, template, OF_LAST_WEEK) as sandbox:
        found = findings(sandbox, rule, Path.UPDATE)

    assert (rule, Verdict.UNPROVEN, "AUTO-UPDATED") in {sort_of(each) for each in found}
    assert not [each for each in found if each.verdict is Verdict.OVERBLOCKED]


def test_the_rule_by_which_it_derives_is_broken(scratch: Scratch, template: Template) -> None:
    """So says its own violation query, asked of the row as it would be."""
    with changed(scratch, template, OF_LAST_WEEK) as sandbox:
        found = findings(sandbox, "AUTO-UPDATED", Path.CASCADE)

    observed = {each.observed for each in found if each.verdict is Verdict.BROKEN}
    assert any(each.startswith("what it derives is rejected by inv_") for each in observed)


def test_a_machine_blames_no_other(scratch: Scratch, template: Template) -> None:
    """A machine goes on after such a refusal: it finds the rule that is broken, or names it."""
    with changed(scratch, template, OF_LAST_WEEK) as sandbox:
        _, found = lead(sandbox, MembershipMachine)

    assert found is not None
    assert "AUTO-UPDATED" in str(found)
    assert "AUTO-UPDATED" == found.rule or Verdict.UNPROVEN == found.verdict


def test_a_check_that_refuses_a_legal_row_is_to_blame(scratch: Scratch, template: Template) -> None:
    """A row that its rule's violation query does not return was legal."""
    expect_refused(Refused(LATER, "INV-T5", Path.INSERT, "INV-T5"), scratch, template)
