"""Hypothesis' profiles: the same everywhere, and repeatable by the seed that a run shows."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from conformance.engine.pytest_plugin import profiles
from conformance.test_rules import test_rule as rule_test

SHOW = """
import json
from conformance.engine.pytest_plugin import profiles
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
RUNS = """
from hypothesis import settings

from conformance.framecast.machines.runner import MACHINES

def test_runs(runner):
    how = settings(max_examples=3, stateful_step_count=8, database=None)
    runner.run(MACHINES[0], how)
    print("drawn", *(f"{name}*{count}" for name, count in sorted(runner.log.operations.items())))
"""
SHAPES = """
import json

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

drawn = {}

@pytest.fixture
def note(request):
    of = request.node.name
    seen = drawn.setdefault(of, [])
    yield seen
    with open(of, "w") as file:
        json.dump(seen, file)

@given(number=st.integers())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one(note, number):
    note.append(number)

@given(number=st.integers())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_two(note, number):
    note.append(number)

@pytest.mark.parametrize("each", ["a", "b", "c"])
@given(number=st.integers())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_twice(note, number, each):
    note.append(number)

def test_says():
    print("drawn", json.dumps(drawn))
"""
MIGRATIONS = Path(__file__).parents[3] / "migrations"
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
    done = _pytest(folder, "-s", *options, **variables)
    assert 0 == done.returncode, done.stdout + done.stderr
    (line,) = [line for line in done.stdout.splitlines() if "drawn " in line]
    return done.stdout.split("--hypothesis-seed=")[1].split()[0], line.partition("drawn ")[2]


def _pytest(folder: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "conformance.plugin", *options],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=environment(**variables),
    )


def test_continuous_integration_changes_nothing() -> None:
    """Every setting of every profile is the same with and without CI=1."""
    assert shown() == shown(CI="1")


def test_profiles_are_spelled_out() -> None:
    """All profiles are random, without a deadline and without a database of examples."""
    found = shown()

    assert "default" == found.pop("loaded")
    assert {"quick": "2", "default": "10", "thorough": "300"} == {
        name: each["max_examples"] for name, each in found.items()
    }
    for each in found.values():
        assert ["None", "False", "False", "False", "(HealthCheck.too_slow,)"] == [
            each[name]
            for name in (
                "deadline",
                "derandomize",
                "print_blob",
                "report_multiple_bugs",
                "suppress_health_check",
            )
        ]
        assert "None" == each["database"]
        assert "explain" not in each["phases"]


@pytest.mark.parametrize("profile", profiles.EXAMPLES)
def test_a_busy_machine_fails_no_test(profile: str) -> None:
    """However slowly rows are drawn, that alone fails nothing."""
    profiles.register()
    settings.load_profile(profile)
    try:
        used = [
            settings(),
            profiles.machines(),
            profiles.hostile_runs(),
            profiles.races(),
            profiles.meetings(),
            vars(rule_test)["_hypothesis_internal_use_settings"],
        ]
    finally:
        settings.load_profile("default")

    assert all(HealthCheck.too_slow in each.suppress_health_check for each in used)


def test_the_shown_seed_repeats_a_run(tmp_path: Path) -> None:
    """A run differs from the last one, and repeats one whose seed it is given, also under CI."""
    seed, first = drawn(tmp_path)
    other_seed, other = drawn(tmp_path, CI="1")
    again_seed, again = drawn(tmp_path, f"--hypothesis-seed={seed}", CI="1")

    assert first.startswith(f"default {2 * profiles.EXAMPLES['default']} ")
    assert (seed, first) == (again_seed, again)
    assert seed != other_seed
    assert first != other


def test_tests_of_one_shape_draw_different_examples(tmp_path: Path) -> None:
    """Functions, and parameters of one, each draw from a seed of their own."""
    _, found = drawn(tmp_path, text=SHAPES)
    by_test = json.loads(found)

    assert 5 == len(by_test)
    assert 5 == len({json.dumps(each) for each in by_test.values()})


@pytest.mark.parametrize("how", [["-n", "0"], ["-n", "2"], ["-n", "0", "--rootdir=/"]])
def test_a_test_alone_draws_what_it_drew_among_others(tmp_path: Path, how: list[str]) -> None:
    """A test replayed by its id draws the same, in one process, in workers, of any root."""
    seed, found = drawn(tmp_path, text=SHAPES)
    chosen = ["test_draws.py::test_twice[b]", "test_draws.py::test_says"]
    arguments = [*how, *chosen, f"--hypothesis-seed={seed}"]
    if "2" in how:
        (tmp_path / "test_twice[b]").unlink()
        done = _pytest(tmp_path, *arguments, f"--migrations={MIGRATIONS}")
        assert 0 == done.returncode, done.stdout + done.stderr
        again = (tmp_path / "test_twice[b]").read_text()
        assert json.loads(found)["test_twice[b]"] == json.loads(again)
    else:
        _, again = drawn(tmp_path, *arguments, text=SHAPES)
        assert {"test_twice[b]": json.loads(found)["test_twice[b]"]} == json.loads(again)


def test_what_failed_before_changes_nothing_that_is_drawn(tmp_path: Path) -> None:
    """A run draws the same whether or not an earlier one has failed there."""
    (tmp_path / "test_draws.py").write_text(
        DRAWS.replace("    drawn.append(number)", "    assert number < 5")
    )
    _pytest(tmp_path, "--hypothesis-seed=1")
    _, after = drawn(tmp_path, "--hypothesis-seed=1")
    (tmp_path / "new").mkdir()
    _, without = drawn(tmp_path / "new", "--hypothesis-seed=1")

    assert without == after


def test_an_option_picks_the_profile(tmp_path: Path) -> None:
    """The option --hypothesis-profile loads one of ours, also where CI is set."""
    _, line = drawn(tmp_path, "--hypothesis-profile=quick", CI="1")

    assert line.startswith(f"quick {2 * profiles.EXAMPLES['quick']} ")


def test_the_shown_seed_repeats_runs(tmp_path: Path) -> None:
    """The runner draws the same operations from a seed that it is given as it drew first."""
    schema = f"--migrations={MIGRATIONS}"
    seed, first = drawn(tmp_path, schema, text=RUNS)
    _, again = drawn(tmp_path, schema, f"--hypothesis-seed={seed}", text=RUNS)
    _, other = drawn(tmp_path, schema, "--hypothesis-seed=0", text=RUNS)

    assert "*" in first
    assert first == again
    assert first != other


@pytest.mark.parametrize(("given", "seed"), [("7", 7), ("0", 0), (0, 0), ("-3", -3)])
def test_the_text_of_a_number_is_that_number(given: int | str, seed: int) -> None:
    """A seed on the command line is what Hypothesis itself takes it for."""
    assert seed == profiles.seed_of(given)
