"""The verdicts of several runs side by side: one line a rule, one column a major of PostgreSQL.

Each run has written a report (`--conformance-report`), and was one of the whole suite: of a part of
it, nothing can be said. A rule that is not held everywhere, or of which a run says nothing, is a
difference, and so is whatever else made a run fail. A preview is shown beside them, and decides
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from conformance.engine.cases.verdicts import Verdict
from conformance.engine.report.document import ReportError, load, no_report, selected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from conformance.engine.report.document import Document

MISSING = "-"  # in the place of a verdict
MOST_TOLD = 5  # failures of one run that are no rule's


@dataclass(frozen=True, slots=True)
class Run:
    """One run, as its report describes it.

    Attributes:
        major: the server's, such as 17.
        server: the server in words.
        role: who wrote, or '' for the owner.
        verdicts: the verdict on each rule.
        preview: whether it is only shown.
        others: what failed in it beside the rules, in words.
        code: the exit status of the run.
    """

    major: int
    server: str
    role: str
    verdicts: Mapping[str, str]
    preview: bool = False
    others: tuple[str, ...] = ()
    code: int = 0

    @property
    def title(self) -> str:
        """Return the head of its column."""
        return f"{self.major}{'*' if self.preview else ''}"


def versions(reports: Iterable[Path], previews: Iterable[Path], say: Callable[[str], None]) -> bool:
    """Print the table of these reports; return whether every rule is held by every major.

    A preview's report need not be there.

    Raises:
        ReportError: A report cannot be read or is of a part of the suite, or two are of the same
            major and role.
    """
    runs = [read(path) for path in reports]
    runs += [read(path, preview=True) for path in previews if path.exists()]
    runs.sort(key=lambda run: (run.major, run.role))
    for one, other in pairwise(runs):
        if (one.major, one.role) == (other.major, other.role):
            message = f"two reports are of PostgreSQL {one.major}: give one for each major"
            raise ReportError(message)
    found = differences(runs)
    for line in lines(runs):
        say(line)
    for line in found:
        say(line)
    binding = [run for run in runs if not run.preview]
    return (
        bool(binding)
        and not any(_differs(binding, rule) for rule in _rules(runs))
        and not any(run.others or run.code for run in binding)
    )


def read(path: Path, *, preview: bool = False) -> Run:
    """Read a report.

    Raises:
        ReportError: It is not there, or is no report of a form that we know.
    """
    document = load(path)
    if not document.get("whole", True) and not preview:
        message = f"{path}: is of a part of the suite, or ended early: {_part(document)}"
        raise ReportError(message)
    try:
        verdicts = {rule["id"]: str(rule["verdict"]) for rule in document["rules"]}
        major, server = int(document["major"]), str(document["server"])
        role, code = document["role"] or "", int(document.get("exit_status", 0))
        return Run(major, server, role, verdicts, preview, _others(document), code)
    except (KeyError, TypeError, ValueError) as error:
        message = f"{path}: {no_report(error)}"
        raise ReportError(message) from None


def lines(runs: Sequence[Run]) -> Iterator[str]:
    """Return what each column is, then a line a rule; one that differs ends in a mark."""
    for run in runs:
        notes = [f"as {run.role}"] if run.role else []
        notes += ["a preview, which decides nothing"] if run.preview else []
        notes += [f"exit status {run.code}"] if run.code else []
        yield f"{run.title:<4} {', '.join((run.server, *notes))}"
    yield ""
    rules = _rules(runs)
    first = max(map(len, (*rules, "rule")))
    width = max(map(len, Verdict))
    yield " ".join((f"{'rule':<{first}}", *(f"{run.title:<{width}}" for run in runs))).rstrip()
    for rule in rules:
        cells = (f"{run.verdicts.get(rule, MISSING):<{width}}" for run in runs)
        mark = " <" if _differs(runs, rule) else ""
        yield " ".join((f"{rule:<{first}}", *cells)).rstrip() + mark


def differences(runs: Sequence[Run]) -> list[str]:
    """Return a line for each rule that is not held everywhere, or that there are none."""
    rules = _rules(runs)
    found = []
    for rule in rules:
        if _differs(runs, rule):
            each = (f"{run.verdicts.get(rule, MISSING)} on {run.title}" for run in runs)
            found.append(f"{rule}: {', '.join(each)}")
    titles = ", ".join(run.title for run in runs)
    if not found:
        beside = "" if any(run.others or run.code for run in runs) else ": no difference"
        found = [f"all {len(rules)} rules are held on {titles}{beside}"]
    for run in runs:
        found += [f"{run.title}: {each}" for each in run.others[:MOST_TOLD]]
        if len(run.others) > MOST_TOLD:
            found.append(f"{run.title}: and {len(run.others) - MOST_TOLD} more failures")
        if run.code and not run.others and all(map(_holds, run.verdicts.values())):
            found.append(f"{run.title}: the run ended with exit status {run.code}")
    return ["", *found]


def _holds(verdict: str) -> bool:
    return verdict == Verdict.HELD


def _part(document: Document) -> str:
    """Return how much of the suite a run has left out."""
    counts = document.get("counts", {})
    words = (("deselected", "deselected"), ("not_run", "not run"))
    some = [f"{counts[key]} tests {word}" for key, word in words if counts.get(key)]
    some += [selected(document)] if "selected" in document else []
    return ", ".join(some) or "not all of its files were asked for"


def _others(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what failed in a run, a line a test, and what it missed."""
    failed = [f"{each['test']}: {each['said']}" for each in document.get("failed", ())]
    told = {each["test"] for each in document.get("failed", ())}
    failed += [
        f"{each['test']}: {each['rule']} is {each['verdict']}"
        for each in document.get("beside", ())
        if each["test"] not in told
    ]
    return (*failed, *document.get("missed", ()))


def _rules(runs: Iterable[Run]) -> list[str]:
    """Return the rules of all runs, in the order of the catalogue."""
    return list(dict.fromkeys(rule for run in runs for rule in run.verdicts))


def _differs(runs: Iterable[Run], rule: str) -> bool:
    return any(run.verdicts.get(rule) != Verdict.HELD for run in runs)
