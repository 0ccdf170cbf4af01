"""Failures that a baseline accepts: shown, and no failure of the run until their end."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from conformance.engine.audit.accepted import Accepted
from conformance.engine.cases.verdicts import Standing, Tally
from conformance.engine.report.baseline import Baseline, BaselineError, Settled
from conformance.engine.report.record import Failed, Record
from tests.engine.audit.test_audit_accepted import TODAY
from tests.support.recording import FINDING, HEAD, run_in

TEST = "test_rules.py::test_rule[inv_t6__update]"
OTHER = "test_races.py::test_drawn"
BOTH = Tally(1, 1, 1)
FAILS = """
@pytest.mark.rules("INV-U5")
def test_race(case_runner):
    raise found("INV-U5")
"""
ENTRY = """
[[accepted]]
about = "INV-U5"
what = "broken"
reason = "mended by release 7"
until = {until}
"""


def failure(rule: str, test: str = TEST, verdict: str = "broken") -> dict[str, Any]:
    """Return a failure of a rule."""
    return {"rule": rule, "verdict": verdict, "observed": "accepted", "test": test}


def record(*tests: str, beside: tuple[dict[str, Any], ...] = ()) -> Record:
    """Return a record of some tests that failed."""
    seen = SimpleNamespace(kind="finding", key="", said="")
    failed = [Failed(test, "call", cast("Any", seen), cast("Any", None)) for test in tests]
    return Record(failed=failed, beside=list(beside))


def settled(
    *about: str, of: Record, until: date = TODAY, whole: bool = True, **judged: Any
) -> Settled:
    """Return what a baseline with these entries makes of a run."""
    entries = tuple(Accepted(each, "broken", "a reason", until) for each in about)
    standings = {rule.replace("_", "-"): standing for rule, standing in judged.items()}
    return Baseline("b.toml", entries).settle(of, standings, whole=whole, today=TODAY)


def test_what_is_accepted_is_shown_and_marked() -> None:
    """A failure that is accepted fails no run, and carries the reason and the end."""
    broken = failure("INV-T6")
    found = settled("INV-T6", of=record(TEST), INV_T6=Standing({"update": BOTH}, [broken]))

    assert found.holds
    assert ["accepted until 2026-11-28, a reason: INV-T6: broken: accepted"] == found.notes
    assert "until 2026-11-28, a reason" == broken["accepted"]


@pytest.mark.parametrize(
    ("entries", "given"),
    [
        ((), {}),
        (("INV-T6",), {"until": date(2026, 11, 27)}),
        (("INV-T6", "INV-T2"), {}),
        (("INV-T6",), {"of": record(TEST, OTHER)}),
        (("INV-T6",), {"of": record(TEST, beside=(failure("LOCK ORDER", OTHER),))}),
        (("INV-T6",), {"INV_T2": Standing({"update": Tally(1, 0, 0)})}),
        (("INV-T6",), {"INV_T2": Standing({"update": BOTH}, [failure("INV-T2")])}),
        (("INV-T6",), {"INV_T2": Standing({"update": BOTH}, unreached=1)}),
    ],
    ids=["none", "over", "gone", "another test", "beside", "unproven", "another rule", "not run"],
)
def test_all_else_fails(entries: tuple[str, ...], given: dict[str, Any]) -> None:
    """A failure that no entry names, an entry that is over, and one that accepts nothing, fail."""
    standing = Standing({"update": BOTH}, [failure("INV-T6")])
    found = settled(*entries, **{"of": record(TEST), "INV_T6": standing, **given})

    assert not found.holds


def test_a_part_of_the_suite_ends_no_entry() -> None:
    """An entry of what a run did not try stays as it is."""
    given: dict[str, Any] = {"of": record(), "INV_T6": Standing({"update": BOTH})}
    assert settled("INV-T2", whole=False, **given).holds
    assert not settled("INV-T2", whole=True, **given).holds


@pytest.mark.parametrize(("until", "code"), [("2999-01-31", 0), ("2020-01-31", 1)])
def test_a_run_with_a_baseline(until: str, code: int, tmp_path: Path) -> None:
    """It ends with 0 while what fails is accepted, with the same verdict, and says until when."""
    (tmp_path / "known.toml").write_text(ENTRY.format(until=until))
    done = run_in(tmp_path, HEAD + FINDING + FAILS, "--conformance-baseline=known.toml", "-n0")

    assert code == done.code, done.output
    assert "broken" == done.verdict("INV-U5")
    assert until in done.output
    (rule,) = done.report["rules"]
    assert (code == 0) == ("accepted" in rule["failures"][0])
    assert code == done.report["exit_status"]


def test_a_baseline_that_is_none_ends_the_run(tmp_path: Path) -> None:
    """A file that is missing, or lacks a reason, is told before anything runs."""
    (tmp_path / "bad.toml").write_text('[[accepted]]\nabout = "INV-T6"\n')
    for name, said in (("none.toml", "No such file"), ("bad.toml", "'what'")):
        with pytest.raises(BaselineError, match=said):
            Baseline.read(tmp_path / name)
