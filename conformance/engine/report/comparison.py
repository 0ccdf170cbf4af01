"""Comparison of two reports: verdicts, counts and what the runs stood on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.engine.cases.verdicts import NOT_RUN, Verdict
from conformance.engine.report.document import ReportError, covered, selected
from conformance.engine.report.evidence import lost

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conformance.engine.report.document import Document

STRENGTH: Mapping[str, int] = {
    **{str(verdict): place for place, verdict in enumerate(Verdict)},
    NOT_RUN: 3,  # as little is known as of what is unproven
}
GONE = "-"  # of a rule that a report does not have
COUNTED = ("passed", "failed", "errors", "skipped", "deselected", "not_run")  # tests
TRIED_BY_BOTH = "--tried-by-both"  # leaves out what one of two runs was not asked for
OF_TESTS = (0, 1)  # exit statuses of runs in which all tests passed, or some failed
FEWER = 2  # times fewer trials than before are worth a line


@dataclass(frozen=True, slots=True)
class Comparison:
    """Differences between two reports.

    Attributes:
        weaker, stronger: rules, with the verdict before and after.
        others: rules that only one report has, or whose verdicts are as good as each other.
        fewer: rules that are held in both and were tried far less, with both numbers.
        stood_on: facts that differ, each as name, before and after.
        partial: which of both is of a part of the suite, and what it was asked for, or ''.
        untried: for a report of a part of the suite, the rules that only the other one has.
        common: how many rules both have tried.
        unproven: the rules that were held, and that the later run was not asked for.
        lost: rules that are held in both, and what was seen of each in the earlier run alone.
        ended: how the later run ended, where that is worse than how the earlier one did; or ''.
    """

    weaker: Mapping[str, tuple[str, str]]
    stronger: Mapping[str, tuple[str, str]]
    others: Mapping[str, tuple[str, str]]
    fewer: Mapping[str, tuple[int, int]]
    stood_on: tuple[tuple[str, str, str], ...]
    partial: Mapping[str, str]
    untried: Mapping[str, tuple[str, ...]]
    common: int
    unproven: tuple[str, ...] = ()
    lost: Mapping[str, str] = field(default_factory=dict)
    ended: str = ""

    @property
    def is_weaker(self) -> bool:
        """Return whether a rule got weaker, unproven or less seen, or the run ended worse."""
        return bool(self.weaker or self.lost or self.unproven or self.ended)

    def lines(self) -> Iterator[str]:
        """Yield what differs, the worst first, or that nothing does."""
        for name, before, after in self.stood_on:
            yield f"{name}: {before} -> {after}"
        for which, asked in self.partial.items():
            told = f": {asked}" if asked else ", or its run ended early"
            yield f"the {which} report is of a part of the suite{told}"
        for which, rules in self.untried.items():
            yield f"not tried by the {which} run: {_rules(len(rules))} of the other report"
        if self.ended:
            yield f"{'weaker':<9} {self.ended}"
        for title, some in (
            ("weaker", self.weaker),
            ("stronger", self.stronger),
            ("other", self.others),
        ):
            for rule, (before, after) in some.items():
                yield f"{title:<9} {rule:<17} {before} -> {after}"
        for rule, gone in self.lost.items():
            yield f"{'weaker':<9} {rule:<17} held, but not seen any more: {gone}"
        for rule, (was, now) in self.fewer.items():
            yield f"{'less':<9} {rule:<17} tried {was} times -> {now}"
        weaker = len(self.weaker) + len(self.lost) + bool(self.ended)
        words = [f"{weaker} weaker", f"{len(self.stronger)} stronger"]
        words += [f"{len(self.others)} other"] if self.others else []
        words += [f"{len(self.fewer)} tried less"] if self.fewer else []
        words += [f"of {_rules(self.common)} that both tried"] if self.partial else []
        if self.unproven:
            held = f"{len(self.unproven)} unproven, held before and not tried now"
            words.append(f"{held} ({TRIED_BY_BOTH} leaves them out)")
        yield ", ".join(words)


def compared(old: Document, new: Document, *, tried_by_both: bool = False) -> Comparison:
    """Return what differs between a report and a later one.

    A rule that the later one does not have is weaker: nobody has seen it held. Where its run was
    asked for a part of the suite, it was not tried: if it was held, it is unproven. A rule that is
    held in both is weaker too where what was seen of it is not seen any more.

    Args:
        old: the report before.
        new: the report after.
        tried_by_both: whether what a run of a part of the suite was not asked for decides nothing.

    Raises:
        ReportError: They have no rule in common.
    """
    before = {rule["id"]: rule for rule in old["rules"]}
    after = {rule["id"]: rule for rule in new["rules"]}
    if not before.keys() & after.keys():
        message = "the two reports have no rule in common: nothing can be said of either"
        raise ReportError(message)
    partial = {
        which: selected(document)
        for which, document in (("old", old), ("new", new))
        if not document.get("whole", True)
    }
    others = {"old": [name for name in after if name not in before]}
    others["new"] = [name for name in before if name not in after]
    untried = {which: tuple(others[which]) for which in partial if others[which]}
    unknown = {name for names in untried.values() for name in names}
    pairs = {
        name: (_verdict(before, name), _verdict(after, name))
        for name in dict.fromkeys((*before, *after))
        if name not in unknown
    }
    differ = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    weaker = {name: pair for name, pair in differ.items() if _weaker(*pair)}
    stronger = {name: pair for name, pair in differ.items() if pair[1] == Verdict.HELD}
    fewer, gone = {}, {}
    for name, pair in pairs.items():
        if pair == (Verdict.HELD, Verdict.HELD):
            if not tried_by_both or "new" not in partial:
                gone[name] = lost(before[name], after[name], old, new)
            was, now = (_tried(some[name]) for some in (before, after))
            if now * FEWER <= was:
                fewer[name] = (was, now)
    unproven = (name for name in untried.get("new", ()) if _verdict(before, name) == Verdict.HELD)
    return Comparison(
        weaker,
        stronger,
        {name: pair for name, pair in differ.items() if name not in weaker | stronger},
        fewer,
        tuple(_stood_on(old, new)),
        partial,
        untried,
        len(before.keys() & after.keys()),
        () if tried_by_both else tuple(unproven),
        {name: some for name, some in gone.items() if some},
        _ended(old, new, explained=bool(weaker)),
    )


def _rules(count: int) -> str:
    return f"{count} rule{'' if count == 1 else 's'}"


def _ended(old: Document, new: Document, *, explained: bool) -> str:
    """Return how a later run ended worse; a failure that a weaker rule explains is none more."""
    was, now = int(old.get("exit_status", 0)), int(new.get("exit_status", 0))
    errors = [each["said"] for each in new.get("errors", ())]
    if errors or now not in OF_TESTS:
        said = "; ".join(errors) or f"exit status {now}"
        return f"the new run ended before it could judge: {said}"
    return (
        "the new run failed, and the old one did not" if now and not was and not explained else ""
    )


def _verdict(rules: Mapping[str, Document], name: str) -> str:
    return str(rules[name]["verdict"]) if name in rules else GONE


def _weaker(before: str, after: str) -> bool:
    if GONE in (before, after):
        return after == GONE
    return STRENGTH.get(after, 0) < STRENGTH.get(before, 0)


def _tried(rule: Document) -> int:
    return int(rule.get("accepted", 0)) + int(rule.get("rejected", 0))


def _stood_on(old: Document, new: Document) -> Iterator[tuple[str, str, str]]:
    for name in ("server", "role", "profile", "seconds", "exit_status"):
        first, last = old.get(name), new.get(name)
        if first != last:
            yield name.replace("_", " "), str(first or 0), str(last or 0)
    for name in COUNTED:
        was, now = (run.get("counts", {}).get(name, 0) for run in (old, new))
        if was != now:
            yield f"tests {name.replace('_', ' ')}", str(was), str(now)
    if covered(old) != covered(new):
        unknown = "not measured"
        yield "coverage", covered(old) or unknown, covered(new) or unknown
    before, after = old.get("migrations") or {}, new.get("migrations") or {}
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            words = {True: "there", False: "not there"}
            known = (words[name in before], words[name in after])
            yield name, *(("as it was", "edited") if name in before and name in after else known)
