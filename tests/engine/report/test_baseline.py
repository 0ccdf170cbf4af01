"""Failures that a baseline accepts: shown, and no failure of the run until their end."""

import re
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from conformance.engine.audit.accepted import Accepted
from conformance.engine.cases.verdicts import Standing, Tally
from conformance.engine.report.baseline import Baseline, BaselineError, Settled
from conformance.engine.report.forms import markdown
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
    options = ["--conformance-baseline=known.toml", "-n0"]
    options += [] if code else ["--max-failures=1"]  # which does not count what is accepted
    done = run_in(tmp_path, HEAD + FINDING + FAILS, *options)

    assert code == done.code, done.output
    assert "broken" == done.verdict("INV-U5")
    assert until in done.output
    (rule,) = done.report["rules"]
    assert (code == 0) == ("accepted" in rule["failures"][0])
    assert code == done.report["exit_status"]


WRONG = {
    'about = "INV-T6"': "entry 2, about INV-T6, lacks what, reason, a day as until",
    'what = "broken"\nreason = "x"\nuntil = "soon"': "about nothing, lacks about, a day as until",
    'about = "INV-T66"\nwhat = "x"\nreason = "x"\nuntil = 2999-01-31': "did you mean INV-T6",
    'about = "inv_t66"\nwhat = "x"\nreason = "x"\nuntil = 2999-01-31': "no rule 'inv_t66'",
}


@pytest.mark.parametrize("second", WRONG)
def test_a_baseline_that_is_none_ends_the_run(second: str, tmp_path: Path) -> None:
    """An entry that lacks a word, or is about a rule that there is not, is told by its place."""
    path = tmp_path / "bad.toml"
    path.write_text(f"{ENTRY.format(until='2999-01-31')}[[accepted]]\n{second}\n")

    with pytest.raises(BaselineError, match=re.escape(WRONG[second])):
        Baseline.read(path)


@pytest.mark.parametrize(("text", "said"), [(None, "No such file"), ("", "no [[accepted]]")])
def test_a_file_that_is_none_is_told(text: str | None, said: str, tmp_path: Path) -> None:
    """A file that is missing, or holds no entries, is named."""
    path = tmp_path / "none.toml"
    if text is not None:
        path.write_text(text)

    with pytest.raises(BaselineError, match=re.escape(said)):
        Baseline.read(path)


@pytest.mark.parametrize("about", ["inv-u5", "INV_U5", "inv_u5__", "LOCK ORDER", "jobs.status"])
def test_a_rule_may_be_written_in_any_way(about: str, tmp_path: Path) -> None:
    """An entry is about the rule that it names in any case; what is beside the rules stays."""
    path = tmp_path / "known.toml"
    path.write_text(ENTRY.format(until="2999-01-31").replace("INV-U5", about))
    (entry,) = Baseline.read(path).entries

    assert ("INV-U5" if "5" in about else about) == entry.about


def test_what_is_accepted_is_no_cause_to_stop(tmp_path: Path) -> None:
    """A limit of failures counts those that no entry accepts, or whose entry is over."""
    path = tmp_path / "known.toml"
    path.write_text(ENTRY.format(until=TODAY))
    baseline = Baseline.read(path)
    one, other = failure("INV-U5"), failure("INV-T6")

    assert baseline.accepts([one], TODAY)
    assert not baseline.accepts([], TODAY)
    assert not baseline.accepts([one, other], TODAY)
    assert not baseline.accepts([one], TODAY + timedelta(days=1))


def test_a_comment_says_what_is_accepted() -> None:
    """The table of a step's summary says until when a failure is accepted, and why."""
    broken = {**failure("INV-T6"), "expected": "no", "script": ""}
    rule = {"id": "INV-T6", "verdict": "broken", "accepted": 1, "rejected": 0, "places": {}}
    told = {True: "**broken**, accepted until 2027-01-31, a reason", False: "**broken**"}
    for accepted, said in told.items():
        if accepted:
            broken["accepted"] = "until 2027-01-31, a reason"
        else:
            broken.pop("accepted", None)
        shown = markdown.render({"rules": [{**rule, "failures": [broken]}]})
        assert f"| INV-T6 | {said} |" in shown
