"""Extras of the page beside one report: earlier reports, and a kill matrix of mutants."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.engine.report.document import ReportError, schema_changes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from conformance.engine.report.document import Document

UNTRIED = "untried"  # when its run was ended, and in no count
KILLED, SURVIVED, OPEN, EQUIVALENT = "killed", "survived", "open", "equivalent"
UNDECIDED = "not decided"  # not killed by the phases that were asked, and others were not
STATUSES = (KILLED, SURVIVED, UNDECIDED, OPEN, EQUIVALENT)
LEFT = (SURVIVED, UNDECIDED, OPEN)


@dataclass(frozen=True, slots=True)
class Extras:
    """Earlier reports, the first one first, and the mutants of a kill matrix.

    `schema` has the digests of the migrations whose mutants they are; None where nothing says.
    `phases` are those that alone were asked; () where all were, or nothing says.
    """

    history: tuple[Document, ...] = ()
    mutants: tuple[dict[str, Any], ...] = ()
    schema: Mapping[str, str] | None = None
    phases: tuple[str, ...] = ()

    def elsewhere(self, document: Document) -> str:
        """Return how the schema of the mutants differs from that of a run; '' where it is one."""
        if not self.mutants:
            return ""
        if self.schema is None:
            return "The kill matrix does not say of which schema these are."
        changes = schema_changes({"migrations": self.schema}, document)
        told = ", ".join(changes)
        return f"These are mutants of another schema than that of this run: {told}." if told else ""


NOTHING = Extras()


@dataclass(slots=True)
class Kills:
    """Kill matrix of some mutants.

    Attributes:
        counts: by status.
        noticed: those that were killed, by the phase that did.
        left: those that nothing noticed.
    """

    counts: Counter[str] = field(default_factory=Counter)
    noticed: Counter[str] = field(default_factory=Counter)
    left: list[dict[str, Any]] = field(default_factory=list)

    def add(self, mutant: dict[str, Any]) -> None:
        """Add a mutant; one that changed nothing, or was not tried, is none."""
        if mutant["status"] in STATUSES:
            self.counts[mutant["status"]] += 1
        killer = mutant.get("killed_by") or {}
        if killer.get("stage"):
            self.noticed[killer["stage"]] += 1
        if mutant["status"] in LEFT:
            self.left.append(mutant)


def read_mutants(path: Path) -> Extras:
    """Return the mutants of a kill matrix, as `mutants --json` writes it, and of which schema.

    Raises:
        ReportError: It is none.
    """
    try:
        matrix = json.loads(path.read_text(encoding="utf-8"))
        entries = matrix["mutants"]
        for each in entries:
            _ = str(each["id"]), str(each["status"]), str(each["operator"]), list(each["rules"])
    except OSError as error:
        message = f"{path}: {error.strerror}: run framecast-conformance mutants --json {path}"
        raise ReportError(message) from None
    except (KeyError, TypeError, ValueError):
        message = f"{path}: is no kill matrix of framecast-conformance mutants --json"
        raise ReportError(message) from None
    phases = tuple(matrix.get("phases", ()))
    return Extras(mutants=tuple(entries), schema=matrix.get("schema"), phases=phases)


def by_rule(mutants: Sequence[dict[str, Any]]) -> dict[str, Kills]:
    """Return what became of the mutants of each rule; one may be of several."""
    found: dict[str, Kills] = {}
    for mutant in mutants:
        for rule in mutant["rules"]:
            found.setdefault(rule, Kills()).add(mutant)
    return found


def by_operator(mutants: Sequence[dict[str, Any]]) -> dict[str, Kills]:
    """Return what became of the mutants of each kind of change, the most frequent first."""
    found: dict[str, Kills] = {}
    for mutant in mutants:
        found.setdefault(mutant["operator"], Kills()).add(mutant)
    return dict(sorted(found.items(), key=lambda each: (-each[1].counts.total(), each[0])))


def verdicts(runs: Sequence[Document]) -> tuple[list[tuple[str, list[str]]], list[str]]:
    """Return the rules whose verdicts differ between runs, and those that a part did not try.

    Args:
        runs: the first one first.

    Returns:
        Each rule that differs with its verdict in each run, '' where the run had none; and those
        that are as they were wherever they were tried.
    """
    known = [{rule["id"]: str(rule["verdict"]) for rule in run["rules"]} for run in runs]
    whole = [run.get("whole", True) for run in runs]
    differ, untried = [], []
    for rule in dict.fromkeys(name for each in reversed(known) for name in each):
        row = [each.get(rule, "") for each in known]
        # A part of the suite says nothing of a rule that it was not asked for.
        told = {verdict for verdict, of_all in zip(row, whole, strict=True) if verdict or of_all}
        if len(told) > 1:
            differ.append((rule, row))
        elif not all(row):
            untried.append(rule)
    return differ, untried
