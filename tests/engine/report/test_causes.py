"""Causes of failures: what fails since the schema lacks something is one cause, whoever says so."""

from typing import Final

import pytest

from conformance.engine.report.causes import lacking, reason

COLUMN: Final = "there is no column credits"
LABEL: Final = "type membership_role, which lacks a label"
REGION: Final = "users.region must be given"
SAID: Final = {
    '(42703: column "credits" of relation "teams" does not exist)': COLUMN,
    'the rows of teams cannot be read: column "credits" does not exist': COLUMN,
    "'grant credits' cannot be done: there is no column teams.credits": COLUMN,
    "spend credits: short=1 cannot be done: there is no column teams.credits; 3 more": COLUMN,
    'relation "public.jobs" does not exist': "there is no table jobs",
    "function public.delete_old_job_events(integer) does not exist (42883)": (
        "there is no function delete_old_job_events"
    ),
    'there is no table jobs; column "credits" does not exist': (
        "there is no column credits, no table jobs"
    ),
    f"because of {LABEL}: rejected by no constraint (22P02: viewer)": LABEL,
    f"the start 'a team': because of {LABEL}: rejected by no constraint (22P02: viewer)": LABEL,
    "'bob' cannot join: because of usage.id of type bigint, which takes no UUID: rejected": (
        "usage.id of type bigint, which takes no UUID"
    ),
    "step 1: expected accepted; rejected by no constraint, users.region (23502: null)": REGION,
    "'begin' cannot be done: users.region must be given; 3 more": REGION,
}


@pytest.mark.parametrize("said", SAID)
def test_what_is_lacking_is_one_cause(said: str) -> None:
    """A missing thing is named in one way, wherever it was missed."""
    assert SAID[said] == lacking(said) == reason(said)


@pytest.mark.parametrize(
    "said",
    [
        "rejected by inv_t6__teams_credits_not_negative (23514: credits are never negative)",
        "rejected by no constraint, users.email (23502: null value in column email)",
        "accepted",
        "inconclusive (57014: canceling statement due to statement timeout)",
    ],
)
def test_what_is_there_and_says_no_is_another(said: str) -> None:
    """Nothing is lacking where something else refuses, or time runs out."""
    assert "" == lacking(said)
    assert said == reason(f"{said}\nand more")
