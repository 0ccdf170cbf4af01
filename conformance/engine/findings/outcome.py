"""Plugin of the pytest that tries a finding's test again: its exit code is that of the test alone.

One test may leave its rule unproven, which fails a run, and is not what was found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None]:
    """Take back what recorders have made of a run whose test passed."""
    yield
    if session.exitstatus == pytest.ExitCode.TESTS_FAILED and not session.testsfailed:
        session.exitstatus = pytest.ExitCode.OK
