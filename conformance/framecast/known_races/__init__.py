"""The classic races: one short definition each, run in all its interleavings at all levels."""

from conformance.framecast.known_races import (
    apart,
    belongings,
    erasures,
    letters,
    members,
    rows,
    slugs,
    times,
    work,
)
from conformance.framecast.known_races.scene import Classic

__all__ = ["AREAS", "CLASSICS", "Classic"]

AREAS = (members, slugs, letters, work, belongings, erasures, times, rows, apart)

CLASSICS: dict[str, Classic] = {each.name: each for area in AREAS for each in area.CLASSICS}
