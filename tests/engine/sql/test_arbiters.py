"""ON CONFLICT is aimed at an index that a schema has, or is no attempt at all."""

from typing import Final

import pytest

from conformance.engine.cases.case_runner import CaseRunner
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.sql.arbiters import Index
from conformance.engine.sql.writes import Path
from conformance.framecast.rules import RULES
from strategies.near_misses import WAYS
from tests.engine.cases.test_labels import changed
from tests.support.drawing import examples

KEY: Final = "jobs_idempotency_key_used_once_by_user"
WHOLE: Final = f"ALTER TABLE jobs DROP CONSTRAINT {KEY}"
PARTIAL: Final = (
    "CREATE UNIQUE INDEX once ON jobs (triggered_by, idempotency_key)"
    " WHERE idempotency_key IS NOT NULL"
)
EXPRESSION: Final = "CREATE UNIQUE INDEX once ON jobs ((idempotency_key || ''), triggered_by)"
LATE: Final = (
    f"ALTER TABLE jobs ADD CONSTRAINT {KEY} UNIQUE (triggered_by, idempotency_key)"
    " DEFERRABLE INITIALLY DEFERRED"
)
REPLAYED: Final = tuple((rule, Path.ON_CONFLICT) for rule in ("INV-J12", "CARD-5", "CARD-6"))


def index(predicate: str, parts: tuple[str, ...]) -> Index:
    """Return an index that is asked at once."""
    return Index(is_immediate=True, predicate=predicate, parts=parts)


@pytest.mark.parametrize(
    "statements",
    [(WHOLE, PARTIAL), (WHOLE, EXPRESSION), (WHOLE,), (WHOLE, LATE)],
    ids=["a partial index", "an index of an expression", "no index", "a key that waits"],
)
@pytest.mark.parametrize(("rule", "path"), REPLAYED)
def test_rules_hold_with_other_indexes(
    statements: tuple[str, ...], rule: str, path: Path, scratch: Scratch, template: Template
) -> None:
    """A schema that has the key in another way, or not at all, is not blamed for a statement."""
    ways = WAYS[rule][path]
    assert not isinstance(ways, str)
    with changed(scratch, template, *statements) as sandbox:
        case_runner = CaseRunner(sandbox, RULES[rule], path)
        case_runner.findings.wait()
        for scenario in examples(ways, 100):
            case_runner.run(scenario)
        assert not case_runner.findings.kept
        has_target = statements[-1] in (PARTIAL, EXPRESSION)
        assert (has_target, has_target) == (bool(case_runner.tally.named), not case_runner.reason)


def test_what_cannot_be_said_has_a_reason(scratch: Scratch, template: Template) -> None:
    """A path of which a schema can express nothing says why, and counts nothing."""
    with changed(scratch, template, "ALTER TABLE usage DROP CONSTRAINT usage_pkey") as sandbox:
        case_runner = CaseRunner(sandbox, RULES["INV-US2"], Path.ON_CONFLICT)
        ways = WAYS["INV-US2"][Path.ON_CONFLICT]
        assert not isinstance(ways, str)
        for scenario in examples(ways, 25):
            case_runner.run(scenario)
    assert "no unique index of usage" in case_runner.reason
    assert "(id)" in case_runner.reason
    assert not any(case_runner.tally.counts)


@pytest.mark.parametrize(
    ("tried", "columns", "target"),
    [
        (index("", ("a", "b")), ("b", "a"), "(b, a)"),
        (index("(a > 0)", ("a",)), ("a",), "(a) WHERE (a > 0)"),
        (
            index("", ("a", "lower(b)")),
            ("a", "b"),
            "(a, (lower(b)))",
        ),
        (Index(is_immediate=False, predicate="", parts=("a",)), ("a",), ""),
        (index("", ("a", "b")), ("a",), ""),
        (index("", ("ab",)), ("a",), ""),
        (index("", ("(a || b)", "c")), ("a", "b"), ""),
    ],
)
def test_an_index_is_named_by_its_columns(
    tried: Index, columns: tuple[str, ...], target: str
) -> None:
    """A target names just the columns of the index, its expressions, and the rows that it has."""
    assert target == tried.target(columns)
