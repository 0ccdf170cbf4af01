"""One attempt on a rule, as data: a legal state, a write at the edge, and the step over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from hypothesis.strategies import SearchStrategy

from conformance.writes import Path, Write

Transaction: TypeAlias = tuple[Write, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """A query for one value, and what it must be: how rules that are derived show themselves.

    `side` says which side of the rule the fact shows: True for what it grants, False for what it
    denies.
    """

    query: str
    expected: object
    side: bool = True


@dataclass(frozen=True, slots=True)
class Beside:
    """What another session has written and not committed, and facts that must not wait for it.

    It takes it back once they have been asked.
    """

    writes: Transaction
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens to a database that was empty.

    Attributes:
        given: transactions that are legal and make the state; they are not what is tried.
        legal: transactions at the edge of the rule, each of which must be accepted.
        broken: transactions one step over it, each of which must be rejected.
        also: other rules that the broken ones break as well, and that may be named instead.
        beside: what must not be waited for, once the legal ones are in.
        facts: what must be true after all those.
    """

    given: tuple[Transaction, ...] = ()
    legal: tuple[Transaction, ...] = ()
    broken: tuple[Transaction, ...] = ()
    also: frozenset[str] = frozenset()
    facts: tuple[Fact, ...] = ()
    beside: tuple[Beside, ...] = ()


# Each path that could break a rule has scenarios, or the reason why it cannot.
Ways: TypeAlias = Mapping[Path, SearchStrategy[Scenario] | str]
