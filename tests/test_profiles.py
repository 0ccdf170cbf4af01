"""Hypothesis' profiles: the same everywhere, and repeatable by the seed that a run shows."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conformance import profiles

SHOW = """
import json
from conformance import profiles
profiles.register()
from hypothesis import settings
print(json.dumps({
    "loaded": settings.get_current_profile_name(),
    **{
        name: {
            attribute: repr(getattr(settings.get_profile(name), attribute))
            for attribute in (
                "backend", "database", "deadline", "derandomize", "max_examples", "phases",
                "print_blob", "report_multiple_bugs", "stateful_step_count",
                "suppress_health_check", "verbosity",
            )
        }
        for name in profiles.EXAMPLES
    }
}))
"""
DRAWS = """
from hypothesis import given, settings, strategies as st

drawn = []

@given(st.integers())
def test_draws(number):
    drawn.append(number)

class TestMethod:
    @given(st.integers())
    def test_draws(self, number):
        drawn.append(number)

def test_says():
    print("drawn", settings.get_current_profile_name(), len(drawn), drawn)
"""
LIVES = """
from hypothesis import settings

from conformance.guide import MACHINES

def test_lives(guide):
    how = settings(max_examples=3, stateful_step_count=8, database=None)
    guide.run(MACHINES[0], how)
    print("drawn", *(f"{name}*{count}" for name, count in sorted(guide.log.operations.items())))
"""
MIGRATIONS = Path(__file__).parent.parent / "migrations"
OF_CI = ("CI", "TF_BUILD", "GITHUB_ACTIONS", "BUILDKITE", "CIRCLECI", "TEAMCITY_VERSION")


def environment(**variables: str) -> dict[str, str]:
    """Return our environment without what says that this is continuous integration."""
    kept = {name: value for name, value in os.environ.items() if name not in OF_CI}
    return {**kept, **variables}


def shown(**variables: str) -> dict[str, Any]:
    """Return what the profiles are in a new interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", SHOW],
        capture_output=True,
        text=True,
        check=True,
        env=environment(**variables),
    )
    read: dict[str, Any] = json.loads(done.stdout)
    return read


def drawn(folder: Path, *options: str, text: str = DRAWS, **variables: str) -> tuple[str, str]:
    """Run tests that draw, numbers or others, and return the header's seed and what they drew."""
    (folder / "test_draws.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-s", "-p", "conformance.plugin", *options],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=environment(**variables),
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    (line,) = [line for line in done.stdout.splitlines() if "drawn " in line]
    return done.stdout.split("--hypothesis-seed=")[1].split()[0], line.partition("drawn ")[2]


def test_continuous_integration_changes_nothing() -> None:
    """Every setting of every profile is the same with and without CI=1."""
    assert shown() == shown(CI="1")


def test_profiles_are_spelled_out() -> None:
    """All profiles are random, without a deadline, with a database, and show how to replay."""
    found = shown()

    assert "default" == found.pop("loaded")
    assert {"quick": "2", "default": "10", "thorough": "300"} == {
        name: settings["max_examples"] for name, settings in found.items()
    }
    for settings in found.values():
        assert ["None", "False", "True", "False", "()"] == [
            settings[name]
            for name in (
                "deadline",
                "derandomize",
                "print_blob",
                "report_multiple_bugs",
                "suppress_health_check",
            )
        ]
        assert settings["database"].startswith("DirectoryBasedExampleDatabase(")
        assert "explain" not in settings["phases"]


def test_the_shown_seed_repeats_a_run(tmp_path: Path) -> None:
    """A run differs from the last one, and repeats one whose seed it is given, also under CI."""
    seed, first = drawn(tmp_path)
    other_seed, other = drawn(tmp_path, CI="1")
    again_seed, again = drawn(tmp_path, f"--hypothesis-seed={seed}", CI="1")

    assert first.startswith(f"default {2 * profiles.EXAMPLES['default']} ")
    assert (seed, first) == (again_seed, again)
    assert seed != other_seed
    assert first != other


def test_an_option_picks_the_profile(tmp_path: Path) -> None:
    """The option --hypothesis-profile loads one of ours, also where CI is set."""
    _, line = drawn(tmp_path, "--hypothesis-profile=quick", CI="1")

    assert line.startswith(f"quick {2 * profiles.EXAMPLES['quick']} ")


def test_the_shown_seed_repeats_lives(tmp_path: Path) -> None:
    """What leads lives draws the same operations from a seed that it is given as it drew first."""
    schema = f"--migrations={MIGRATIONS}"
    seed, first = drawn(tmp_path, schema, text=LIVES)
    _, again = drawn(tmp_path, schema, f"--hypothesis-seed={seed}", text=LIVES)
    _, other = drawn(tmp_path, schema, "--hypothesis-seed=0", text=LIVES)

    assert "*" in first
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("given", "seed"), [("7", 7), ("0", 0), (0, 0), ("some text", "some text")]
)
def test_the_text_of_a_number_is_that_number(given: int | str, seed: int | str) -> None:
    """A seed on the command line is what Hypothesis itself takes it for."""
    assert seed == profiles.seed_of(given)
