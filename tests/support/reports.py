"""A report of everything: every verdict, machines with counts, the objects of a schema."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any, Final

from conformance.engine.cases.verdicts import SEVERAL, Finding, Standing, Tally, Verdict
from conformance.engine.kinds.transitions import Transitions
from conformance.engine.report import rules
from conformance.engine.sql.writes import Path as WritePath
from conformance.framecast.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from conformance.engine.changed.inventory import Object

SCRIPT = "INSERT INTO teams (name) VALUES ('<script>alert(1)</script> ``` | % \x01');"
OF_RUN = {
    "whole": True,
    "exit_status": 1,
    "begun": "2026-11-28T12:00:00+00:00",
    "seconds": 12.5,
    "counts": dict.fromkeys(("passed", "failed", "errors", "skipped", "deselected", "not_run"), 0),
    "server": "PostgreSQL 18.6, embedded wheel",
    "major": 18,
    "role": None,
    "profile": "default",
    "seed": 20261123,
    "versions": {"python": "3.11.0", "server": "PostgreSQL 18.6, embedded wheel"},
    "migrations": {"001_initial_schema.sql": "ab" * 32},
    "suite": "cd" * 32,
    "commit": {"id": "ef" * 20, "dirty": True},
}


LEVELS: Final = {
    "INV-T2": {
        "read committed": {"committed": 7, "rejected": 5},
        "serializable": {"committed": 3, "rejected": 2, "40001": 4, "40P01": 1},
    }
}


RACE: Final = "inv_t2__two_owners_leave"
TIMELINES: Final = {
    RACE: {
        "sessions": ["ann (read committed)", "bob (read committed)"],
        "steps": [
            {"session": 0, "said": "leave a team"},
            {"session": 1, "said": "leave a team … waits for ann"},
            {"session": 0, "said": "commit"},
        ],
        "ends": ["ann: accepted", "bob: rejected by inv_t2__memberships_owner_not_gone"],
    }
}


def failure(rule: str, verdict: Verdict) -> dict[str, Any]:
    """Return a failure of a rule, or of what stands in its place."""
    found = Finding(rule, verdict, expected="refused", observed="a, b: 100%\nrow", script=SCRIPT)
    token = RULES[rule].token if rule in RULES else ""
    test = f"conformance/test_rules.py::test_rule[{token}update]"
    return {**found.as_dict(), "path": "update", "test": test}


def failing_race(rule: str) -> dict[str, Any]:
    """Return a failure of a rule in a race, whose script has the timeline as a comment, too."""
    columns = (
        "--      ann (read committed)      bob (read committed)\n-- ann: accepted\n-- a start\n"
    )
    script = f"{SEVERAL}\n-- begin from what is below:\n{columns}BEGIN;\n"
    found = {**failure(rule, Verdict.BROKEN), "path": "race", "script": script}
    return {**found, "timeline": TIMELINES[RACE]}


def moves() -> dict[str, dict[str, int]]:
    """Return counts of the moves of every machine: 1, 2, 3 …, the last of them unseen."""
    found = {}
    for rule in RULES.values():
        if isinstance(rule.kind, Transitions):
            pairs = [f"{before or 'new'}>{after}" for before, after in rule.kind.pairs()]
            found[rule.id] = {pair: count for count, pair in enumerate(pairs[:-1], 1)}
    return found


def whole(objects: Iterable[Object] = ()) -> dict[str, Any]:
    """Return a report of all rules, in which one in twenty has each verdict but held."""
    verdicts = cycle((*Verdict, *(Verdict.HELD,) * 15))
    judged: Mapping[str, Standing] = {
        name: Standing(
            {WritePath.INSERT: Tally(2, 2, 2)},
            [] if verdict is Verdict.HELD else [failure(name, verdict)],
            as_role=Tally(1, 3, 3),
        )
        for name, verdict in zip(RULES, verdicts, strict=False)
    }
    listed = [each.document() for each in objects]
    of_tests = {"objects": listed, "beside": [], "failed": [], "missed": []}
    return rules.document(judged, OF_RUN, of_tests, None, rules.Seen(moves(), LEVELS, TIMELINES))
