"""Roles as which the gate tries files, and what it makes of a trial."""

import dataclasses

from conformance.engine.audit.owner import Owner
from conformance.engine.gate.files import Files
from conformance.engine.gate.trial import Trial

PLAIN = Owner(
    "mover",
    superuser=False,
    creates_roles=False,
    bypasses_policies=False,
    creates_schemas=True,
    creates_in_public=True,
    member=False,
    administers=False,
)
SUPER = dataclasses.replace(PLAIN, superuser=True)


def flipped(tried: tuple[Trial, Files]) -> tuple[list[dict[tuple[str, str], str]], Files]:
    """Return the steps of a trial, and its files."""
    return tried[0].steps, tried[1]
