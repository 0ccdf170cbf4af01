"""Case runners: every outcome of a write leads to the verdict that it means."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import pytest

from conformance.engine.cases.case_runner import CaseRunner
from conformance.engine.cases.scenario import ConcurrentCheck, Fact, Scenario, ViolatesSeveral
from conformance.engine.cases.verdicts import Finding, Standing, Tally, Verdict
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.database.session import in_order
from conformance.engine.postgres.scratch import Scratch
from conformance.engine.sql.writes import (
    Delete,
    Insert,
    NotCarriedError,
    Path,
    PlainWrite,
    RawSql,
    Row,
    Sql,
    Truncate,
    Update,
    Write,
)
from conformance.framecast.rules import RULES

# Of the real schema only what a few rules need: users, with one rule and keys of no rule.
SCHEMA: Final = """
CREATE TYPE user_tier AS ENUM ('starter', 'creator');
CREATE TABLE users (
    id integer PRIMARY KEY,
    tier user_tier NOT NULL DEFAULT 'starter',
    credits integer NOT NULL DEFAULT 0,
    ephemeral_storage_bytes integer NOT NULL DEFAULT 0 CHECK (ephemeral_storage_bytes < 9),
    CONSTRAINT inv_u5__users_credits_not_negative CHECK (credits >= 0),
    CONSTRAINT inv_t6__users_few CHECK (id < 100)
);
"""


def user(**columns: object) -> tuple[Insert]:
    """Return a transaction that inserts a user."""
    row: Row = {"id": 1, **columns}
    return (Insert("users", (row,)),)


class Case(NamedTuple):
    """A scenario for a rule, and what comes of it: a verdict, or what is counted."""

    scenario: Scenario
    verdict: Verdict
    tally: Tally | None = None
    rule: str = "INV-U5"
    blamed: str = ""


GOOD: Final = user()
BAD: Final = user(id=2, credits=-1)
STUCK: Final = (RawSql("SET LOCAL statement_timeout = '20ms'"), RawSql("SELECT pg_sleep(60)"))
LACKING: Final = (Insert("teams", ({"id": 1},)),)
ASKED: Final = "SELECT count(*) FROM users"
HELD: Final = (Update("users", {"id": 1}, {"credits": 5}),)
HELD_BACK: Final = "WITH held AS (SELECT FROM users FOR UPDATE) SELECT count(*) FROM held"
CASES: Final = {
    "both sides": Case(Scenario((), (GOOD,), (BAD,)), Verdict.HELD, Tally(1, 1, 1)),
    "several of each": Case(
        Scenario((GOOD,), (user(id=3), user(id=4)), (BAD, BAD)), Verdict.HELD, Tally(2, 2, 2)
    ),
    "a past": Case(
        Scenario((), (user(id=3),), (BAD,), past=user(id=1)), Verdict.HELD, Tally(1, 1, 1)
    ),
    "a past that another rule refuses": Case(
        Scenario((), (GOOD,), (BAD,), past=user(id=100)), Verdict.HELD, Tally(1, 1, 1)
    ),
    "a past that the rule refuses": Case(
        Scenario((), (GOOD,), (BAD,), past=user(id=3, credits=-1)), Verdict.OVERBLOCKED
    ),
    "nothing": Case(Scenario(because="why"), Verdict.UNPROVEN, Tally()),
    "the legal side alone": Case(Scenario((), (GOOD,)), Verdict.UNPROVEN),
    "the legal side alone, and why": Case(
        Scenario((), (GOOD,), because="why"), Verdict.UNPROVEN, Tally(1, 0, 0)
    ),
    "the broken side alone": Case(Scenario((), (), (BAD,)), Verdict.UNPROVEN),
    "the broken side alone, and why": Case(
        Scenario((), (), (BAD,), because="why"), Verdict.UNPROVEN, Tally(0, 1, 1)
    ),
    "another rule that is always named": Case(
        Scenario((), (GOOD,), (ViolatesSeveral(user(id=100), {"INV-T6"}),)), Verdict.UNPROVEN
    ),
    "another rule beside one's own": Case(
        Scenario((), (GOOD,), (ViolatesSeveral(user(id=100), {"INV-T6"}), BAD)),
        Verdict.HELD,
        Tally(1, 2, 1),
    ),
    "another rule for another violation": Case(
        Scenario((), (GOOD,), (ViolatesSeveral(BAD, {"INV-T6"}), user(id=100))), Verdict.UNNAMED
    ),
    "another rule that may be named": Case(
        Scenario((), (GOOD,), (ViolatesSeveral(user(id=100), {"INV-T6"}, "why"),)),
        Verdict.UNPROVEN,
        Tally(1, 1, 0),
    ),
    "another rule that may not": Case(Scenario((), (GOOD,), (user(id=100),)), Verdict.UNNAMED),
    "a key of no rule": Case(Scenario((GOOD,), (), (GOOD,)), Verdict.UNNAMED),
    "a check of no rule": Case(
        Scenario((), (), (user(ephemeral_storage_bytes=9),)), Verdict.UNNAMED
    ),
    "no value of its type": Case(Scenario((), (), (user(credits="x"),)), Verdict.UNNAMED),
    "no value of a rule's type": Case(
        Scenario((), (GOOD,), (user(id=2, tier="x"),)), Verdict.HELD, Tally(1, 1, 1), "INV-U4"
    ),
    "null where a type is the rule": Case(
        Scenario((), (), (user(id=2, tier=None),)), Verdict.UNNAMED, rule="INV-U4"
    ),
    "a violation accepted": Case(Scenario((), (), (GOOD,)), Verdict.BROKEN),
    "a violation accepted later": Case(
        Scenario((), (GOOD,), (BAD, (Update("users", {"id": 1}, {"credits": 5}),))),
        Verdict.BROKEN,
    ),
    "a legal write refused": Case(Scenario((), (BAD,)), Verdict.OVERBLOCKED),
    "a legal write refused by a key": Case(Scenario((GOOD,), (GOOD,)), Verdict.UNPROVEN),
    "a legal write refused by another": Case(
        Scenario((), (user(id=100),)), Verdict.OVERBLOCKED, blamed="INV-T6"
    ),
    "a beginning refused by the rule": Case(Scenario((BAD,)), Verdict.OVERBLOCKED),
    "a beginning refused by another": Case(
        Scenario((user(id=100),)), Verdict.OVERBLOCKED, blamed="INV-T6"
    ),
    "a beginning refused by a check of no rule": Case(
        Scenario((user(ephemeral_storage_bytes=9),)), Verdict.UNPROVEN
    ),
    "a violation accepted after one refused by another": Case(
        Scenario((), (GOOD,), (user(id=100), user(id=3))), Verdict.BROKEN
    ),
    "a violation accepted where a legal write was refused": Case(
        Scenario((), (user(id=100), user(id=2)), (user(id=3),)),
        Verdict.OVERBLOCKED,
        blamed="INV-T6",
    ),
    "a legal write refused after another": Case(
        Scenario((), (user(id=100), BAD), (BAD,)), Verdict.OVERBLOCKED, blamed="INV-T6"
    ),
    "a violation that is seen where a legal write was refused": Case(
        Scenario((), ((*GOOD, *LACKING), user(id=2)), (user(id=3, ephemeral_storage_bytes=-1),)),
        Verdict.BROKEN,
        rule="INV-U6",
    ),
    "a legal write stuck": Case(Scenario((), (STUCK,)), Verdict.UNPROVEN),
    "a violation stuck": Case(Scenario((), (), (STUCK,)), Verdict.UNPROVEN),
    "a table that is not there": Case(Scenario((), (LACKING,)), Verdict.UNPROVEN),
    "a violation of what is not there": Case(Scenario((), (), (LACKING,)), Verdict.UNPROVEN),
    "facts": Case(
        Scenario((), (GOOD,), (), (Fact(ASKED, 1), Fact(ASKED, 1, side=False))),
        Verdict.HELD,
        Tally(2, 1, 1),
    ),
    "a fact that is none": Case(Scenario((), (GOOD,), (), (Fact(ASKED, 2),)), Verdict.BROKEN),
    "what does not wait": Case(
        Scenario(
            (GOOD,), beside=(ConcurrentCheck(HELD, (Fact(ASKED, 1), Fact(ASKED, 1, side=False))),)
        ),
        Verdict.HELD,
        Tally(1, 1, 1),
    ),
    "what waits": Case(
        Scenario((GOOD,), beside=(ConcurrentCheck(HELD, (Fact(HELD_BACK, 1),)),)),
        Verdict.BROKEN,
    ),
    "a violation that only the violation query sees": Case(
        Scenario((), (user(ephemeral_storage_bytes=-1),)), Verdict.BROKEN, blamed="INV-U6"
    ),
}


ONE: Final = {"id": 1}
LATER: Final = Update("users", ONE, {"credits": 5})


@pytest.mark.parametrize(
    ("path", "write"),
    [
        (Path.COPY, Insert("users", ({"id": Sql("1")},))),
        (Path.COPY, LATER),
        (Path.COPY, Delete("users", ONE)),
        (Path.ON_CONFLICT, LATER),
        (Path.ON_CONFLICT, Insert("users", (ONE,))),
        (Path.ON_CONFLICT, Delete("users", ONE)),
        (Path.MERGE, Truncate(("users",))),
        (Path.CTE, Truncate(("users",))),
    ],
)
def test_a_path_does_not_fall_back(path: Path, write: Write) -> None:
    """A write that the path's statement cannot carry is not carried out in another way."""
    with pytest.raises(NotCarriedError, match=str(path)):
        in_order((write,), path)
    assert in_order((PlainWrite(write),), path) == in_order((write,), Path.UPDATE)


@pytest.mark.parametrize("path", [Path.MERGE, Path.CTE, Path.COPY])
def test_a_path_carries_each_of_many_rows(path: Path) -> None:
    """Rows of one write are all carried by the path's statement."""
    carried = in_order((Insert("users", (ONE, {"id": 2}, {"id": 3, "credits": 1})),), path)
    word = {Path.MERGE: "MERGE INTO", Path.CTE: "WITH w AS", Path.COPY: "COPY"}[path]
    assert carried
    assert all(statement.sql.startswith(word) for statement in carried)


@pytest.fixture(scope="module")
def small(scratch: Scratch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Make a database with the small schema."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "001.sql").write_text(SCHEMA)
    with (
        scratch.cloned(scratch.template(folder), "small") as database,
        Sandbox(database.conninfo) as sandbox,
    ):
        yield sandbox


@pytest.mark.parametrize("name", CASES)
def test_a_case_runner_comes_to_its_verdict(name: str, small: Sandbox) -> None:
    """The outcomes of a scenario decide the verdict and the counts."""
    case = CASES[name]
    case_runner = CaseRunner(small, RULES[case.rule], Path.INSERT)
    standing = Standing({"insert": case_runner.tally})
    found = None
    try:
        case_runner.run(case.scenario)
    except Finding as finding:
        found = finding
        standing.failures.append(finding.as_dict())

    assert case.verdict == standing.verdict, found
    if case.tally:
        assert case.tally == case_runner.tally
        assert found is None
    else:
        assert found is not None
        assert (case.blamed or case.rule) == found.rule
        assert "COMMIT;" in found.script


def test_a_finding_says_all() -> None:
    """A finding prints rule, verdict, expected, observed and script, and is equal by rule."""
    one = Finding("INV-U5", Verdict.BROKEN, expected="this", observed="that", script="SELECT 1;")
    other = Finding("INV-U5", Verdict.UNNAMED, expected="", observed="", script="")
    assert [] == [
        part for part in ("INV-U5", "broken", "this", "that", "SELECT 1;") if part not in str(one)
    ]
    assert one == other
    assert hash(one) == hash(other)
    assert one != Finding("INV-U6", Verdict.BROKEN, expected="", observed="", script="")
    assert {"rule", "verdict", "expected", "observed", "script"} == one.as_dict().keys()


def test_the_worst_failure_is_the_verdict() -> None:
    """Of several failures of a rule the worst is its verdict, whatever else was seen."""
    standing = Standing({"insert": Tally(1, 1, 1)})
    assert Verdict.HELD == standing.verdict
    for verdict in reversed(list(Verdict)[:-1]):
        standing.failures.append({"verdict": str(verdict)})
        assert verdict == standing.verdict


def test_what_was_tried_is_left_behind_by_nobody(small: Sandbox) -> None:
    """Each scenario finds the database empty, whatever the one before it left."""
    case_runner = CaseRunner(small, RULES["INV-U5"], Path.INSERT)
    for _ in range(3):
        case_runner.run(Scenario((), (GOOD,), (BAD,)))
    assert Tally(3, 3, 3) == case_runner.tally


def test_rules_that_a_schema_cannot_answer_are_known(small: Sandbox) -> None:
    """Violation queries that this schema has no tables for are left out, and it is said why."""
    assert "INV-T1" in small.unreadable
    assert not {"INV-U4", "INV-U5", "INV-U6"} & small.unreadable.keys()


def test_a_rule_without_an_violation_query_is_unproven(small: Sandbox) -> None:
    """Where a rule's violation query cannot be asked, nothing that is tried proves it."""
    with pytest.raises(Finding) as raised:
        CaseRunner(small, RULES["INV-T1"], Path.INSERT).run(Scenario((), (GOOD,)))
    assert Verdict.UNPROVEN == raised.value.verdict
    assert small.unreadable["INV-T1"] == raised.value.observed
