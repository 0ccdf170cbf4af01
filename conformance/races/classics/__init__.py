"""The classic races: one short definition each, run in all its interleavings at all levels."""

from conformance.races.classics import belongings, letters, members, times, work
from conformance.races.classics.scene import Classic

__all__ = ["CLASSICS", "Classic"]

CLASSICS: dict[str, Classic] = {
    each.name: each
    for area in (members, letters, work, belongings, times)
    for each in area.CLASSICS
}
