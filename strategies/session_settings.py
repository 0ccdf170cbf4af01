"""Settings that callers may have in their sessions, under which rules are tried as well.

Each is a list of a session's settings, of those that any role may set and that change how values
are read, printed, compared with the clock or found by name.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from conformance.engine.cases.scenario import Settings

TODAY: Final = datetime.now(UTC).timetuple().tm_yday
# Daylight saving began today, and put the clock forward by 15 hours: seven days before now, by the
# clock on the wall, are 153 hours. PostgreSQL reads no larger displacement than it prints.
LEAPS: Final = f"<AAA>0<BBB>-15,J{min(TODAY, 365)}/0,J{(TODAY + 30) % 365 + 1}/0"
# The first of January 2026 has 39 hours, of which 15 look like those before.
AGAIN: Final = timedelta(hours=15)
REPEATS: Final = "<AAA>0<AAA>-15,J100/0,J1/22:30"
# The same two hours from now: what is later than now by 2 to 15 hours looks earlier on the wall.
_NOW: Final = datetime.now(UTC)
_TURNS: Final = _NOW + timedelta(hours=2) + AGAIN
SOON: Final = (
    f"<AAA>0<AAA>-15,{(_TURNS.timetuple().tm_yday + 264) % 365}/0,"
    f"{_TURNS.timetuple().tm_yday - 1}/{_TURNS:%H:%M}"
)
# An hour ago, and what looks like that on its wall.
AGO: Final = _NOW - timedelta(hours=1)
AHEAD: Final = AGO + AGAIN

AS_THEY_COME: Final[Settings] = ()
HOSTILE: Final[tuple[Settings, ...]] = (
    (
        ("TimeZone", LEAPS),
        ("DateStyle", "German, DMY"),
        ("IntervalStyle", "sql_standard"),
        ("search_path", "pg_temp, framecast"),
        ("extra_float_digits", "-15"),
        ("bytea_output", "escape"),
        ("array_nulls", "off"),
    ),
    (
        ("TimeZone", REPEATS),
        ("DateStyle", "SQL, MDY"),
        ("IntervalStyle", "iso_8601"),
        ("search_path", ""),
        ("transform_null_equals", "on"),
        ("quote_all_identifiers", "on"),
        ("plpgsql.extra_errors", "all"),
    ),
    (("TimeZone", SOON), ("DateStyle", "ISO, YMD"), ("extra_float_digits", "0")),
)


def session_settings() -> SearchStrategy[Settings]:
    """Draw what a caller has set: nothing, or what could mislead."""
    return st.sampled_from((AS_THEY_COME, *HOSTILE))
