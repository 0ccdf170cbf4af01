"""Findings that a waiver of the file excuses: they are notes then, with what they excuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from conformance.engine.audit.findings import Fault
    from conformance.engine.deployment.waivers import Waiver


def settle(
    fault: Fault,
    named: Collection[str],
    waivers: Iterable[Waiver],
    into: tuple[list[Fault], list[str]],
    said: str = "",
) -> Waiver | None:
    """Add a finding to some, or to the notes that a waiver excuses it; return that waiver.

    Args:
        fault: the finding.
        named: what a waiver may name, for it to be this one.
        waivers: of the file.
        into: findings, and notes.
        said: what is excused, where the finding says more.
    """
    waiver = next((each for each in waivers if each.what in named), None)
    if waiver is None:
        into[0].append(fault)
    else:
        into[1].append(f"{waiver} (excuses: {said or fault.what})")
    return waiver
