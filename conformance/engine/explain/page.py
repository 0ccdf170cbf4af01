"""All that there is of one rule, as lines of text."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, NamedTuple

from conformance.engine.console import width
from conformance.engine.domain.chosen import domain
from conformance.engine.report.forms.extras import EQUIVALENT, KILLED, OPEN, STATUSES, UNDECIDED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from conformance.engine.explain.cases import Case
    from conformance.engine.kinds.rule import Rule
    from conformance.engine.report.forms.extras import Kills

INDENT = "    "
TOLD = (KILLED, EQUIVALENT, OPEN)  # of mutants, even where there are none
LEAST = 20  # characters of a statement


class Tried(NamedTuple):
    """Cases, races and tests that the suite tries of a rule.

    Attributes:
        shapes: the write shapes of its near misses; those that cannot break it, with the reason.
        races: the known races about it, each with what happens in it.
        open_mutants: ids of mutants of its objects that the suite is known not to notice.
        failures: what was found once, by file.
    """

    shapes: Mapping[str, str]
    races: Mapping[str, str]
    open_mutants: Sequence[str]
    failures: Mapping[str, str]

    @classmethod
    def of(cls, rule: Rule, corpus: Path) -> Tried:
        """Read it from where it is declared; imports all of it, which takes half a second."""
        from conformance.engine.mutants import unseen  # noqa: PLC0415 - as said

        ways = domain().ways().get(rule.id, {})
        return cls(
            {str(path): way if isinstance(way, str) else "" for path, way in ways.items()},
            {
                name: race.description
                for name, race in domain().races().items()
                if rule.id in race.rules
            },
            sorted(each for each in unseen.read() if rule.token in each),
            {path.name: _note(path) for path in sorted(corpus.glob(f"{rule.token}*.json"))},
        )


class Seen(NamedTuple):
    """Cases and races of a rule as a live schema answers them.

    Attributes:
        cases: each along a path.
        timelines: of its known races, by their names.
        mutants: ids of those of the schema that concern it, by what is changed.
        kills: what became of its mutants in runs of them, where that is known.
        findings: of runs in this project that are kept, by their ids.
        further: commands that tell more.
    """

    cases: Sequence[Case] = ()
    timelines: Mapping[str, str] = {}
    mutants: Mapping[str, Sequence[str]] = {}
    kills: Kills | None = None
    findings: Mapping[str, str] = {}
    further: Sequence[str] = ()


NOTHING = Seen()


def lines(
    rule: Rule, enforced: Iterable[tuple[str, str]], tried: Tried, seen: Seen = NOTHING
) -> Iterator[str]:
    """Yield what is known of a rule.

    Args:
        rule: the rule.
        enforced: what enforces it, each with its SQL.
        tried: what the suite tries.
        seen: what a live schema answers.
    """
    yield from _wrapped(f"{rule.id}: {rule.statement}")
    yield ""
    kind = type(rule.kind).__name__ if rule.kind is not None else "written by hand"
    yield f"kind      {kind}, holds {rule.holds}"
    yield f"tables    {', '.join(rule.tables)}"
    yield ""
    yield "Rows that break it are found by"
    yield from _wrapped(rule.violations, INDENT)
    yield ""
    yield "It is enforced by"
    for name, sql in enforced:
        yield f"  {name}"
        whole = (sql or "not in this schema").splitlines()
        # A function is as it was written; of the rest PostgreSQL makes one line, which comes first.
        yield from (*_wrapped(whole[0], INDENT), *(INDENT + line for line in whole[1:]))
    yield ""
    yield "It is tried by"
    shapes = [shape for shape, reason in tried.shapes.items() if not reason]
    yield from _wrapped(f"near misses, written as: {', '.join(shapes) or 'none'}", "  ")
    for shape, reason in tried.shapes.items():
        if reason:
            yield from _wrapped(f"not as {shape}: {reason}", INDENT)
    some = 0 < len(seen.timelines) < len(tried.races)
    drawn = f", {len(seen.timelines)} of them drawn: explain {rule.id} --all draws each"
    yield f"  known races: {len(tried.races)}{drawn if some else ''}"
    for name, description in tried.races.items():
        yield from _wrapped(f"{name}: {description}", INDENT)
        yield from _timeline(seen.timelines.get(name, ""))
    if seen.mutants:
        yield from _mutants(seen.mutants)
    yield from _became(tried.open_mutants, seen)
    yield from _list(
        "failures of old, replayed in every run",
        [f"{name}: {note}" for name, note in tried.failures.items()],
    )
    yield from _list(
        "kept findings of this project",
        [f"{name}: {said}" for name, said in seen.findings.items()],
    )
    for case in seen.cases:
        yield ""
        yield f"In psql, on a fresh installation ({case.path})"
        for title, script in (("legal", case.legal), ("to be refused, after that", case.broken)):
            if script:
                yield from ("", f"-- {title}")
                yield from script.strip().splitlines()
    if seen.further:
        yield from ("", *seen.further)


def _timeline(text: str) -> Iterator[str]:
    """Yield a race's table, whose columns stay as they are, and what became of its sessions."""
    for line in text.splitlines():
        yield from [f"{INDENT}  {line}"] if line[:1] == " " else _wrapped(line, f"{INDENT}  ")


def table(rules: Iterable[Rule], verdicts: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each rule: its id, its verdict if there is one, and its statement."""
    for rule in rules:
        verdict = f"{verdicts.get(rule.id, ''):<12}" if verdicts else ""
        head = f"{rule.id:<17}{verdict}"
        yield head + textwrap.shorten(
            rule.statement, max(width() - len(head), LEAST), placeholder="…"
        )


def _mutants(mutants: Mapping[str, Sequence[str]]) -> Iterator[str]:
    yield f"  mutants: {sum(map(len, mutants.values()))}"
    for change, ids in sorted(mutants.items(), key=lambda each: -len(each[1])):
        yield f"{INDENT}{change}: {len(ids)}"
        yield from (f"{INDENT}  {each}" for each in ids)


def _became(recorded: Sequence[str], seen: Seen) -> Iterator[str]:
    """Yield what became of the mutants, or what is on record of them, and what to run."""
    if seen.kills is not None:
        counts = seen.kills.counts
        told = (f"{counts[each]} {each}" for each in STATUSES if counts[each] or each in TOLD)
        yield f"  mutants tried: {', '.join(told)}"
        for each in seen.kills.left:
            why = " (only some phases tried it)" if each["status"] == UNDECIDED else ""
            yield from _wrapped(f"{each['status']}{why}: {each['id']}", INDENT)
        return
    yield from _list("mutants that are known to survive", recorded)
    if seen.further:
        yield from _wrapped(f"what becomes of the others: {seen.further[-1]}", INDENT)


def _list(title: str, some: Sequence[str]) -> Iterator[str]:
    yield f"  {title}: {len(some)}"
    for each in some:
        yield from _wrapped(each, INDENT)


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        width(),
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _note(path: Path) -> str:
    entry = json.loads(path.read_text("utf-8"))
    return f"{entry.get('found', '')} {entry.get('note', '')}".strip()
