"""Why a test failed, in a form that is the same for all tests that failed for the same reason."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.domain.chosen import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

PROPERTY = "conformance cause"
# A finding of the schema; an assertion of a test that is no finding; a part that could not run.
FINDING, FAILURE, ERROR = "finding", "failure", "error"
LAST_FRAMES = 2
VARYING = re.compile(r"0x[0-9a-f]+|[0-9a-f]{8}-[0-9a-f-]{27}|'[^']*'|\d+")
# What a schema lacks, in our words and in PostgreSQL's: it groups failures, and judges nothing.
LACKING = re.compile(
    r"there is no (?P<our>\w+) (?P<name>[\w.]+)"
    r'|(?P<its>column|relation|table|function|type|schema|view) "?(?P<other>[\w.]+)"?'
    r'(?:\([^)]*\))?(?: of relation "[^"]+")? does not exist'
)
KINDS = {"relation": "table", "view": "table"}
# A type that cannot take what it is given, as `catalogue.misfits` says it.
UNTAKEN = re.compile(r"because of ((?:type )?[\w. ]+, which (?:lacks a label|takes no UUID))")
# A null where none may be, as outcomes say it, and inventories.
NULL = re.compile(r"(?:no constraint, (\w+)\.(\w+) \(23502)|(?:(\w+)\.(\w+) must be given)")
# What somebody asked for by name, and what they broke: the same words on another rule are another.
NAMED = frozenset({str(Verdict.BROKEN), str(Verdict.UNNAMED)})


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a test failed.

    Attributes:
        kind: `FINDING`, `FAILURE` or `ERROR`.
        key: equal where the reason is the same.
        said: it in one line.
        verdict: of a finding; '' where a test failed in another way.
    """

    kind: str
    key: str
    said: str
    verdict: str = ""

    @property
    def shared(self) -> str:
        """What all that fail for it have in common: what is lacking, without who missed it."""
        return self.key if self.said.endswith(self.key) else self.said

    @property
    def badness(self) -> int:
        """The place of its verdict, the worst first; what has none may be the worst."""
        return [*map(str, Verdict)].index(self.verdict) if self.verdict else 0

    def as_dict(self) -> dict[str, str]:
        """Return plain values, for travel between processes."""
        return asdict(self)


def of_call(call: pytest.CallInfo[None]) -> Cause | None:
    """Return why a phase of a test failed; None if it did not."""
    if call.excinfo is None:
        return None
    found = list(findings(call.excinfo.value))
    if found:
        return _of_finding(found[0])
    error = call.excinfo.value
    frames = call.excinfo.traceback[-LAST_FRAMES:]
    where = "|".join(f"{frame.path}:{frame.lineno}" for frame in frames)
    said = f"{type(error).__name__}: {first_line(str(error))}".rstrip(": ")
    kind = FAILURE if isinstance(error, AssertionError) and call.when == "call" else ERROR
    lack = lacking(said)
    if lack:
        return Cause(kind, lack, f"{type(error).__name__}: {lack}")
    return Cause(kind, f"{alike(said)}|{where}", said)


def of_report(report: pytest.TestReport | pytest.CollectReport) -> Cause:
    """Return why a report failed: as its process said, or else from its text, as of a crash."""
    for name, seen in getattr(report, "user_properties", ()):
        if name == PROPERTY and seen["when"] == report.when:
            return Cause(seen["kind"], seen["key"], seen["said"], seen["verdict"])
    lines = [line for line in report.longreprtext.splitlines() if line.strip()] or ["failed"]
    told = [line for line in lines if line.startswith("E  ")]
    said = first_line((told or lines)[-1].removeprefix("E").strip())
    return Cause(ERROR, said, said)


def findings(error: BaseException) -> Iterator[Finding]:
    """Return the findings in an error, which may be a group of them, the worst first."""
    yield from sorted(_findings(error), key=lambda each: list(Verdict).index(each.verdict))


def first_line(text: str) -> str:
    """Return the first line of a text that says anything."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _findings(error: BaseException) -> Iterator[Finding]:
    if isinstance(error, Finding):
        yield error
    elif isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _findings(each)


def lacking(text: str) -> str:
    """Return in words what a text says that the schema lacks, or ''."""
    found = {
        f"{KINDS.get(kind, kind)} {name.rpartition('.')[2]}"
        for our, name_of_ours, its, other in LACKING.findall(text)
        for kind, name in [(our or its, name_of_ours or other)]
    }
    told = [f"there is no {', no '.join(sorted(found))}"] if found else []
    told += sorted(set(UNTAKEN.findall(text)) | set(_wanted(text)))
    return "; ".join(told)


def _wanted(text: str) -> Iterator[str]:
    """Return the columns that must be given, and of which the domain does not know."""
    for named in NULL.findall(text):
        table, column = filter(None, named)
        if table in COLUMNS and column not in COLUMNS[table]:
            yield f"{table}.{column} must be given"


def reason(observed: str) -> str:
    """Return why something is unproven, in the same words wherever the schema lacks the same."""
    return lacking(observed) or first_line(observed)


def _of_finding(finding: Finding) -> Cause:
    lack = lacking(finding.observed) if finding.verdict == Verdict.UNPROVEN else ""
    verdict = str(finding.verdict)
    if lack:
        return Cause(FINDING, lack, f"{finding.rule} is {verdict}: {lack}", verdict)
    rule = finding.rule if finding.verdict in NAMED else ""
    seen = alike(first_line(finding.observed))
    expected = alike(first_line(finding.expected)) if rule else ""
    said = f"{finding.rule} is {verdict}: {first_line(finding.observed)}"
    return Cause(FINDING, f"{rule}|{verdict}|{expected}|{seen}", said, verdict)


def alike(text: str) -> str:
    """Return a text without what differs from one test to the next."""
    return VARYING.sub("…", text)


def as_property(cause: Cause, when: str) -> tuple[str, dict[str, Any]]:
    """Return what a report carries of a cause."""
    return (PROPERTY, {**cause.as_dict(), "when": when})
