"""Definition of a known race: a description, an invariant that it must keep, and named steps."""

from __future__ import annotations

from collections.abc import Callable  # noqa: TC003 - a field of a dataclass
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.engine.console import width
from conformance.engine.sql.writes import RawSql
from conformance.framecast.model import State
from conformance.framecast.operations.operation import Act, Operation
from conformance.framecast.operations.setups import Builder
from conformance.framecast.races.schedule import (
    ROOM,
    Level,
    Planning,
    Race,
    Reader,
    Session,
    Transaction,
    started,
)

if TYPE_CHECKING:
    from conformance.engine.database.sandbox import Sandbox

# The ids that the first session gives begin here.
FIRST = ROOM + 1
MARGIN = 6  # characters before a timeline on the page of a rule


@dataclass(frozen=True, slots=True)
class RaceStep:
    """An operation with its arguments, before anybody has planned it."""

    operation: Operation
    arguments: dict[str, Any]


def does(operation: Operation, **arguments: Any) -> RaceStep:
    """Do something."""
    return RaceStep(operation, arguments)


# What waits for the commit is asked after each statement from here on.
AT_ONCE = Operation(
    "ask all rules at once",
    {},
    lambda state: Act((RawSql("SET CONSTRAINTS ALL IMMEDIATE"),), state),
)


@dataclass(slots=True)
class RaceSetup:
    """The rows before a race, and its sessions.

    `given` builds what there is. A session is a transaction of some steps; it may be `early`, which
    begins before its first step, and it may know of what an earlier session makes. Sessions that
    are `independent` have nothing to do with each other.
    """

    given: Builder = field(default_factory=lambda: Builder(State()))
    independent: bool = False
    _casts: list[tuple[str, tuple[RaceStep, ...], bool, tuple[str, ...]]] = field(
        default_factory=list
    )
    _readers: list[Reader] = field(default_factory=list)

    def session(
        self, name: str, *steps: RaceStep, early: bool = False, knows: tuple[str, ...] = ()
    ) -> None:
        """Add a session that writes."""
        self._casts.append((name, steps, early, knows))

    def reader(self, name: str, job: int, looks: int) -> None:
        """Add a session that follows the events of a job."""
        self._readers.append(Reader(name, job, looks))

    def race(self, name: str) -> Race:
        """Return the race, at read committed."""
        start = started(name, self.given)
        made: dict[str, Transaction] = {}
        for place, (who, steps, early, knows) in enumerate(self._casts):
            plan = Planning(start, place, [made[each] for each in knows])
            for step in steps:
                plan.add(step.operation, step.arguments)
            made[who] = Transaction(
                who, Level.READ_COMMITTED, tuple(plan.actions), plan.serial, early
            )
        sessions: tuple[Session, ...] = (*made.values(), *self._readers)
        return Race(start, sessions, self.independent)


@dataclass(frozen=True, slots=True)
class KnownRace:
    """A race that everybody knows.

    Attributes:
        name: begins with the token of the first of its rules.
        rules: the ids of the rules that it is about.
        invariant: what must hold, whoever comes first.
        description: what happens.
        play: sets it up.
        times: how often each order is run at read committed: more than once where a commit sets two
            sessions free, and the server decides which of them goes on first.
    """

    name: str
    rules: tuple[str, ...]
    invariant: str
    description: str
    play: Callable[[RaceSetup], None]
    times: int = 1

    def race(self) -> Race:
        """Return the race, at read committed."""
        setup = RaceSetup()
        self.play(setup)
        return setup.race(self.name)

    def timeline(self, sandbox: Sandbox, conninfo: str) -> str:
        """Run it once, its sessions taking turns; return what each did, as a table."""
        from conformance.framecast.races.harness import Harness, IllegalStartError  # noqa: PLC0415 - only who shows it waits for it
        from conformance.framecast.races.rendering import side_by_side  # noqa: PLC0415 - as above

        race = self.race()
        with Harness(sandbox, conninfo) as harness:
            try:
                trace, _ = harness.judged(race, race.in_turns())
            except IllegalStartError as error:
                return f"it cannot begin on this schema: {error}"
        return side_by_side(race, trace, width() - MARGIN)


def known_race(
    *rules: str, invariant: str, times: int = 1
) -> Callable[[Callable[[RaceSetup], None]], KnownRace]:
    """Return a decorator that makes a known race of a function, described by its docstring."""

    def make(play: Callable[[RaceSetup], None]) -> KnownRace:
        token = rules[0].lower().replace("-", "_").replace(" ", "_")
        description = (play.__doc__ or "").partition("\n")[0]
        return KnownRace(f"{token}__{play.__name__}", rules, invariant, description, play, times)

    return make
