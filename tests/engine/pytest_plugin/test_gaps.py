"""Gaps: what could not be tried is unproven in the rules that it is about, and in no others."""

from types import SimpleNamespace
from typing import Any

import pytest

from conformance.engine.arguments import NOWHERE
from conformance.engine.cases.gaps import MODEL, Gaps, about
from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.pytest_plugin import replay
from conformance.engine.pytest_plugin.verdicts import add_finding
from conformance.engine.report.record import PROPERTY


def test_nothing_that_is_missing_ends_no_test() -> None:
    """Without a gap a test goes on to its end."""
    Gaps().settle()


def test_a_gap_is_a_finding_about_all_its_rules() -> None:
    """Each rule of each gap is unproven, once, and every reason is told."""
    gaps = Gaps()
    gaps.note("no column teams.credits", ("INV-T6", "INV-U5"))
    gaps.note("no function", ("INV-U5", "INV-A4"))

    with pytest.raises(Finding, match=r"no column teams\.credits; no function") as caught:
        gaps.settle()

    assert ("INV-T6", ("INV-U5", "INV-A4")) == (caught.value.rule, caught.value.also)
    assert Verdict.UNPROVEN == caught.value.verdict
    assert str(caught.value).startswith("INV-T6, INV-U5, INV-A4 are unproven\n")
    assert "psql" not in str(caught.value)


def test_a_gap_of_no_rule_is_the_models() -> None:
    """A gap of which no rule speaks is missing all the same."""
    gaps = Gaps()
    gaps.note("no table memos", ())

    assert MODEL == gaps.finding().rule


def test_a_column_is_about_the_rules_that_read_it() -> None:
    """A missing column is lost to the rules that read it; a missing table to all that name it."""
    assert ("INV-T6",) == about("teams", "credits")
    assert {"INV-T1", "INV-T6", "CARD-1"} < {*about("teams")}
    assert about("teams") == about("teams", "weather")


def test_every_rule_of_a_finding_reaches_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """A finding about several rules is reported of each of them."""
    finding = Finding(
        "INV-T6", Verdict.UNPROVEN, expected="", observed="", script="", also=("INV-U5",)
    )
    report: Any = SimpleNamespace(longrepr="", user_properties=[])
    config = SimpleNamespace(
        getoption=lambda _: NOWHERE,
        stash=pytest.Stash(),
        invocation_params=SimpleNamespace(dir="."),
    )  # where findings are kept
    item: Any = SimpleNamespace(nodeid="test", config=config)

    monkeypatch.setattr(replay, "command", lambda _: "pytest")
    add_finding(report, finding, "race", item)

    seen = [each for name, each in report.user_properties if name == PROPERTY]
    assert ["INV-T6", "INV-U5"] == [each["rule"] for each in seen]
    assert ["INV-T6", "INV-U5"] == [each["failure"]["rule"] for each in seen]
    assert {"unproven"} == {each["failure"]["verdict"] for each in seen}
