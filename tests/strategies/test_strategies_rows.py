"""Strategies of rows: each row is one that an INSERT may legally bring."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Final
from uuid import UUID

import pytest
from hypothesis.strategies import SearchStrategy

import strategies as s
from strategies.rows import Row
from strategies.tables import COLUMNS, LIMITS, REQUIRED
from tests.support.drawing import examples, reaches, simplest

USER: Final = s.identifier("users", 1)
TEAM: Final = s.identifier("teams", 2)
PROJECT: Final = s.identifier("projects", 3)
JOB: Final = s.identifier("jobs", 4)
WEBHOOK: Final = s.identifier("webhooks", 5)
OWNER: Final = s.team_urn(TEAM)


def rows(serial: int | None) -> Mapping[str, SearchStrategy[Row]]:
    """The rows of every table, under the same parents."""
    return {
        "users": s.users(serial),
        "teams": s.teams(serial),
        "memberships": s.memberships(TEAM, USER, serial),
        "invitations": s.invitations(TEAM, USER, serial),
        "api_keys": s.api_keys(USER, OWNER, serial) | s.api_keys(USER, OWNER, serial, live=False),
        "projects": s.projects(TEAM, USER, serial),
        "jobs": s.jobs(OWNER, USER, serial) | s.jobs(OWNER, USER, serial, project=PROJECT),
        "job_events": s.job_events(JOB, serial),
        "asset_files": s.asset_files(OWNER, USER, serial)
        | s.asset_files(OWNER, USER, serial, project=PROJECT),
        "webhooks": s.webhooks(TEAM, USER, serial),
        "webhook_deliveries": s.webhook_deliveries(WEBHOOK, serial)
        | s.webhook_deliveries(WEBHOOK, serial, job=JOB),
        "usage": s.usage(OWNER, serial),
        "system_assets": s.system_assets(serial),
    }


ROWS: Final = rows(7)
UNIQUE: Final = {
    "teams": {"slug"},
    "invitations": {"token", "email"},
    "api_keys": {"key_hash"},
    "jobs": {"idempotency_key"},
    "asset_files": {"s3_key"},
    "usage": {"period"},
    "system_assets": {"s3_key"},
    "users": {"email"},
}
PARENTS: Final[Mapping[str, Row]] = {
    "memberships": {"team_id": TEAM, "user_id": USER},
    "invitations": {"team_id": TEAM, "invited_by": USER},
    "api_keys": {"user_id": USER, "owner": OWNER},
    "projects": {"team_id": TEAM, "created_by": USER},
    "jobs": {"owner": OWNER, "triggered_by": USER},
    "job_events": {"job_id": JOB},
    "asset_files": {"owner": OWNER, "uploaded_by": USER},
    "webhooks": {"team_id": TEAM, "created_by": USER},
    "webhook_deliveries": {"webhook_id": WEBHOOK},
    "usage": {"owner": OWNER},
}
FIRST_STATES: Final = {
    ("users", "tier"): "starter",
    ("projects", "status"): "draft",
    ("jobs", "status"): "queued",
    ("asset_files", "status"): "pending",
    ("webhook_deliveries", "status"): "pending",
}
UNREACHED: Final = {
    "users": {"upgraded_at"},
    "invitations": {"accepted_at", "revoked_at"},
    "jobs": {"started_at", "completed_at", "output", "error", "failure_type"},
    "webhook_deliveries": {"delivered_at"},
}
"""Columns that only a later state gives: at first they are left out or null."""

PLAIN: Final = (str, int, bool, type(None), UUID, datetime, Decimal, s.Jsonb, list)


@cache
def drawn_rows(table: str) -> list[Row]:
    """Rows of a table, of serial 7; for tests that only look at them."""
    return examples(ROWS[table], 600)


every_table = pytest.mark.parametrize("table", COLUMNS)


@every_table
def test_rows_have_the_columns_of_their_table(table: str) -> None:
    """A row names only columns of its table, and always those that must be given."""
    for row in drawn_rows(table):
        assert set() == REQUIRED[table] - row.keys()
        assert set() == row.keys() - set(COLUMNS[table])


@every_table
def test_every_column_is_drawn(table: str) -> None:
    """Each column of a table is given by some row, and null only where a later state gives it."""
    drawn = drawn_rows(table)
    given = {column for row in drawn for column, value in row.items() if value is not None}
    named = {column for row in drawn for column in row}
    assert UNREACHED.get(table, set()) == set(COLUMNS[table]) - given
    assert set() == set(COLUMNS[table]) - named


@every_table
def test_every_optional_column_is_left_out(table: str) -> None:
    """Each column that may be left out is left out by some row; the id only without a serial."""
    optional = set(COLUMNS[table]) - REQUIRED[table]
    left_out = {column for row in drawn_rows(table) for column in optional - row.keys()}
    assert optional & {"id"} == optional - left_out
    if "id" in optional:
        assert all("id" not in row for row in examples(rows(None)[table], 50))


@every_table
def test_values_are_plain(table: str) -> None:
    """Values are plain Python, and every instant is aware."""
    for row in drawn_rows(table):
        for value in row.values():
            assert isinstance(value, PLAIN)
            assert not isinstance(value, datetime) or value.utcoffset() == timedelta(0)


@every_table
def test_rows_take_their_parents_as_given(table: str) -> None:
    """The parents of a row are those that the caller names."""
    for row in drawn_rows(table):
        assert row | PARENTS.get(table, {}) == row


@every_table
def test_serials_keep_rows_apart(table: str) -> None:
    """Rows of different serials share no id, and nothing else that is unique."""
    first, second = drawn_rows(table), examples(rows(70)[table], 100)
    for column in {"id"} | UNIQUE.get(table, set()):
        one, two = ({row[column] for row in some if row.get(column)} for some in (first, second))
        assert one
        assert set() == one & two


def test_bounded_texts_of_rows_reach_their_limit() -> None:
    """Every bounded text column is drawn at its greatest length, and no longer."""
    for (table, column), (fewest, most) in LIMITS.items():
        texts = [row.get(column) for row in drawn_rows(table)]
        seen = {len(text) for text in texts if isinstance(text, str)}
        assert (table, column, most) == (table, column, max(seen))
        assert min(seen) >= fewest


def test_rows_begin_in_their_first_state() -> None:
    """Rows with states are inserted in the first one: by default, or as given."""
    for (table, column), state in FIRST_STATES.items():
        assert {state} == {row.get(column, state) for row in drawn_rows(table)}


def test_stamps_are_in_order() -> None:
    """No row was created after it was updated, nor in the future; updated_at never stands alone."""
    for table in ROWS:
        for row in drawn_rows(table):
            stamps = [row.get("created_at"), row.get("updated_at")]
            instants = [stamp for stamp in stamps if isinstance(stamp, datetime)]
            assert sorted(instants) == instants
            assert all(instant.year < 2020 for instant in instants)
            assert table == "usage" or row.keys() & {"created_at", "updated_at"} != {"updated_at"}


def test_invitations_are_open() -> None:
    """An invitation is neither accepted nor revoked, and expires decades from now."""
    for row in drawn_rows("invitations"):
        expires = row.get("expires_at")
        assert row.get("accepted_at") is row.get("revoked_at") is None
        assert expires is None or (isinstance(expires, datetime) and expires.year >= 2090)


def test_an_expiry_that_is_left_out_is_never_null() -> None:
    """The expiry of an invitation is not null: it is given or left to its default."""
    rows_with = [row for row in drawn_rows("invitations") if "expires_at" in row]
    assert rows_with
    assert all(row["expires_at"] for row in rows_with)


@pytest.mark.parametrize("live", [True, False])
def test_keys_are_live_as_asked(live: bool) -> None:
    """A key is live, revoked_at being null, exactly when the caller asks for a live one."""
    drawn = examples(s.api_keys(USER, OWNER, 1, live=live))
    assert {live} == {row.get("revoked_at") is None for row in drawn}


def test_refunds_and_attempts_are_bounded() -> None:
    """No job is refunded more than it was charged, no delivery tried more often than it may be."""
    for row in drawn_rows("jobs"):
        charged, refunded = row.get("credits_charged", 0), row.get("credits_refunded", 0)
        assert isinstance(charged, int)
        assert isinstance(refunded, int)
        assert 0 <= refunded <= charged
    for row in drawn_rows("webhook_deliveries"):
        most, done = row.get("max_attempts", 5), row.get("attempts", 0)
        assert isinstance(most, int)
        assert isinstance(done, int)
        assert 0 <= done <= most
        assert most >= 1


def test_projects_are_given_only_where_asked() -> None:
    """A job or an asset has the project that the caller names, and none otherwise."""
    for table in (s.jobs, s.asset_files):
        assert {None} == {row.get("project_id") for row in examples(table(OWNER, USER, 1))}
        given = examples(table(OWNER, USER, 1, project=PROJECT))
        assert {PROJECT} == {row["project_id"] for row in given}


@pytest.mark.parametrize("category", s.SYSTEM_ASSET_CATEGORY)
def test_system_assets_are_named_after_their_category(category: str) -> None:
    """The id of a system asset begins with its category, whichever was asked for."""
    for row in examples(s.system_assets(1, category=category), 50):
        assert category == row["category"]
        assert str(row["id"]).startswith(f"asset_{category}_")
    assert reaches(s.system_assets(1), lambda row: row["category"] == category)


def test_finishes_give_what_their_state_needs() -> None:
    """Each way to finish a job brings the columns that a job of that state must have."""
    for row in examples(s.completions()):
        assert ("completed", None) == (row["status"], row.get("failure_type"))
        assert isinstance(row["output"], s.Jsonb)
    for row in examples(s.failures()):
        assert ("failed", True) == (row["status"], row["failure_type"] in s.JOB_FAILURE_TYPE)
        assert isinstance(row["error"], s.Jsonb)
    for row in examples(s.cancellations()):
        assert ("canceled", True) == (row["status"], row["failure_type"] in s.JOB_FAILURE_TYPE)


def test_the_simplest_row_gives_only_what_it_must() -> None:
    """Every table's simplest row leaves out all that may be left out."""
    for table, strategy in rows(None).items():
        assert REQUIRED[table] == set(simplest(strategy))
