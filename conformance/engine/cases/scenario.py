"""One attempt on a rule, as data: a legal state, a write at the edge, and the step over it."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, runtime_checkable

from hypothesis.strategies import SearchStrategy

from conformance.engine.sql.writes import Path, Write

Transaction: TypeAlias = tuple[Write, ...]
Settings: TypeAlias = tuple[tuple[str, str], ...]


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
class ViolatesSeveral:
    """A transaction that breaks the rule and others as well, which may be named instead.

    Attributes:
        writes: the transaction.
        also: the other rules.
        because: why no violation of this kind breaks the rule alone, where that is so.
    """

    writes: Transaction
    also: AbstractSet[str]
    because: str = ""


@dataclass(frozen=True, slots=True)
class ConcurrentCheck:
    """Uncommitted writes of another session, and facts that must not wait for them.

    It takes it back once they have been asked.
    """

    writes: Transaction
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class OwnCheck:
    """Uncommitted writes of the session itself, and facts that are true of them already.

    It takes it back once they have been asked: time goes on while now() stands still.
    """

    writes: Transaction
    facts: tuple[Fact, ...]


class Plain:
    """A scenario that is not shown: all of it stands in the one that holds it."""

    def __init__(self, scenario: Scenario) -> None:
        """Hold a scenario."""
        self.scenario = scenario

    def __repr__(self) -> str:
        """Say no more than that there is one."""
        return "Plain()"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One case of a rule: transactions on a database that was empty.

    Attributes:
        given: transactions that are legal and make the state; they are not what is tried.
        past: a transaction after these that is legal and of no matter to the rule: where another
            one refuses it, which is for that one's scenarios to judge, this goes on without it.
        legal: transactions at the edge of the rule, each of which must be accepted.
        broken: transactions one step over it, each of which must be rejected in the rule's name.
        within: what must be true inside a transaction, once the legal ones are in.
        beside: what must not be waited for, after that.
        facts: what must be true after all those.
        because: why it has nothing that is legal, or no violation, where that is so.
        settings: what the session that tries it has set, by name: no rule depends on it.
        plain: the same with nothing in it that is of no matter to the rule, where there is more:
            what a schema refuses for that says nothing of the rule.
    """

    given: tuple[Transaction, ...] = ()
    legal: tuple[Transaction, ...] = ()
    broken: tuple[Transaction | ViolatesSeveral, ...] = ()
    facts: tuple[Fact, ...] = ()
    beside: tuple[ConcurrentCheck, ...] = ()
    within: tuple[OwnCheck, ...] = ()
    because: str = ""
    settings: Settings = ()
    plain: Plain | None = field(default=None, compare=False)
    past: Transaction = ()


@dataclass(frozen=True, slots=True)
class ColumnCase:
    """One fact of a column: transactions that must be accepted, and one that must be refused.

    Attributes:
        name: what is tried, in words.
        accepted: the transactions that make the state, and those at the edge.
        refused: what is refused; None where a fact is all there is to see.
        by: the SQLSTATE and the column, or '', with which it is refused.
        more: further transactions that are refused alike.
        token: what the refusal's name begins with, where a rule has one; else ''.
        facts: what is true once the transactions are in.
        tables: what it is about.
        alike: other SQLSTATEs that are as good, with no name.
        meanwhile: rules that what is taken back before commit breaks, and may be refused by.
    """

    name: str
    accepted: tuple[Transaction, ...]
    refused: Transaction | None = None
    by: tuple[str, str] = ("", "")
    facts: tuple[Fact, ...] = ()
    tables: tuple[str, ...] = ()
    more: tuple[Transaction, ...] = ()
    token: str = ""
    alike: tuple[str, ...] = ()
    meanwhile: tuple[str, ...] = ()


class Asked(Protocol):
    """A database that answers queries."""

    def fetch(self, query: str) -> list[tuple[object, ...]]:
        """Return the rows of a query."""
        ...

    def __hash__(self) -> int:
        """Tell it from others: what was read of a schema is kept."""
        ...


@runtime_checkable
class OnSchema(Protocol):
    """Scenarios that are made of what a live schema has."""

    def on(self, schema: Asked) -> SearchStrategy[Scenario]:
        """Return the scenarios for the schema of a database."""
        ...


# Each path that could break a rule has scenarios, or the reason why it cannot.
Ways: TypeAlias = Mapping[Path, SearchStrategy[Scenario] | str]
# The same where some follow from what a live schema has.
WaysOnSchema: TypeAlias = Mapping[Path, SearchStrategy[Scenario] | OnSchema | str]
