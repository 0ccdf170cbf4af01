"""The ledger of a campaign: a line of JSON for each shard that has been tried, as it came.

The first line is the plan. What is not a whole line, since the writer was killed, did not happen.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from conformance.engine.campaign.shards import CampaignError, Plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FORM = 1


@dataclass(frozen=True)
class Result:
    """Result of a shard.

    Attributes:
        shard: its name.
        verdict: `held`, `failed`, or `error` where it did not come to its end.
        seconds: how long it took.
        counts: of tests or mutants, by what became of them.
        rules: of each rule that was tried: its verdict, and how many writes were accepted and
            rejected.
        failures: by test or mutant, the first line of what it said.
        regressions: files of new regressions, by name.
        tally: of operations, schedules and the like: how many.
        transitions: digests of the transitions that machines have seen.
        worker: who tried it.
    """

    shard: str
    verdict: str
    seconds: float
    counts: Mapping[str, int] = field(default_factory=dict)
    rules: Mapping[str, tuple[str, int, int]] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    regressions: Mapping[str, str] = field(default_factory=dict)
    worker: str = ""
    tally: Mapping[str, int] = field(default_factory=dict)
    transitions: Sequence[str] = ()


class Ledger:
    """A ledger file, to which each result is written as soon as it is known."""

    def __init__(self, path: Path, plan: Plan, *, resume: bool) -> None:
        """Begin a ledger, or go on with one.

        Raises:
            CampaignError: There is one and it is not to be gone on with, it is of another plan, or
                it cannot be written.
        """
        self.results: dict[str, Result] = {}
        self._path = path
        try:
            if path.exists() and path.stat().st_size:
                self._go_on(plan, resume=resume)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._append({"form": FORM, "plan": plan.document()})
        except OSError as error:
            message = f"{path}: {error.strerror}"
            raise CampaignError(message) from None

    def _go_on(self, plan: Plan, *, resume: bool) -> None:
        if not resume:
            message = f"{self._path} is there: go on with --resume, or name another with --ledger"
            raise CampaignError(message)
        before, self.results = read(self._path)
        now = plan.document()
        changed = [name for name in now if now[name] != before.get(name)]
        if changed:
            message = f"{self._path} is of another campaign ({', '.join(changed)}): name another"
            raise CampaignError(message)
        if not self._path.read_bytes().endswith(b"\n"):
            with self._path.open("a") as lines:
                lines.write("\n")

    def add(self, result: Result) -> bool:
        """Write a result down; return whether it was not known before."""
        if result.shard in self.results:
            return False
        self._append(asdict(result))
        self.results[result.shard] = result
        return True

    def _append(self, document: object) -> None:
        with self._path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(document) + "\n")
            lines.flush()
            os.fsync(lines.fileno())


def read(path: Path) -> tuple[dict[str, object], dict[str, Result]]:
    """Return the plan and the results of a ledger.

    What ended in an error is no result: it is tried again.

    Raises:
        CampaignError: The file is no ledger.
    """
    try:
        first, *lines = path.read_text(encoding="utf-8").splitlines()
        plan = json.loads(first)["plan"]
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise CampaignError(message) from None
    except (ValueError, KeyError, TypeError):
        message = f"{path} is no ledger of a campaign"
        raise CampaignError(message) from None
    results: dict[str, Result] = {}
    for line in lines:
        try:
            result = Result(**json.loads(line))
        except (ValueError, TypeError):
            continue  # its writer was killed
        if result.verdict != "error":
            results[result.shard] = result
    return plan, results
