"""Privileges of the application's role, as data: enough for the product, and nothing else.

`003_roles.sql` grants it, and a test compares the two column by column. What is not here is
not granted, and a run as the role (`--role`) must find it refused.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from strategies.tables import COLUMNS, DERIVED

if TYPE_CHECKING:
    from collections.abc import Mapping

# They come with a migration.
SHIPPED: Final = frozenset({"system_assets"})

READS: Final = frozenset({*COLUMNS, "role_permissions"})
# Read where a schema has it: what it offers beside the tables that every schema has.
OFFERS: Final = frozenset({"searchable_projects"})
INSERTS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        table: frozenset((*columns, *DERIVED.get(table, ())))
        for table, columns in COLUMNS.items()
        if table not in SHIPPED
    }
)
# Libraries write whole rows. What a row is about never changes: that is IMM-1, and no right's.
UPDATES: Final = INSERTS
# Keys are revoked, usage is billed, events and deliveries are cleaned up by the two functions.
DELETES: Final = frozenset(INSERTS) - {"api_keys", "usage", "job_events", "webhook_deliveries"}
CALLS: Final = frozenset(
    {
        "api_key_is_valid",
        "delete_old_job_events",
        "delete_old_webhook_deliveries",
        "erase_user",
        "role_has_permission",
    }
)
# Called by checks, generated columns, indexes and conditions of triggers, with the rights of
# whoever writes; nobody can name them, for want of USAGE on their schema.
COMPUTES: Final = frozenset({"email_key", "urn_is_member", "urn_team"})
