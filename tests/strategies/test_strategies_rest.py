"""Rules on keys are tried on rows that differ in everything else."""

from collections.abc import Sequence

import pytest
from hypothesis import Phase, find, settings

from conformance.engine.cases.scenario import Scenario, ViolatesSeveral
from conformance.engine.sql.writes import Insert, Path, Write
from strategies.near_misses import WAYS
from strategies.near_misses.rest import rest

UNIQUE = {
    "INV-T3": "teams",
    "INV-M3": "memberships",
    "INV-A3": "api_keys",
    "INV-AF6": "asset_files",
    "INV-US4": "usage",
    "INV-SA3": "system_assets",
}
COLUMNS = [
    (rule, column) for rule, table in UNIQUE.items() for column in find(rest(table), lambda _: True)
]
# The first that is found will do: a smaller one says no more.
SEEN_SOON = settings(max_examples=200, database=None, phases=[Phase.generate])


def values(writes: Sequence[Write], table: str, column: str) -> list[str]:
    """Return what a column holds in the rows that are inserted, where that is said."""
    rows = [
        row
        for write in writes
        if isinstance(write, Insert)
        for row in write.rows
        if write.table == table and column in row
    ]
    return [str(row[column]) for row in rows]


@pytest.mark.parametrize(("rule", "column"), COLUMNS)
def test_rows_that_share_a_key_differ_in_the_rest(rule: str, column: str) -> None:
    """For each column beside the key, some pair that shares the key does not share that column."""
    ways = WAYS[rule][Path.INSERT]
    assert not isinstance(ways, str)

    def differs(scenario: Scenario) -> bool:
        broken = scenario.broken[0]
        writes = broken.writes if isinstance(broken, ViolatesSeveral) else broken
        bad = values(writes, UNIQUE[rule], column)
        return bool(bad) and not {*bad} & {*values(scenario.given[0], UNIQUE[rule], column)}

    assert find(ways.map(differs), bool, settings=SEEN_SOON)
