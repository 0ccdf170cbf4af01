"""A run as a role: who asks for it, what the header says, and when the role's own tests run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

OPTION, VARIABLE = "--role", "CONFORMANCE_ROLE"
TESTS = Path(__file__).with_name("test_role.py")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the role."""
    parser.getgroup("conformance").addoption(
        OPTION,
        metavar="NAME",
        help="write as this role, which the migrations make, and prove what it cannot do "
        f"({VARIABLE}; default: as the owner)",
    )


def role_of(config: pytest.Config) -> str | None:
    """Return the role that the run writes as; None for the owner of the schema."""
    return config.getoption(OPTION) or os.environ.get(VARIABLE) or None


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say who writes."""
    role = role_of(config)
    return f"role: {role}" if role else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about a role in a run without one."""
    if role_of(config) is None:
        left = [item for item in items if item.path == TESTS]
        if left:
            items[:] = [item for item in items if item.path != TESTS]
            config.hook.pytest_deselected(items=left)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """End here if the suite cannot act as the role."""
    from conformance.plugin import LOOKS_ONLY, STAGE  # noqa: PLC0415 - it registers this module

    config = session.config
    role, stage = role_of(config), config.stash[STAGE]
    looks = any(config.getoption(name, default=False) for name in LOOKS_ONLY)
    if role is None or not stage.begun or looks:
        return
    from conformance import acting  # noqa: PLC0415 - only for those who need it

    try:
        stage.template()  # which makes the role
        acting.examine(stage.server(), role)
    except acting.RoleError as error:
        message = f"{OPTION} {error}"
        raise pytest.UsageError(message) from None


@pytest.fixture(scope="session")
def role(pytestconfig: pytest.Config) -> str | None:
    """The role that writes, or None."""
    return role_of(pytestconfig)
