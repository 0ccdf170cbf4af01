"""Remaining columns of a row, of which a rule on others says nothing, drawn for each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from conformance.engine.sql.documents import Jsonb
from strategies.enums import MEMBERSHIP_ROLE
from strategies.world import NOW

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hypothesis.strategies import SearchStrategy

    from conformance.engine.sql.writes import Row

_TIMES: Final = (None, NOW)
_DOCUMENTS: Final = (Jsonb({}), Jsonb({"a": 1}))
_COUNTS: Final = (0, 1)

_VALUES: Final[Mapping[str, Mapping[str, tuple[object, ...]]]] = {
    "teams": {"credits": _COUNTS, "ephemeral_storage_bytes": _COUNTS, "settings": _DOCUMENTS},
    "memberships": {"role": MEMBERSHIP_ROLE},
    "api_keys": {
        "name": ("Default", "Another"),
        "scopes": (Jsonb(["*"]), Jsonb([])),
        "last_used_at": _TIMES,
        "expires_at": _TIMES,
        "revoked_at": _TIMES,
    },
    "asset_files": {
        "content_type": ("image/png", "video/mp4"),
        "size_bytes": (1, 2),
        "metadata": _DOCUMENTS,
    },
    "usage": dict.fromkeys(
        ("renders_count", "render_seconds", "credits_used", "credits_refunded", "api_calls"),
        _COUNTS,
    ),
    "system_assets": {
        "description": (None, "A sound"),
        "duration_seconds": (None, 1),
        "size_bytes": (1, 2),
        "tags": ([], ["a"]),
    },
}


def rest(table: str) -> SearchStrategy[Row]:
    """Columns of a row that is inserted, whatever its parents and its keys are."""
    columns = _VALUES[table]
    return st.fixed_dictionaries(
        {column: st.sampled_from(values) for column, values in columns.items()}
    )
