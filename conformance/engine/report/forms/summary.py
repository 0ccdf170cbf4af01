"""Sentences on a run that several forms of its report share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.engine.cases.verdicts import NOT_RUN, Verdict
from conformance.engine.report.document import covered, selected
from conformance.engine.report.reasons import accepted, ended, reasons, unexplained

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.report.document import Document

# What stands in a form for the rule and the verdict, where an error ended the run, or it failed.
RUN, IMPOSSIBLE, FAILED = "RUN", "impossible", "failed"
WORDS = (*map(str, Verdict), NOT_RUN)  # the worst first


MOST = 600  # characters of a message


class Told(NamedTuple):
    """Failure as one message: the rule, the verdict, a sentence, and where the rule is enforced.

    `accepted` says until when a baseline accepts it, and why; '' where none does. `again` is the
    command that tries it again, where it is kept.
    """

    rule: str
    verdict: str
    sentence: str
    file: str
    line: int
    accepted: str = ""
    again: str = ""

    @property
    def whole(self) -> str:
        """The sentence, and how to try it again."""
        return f"{self.sentence}; again: {self.again}" if self.again else self.sentence

    @property
    def title(self) -> str:
        """What it says in a few words."""
        of_run = {IMPOSSIBLE: "an error ended the run", FAILED: "the run failed"}
        return of_run.get(self.verdict, f"{self.rule} is {self.verdict}")


def outcome(document: Document) -> str:
    """Return why the run failed, if it did, the number of rules by verdicts, and what was asked."""
    counts = document.get("verdicts", {})
    words = ", ".join(f"{counts[word]} {word}" for word in WORDS if counts.get(word))
    why = reasons(document)
    tried = ended(why) + (words or "no rule was tried")
    if document.get("errors") or document.get("whole", True):
        return tried
    return f"{tried}; {_part(document)}"


def _part(document: Document) -> str:
    """Return how much of the suite a run that was not whole has tried."""
    missing = document.get("counts", {}).get("not_run", 0)
    asked = f": {shortened(selected(document))}" if "selected" in document else ""
    part = f"a part of the suite{asked}"
    ended = f"it ended before {missing} of its tests"
    return f"{ended}, {part}" if missing and asked else ended if missing else part


def facts(document: Document) -> Iterator[tuple[str, str]]:
    """Yield what a run stood on, each as a name and a value."""
    commit = document.get("commit")
    for error in document.get("errors", ()):
        yield "error", error["said"]
    if "whole" in document:
        yield "tried", "the whole suite" if document["whole"] else _part(document)
    yield "server", str(document.get("server") or "none")
    yield "written as", str(document.get("role") or "the owner of the schema")
    yield "begun", str(document.get("begun", "unknown"))
    yield "seconds", str(document.get("seconds", "unknown"))
    yield "profile", str(document.get("profile", "unknown"))
    yield "seed", str(document.get("seed", "unknown"))
    if commit:
        changed = ", with changes since" if commit["dirty"] else ""
        yield "commit", f"{commit['id']}{changed}"
    if covered(document):
        yield "PL/pgSQL reached", covered(document)
    yield "exit status", str(document.get("exit_status", "unknown"))
    for name, version in sorted(document.get("versions", {}).items()):
        if name != "server":
            yield name, str(version)
    yield "suite", str(document.get("suite", "unknown"))
    for name, digest in (document.get("migrations") or {}).items():
        yield name, str(digest)


def failures(document: Document) -> Iterator[Told]:
    """Yield a message an error that ended the run, a rule not held, and what else failed it."""
    for error in document.get("errors", ()):
        where = error.get("place", {"file": "", "line": 0})
        yield Told(RUN, IMPOSSIBLE, shortened(error["said"]), where["file"], where["line"])
    for rule in document["rules"]:
        if rule["verdict"] not in (Verdict.HELD, NOT_RUN):
            told = accepted(rule["failures"])
            again = replayed(_worst(rule) or {})
            yield Told(rule["id"], rule["verdict"], sentence(rule), *place(rule), told, again)
    last = (end(document), 1) if end(document) else ("", 0)
    for failure in document.get("beside", ()):
        told = accepted([failure])
        again = replayed(failure)
        yield Told(failure["rule"], failure["verdict"], _of(failure), *last, told, again)
    for said in others(document):
        yield Told(RUN, FAILED, shortened(said), *last)


def others(document: Document) -> list[str]:
    """Return what failed the run beside errors, rules, and failures that are no rule's."""
    return [*document.get("missed", ()), *unexplained(document)]


def sentence(rule: dict[str, Any]) -> str:
    """Return what the worst of a rule's failures says, or what was not seen of the rule."""
    worst = _worst(rule)
    if worst:
        return _of(worst)
    sides = (("accepted", "legal write was accepted"), ("rejected", "violation was refused"))
    lacking = " and ".join(f"no {words}" for key, words in sides if not rule[key])
    return f"{rule['statement']} Seen: {lacking or 'not every part of its proof'}."


def replayed(failure: dict[str, Any]) -> str:
    """Return the command that tries a finding again, from any folder; '' where none is kept."""
    return f"framecast-conformance replay {failure['finding']}" if "finding" in failure else ""


def _worst(rule: dict[str, Any]) -> dict[str, Any] | None:
    return next((each for each in rule["failures"] if each["verdict"] == rule["verdict"]), None)


def place(rule: dict[str, Any]) -> tuple[str, int]:
    """Return the file and line to look at where a rule is not held; ('', 0) if none is known."""
    each = rule.get("place") or next(iter(rule.get("places", {}).values()), None)
    return (each["file"], each["line"]) if each else ("", 0)


def end(document: Document) -> str:
    """Return the last file of the migrations, for what has no place in them; '' if unknown."""
    *_, name = document.get("migrations") or [""]
    return f"{document['folder']}/{name}" if name and "folder" in document else ""


def shortened(text: str) -> str:
    """Return as much of a text as a message may have; the JSON has all of it."""
    return text if len(text) <= MOST else f"{text[: MOST - 1]}…"


def _of(failure: dict[str, Any]) -> str:
    return shortened(f"expected: {failure['expected']}; observed: {failure['observed']}")
