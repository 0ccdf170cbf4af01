"""Strategies of values: they reach the edges of what is legal, and stay apart where they must."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis.strategies import SearchStrategy

import strategies as s
from strategies.tables import LIMITS
from strategies.text import blank_texts, overlong_texts, texts, visible_texts
from tests.support.drawing import examples, reaches
from tests.support.legality import is_storable


def lengths(strategy: SearchStrategy[str]) -> set[int]:
    """The lengths of the texts that a strategy draws."""
    return {len(text) for text in examples(strategy)}


@pytest.mark.parametrize("serial", [None, 0, 7, 99_999])
@pytest.mark.parametrize(
    ("strategy", "limit"),
    [
        (s.emails, 255),
        (s.slugs, 50),
        (s.idempotency_keys, 255),
        (s.s3_keys, 500),
        (lambda serial: s.system_asset_ids("transition", serial), 100),
    ],
    ids=["email", "slug", "idempotency_key", "s3_key", "system_asset_id"],
)
def test_numbered_texts_reach_their_limit_and_no_further(
    strategy: Callable[[int | None], SearchStrategy[str]], limit: int, serial: int | None
) -> None:
    """With and without a serial, texts are drawn at their limit, one below it, and short."""
    seen = lengths(strategy(serial))
    assert limit == max(seen)
    assert limit - 1 in seen
    assert min(seen) < limit // 2


@pytest.mark.parametrize(
    ("strategy", "fewest", "most"),
    [
        (s.team_names(), 1, 100),
        (s.project_names(), 1, 200),
        (s.key_names(), 0, 100),
        (s.person_names(), 0, 100),
        (s.filenames(), 1, 255),
        (s.key_prefixes(), 1, 20),
        (s.event_names(), 10, 50),
        (s.urls(), 15, 2048),
        (texts(10_240), 0, 10_240),
        (visible_texts(500), 1, 500),
    ],
)
def test_bounded_texts_reach_both_edges(
    strategy: SearchStrategy[str], fewest: int, most: int
) -> None:
    """Texts of a bounded column are drawn at their least length, their greatest, and one below."""
    seen = lengths(strategy)
    assert (True, most) == (min(seen) <= fewest, max(seen))
    assert most - 1 in seen


@pytest.mark.parametrize("limit", sorted({most for _, most in LIMITS.values()}))
def test_overlong_texts_are_one_too_long(limit: int) -> None:
    """Overlong texts have exactly one character too many, and do not end in what may be trimmed."""
    drawn = examples(overlong_texts(limit), 100)
    assert {limit + 1} == {len(text) for text in drawn}
    assert all(is_storable(text) and text == text.rstrip() for text in drawn)


def test_blank_texts_are_blank() -> None:
    """Blank texts are empty or ASCII white space, up to the limit of the column."""
    drawn = set(examples(blank_texts(100)))
    assert {"", " ", "\t", "\n", " " * 100} <= drawn
    assert all(not text.strip(" \t\r\n") for text in drawn)


@pytest.mark.parametrize(
    "strategy",
    [
        s.emails,
        s.slugs,
        s.hashes,
        s.tokens,
        s.idempotency_keys,
        s.s3_keys,
        s.periods,
        lambda serial: s.system_asset_ids("music", serial),
    ],
)
def test_serials_make_unique(strategy: Callable[[int], SearchStrategy[str]]) -> None:
    """Two draws of different serials are never equal, not even without regard to case."""
    drawn = [{text.lower() for text in examples(strategy(n), 200)} for n in (0, 1, 2, 11, 12, 112)]
    assert sum(map(len, drawn)) == len(set.union(*drawn))


def test_marks_set_emails_apart() -> None:
    """Emails of different marks never meet, whatever their serials."""
    users = {email.lower() for n in range(3) for email in examples(s.emails(n))}
    guests = {email.lower() for n in range(3) for email in examples(s.emails(n, mark="guest"))}
    assert set() == users & guests


def test_timestamps_are_utc_within_a_century() -> None:
    """Timestamps are aware, in UTC, of the years 2000 to 2099, to the microsecond."""
    drawn = examples(s.timestamps())
    assert {UTC} == {instant.tzinfo for instant in drawn}
    assert datetime(2000, 1, 1, tzinfo=UTC) in drawn
    assert datetime(2099, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC) in drawn
    assert all(2000 <= instant.year < 2100 for instant in drawn)
    assert len({instant.microsecond for instant in drawn}) > 10


def test_past_and_future_leave_room_for_now() -> None:
    """The past ends years before any run of this suite, and the future begins decades after."""
    assert max(examples(s.past_timestamps())) < datetime(2020, 1, 1, tzinfo=UTC)
    assert min(examples(s.future_timestamps())) >= datetime(2090, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("strategy", "gap"),
    [
        (s.ordered_pairs(strict=True), 1),
        (s.ordered_pairs(strict=False), 0),
        (s.disordered_pairs(strict=True), 0),
        (s.disordered_pairs(strict=True), -1),
        (s.disordered_pairs(strict=False), -1),
    ],
)
def test_pairs_reach_the_smallest_gap(
    strategy: SearchStrategy[tuple[datetime, datetime]], gap: int
) -> None:
    """Pairs of instants reach the gap nearest to the edge of their order, in microseconds."""
    microsecond = timedelta(microseconds=1)
    assert reaches(strategy, lambda pair: pair[1] - pair[0] == gap * microsecond)


@pytest.mark.parametrize(
    ("strategy", "edges"),
    [
        (s.int32s(), {0, 1, 2**31 - 2, 2**31 - 1}),
        (s.int64s(1), {1, 2, 2**63 - 2, 2**63 - 1}),
        (s.negative_int32s(), {-1, -(2**31)}),
        (s.negative_int64s(), {-1, -(2**63)}),
        (s.asset_sizes(), {1, 52_428_799, 52_428_800}),
        (s.oversizes(), {52_428_801}),
        (s.non_positive_sizes(), {0, -1}),
        (s.charges(), {(0, 0), (1, 1), (2**31 - 1, 2**31 - 1), (2**31 - 1, 0)}),
        (s.over_refunds(), {(0, 1), (2**31 - 2, 2**31 - 1)}),
        (s.attempts(), {(1, 0), (1, 1), (5, 5)}),
        (s.over_attempts(), {(1, 2), (5, 6)}),
    ],
)
def test_numbers_reach_their_edges(strategy: SearchStrategy[Any], edges: set[Any]) -> None:
    """Numbers and pairs of them are drawn at the last legal value, or the first illegal one."""
    assert set() == edges - set(examples(strategy, 2_000))


def test_around_straddles_a_limit() -> None:
    """Around a limit are the number below it, itself, and the first one beyond."""
    assert (4, 5, 6) == s.around(5)


def test_durations_fit_their_column() -> None:
    """Durations have at most three decimals and seven digits before them, and reach the edge."""
    drawn = {str(seconds) for seconds in examples(s.durations())}
    assert all(re.fullmatch(r"\d{1,7}(\.\d{1,3})?", seconds) for seconds in drawn)
    assert "9999999.999" in drawn


def test_identifiers_tell_tables_and_serials_apart() -> None:
    """Ids of different tables or serials differ, and their upper case differs from them."""
    drawn = [s.identifier(table, n) for table in s.COLUMNS for n in (0, 1, 2**48 - 1)]
    assert len(drawn) == len(set(drawn))
    assert all(str(one) != str(one).upper() for one in drawn)
