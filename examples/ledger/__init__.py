"""A double-entry ledger: another domain for the same engine.

`pytest --pyargs conformance --domain examples.ledger` tries its rules on its migrations.
"""

from pathlib import Path
from typing import Final

from conformance.engine.derived import domain
from examples.ledger.cases import CASES, RACES
from examples.ledger.rules import RULES

# Legal values, where one of the column's type will not do, or where several should be tried.
VALUES: Final = {
    "accounts.currency": ("EUR", "JPY", "USD"),
    "entries.amount": (-(10**12), -1, 1, 10**12),
    "entries.note": (None, "", "rent"),
    "holds.amount": (1, 10**12),
    "holds.placed_at": ("2020-02-29 12:00Z", "2026-01-01Z"),
    "holds.expires_at": ("2026-01-02Z", "2999-12-31Z"),
    "periods.starts_on": ("2024-02-29", "2026-01-01"),
    "periods.ends_on": ("2026-01-02", "2999-12-31"),
    "transfers.memo": (None, "", "rent"),
}

DOMAIN: Final = domain.of(
    "ledger", RULES, Path(__file__).with_name("migrations"), values=VALUES, cases=CASES, races=RACES
)
