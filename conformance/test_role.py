"""What the application's role has no power to do, tried on everything that the server lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.powers import KINDS, Powers, declared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.postgres.scratch import Scratch, Template


@pytest.fixture(scope="module")
def powers(scratch: Scratch, template: Template, role: str) -> Iterator[Powers]:
    """Return what tries the role's powers, on a database of its own."""
    with scratch.cloned(template, "powers") as database, Powers(database.conninfo, role) as powers:
        yield powers


@pytest.mark.parametrize("kind", KINDS)
def test_powerless(kind: str, powers: Powers) -> None:
    """Whatever of a kind there is to try is refused for want of a right."""
    attempts = powers.attempts(kind)

    assert attempts
    assert [] == powers.allowed(attempts)


def test_rights(powers: Powers) -> None:
    """The role's rights are those that are written down, column by column, and no others."""
    assert declared() == powers.granted()
