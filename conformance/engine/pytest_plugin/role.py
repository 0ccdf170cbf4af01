"""A run as a role: who asks for it, what the header says, and whose rights are proven.

A run that names no role writes as the owner, proves the rights of the application's role, and tries
some of each rule's scenarios as that role too. One that names a role writes as that. `none` leaves
the application's role out.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.engine.domain.chosen import domain

if TYPE_CHECKING:
    from conformance.engine.postgres.scratch import Database

OPTION, VARIABLE = "--role", "CONFORMANCE_ROLE"
FURTHER = "--role-further"  # of the gate, which knows what was there before
NEAR = "--role-near"  # of the gate, too
NOBODY = "none"  # in the place of a role's name, as in SET ROLE: no role can have it
TESTS, ONE_BY_ONE = (Path(__file__).parents[2] / f"test_{name}.py" for name in ("role", "rules"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the role, and what else it may be given."""
    group = parser.getgroup("conformance")
    group.addoption(FURTHER, action="append", default=[], help=argparse.SUPPRESS)
    group.addoption(NEAR, action="append", default=[], help=argparse.SUPPRESS)
    group.addoption(
        OPTION,
        metavar="NAME",
        help="write as this role, which the migrations make, and prove what it cannot do "
        f"({VARIABLE}; default: write as the owner, and prove the application's beside; {NOBODY}: "
        "as the owner alone)",
    )


def role_of(config: pytest.Config) -> str | None:
    """Return the role that the run writes as; None for the owner of the schema."""
    named = _named(config)
    return None if named == NOBODY else named


def proven_role(config: pytest.Config) -> str | None:
    """Return the role whose rights the run proves; None where it was told to prove none."""
    named = _named(config) or domain().application
    return None if named in (NOBODY, "") else named


def further(config: pytest.Config) -> frozenset[str]:
    """Return tables, columns and functions to which the role may have any right."""
    return frozenset(config.getoption(FURTHER))


def _named(config: pytest.Config) -> str | None:
    return config.getoption(OPTION) or os.environ.get(VARIABLE) or None


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say who writes."""
    role = role_of(config)
    return f"role: {role}" if role else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about a role in a run that is to prove none, and rules far from it."""
    near = set(config.getoption(NEAR))
    if near:
        from conformance.engine.pytest_plugin.proof import rules_of

        left = [item for item in items if item.path == ONE_BY_ONE and not near & rules_of(item)]
        items[:] = [item for item in items if item not in left]
        config.hook.pytest_deselected(items=left)
    if proven_role(config) is None:
        left = [item for item in items if item.path == TESTS]
        if left:
            items[:] = [item for item in items if item.path != TESTS]
            config.hook.pytest_deselected(items=left)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """End here if the suite cannot act as the role."""
    from conformance.engine.pytest_plugin.keys import ENVIRONMENT, LOOKS_ONLY

    config = session.config
    role, environment = role_of(config), config.stash[ENVIRONMENT]
    looks = any(config.getoption(name, default=False) for name in LOOKS_ONLY)
    if role is None or not environment.begun or looks:
        return
    from conformance.engine.database import acting

    try:
        environment.template()  # which makes the role
        acting.examine(environment.server(), role)
    except acting.RoleError as error:
        message = f"{OPTION} {error}"
        raise pytest.UsageError(message) from None


@pytest.fixture(scope="session")
def role(pytestconfig: pytest.Config) -> str | None:
    """The role that writes, or None."""
    return role_of(pytestconfig)


@pytest.fixture(scope="session")
def application(pytestconfig: pytest.Config, database: Database) -> str | None:
    """The role whose rights are proven; None where the schema under test has no such role.

    In a run that names a role, that one is proven, and `pytest_collection_finish` saw to it.
    """
    from conformance.engine.database import acting

    proven = proven_role(pytestconfig)
    if proven is None or proven == role_of(pytestconfig):
        return proven
    return None if acting.hindrance(database.conninfo, proven) else proven
