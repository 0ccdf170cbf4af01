"""Labels of enum types: one too many, or one too few, is found by the rule about the type."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import pytest

from conformance.engine.cases.case_runner import CaseRunner
from conformance.engine.cases.columns import hold
from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.sql.writes import Path
from conformance.framecast.rules import RULES
from strategies.column_cases import cases
from strategies.enums import COLUMNS, ENUMS
from strategies.near_misses import WAYS
from strategies.tables import COLUMNS as TABLES
from tests.support.drawing import examples

RULES_OF: Final = {enum: rule.id for rule in RULES.values() for enum in rule.types}
# Types of which no rule speaks, and the column whose form does.
OF_COLUMNS: Final = {"job_failure_type": "jobs.failure_type", "job_event_type": "job_events"}
# What is no status is no state either: where only the type says so, another rule refuses it.
MOVED: Final = {"job_status", "project_status", "asset_status", "webhook_delivery_status"}


@contextmanager
def changed(scratch: Scratch, template: Template, *statements: str) -> Iterator[Sandbox]:
    """Lend a sandbox on a clone of the schema that statements have changed."""
    with scratch.cloned(template, "labels") as database:
        with database.connect() as connection:
            for statement in statements:
                connection.execute(statement)
        with Sandbox(database.conninfo) as sandbox:
            yield sandbox


def findings(sandbox: Sandbox, rule: str, path: Path, count: int = 25) -> list[Finding]:
    """Return what near misses of a rule along a path find, of so many of fifty examples."""
    ways = WAYS[rule][path]
    assert not isinstance(ways, str)
    found: list[Finding] = []
    for scenario in examples(ways, 50)[:: 50 // count]:
        case_runner = CaseRunner(sandbox, RULES[rule], path)
        with suppress(Finding):  # the worst of what it met
            case_runner.run(scenario)
        found += case_runner.met
    return found


def badness(finding: Finding) -> int:
    """Return the place of a finding's verdict, the worst first."""
    return [*Verdict].index(finding.verdict)


@pytest.mark.parametrize("enum", RULES_OF)
def test_a_label_too_many_is_found(enum: str, scratch: Scratch, template: Template) -> None:
    """A label too many breaks its rule, or is refused by no name of it, along each path."""
    rule = RULES_OF[enum]
    with changed(scratch, template, f"ALTER TYPE {enum} ADD VALUE 'guest'") as sandbox:
        for path, ways in WAYS[rule].items():
            if isinstance(ways, str):
                continue
            found = findings(sandbox, rule, path)
            inserts = path in (Path.INSERT, Path.INSERT_MANY, Path.COPY)
            expected = {Verdict.BROKEN}
            if enum in MOVED:
                expected.add(Verdict.UNNAMED)
            if enum == "system_asset_category" and not inserts:
                expected = {Verdict.UNNAMED}  # its id, which never changes, names the old one
            worst = min(found, key=badness)
            assert (rule, True) == (worst.rule, worst.verdict in expected), path
            # Nothing else is wrong: what the label breaks beside its rule is told of the other.
            assert all("guest" in each.script for each in found), path


def test_a_check_beside_a_wide_type_is_a_name(scratch: Scratch, template: Template) -> None:
    """Where a check with the rule's name refuses a label too many, the rule holds."""
    wide = (
        "ALTER TYPE membership_role ADD VALUE 'guest'",
        "ALTER TYPE job_status ADD VALUE 'paused'",
        "ALTER TABLE memberships ADD CONSTRAINT inv_m2__memberships_role CHECK (role <> 'guest')",
        # Another rule, which such a status breaks as well, is asked first.
        "ALTER TABLE jobs ADD CONSTRAINT inv_j1__jobs_status CHECK (status <> 'paused')",
    )
    with changed(scratch, template, *wide) as sandbox:
        for rule in ("INV-M2", "INV-J1"):
            for path in (Path.INSERT, Path.UPDATE):
                assert [] == findings(sandbox, rule, path, 50)


@pytest.mark.parametrize("enum", RULES_OF)
def test_a_label_that_is_missing_is_found(enum: str, scratch: Scratch, template: Template) -> None:
    """A type without one of the domain's labels refuses what is legal, whichever label it is."""
    last = ENUMS[enum][-1]
    with changed(
        scratch, template, f"ALTER TYPE {enum} RENAME VALUE '{last}' TO 'other'"
    ) as sandbox:
        found = findings(sandbox, RULES_OF[enum], Path.INSERT, 1)
    assert Verdict.OVERBLOCKED in {finding.verdict for finding in found}
    assert any(f"'{last}'::" in finding.script for finding in found)


@pytest.mark.parametrize(("enum", "name"), OF_COLUMNS.items())
def test_a_label_of_no_rule_is_found(
    enum: str, name: str, scratch: Scratch, template: Template
) -> None:
    """A label beside the domain's is found where no rule speaks of its type."""
    tried = [case for case in cases() if case.name.startswith(name) and "another" in case.name]
    assert tried
    with changed(scratch, template, f"ALTER TYPE {enum} ADD VALUE 'guest'") as sandbox:
        for case in tried:
            with pytest.raises(Finding, match="guest") as raised:
                hold(sandbox, case)
            assert Verdict.BROKEN == raised.value.verdict


def test_every_type_is_compared_in_a_column() -> None:
    """Each enum type of the domain has a column whose live labels are compared with it."""
    assert ENUMS.keys() == COLUMNS.keys()
    for columns in COLUMNS.values():
        assert columns
        assert all(column in TABLES[table] for table, column in columns)


def test_the_schema_has_the_labels_of_the_domain(scratch: Scratch, template: Template) -> None:
    """The schema's own types differ from the domain's in nothing, its arrays and domains too."""
    with changed(scratch, template) as sandbox:
        assert ({}, {}) == (sandbox.labels.undeclared, sandbox.labels.missing)
    with changed(scratch, template, "ALTER TYPE webhook_event_type ADD VALUE 'x'") as sandbox:
        assert {"webhook_event_type": ("x",)} == sandbox.labels.undeclared
