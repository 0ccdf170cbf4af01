"""The known races: one short definition each, run in all its interleavings at all levels."""

from conformance.framecast.known_races import (
    caps,
    erasures,
    erasures_halfway,
    independent,
    invitations,
    jobs,
    members,
    owned_resources,
    rows,
    slugs,
    stand_ins,
    times,
)
from conformance.framecast.known_races.definition import KnownRace

__all__ = ["AREAS", "KNOWN_RACES", "KnownRace"]

AREAS = (
    caps,
    members,
    slugs,
    invitations,
    jobs,
    owned_resources,
    erasures,
    erasures_halfway,
    stand_ins,
    times,
    rows,
    independent,
)

KNOWN_RACES: dict[str, KnownRace] = {each.name: each for area in AREAS for each in area.KNOWN_RACES}
