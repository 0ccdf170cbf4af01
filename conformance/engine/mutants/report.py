"""The kill matrix: what became of each mutant, as JSON and in words."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

from conformance.engine.mutants import unseen
from conformance.engine.report.forms.extras import (
    EQUIVALENT,
    KILLED,
    OPEN,
    SURVIVED,
    UNDECIDED,
    UNTRIED,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from conformance.engine.mutants.mutant import Mutant
    from conformance.engine.mutants.mutant_run import MutantRun
    from conformance.engine.mutants.unseen import Unseen

INEFFECTIVE = "ineffective"
STATUSES = (KILLED, SURVIVED, UNDECIDED, OPEN, EQUIVALENT, INEFFECTIVE)
VERSION = 2  # 1 knew no "open" and no "class"


@dataclass(slots=True)
class Report:
    """Report of a run: its mutants, the result of each by id, and the digests of migrations.

    `phases` are those that were asked; () where all were. What they do not notice, others may.
    """

    mutants: Mapping[str, Mutant]
    ineffective: Mapping[str, str]
    equivalent: Mapping[str, str]
    unseen: Mapping[str, Unseen] = field(default_factory=dict)
    mutant_runs: dict[str, MutantRun] = field(default_factory=dict)
    schema: Mapping[str, str] = field(default_factory=dict)
    phases: Sequence[str] = ()

    def status(self, name: str) -> str:
        """Return what became of a mutant."""
        if name in self.ineffective:
            return INEFFECTIVE
        if name not in self.mutant_runs:
            return UNTRIED
        if self.mutant_runs[name].kill is not None:
            return KILLED
        if name in self.unseen:
            return OPEN
        if name in self.equivalent:
            return EQUIVALENT
        return UNDECIDED if self.phases else SURVIVED

    @property
    def survivors(self) -> list[str]:
        """The ids of those that nothing that was asked noticed, and nothing excuses."""
        return [name for name in self.mutants if self.status(name) in (SURVIVED, UNDECIDED)]

    @property
    def left(self) -> str:
        """What became of the survivors, in words; '' where there are none."""
        count = len(self.survivors)
        if not self.phases or not count:
            return f"{count} {SURVIVED}" if count else ""
        return f"{count} {UNDECIDED}, tried by nothing but: {', '.join(self.phases)}"

    @property
    def wrongly_excused(self) -> list[str]:
        """The ids of those that are recorded as equivalent, and were killed."""
        return [
            name
            for name in self.equivalent
            if name in self.mutant_runs and self.mutant_runs[name].kill is not None
        ]

    @property
    def seen(self) -> list[str]:
        """The ids of those that are recorded as open, and were killed."""
        return [name for name in self.unseen if self.status(name) == KILLED]

    def lines(self) -> Iterator[str]:
        """Return the report in words; the last line is the score."""
        for name in self.survivors:
            mutant = self.mutants[name]
            yield f"{self.status(name).upper()} {name}"
            yield f"  {mutant.change}"
            yield from (f"  {line}" for line in mutant.script().splitlines())
            yield ""
        for name in self.wrongly_excused:
            kill = self.mutant_runs[name].kill
            yield f"WRONGLY RECORDED as equivalent: {name} is killed by {kill.part if kill else ''}"
        for name in self.seen:
            kill = self.mutant_runs[name].kill
            yield f"NO LONGER OPEN: {name} is killed by {kill.part if kill else ''}: remove it"
        yield from self._by_operator()
        yield from self._times()
        yield from unseen.lines(self.unseen.values())
        counts = Counter(map(self.status, self.mutants))
        effective = len(self.mutants) - counts[INEFFECTIVE]
        score = f"{counts[KILLED]} of {effective} killed, {counts[EQUIVALENT]} equivalent"
        more = [f"{counts[each]} {each}" for each in (OPEN, UNDECIDED) if counts[each]]
        yield ", ".join((f"score: {score}", *more))

    def write(self, path: Path) -> None:
        """Write the kill matrix: all of it or, if that is interrupted, none.

        Raises:
            OSError: The file cannot be written.
        """
        entries = [self.entry(name) for name in self.mutants]
        schema = {"schema": dict(self.schema)} if self.schema else {}
        phases = {"phases": list(self.phases)} if self.phases else {}
        document = {"version": VERSION, **schema, **phases, "mutants": entries}
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        new = path.with_name(f"{path.name}.new")
        new.write_text(text, encoding="utf-8")
        new.replace(path)

    def entry(self, name: str) -> dict[str, Any]:
        """Return a mutant as the kill matrix has it."""
        mutant, mutant_run = self.mutants[name], self.mutant_runs.get(name)
        entry: dict[str, Any] = {
            "id": name,
            "operator": mutant.operator,
            "change": mutant.change,
            "rules": list(mutant.rules),
            "sql": list(mutant.sql),
            "status": self.status(name),
        }
        if mutant.habit:
            entry["class"] = mutant.habit
        if name in self.ineffective:
            entry["reason"] = self.ineffective[name]
        elif name in self.equivalent:
            entry["reason"] = self.equivalent[name]
        if mutant_run is not None:
            entry["seconds"] = round(mutant_run.seconds, 3)
            if mutant_run.kill is not None:
                kill = mutant_run.kill
                entry["killed_by"] = {
                    "stage": kill.phase,
                    "part": kill.part,
                    "rule": kill.rule,
                    "verdict": kill.verdict,
                }
        return entry

    def _by_operator(self) -> Iterator[str]:
        table: dict[str, Counter[str]] = defaultdict(Counter)
        for name, mutant in self.mutants.items():
            table[mutant.operator][self.status(name)] += 1
        width = max(map(len, table), default=0)
        unasked = SURVIVED if self.phases else UNDECIDED
        statuses = [each for each in STATUSES if each != unasked]
        yield f"{'operator':<{width}} " + " ".join(f"{status:>11}" for status in statuses)
        for operator, counts in sorted(table.items(), key=lambda item: (-item[1].total(), item[0])):
            yield f"{operator:<{width}} " + " ".join(f"{counts[each]:>11}" for each in statuses)
        total = sum(table.values(), Counter())
        yield f"{'all':<{width}} " + " ".join(f"{total[each]:>11}" for each in statuses)

    def _times(self) -> Iterator[str]:
        killed = [
            mutant_run for mutant_run in self.mutant_runs.values() if mutant_run.kill is not None
        ]
        if not killed:
            return
        seconds = [mutant_run.seconds for mutant_run in killed]
        phases = Counter(
            mutant_run.kill.phase for mutant_run in killed if mutant_run.kill is not None
        )
        by = ", ".join(f"{phase} {count}" for phase, count in phases.most_common())
        yield f"killed by: {by}"
        worst = max(killed, key=lambda mutant_run: mutant_run.seconds)
        yield (
            f"time to kill: median {median(seconds):.2f} s,"
            f" worst {worst.seconds:.1f} s ({worst.id})"
        )
