"""Instants, pairs of them in and out of order, and months of usage.

Every instant is a datetime in UTC, with microseconds, which is as fine as PostgreSQL keeps it.
None is read from a clock: `past` ends before this project began, `future` starts decades after.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final, TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from strategies.text import Form

Pair: TypeAlias = tuple[datetime, datetime]

TICK: Final = timedelta(microseconds=1)
FIRST: Final = datetime(2000, 1, 1, tzinfo=UTC)
PAST_END: Final = datetime(2020, 1, 1, tzinfo=UTC)
FUTURE_START: Final = datetime(2090, 1, 1, tzinfo=UTC)
LAST: Final = datetime(2100, 1, 1, tzinfo=UTC) - TICK

# Just before the clocks of `session_settings.REPEATS` go back by 15 hours: what is later by less
# than that looks earlier on the wall.
TURN: Final = datetime(2010, 1, 1, 7, 30, tzinfo=UTC) - TICK

_GAPS: Final = (TICK, timedelta(milliseconds=1), timedelta(hours=1), timedelta(days=365))


def _between(first: datetime, last: datetime) -> SearchStrategy[datetime]:
    """Return instants from first to last, both included, each a single choice."""
    ticks = st.integers(0, (last - first) // TICK)
    return st.one_of(st.sampled_from((first, last)), ticks.map(lambda tick: first + tick * TICK))


@cache
def timestamps() -> SearchStrategy[datetime]:
    """Instants of the years 2000 to 2099."""
    return _between(FIRST, LAST)


@cache
def past_timestamps() -> SearchStrategy[datetime]:
    """Instants of the years 2000 to 2019: before now, whatever the clock says."""
    return _between(FIRST, PAST_END - TICK)


@cache
def future_timestamps() -> SearchStrategy[datetime]:
    """Instants of the years 2090 to 2099: after now, whatever the clock says."""
    return _between(FUTURE_START, LAST)


@cache
def ordered_pairs(*, strict: bool) -> SearchStrategy[Pair]:
    """Pairs whose second instant is after the first one, often by 1 microsecond.

    Args:
        strict: whether the two must differ; otherwise they are often equal.
    """
    gaps = st.sampled_from(_GAPS if strict else (timedelta(0), *_GAPS))
    return st.builds(lambda first, gap: (first, first + gap), _before_last_gap(), gaps)


@cache
def disordered_pairs(*, strict: bool) -> SearchStrategy[Pair]:
    """Pairs out of order: the second instant is before the first one, often by 1 microsecond.

    Args:
        strict: whether equal instants are out of order too; then they often are equal.
    """
    gaps = st.sampled_from((timedelta(0), *_GAPS) if strict else _GAPS)
    return st.builds(lambda first, gap: (first + gap, first), _before_last_gap(), gaps)


def _before_last_gap() -> SearchStrategy[datetime]:
    return st.one_of(st.just(TURN), _between(FIRST, PAST_END - TICK - _GAPS[-1]))


_MONTHS: Final = tuple(f"{month:02}" for month in range(1, 13))


@cache
def period_forms() -> SearchStrategy[Form]:
    """Months that lack their serial."""

    def form(year: int, month: str) -> Form:
        def period(serial: int | None) -> str:
            # A serial leaves no room for a choice: it is the month, counted from 2000-01.
            return f"{year}-{month}" if serial is None else numbered_period(serial)

        return period

    years = st.one_of(st.sampled_from((2024, 2000, 1999, 1000, 9999)), st.integers(1000, 9999))
    return st.builds(form, years, st.sampled_from(_MONTHS))


def numbered_period(serial: int) -> str:
    """Return the serial-th month after 2000-01, up to 9999-12, which is number 95,999."""
    year, month = divmod(serial, 12)
    return f"{2000 + year}-{_MONTHS[month]}"


BROKEN_PERIODS: Final = (
    ("2024-00", "2024-13", "2024-19", "2024-20", "2024-99"),
    ("2024-1", "2024-001", "2024-010", "12024-01", "999-01", "24-01", "2024", "2024-", "-01", ""),
    ("2024/01", "2024_01", "2024.01", "2024 01", "202401", "2024--01", "2024-01-01"),
    ("2024\u201301", "2024\u221201", "01-2024", "2024-Jan", "2024-0a", "20x4-01", "-2024-01"),
    (" 2024-01", "2024-01 ", "2024-01\n", "\n2024-01", "2024-01\n2024-02", "2024- 1", "+2024-01"),
    ("\u0662\u0660\u0662\u0664-\u0660\u0661", "2024-0\u0661", "2024-\uff10\uff11"),
)


def periods(serial: int | None = None) -> SearchStrategy[str]:
    """Months of usage, `YYYY-MM`, of the years 1000 to 9999; with a serial, that one month."""
    return period_forms().map(lambda form: form(serial))


@cache
def broken_periods() -> SearchStrategy[str]:
    """Texts one step away from `YYYY-MM`: no such month, another width, separator or digit.

    As many of each kind, however many ways there are to be of it.
    """
    return st.one_of([st.sampled_from(each) for each in BROKEN_PERIODS])
