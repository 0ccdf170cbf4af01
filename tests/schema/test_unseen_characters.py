"""A webhook's URL holds no character that nobody sees."""

from __future__ import annotations

import sys
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from conformance.engine.postgres.scratch import Scratch, Template

# Format characters that are seen: signs around digits, and places of hieroglyphs.
SEEN: Final = frozenset(
    (
        *(*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD),
        *range(0x13430, 0x13440),
    )
)
# Characters and marks that Unicode has to be ignored where they are not known.
FILLERS: Final = frozenset(
    (
        *(0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0),
        *(*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)),
    )
)
PASSES: Final = """
SELECT w.code FROM (
    SELECT code, 'https://a' || chr(code) || 'b' AS url FROM unnest(%s::integer[]) AS code
) AS w WHERE {}"""
CHECK: Final = """
SELECT pg_get_expr(conbin, conrelid) FROM pg_constraint
WHERE conname = 'inv_w4__webhooks_url_is_https_with_host'"""


def test_nothing_that_is_not_seen_is_in_a_host(scratch: Scratch, template: Template) -> None:
    """Unicode's control characters, spaces and formats are refused, and those that fill a place."""
    unseen = FILLERS | {
        code
        for code in range(1, sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in {"Cc", "Cf", "Zs", "Zl", "Zp"} and code not in SEEN
    }
    with scratch.cloned(template, "unseen") as database, database.connect() as connection:
        [(check,)] = connection.execute(CHECK).fetchall()
        query = PASSES.format(check.replace("%", "%%")).encode()
        passed = {code for (code,) in connection.execute(query, [sorted(unseen)])}
        shown = connection.execute(query, [[0xE4, 0x3042, 0x1F600, 0x2044]]).fetchall()

    assert set() == passed
    assert 4 == len(shown)
