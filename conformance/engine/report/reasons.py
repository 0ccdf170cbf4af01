"""Reasons for which a run fails, read from its report: every form says them first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from conformance.engine.cases.verdicts import NOT_RUN, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from conformance.engine.report.document import Document

MOST = 120  # characters of one of them
NAMED = 3  # findings beside the rules


def accepted(some: Sequence[dict[str, Any]]) -> str:
    """Return until when a baseline accepts all of some failures, and why; '' where it does not."""
    told = [each.get("accepted", "") for each in some]
    return str(told[0]) if told and all(told) else ""


def reasons(document: Document) -> list[str]:
    """Return why the run of a report failed; nothing where it did not."""
    if not document.get("exit_status", 0):
        return []
    return found(document) or [_first([*unexplained(document)])]


def ended(why: Sequence[str]) -> str:
    """Return what stands before the counts of a run that failed; '' for one that did not."""
    return f"failed: {'; '.join(why)}. " if why else ""


def found(document: Document) -> list[str]:
    """Return what in a report fails its run, as far as no baseline accepts it."""
    return [reason for key, read in READ.items() for reason in read(document.get(key, ()))]


def unexplained(document: Document) -> Iterator[str]:
    """Yield what failed a run of whose rules, and of what stands beside them, nothing is said."""
    if found(document) or not document.get("exit_status", 0):
        return
    tests = [f"{each['test']}: {each['said']}" for each in document.get("failed", ())]
    yield from tests or [f"it ended with exit status {document['exit_status']}"]


def _errors(errors: Sequence[dict[str, Any]]) -> Iterator[str]:
    if errors:
        yield "an error ended the run"


def _rules(rules: Sequence[dict[str, Any]]) -> Iterator[str]:
    unheld = [
        each for each in rules if each["verdict"] != Verdict.HELD and not accepted(each["failures"])
    ]
    late = sum(each["verdict"] == NOT_RUN for each in unheld)
    wrong = len(unheld) - late
    if wrong:
        yield f"{wrong} {'rules are' if wrong > 1 else 'rule is'} not held"
    if late and late == len(rules):
        yield "it ended before any rule was tried to its end"
    elif late:
        yield f"{late} rule{'s' if late > 1 else ''} not tried to the end"


def _beside(failures: Sequence[dict[str, Any]]) -> Iterator[str]:
    some = [each["rule"] for each in failures if not accepted([each])]
    if some:
        names = [*dict.fromkeys(some)]
        more = ", …" if len(names) > NAMED else ""
        told = f"{', '.join(names[:NAMED])}{more}"
        yield f"{len(some)} finding{'s' if len(some) > 1 else ''} beside the rules ({told})"


def _missed(lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"missed: {_first(lines)}"


def _first(lines: Sequence[str]) -> str:
    """Return the first of some lines, shortened, and how many more there are."""
    flat = " ".join(lines[0].split())
    more = f", and {len(lines) - 1} more" if len(lines) > 1 else ""
    return (flat if len(flat) <= MOST else f"{flat[: MOST - 1]}…") + more


# By keys of a report: what each says of why the run failed.
READ: Final[Mapping[str, Callable[[Any], Iterator[str]]]] = {
    "errors": _errors,
    "rules": _rules,
    "beside": _beside,
    "missed": _missed,
}
