"""What a schema cannot take blames no rule, by whatever it was tried: cases, facts of columns."""

from typing import Final

import pytest

from conformance.engine.cases.columns import hold
from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.sql.writes import Path
from strategies.column_cases import cases
from tests.engine.cases.test_labels import changed
from tests.engine.cases.test_other_schemas import tried
from tests.support.rewriting import KEYS_AT_ONCE

NUMBERED: Final = """
ALTER TABLE public.usage DROP COLUMN id CASCADE, ADD COLUMN id bigserial PRIMARY KEY
"""
WANTED: Final = "ALTER TABLE public.users ADD COLUMN region text NOT NULL"


@pytest.mark.parametrize("rule", ["INV-US1", "INV-US2"])
def test_an_id_of_another_type_blames_no_rule(
    rule: str, scratch: Scratch, template: Template
) -> None:
    """Where ids are numbers, what is given a UUID is unproven because of the id's type."""
    with changed(scratch, template, NUMBERED) as sandbox:
        met = [each for each in tried(sandbox, rule, Path.INSERT, 20) if each.rule == rule]

    assert {Verdict.UNPROVEN} == {each.verdict for each in met}
    assert all("because of usage.id of type bigint" in each.observed for each in met)


@pytest.mark.parametrize(
    ("sql", "name", "because"),
    [
        (NUMBERED, "usage.owner null", "usage.id of type bigint"),
        (WANTED, "users.email ''", "users.region, which must be given"),
        (WANTED, "teams.name ''", "users.region, which must be given"),
    ],
)
def test_a_fact_of_a_column_is_not_to_blame_for_another(
    sql: str, name: str, because: str, scratch: Scratch, template: Template
) -> None:
    """What refuses a row before the fact's own column could is named, and proves nothing."""
    (case,) = (each for each in cases() if each.name == name)
    with (
        changed(scratch, template, sql) as sandbox,
        pytest.raises(Finding, match=because) as raised,
    ):
        hold(sandbox, case)

    assert Verdict.UNPROVEN == raised.value.verdict


@pytest.mark.parametrize("rule", ["INV-X1", "INV-X2", "ROLE-2", "INV-A6"])
def test_another_key_that_is_asked_at_once_blames_no_rule(
    rule: str, scratch: Scratch, template: Template
) -> None:
    """A membership that comes and goes in a transaction is refused by its own keys alone."""
    with changed(scratch, template, KEYS_AT_ONCE) as sandbox:
        met = [each for each in tried(sandbox, rule, Path.OTHER, 60) if each.rule == rule]

    assert met
    assert {Verdict.UNPROVEN} == {each.verdict for each in met}
    assert {"INV-U3", "INV-M6", "INV-M5"} >= {each.cause for each in met}
