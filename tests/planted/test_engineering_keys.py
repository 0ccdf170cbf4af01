"""Keys that are unique for some of their own values alone are found under any seed."""

from typing import Final

import pytest

from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.sql.writes import Path
from tests.support.engineering import Change, findings

# The key, its table and columns, and the rows that are asked -> the rule.
KEYS: Final = {
    ("inv_us4__usage_one_row_per_owner_and_period", "usage", "owner, period", where): "INV-US4"
    for where in (
        "period >= '2020-01'",
        "period < '2030-01'",
        "right(period, 2) <> '12'",
        "owner NOT LIKE 'framecast:team:%'",
        "owner NOT LIKE 'framecast:user:%'",
    )
} | {
    ("inv_t3__teams_slug_unique", "teams", "slug", "length(slug) < 40"): "INV-T3",
    ("inv_t3__teams_slug_unique", "teams", "slug", "length(slug) > 2"): "INV-T3",
    ("inv_af6__asset_files_s3_key_unique", "asset_files", "s3_key", "length(s3_key) < 200"): (
        "INV-AF6"
    ),
    ("inv_sa3__system_assets_s3_key_unique", "system_assets", "s3_key", "length(s3_key) > 60"): (
        "INV-SA3"
    ),
    ("inv_a3__api_keys_hash_unique", "api_keys", "key_hash", "length(key_hash) < 200"): "INV-A3",
}


@pytest.mark.parametrize("planted", KEYS, ids=lambda each: f"{each[1]}: {each[3]}")
def test_a_key_of_some_values_is_found(
    planted: tuple[str, str, str, str], scratch: Scratch, template: Template
) -> None:
    """A second row of the same key is tried for keys of all kinds."""
    name, table, columns, where = planted
    sql = (
        f"ALTER TABLE public.{table} DROP CONSTRAINT {name};"
        f"CREATE UNIQUE INDEX {name} ON public.{table} ({columns}) WHERE {where};"
    )
    found = findings(Change(sql, KEYS[planted], Path.INSERT), scratch, template)

    assert [(KEYS[planted], "broken")] * len(found) == [
        each and (each.rule, str(each.verdict)) for each in found
    ], found
