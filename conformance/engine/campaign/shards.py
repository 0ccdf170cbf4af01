"""Shards of a campaign: what is tried as one piece, and the list of them that a plan comes to."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import conformance

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SUITE: Final = Path(conformance.__file__).parent
MUTANTS: Final = "mutants"
SOAKS: Final = "soaks"
SOAK: Final = 60  # seconds
MACHINES: Final = "machines"
# The tests of each kind that is tried under seeds.
TESTS: Final[Mapping[str, tuple[str, ...]]] = {
    "near-misses": ("test_rules.py", "test_columns.py"),
    MACHINES: ("test_machines.py",),
    "hostile": ("test_hostile.py",),
    "races": ("test_races.py", "test_meetings.py", "test_meeting_rules.py"),
}
KINDS: Final = (*TESTS, MUTANTS)
ALL: Final = (*KINDS, SOAKS)  # which take as long as somebody waits, and so are asked for


class CampaignError(Exception):
    """A campaign that cannot begin or go on; its text is one message, ready for a user."""


@dataclass(frozen=True, order=True)
class Shard:
    """One piece of a campaign.

    Attributes:
        kind: one of `ALL`.
        seed: what it draws with.
        part: which part of the kind's tests or mutants it is, from 1.
        parts: how many there are.
    """

    kind: str
    seed: int
    part: int
    parts: int

    @property
    def name(self) -> str:
        """The one token by which the ledger and a user know it."""
        return f"{self.kind}/{self.seed}/{self.part}-of-{self.parts}"


@dataclass(frozen=True)
class Plan:
    """All that a campaign tries; the same plan is the same shards, whoever carries them out.

    Attributes:
        kinds: what is tried.
        first: the first seed; the others follow it.
        seeds: how many.
        parts: into how many shards the tests of a kind are divided under each seed.
        mutants: into how many shards the mutants are divided, once.
        arguments: further ones of pytest's.
        code: a digest of the suite and of the schema under test.
        weights: how many shards of a kind begin for one of a kind that is not named here.
        soak: seconds that each soak takes.
    """

    kinds: tuple[str, ...]
    first: int
    seeds: int
    parts: int
    mutants: int
    arguments: tuple[str, ...]
    code: str
    weights: tuple[tuple[str, int], ...] = ()
    soak: int = SOAK

    def shards(self) -> list[Shard]:
        """Return the shards, kinds taking turns: a campaign cut short has tried some of each."""
        groups = [self._of(kind) for kind in self.kinds]
        longest = max((len(group) for group in groups if group[0].kind in TESTS), default=1)
        weights = dict(self.weights)
        places = [
            # Mutants are tried once, whatever the seeds: spread over all of the others.
            (
                number / weights[kind]
                if kind in weights
                else number * (longest / len(group) if kind == MUTANTS else 1),
                shard,
            )
            for kind, group in zip(self.kinds, groups, strict=True)
            for number, shard in enumerate(group)
        ]
        return [shard for _, shard in sorted(places, key=lambda place: place[0])]

    def _of(self, kind: str) -> list[Shard]:
        if kind == MUTANTS:
            return [Shard(kind, self.first, n, self.mutants) for n in range(1, self.mutants + 1)]
        parts = 1 if kind == SOAKS else self.parts
        return [
            Shard(kind, seed, part, parts)
            for seed in range(self.first, self.first + self.seeds)
            for part in range(1, parts + 1)
        ]

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Plan:
        """Return the plan that a ledger's first line has."""
        lists = {name: tuple(document[name]) for name in ("kinds", "arguments")}
        weights = tuple((kind, weight) for kind, weight in document.get("weights", ()))
        return cls(**{**document, **lists, "weights": weights})

    def document(self) -> dict[str, object]:
        """Return it as the first line of a ledger has it."""
        lists = {"kinds": list(self.kinds), "arguments": list(self.arguments)}
        return {**asdict(self), **lists, "weights": [list(each) for each in self.weights]}


def share(shards: Sequence[Shard], part: int, parts: int) -> list[Shard]:
    """Return every n-th shard, from the k-th: what one of several machines takes."""
    return list(shards[part - 1 :: parts])


def code(folders: Sequence[Path]) -> str:
    """Return a digest of the Python and SQL files of some folders."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted((*folder.rglob("*.py"), *folder.rglob("*.sql"))):
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
