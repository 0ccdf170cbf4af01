"""Sessions of independent companies do not wait for each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from conformance.engine.pytest_plugin import proof
from conformance.framecast.races.strangers import Strangers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.engine.cases.verdicts import Finding
    from conformance.engine.database.sandbox import Sandbox

# The rules for which writers of a table take locks that are not their own row's.
LOCKED: Final[Mapping[str, frozenset[str]]] = {
    "users": frozenset({"INV-I7", "INV-I8"}),
    "teams": frozenset({"INV-T3", "INV-T2"}),
    "memberships": frozenset({"INV-T2", "INV-T7", "INV-T8", "INV-U2"}),
    "invitations": frozenset({"CARD-4", "INV-I7", "INV-I8"}),
    "projects": frozenset({"ROLE-2", "INV-P5"}),
    "jobs": frozenset({"CARD-5", "CARD-6"}),
    "job_events": frozenset({"SEQ-1", "SEQ-2"}),
    "api_keys": frozenset({"ROLE-2", "INV-X4"}),
    "asset_files": frozenset({"ROLE-2", "INV-X2"}),
    "webhooks": frozenset({"ROLE-1"}),
    "webhook_deliveries": frozenset({"RET-1"}),
    "usage": frozenset({"INV-US4"}),
}


@pytest.fixture(scope="module")
def waits(sandbox: Sandbox) -> dict[str, Finding]:
    """Return who waits for people that they have nothing to do with, by tables."""
    return Strangers(sandbox).waits()


@pytest.mark.parametrize(
    "table",
    [pytest.param(table, id=table, marks=proof.about(rules)) for table, rules in LOCKED.items()],
)
def test_strangers(table: str, waits: dict[str, Finding]) -> None:
    """A write in one company does not wait for what is done in another."""
    if table in waits:
        raise waits[table]
