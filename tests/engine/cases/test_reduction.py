"""Findings with as few steps as show them."""

from collections.abc import Iterator
from itertools import count
from typing import Final

import pytest

from conformance.engine.cases.reduction import Reducer
from conformance.engine.cases.steps import LEGAL, Expectation, Step
from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.postgres.scratch import Scratch
from conformance.engine.sql.writes import Statement

# Nothing enforces INV-U5, but the first of two users must come before the second.
SCHEMA: Final = """
CREATE TABLE users (
    id integer PRIMARY KEY,
    credits integer NOT NULL DEFAULT 0,
    tier text NOT NULL DEFAULT 'starter',
    inviter integer REFERENCES users
);
"""
FIRST: Final = "INSERT INTO users (id) VALUES (1)"
MOST_ATTEMPTS: Final = 60
FEW_ATTEMPTS: Final = 16
INVITER: Final = "INSERT INTO users (id) VALUES (5) /* 00000000-0000-0000-0000-000000000005 */"
INVITED: Final = INVITER.replace("(5)", "(7)")
BREAKS: Final = "INSERT INTO users (id, credits, inviter) VALUES (2, -1, 1)"
FOURTH: Final = "INSERT INTO users (id, inviter) VALUES (4, 1)"
WITHOUT_MEANING: Final = (
    "INSERT INTO users (id) VALUES (7)",
    "INSERT INTO users (id, inviter) VALUES (8, 7)",
    "UPDATE users SET inviter = 8 WHERE id = 7",
)


def step(*sql: str, expect: Expectation = "accepted") -> Step:
    """Return a transaction of these statements."""
    return Step(tuple(map(Statement, sql)), expect)


def finding(*steps: Step) -> Finding:
    """Return what these steps show."""
    return Finding(
        "INV-U5",
        Verdict.BROKEN,
        expected="refused",
        observed="accepted",
        script="as it was found\n",
        steps=steps,
        cause="accepted",
    )


LONG: Final = finding(
    step("INSERT INTO users (id) VALUES (5)"),
    step(*WITHOUT_MEANING[:2], FIRST, WITHOUT_MEANING[2]),
    step("UPDATE users SET credits = 1 WHERE id = 5"),
    step("SET LOCAL datestyle = 'German'", BREAKS, "SELECT 1", expect=LEGAL),
)
SMALLEST: Final = f"""BEGIN;
{FIRST};
COMMIT;
-- accepted

BEGIN;
{BREAKS};
COMMIT;
-- accepted

"""


@pytest.fixture(scope="module")
def sandbox(scratch: Scratch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Make a database with the small schema."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "001.sql").write_text(SCHEMA)
    with (
        scratch.cloned(scratch.template(folder), "small") as database,
        Sandbox(database.conninfo) as sandbox,
    ):
        yield sandbox


def test_what_is_not_needed_is_left_out(sandbox: Sandbox) -> None:
    """Transactions and statements that a finding can do without are in neither script nor steps."""
    smallest = Reducer().smallest(LONG, sandbox)

    assert SMALLEST == smallest.script
    assert (step(FIRST), step(BREAKS, expect=LEGAL)) == smallest.steps
    assert (LONG.rule, LONG.verdict, LONG.cause) == (
        smallest.rule,
        smallest.verdict,
        smallest.cause,
    )


def test_statements_that_need_each_other_go_together(sandbox: Sandbox) -> None:
    """Rows that refer to each other are left out, though none of them could be alone."""
    bound = step(
        "INSERT INTO users (id) VALUES (3)",
        "UPDATE users SET inviter = 3 WHERE id = 3",
        "SELECT 1 / count(*) FROM users WHERE inviter = 3",
        FIRST,
    )
    smallest = Reducer().smallest(finding(bound, step(BREAKS, expect=LEGAL)), sandbox)

    assert SMALLEST == smallest.script


def test_long_pasts_take_few_attempts(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Halves go first, and what speaks of one row together, wherever its statements stand."""
    reset, attempts = sandbox.reset, count()
    monkeypatch.setattr(sandbox, "reset", lambda: (next(attempts), reset()))
    rows = [FIRST.replace("1", str(number)) for number in range(10, 46)]
    # Either both of its statements are there, or neither is.
    both = "INSERT INTO users (id) SELECT 1 / (1 - count(*) % 2) FROM users WHERE id IN (5, 7)"
    past = step(INVITER, *rows[:18], INVITED, *rows[18:], both)

    smallest = Reducer(60).smallest(finding(past, step(BREAKS, expect=LEGAL)), sandbox)

    assert (step(both), step(BREAKS, expect=LEGAL)) == smallest.steps
    assert next(attempts) < MOST_ATTEMPTS


def test_rows_of_others_go_first(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that the last step refers to are left; nobody else's past is tried."""
    reset, attempts = sandbox.reset, count()
    monkeypatch.setattr(sandbox, "reset", lambda: (next(attempts), reset()))
    named = [f" /* 00000000-0000-0000-0000-000000000{number} */" for number in range(100, 400)]
    others = [FIRST.replace("1", str(at)) + own for at, own in enumerate(named[2:], 10)]
    first = FIRST + named[0]
    invited = FOURTH + named[1] + named[0]
    breaks = BREAKS.replace("1)", "4)") + named[1]

    past = step(*others[:80], first, *others[80:], invited)
    smallest = Reducer(60).smallest(finding(past, step(breaks, expect=LEGAL)), sandbox)

    assert (step(first, invited), step(breaks, expect=LEGAL)) == smallest.steps
    assert next(attempts) < FEW_ATTEMPTS


@pytest.mark.parametrize(
    "other",
    [
        finding(step(FIRST), step("SELECT 1", expect=LEGAL)),
        finding(step("INSERT INTO users (id) VALUES (9)"), step(BREAKS, expect=LEGAL)),
        finding(step(FIRST), step(BREAKS, expect=("INV-U5",))),
        finding(),
    ],
    ids=["not shown", "refused on the way", "not by a query", "no steps"],
)
def test_what_cannot_be_judged_stays_as_it_is(other: Finding, sandbox: Sandbox) -> None:
    """A finding that its steps do not show, or that no violation query shows, is left alone."""
    assert other is Reducer().smallest(other, sandbox)


def test_there_is_an_end_to_it(sandbox: Sandbox) -> None:
    """Where the time for all findings is over, a finding is as it was found."""
    assert LONG is Reducer(0).smallest(LONG, sandbox)
