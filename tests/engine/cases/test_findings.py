"""Findings of many examples: the worst wins, and is made as small as any other."""

from typing import Final

import pytest
from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st

from conformance.engine.cases.findings import Findings
from conformance.engine.cases.verdicts import Finding, Verdict


def found(verdict: Verdict, cause: str = "", rule: str = "INV-U5", script: str = "") -> Finding:
    """Return a finding."""
    return Finding(rule, verdict, expected="", observed="", script=script, cause=cause)


UNNAMED: Final = found(Verdict.UNNAMED, "a check")
BLOCKED: Final = found(Verdict.OVERBLOCKED, "another", "INV-T6")
BROKEN: Final = found(Verdict.BROKEN, "accepted")
OTHERS: Final = found(Verdict.BROKEN, "accepted", "INV-T6")


def test_whatever_is_found_is_raised_where_nothing_is_sought() -> None:
    """Of what one scenario met the worst is raised; of several as bad, that of its own rule."""
    findings = Findings("INV-U5")
    findings.meet([])
    with pytest.raises(Finding) as raised:
        findings.meet([UNNAMED, BLOCKED, OTHERS, BROKEN])
    assert BROKEN is raised.value
    assert [OTHERS, BLOCKED, UNNAMED] == findings.beside(BROKEN)


def test_nothing_ends_a_patient_search() -> None:
    """Every finding is kept until the examples are spent, broken rules too."""
    findings = Findings("INV-U5")
    findings.wait()
    findings.meet([UNNAMED, BLOCKED])
    findings.meet([OTHERS])
    assert OTHERS is findings.worst()
    findings.meet([BROKEN])
    assert BROKEN is findings.worst()
    findings.seek_worst()
    findings.meet([UNNAMED, OTHERS])
    with pytest.raises(Finding) as raised:
        findings.meet([UNNAMED, BROKEN])
    assert BROKEN is raised.value


def test_the_worst_is_sought_by_its_cause() -> None:
    """In the second pass a finding of the same verdict with another cause ends no example."""
    findings = Findings("INV-U5")
    findings.wait()
    other = found(Verdict.UNNAMED, "z")
    findings.meet([other, UNNAMED])
    findings.seek_worst()
    findings.meet([other])
    with pytest.raises(Finding):
        findings.meet([other, UNNAMED])


def test_of_one_sort_the_shortest_is_kept() -> None:
    """Findings of one sort are one, shown by the shortest script."""
    findings = Findings("INV-U5")
    findings.wait()
    for script in ("long", "s", "longer"):
        findings.meet([found(Verdict.UNNAMED, "a check", script=script)])
    assert ["s"] == [each.script for each in findings.kept.values()]


def small(findings: Findings, drawn: list[int]) -> None:
    """Search numbers, which from 100 on are refused without a name."""

    @seed(1)
    @settings(database=None, max_examples=200, phases=(Phase.generate, Phase.shrink))
    @given(st.integers(0, 1000))
    def search(number: int) -> None:
        drawn.append(number)
        met = [found(Verdict.UNNAMED, "a check", script="x" * number)] if number >= 100 else []
        findings.meet(met)

    search()


def test_what_was_kept_is_found_again_and_made_small() -> None:
    """The second pass draws the same examples, ends with what was kept, and shrinks it."""
    findings = Findings("INV-U5")
    findings.wait()
    first: list[int] = []
    small(findings, first)
    findings.seek_worst()
    second: list[int] = []
    with pytest.raises(Finding) as raised:
        small(findings, second)
    assert len("x" * 100) == len(raised.value.script)
    met = next(number for number in first if number >= 100)
    assert first[: first.index(met) + 1] == second[: first.index(met) + 1]
