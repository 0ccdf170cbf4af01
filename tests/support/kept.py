"""A finding as runs keep it, of no run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from conformance.engine.cases.steps import Step
from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.findings.kept import Circumstances, Kept, Seen
from conformance.engine.sql.writes import Statement

ROOT: Final = Path(__file__).parents[2]
TEAM = """
BEGIN;
INSERT INTO users (id, email, tier, upgraded_at) VALUES ('{0}', 'a@example.com', 'creator', now());
INSERT INTO teams (id, name, slug) VALUES ('{0}', 'A', 'a');
INSERT INTO memberships (team_id, user_id, role) VALUES ('{0}', '{0}', 'owner');
COMMIT;
""".format("00000000-0000-0000-0000-00000000000a")
STEPS = (
    Step(tuple(Statement(each) for each in TEAM.strip().rstrip(";").split(";\n")[1:-1])),
    Step((Statement("UPDATE teams SET credits = -1"),), ("INV-T6",)),
)


def kept(folder: Path, rule: str = "INV-T6", **given: Any) -> Kept:
    """Return a finding on a schema in a folder."""
    finding = Finding(
        rule, Verdict.BROKEN, expected="refused", observed="accepted", script="SELECT 1;\n"
    )
    place = (ROOT / "conformance" / "test_rules.py", "test_rule[inv_t6__update]")
    run = Circumstances(
        folder=str(folder),
        migrations=str(folder / "migrations"),
        domain="",
        role=None,
        major=18,
        server="PostgreSQL 18.6, embedded wheel",
        request=(),
        options=(),
        profile="quick",
        seed=7,
    )
    seen = Seen.of(finding, STEPS, "update", place)
    return Kept(seen, replace(run, **given), "2026-11-28T12:00:00", "2026-11-28T12:00:00")
