"""Framecast as the engine takes it: the one object by which all of this domain is reached."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from conformance.engine.domain.domain import Domain, Enums, KnownRace, Privileges
from conformance.framecast.application import APPLICATION
from conformance.framecast.beside import BESIDE
from conformance.framecast.conventions import CONVENTIONS
from conformance.framecast.privileges import CALLS, DELETES, INSERTS, UPDATES
from conformance.framecast.rules import AREAS, RULES
from strategies.tables import COLUMNS, DERIVED, UUIDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hypothesis.strategies import SearchStrategy

    from conformance.engine.cases.scenario import Settings, Ways
    from conformance.engine.gate.state import State


def _ways() -> Mapping[str, Ways]:
    from strategies.near_misses import WAYS  # noqa: PLC0415 - slow: only where cases are tried

    return WAYS


def _races() -> Mapping[str, KnownRace]:
    from conformance.framecast.known_races import KNOWN_RACES  # noqa: PLC0415 - as above

    return KNOWN_RACES


def _enums() -> Enums:
    from strategies import enums  # noqa: PLC0415 - draws values, which not everybody needs

    return Enums(enums.ENUMS, enums.COLUMNS)


def _settings() -> SearchStrategy[Settings]:
    from strategies.session_settings import session_settings  # noqa: PLC0415 - as above

    return session_settings()


def _states() -> Callable[..., Iterator[State]]:
    from conformance.framecast.states import reached  # noqa: PLC0415 - as above

    return reached


DOMAIN: Final = Domain(
    name="Framecast",
    rules=RULES,
    ways=_ways,
    suite=frozenset(
        {
            *("test_columns", "test_corpus", "test_functions", "test_hostile", "test_machines"),
            *("test_meetings", "test_races", "test_reading", "test_replacements", "test_role"),
            *("test_patterns", "test_rules", "test_strangers"),
        }
    ),
    commands=frozenset({"gate", "mutants", "soak"}),
    columns=COLUMNS,
    derived=DERIVED,
    enums=_enums,
    uuids=UUIDS,
    races=_races,
    settings=_settings,
    states=_states,
    privileges=Privileges(
        APPLICATION, INSERTS, UPDATES, DELETES, CALLS, closed=frozenset({"framecast"})
    ),
    areas={area: tuple(rule.id for rule in rules) for area, rules in AREAS.items()},
    phases="conformance.framecast.mutants.phases",
    records=Path(__file__).with_name("records"),
    conventions=CONVENTIONS,
    beside=BESIDE,
    packages=("strategies",),
)
