"""Runs of one test of the suite, in an environment of their own."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.engine.pytest_plugin.test_profiles import environment

ROOT = Path(__file__).parents[2]


def run(one: Sequence[str], *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a test, as pytest is told of it, with options and variables."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", *one, *options],
        cwd=ROOT,
        env=environment(**variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
