"""Every column of every row of every rule's near misses is varied, unless something fixes it."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import pytest
from hypothesis import strategies as st

from conformance.engine.cases.scenario import Scenario, ViolatesSeveral
from conformance.engine.sql.writes import Insert, PlainWrite, Row, Update, Write
from conformance.framecast.rules import RULES
from strategies.columns import DEFAULTS, NULLABLE
from strategies.enums import COLUMNS as LABELLED
from strategies.enums import ENUMS
from strategies.near_misses import WAYS
from strategies.tables import COLUMNS
from tests.support.drawing import examples

EXAMPLES, MORE = 150, 3_000
# In how many examples a kind of row must have been seen, before a column of it counts as fixed; and
# for each label that it may hold.
SEEN, SEEN_EACH = 20, 30
LABELS: Final = {
    pair: ENUMS[enum]
    for enum, pairs in LABELLED.items()
    for pair in pairs
    if pair != ("webhooks", "events")
}
# What makes a row what it is: each value is a kind of row of its own.
STATUS: Final = {
    "users": ("tier",),
    "invitations": ("accepted_at", "revoked_at"),
    "api_keys": ("revoked_at",),
    **dict.fromkeys(("projects", "jobs", "asset_files", "webhook_deliveries"), ("status",)),
}
IDENTITY: Final = re.compile("id|owner|period|.*_id|(created|invited|uploaded|triggered)_by")
BOUND: Final = "a time of the rule's own scenarios bounds it"
CREATED: Final = "a rule on these times, or on what was made when, says when the row was made"


class Fixed(NamedTuple):
    """A column that a rule fixes, and why."""

    table: str
    column: str
    why: str
    statuses: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()


FIXED: Final = (
    Fixed("users", "upgraded_at", "INV-U1: a creator is who has it"),
    Fixed(
        "jobs",
        "completed_at",
        "INV-J2: a finished job has it",
        frozenset({"completed", "failed", "canceled"}),
    ),
    Fixed("jobs", "output", "INV-J4: a completed job has it", frozenset({"completed"})),
    Fixed("jobs", "failure_type", "INV-J7: a completed job has none", frozenset({"completed"})),
    Fixed("jobs", "failure_type", "its jobs complete", rules=frozenset({"INV-J4", "STATE-JOB"})),
    Fixed("jobs", "error", "INV-J5: a failed job has it", frozenset({"failed"})),
    Fixed("jobs", "failure_type", "INV-J6: they have one", frozenset({"failed", "canceled"})),
    Fixed("jobs", "started_at", "INV-J3: a processing job has it", frozenset({"processing"})),
    Fixed("webhook_deliveries", "delivered_at", "INV-WD4", frozenset({"delivered"})),
    Fixed("memberships", "role", "who may do what is what a scenario tells"),
    Fixed("jobs", "completed_at", BOUND, rules=frozenset({"INV-J3", "INV-TIME2"})),
    *(
        Fixed(
            table,
            column,
            CREATED,
            rules=frozenset({"IMM-1", "INV-TIME3", "AUTO-UPDATED", "CARD-5"}),
        )
        for table in ("users", "jobs", "projects", "asset_files", "webhooks")
        for column in ("created_at", "updated_at")
    ),
    Fixed("webhook_deliveries", "created_at", CREATED, rules=frozenset({"PRIVACY-3"})),
    Fixed("job_events", "sequence", "its facts count by it", rules=frozenset({"RET-1"})),
    *(
        Fixed(table, "name", "its facts search for names", rules=frozenset({"PRIVACY-3"}))
        for table in ("api_keys", "projects")
    ),
    *(
        Fixed("jobs", "credits_refunded", "it says the charge", rules=frozenset({rule}))
        for rule in ("INV-J12", "INV-P5", "STATE-PROJECT")
    ),
    *(
        Fixed("invitations", column, "it has one, beside all else", rules=frozenset({"OWN-1"}))
        for column in ("role", "created_at", "expires_at")
    ),
)


class Kind(NamedTuple):
    """A column of the rows of a table that are in one status."""

    table: str
    status: str
    column: str


def status(table: str, row: Row) -> str:
    """Return what a row is: its status, or which of its times are there."""
    if table in ("invitations", "api_keys"):
        return " ".join(name for name in STATUS[table] if row.get(name) is not None)
    if table not in STATUS:
        return ""
    (column,) = STATUS[table]
    return str(row.get(column, DEFAULTS[table][column].strip("'")))


def statuses(table: str) -> tuple[str, ...]:
    """Return what the rows of a table may be."""
    if table in ("invitations", "api_keys"):
        return ("", *STATUS[table])
    return LABELS[table, STATUS[table][0]] if table in STATUS else ("",)


class Rows:
    """Rows in the tables while a scenario goes on, as far as its writes say so."""

    def __init__(self, seen: dict[Kind, set[str]]) -> None:
        """Note in `seen` what each kind of row holds."""
        self._seen = seen
        self._rows: dict[tuple[str, str], Row] = {}

    def write(self, writes: Iterable[Write]) -> None:
        """Carry out writes of rows."""
        for write in writes:
            inner = write.write if isinstance(write, PlainWrite) else write
            if isinstance(inner, Insert):
                for number, row in enumerate(inner.rows):
                    self._put(inner.table, str(row.get("id", f"no id {number}")), row)
            elif isinstance(inner, Update):
                for (table, name), row in list(self._rows.items()):
                    if table == inner.table and inner.key.items() <= row.items():
                        self._put(table, name, {**row, **inner.changes})

    def aside(self, writes: Iterable[Write]) -> None:
        """Carry out writes, and take them back."""
        before = dict(self._rows)
        self.write(writes)
        self._rows = before

    def _put(self, table: str, name: str, row: Row) -> None:
        self._rows[table, name] = row
        for column in COLUMNS.get(table, ()):
            default = DEFAULTS.get(table, {}).get(column, "default").strip("'")
            left_out = None if column in NULLABLE.get(table, ()) else default
            held = str(row.get(column, left_out))
            self._seen[Kind(table, status(table, row), column)].add(held)
        project = ("projects", str(row.get("project_id")))
        if table == "jobs" and project in self._rows:
            ends = {"completed": "completed", "failed": "draft", "canceled": "draft"}
            moved = ends.get(status(table, row), "rendering")
            self._put(*project, {**self._rows[project], "status": moved})


def held(scenario: Scenario) -> dict[Kind, set[str]]:
    """Return what each kind of row of a scenario holds."""
    seen: dict[Kind, set[str]] = defaultdict(set)
    rows = Rows(seen)
    for transaction in (*scenario.given, *scenario.legal):
        rows.write(transaction)
    for over in scenario.broken:
        rows.aside(over.writes if isinstance(over, ViolatesSeveral) else over)
    return seen


def kinds(rule: str, count: int) -> Iterator[tuple[Kind, int, set[str]]]:
    """Return each kind of a rule's rows, in how many examples it was seen, and what it held."""
    ways = [way for way in WAYS[rule].values() if not isinstance(way, str)]
    often: dict[Kind, int] = defaultdict(int)
    every: dict[Kind, set[str]] = defaultdict(set)
    for scenario in examples(st.one_of(ways), count):
        for kind, values in held(scenario).items():
            often[kind] += 1
            every[kind] |= values
    for kind, values in every.items():
        yield kind, often[kind], values


def lacking(kind: Kind, times: int, values: set[str]) -> str:
    """Return what a column was never seen to hold; nothing where it was not seen enough."""
    if times < SEEN:
        return ""
    null, labels = {"None"} & values, LABELS.get((kind.table, kind.column), ())
    if kind.column in NULLABLE.get(kind.table, ()) and not (null and values - null):
        return "not null" if null else "null"
    if labels and times >= SEEN_EACH * len(labels):
        return " ".join(sorted({*labels} - values))
    return "" if len(values) > 1 else "another value"


def excuse(rule: str, kind: Kind) -> str:
    """Return what fixes a column; nothing where nobody knows."""
    if kind.column in STATUS.get(kind.table, ()):
        return "what the row is"
    if IDENTITY.fullmatch(kind.column):
        return "whose it is"
    if kind.status not in statuses(kind.table):
        return "no such status"
    if kind.column in re.findall(r"\w+", RULES[rule].violations):
        return "the rule speaks of it"
    for fixed in FIXED:
        if (
            (fixed.table, fixed.column) == (kind.table, kind.column)
            and (not fixed.statuses or kind.status in fixed.statuses)
            and (not fixed.rules or rule in fixed.rules)
        ):
            return fixed.why
    return ""


def holes(rule: str, count: int) -> set[tuple[str, ...]]:
    """Return which columns of a rule's rows held too little in so many examples."""
    return {
        (*kind, what)
        for kind, times, values in kinds(rule, count)
        if (what := lacking(kind, times, values)) and not excuse(rule, kind)
    }


@pytest.mark.parametrize("rule", WAYS)
def test_every_column_is_varied(rule: str) -> None:
    """Null and not null, every label, and two values: whatever else a rule's rows may hold."""
    found = holes(rule, EXAMPLES)

    # What is only rare comes up in more of them.
    assert found == set() or found & holes(rule, MORE) == set()
