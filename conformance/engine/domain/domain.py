"""A domain as the engine takes it: one object, and no name of a module."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

from conformance.engine.domain.conventions import Conventions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from hypothesis.strategies import SearchStrategy

    from conformance.engine.cases.scenario import Settings, WaysOnSchema
    from conformance.engine.derived.meetings import Meeting
    from conformance.engine.derived.shapes import Derived
    from conformance.engine.derived.world import Facts
    from conformance.engine.gate.state import State
    from conformance.engine.kinds.rule import Rule


@dataclass(frozen=True, slots=True)
class Privileges:
    """Rights of the application's role; what is not here it must be refused.

    Attributes:
        role: its name.
        inserts, updates: the columns that it may write, by tables.
        deletes: the tables whose rows it may delete.
        calls: the functions of `public` that it may call.
        closed: schemas that it has no right to look into.
    """

    role: str
    inserts: Mapping[str, AbstractSet[str]]
    updates: Mapping[str, AbstractSet[str]]
    deletes: AbstractSet[str]
    calls: AbstractSet[str] = frozenset()
    closed: AbstractSet[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Enums:
    """Enum types of a domain.

    Attributes:
        labels: of each type, in its order.
        columns: (table, column) pairs that hold them, by types.
    """

    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    columns: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)


class KnownRace(Protocol):
    """A race that a domain has by name."""

    @property
    def description(self) -> str:
        """One line that says what happens in it."""
        ...

    @property
    def rules(self) -> Iterable[str]:
        """Ids of the rules that it is about."""
        ...

    def timeline(self, sandbox: Any, conninfo: str) -> str:
        """Run it once on a `Sandbox`, its sessions taking turns; return who did what."""
        ...


def _none(*_given: object) -> Iterator[State]:
    return iter(())


def _plainly() -> None:
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Domain:
    """A domain: its rules, and what is known of its schema beside them.

    What takes long to import is a function, which only those call who need it.

    Attributes:
        name: what to call it.
        rules: by their ids, in the order in which reports show them.
        ways: the cases of each rule by write paths, or why a path cannot break it.
        suite: the files of tests that have something to try here, without `.py`.
        commands: those of `python -m conformance` that need more than rules, and have it here.
        columns: of each table, those that the domain promises; a table after its parents.
        derived: columns beside those, which the schema itself computes.
        enums: the enum types that the domain promises.
        uuids: of each table, the columns that are given UUIDs.
        settings: draws what a session may have set; None for nothing.
        privileges: of the application's role; None for a schema without one.
        races: the races that have a name.
        meetings: by rules, transactions of two sessions that may break them together.
        facts: what legal rows of its tables must heed, where machines are derived; else None.
        phases: the module that has, as PHASES, what mutants of its schema are tried with.
        states: of its data, reached on a scratch database, in which the gate rehearses files.
        records: the folder of `equivalent.toml` and `open.toml`, on mutants, `needs.toml`, on what
            guards read, and `answers.toml`, on rejections, each where there is one; None for none.
        migrations: the schema under test, where no other is named; None for the run's own folder.
        areas: ids of rules by what they are about, for whoever looks for one.
        conventions: how the schema is written.
        beside: why the schema has objects that serve no rule, by patterns such as
            `constraint jobs.jobs_pkey` and `trigger projects.*`; the first one that fits counts.
        packages: whose sources decide what a run tries, beside the engine's own.
    """

    name: str
    rules: Mapping[str, Rule]
    ways: Callable[[], Mapping[str, WaysOnSchema]]
    suite: AbstractSet[str]
    commands: AbstractSet[str] = frozenset()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    derived: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    enums: Callable[[], Enums] = Enums
    uuids: Mapping[str, AbstractSet[str]] = field(default_factory=dict)
    settings: Callable[[], SearchStrategy[Settings] | None] = _plainly
    privileges: Privileges | None = None
    races: Callable[[], Mapping[str, KnownRace]] = dict
    meetings: Callable[[], Mapping[str, Derived[Meeting]]] = dict
    states: Callable[[], Callable[..., Iterator[State]]] = lambda: _none
    facts: Facts | None = None
    phases: str = "conformance.engine.mutants.rule_phases"
    records: Path | None = None
    migrations: Path | None = None
    areas: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    conventions: Conventions = field(default_factory=Conventions)
    beside: Mapping[str, str] = field(default_factory=dict)
    packages: tuple[str, ...] = ()

    def record(self, name: str) -> Path | None:
        """Return a file of `records`, where there is one."""
        file = self.records / name if self.records else None
        return file if file and file.exists() else None

    @property
    def landmark(self) -> str:
        """The table by which an installed schema is known: the first one."""
        of_rules = (table for rule in self.rules.values() for table in rule.tables)
        return next(chain(self.columns, of_rules), "")

    @property
    def application(self) -> str:
        """The name of the application's role, or ''."""
        return self.privileges.role if self.privileges else ""
