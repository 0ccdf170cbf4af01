"""Every test says which rules it is part of the proof of, and a rule's token selects them all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conformance.engine.pytest_plugin import proof
from conformance.framecast.machines.runner import MACHINES
from conformance.framecast.operations import OPERATIONS
from conformance.framecast.operations.tables import tables_of
from conformance.framecast.races.explorer import THEMES
from conformance.framecast.rules import RULES
from strategies.facts import facts
from strategies.tables import COLUMNS

ROOT = Path(__file__).parents[3]
# What some of the tests about INV-T2 are named, one of every kind.
ABOUT_T2 = (
    "test_rules.py::test_rule[inv_t2__delete]",
    "test_races.py::test_known_race[inv_t2__two_owners_step_down]",
    "test_races.py::test_drawn[owners, two owners]",
    "test_machines.py::test_run[MembershipMachine]",
    "test_hostile.py::test_hostile[memberships]",
    "test_hostile.py::test_hostile[everything]",
    "test_columns.py::test_column[memberships.role null]",
    "test_role.py::test_rights",
)
CAP = ("test_machines.py::test_counts[CARD-5]", "test_machines.py::test_run[JobMachine]")
MOVES = ("test_machines.py::test_pairs[job]", "test_races.py::test_drawn[jobs, a team]")
PAST = ("test_corpus.py::test_corpus[inv_m6__b1a7a04b6b71]",)


DUMP = """
import json

def pytest_collection_finish(session):
    told = {
        item.nodeid: [sorted(item.extra_keyword_matches), item.get_closest_marker("rules") is None]
        for item in session.items
    }
    print("DUMP", json.dumps(told))
"""


def collect(*options: str, folder: Path) -> str:
    """Return what pytest prints of the tests that it collects."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "conformance", "--collect-only", "-q", "-n0"),
            *options,
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert pytest.ExitCode.OK == done.returncode, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tests(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[list[str], bool]]:
    """Return all tests of the suite: the tokens that select each, and whether it has no marker."""
    folder = tmp_path_factory.mktemp("dump")
    (folder / "dump_tests.py").write_text(DUMP)
    told = collect("-p", "dump_tests", folder=folder)
    (line,) = (each for each in told.splitlines() if each.startswith("DUMP "))
    return dict(json.loads(line.removeprefix("DUMP ")))


@pytest.mark.parametrize(
    ("token", "some"),
    [("inv_t2__", ABOUT_T2), ("card_5__", CAP), ("state_job__", MOVES), ("inv_m6__", PAST)],
)
def test_a_token_is_on_all_that_is_about_a_rule(
    token: str, some: tuple[str, ...], tests: dict[str, tuple[list[str], bool]]
) -> None:
    """A rule's token is on its near misses, races, machines, hostile runs, facts and past."""
    assert [] == [each for each in some if token not in tests[f"conformance/{each}"][0]]


def test_a_token_is_on_no_other_rules_near_misses(
    tests: dict[str, tuple[list[str], bool]],
) -> None:
    """A near miss is selected by the token of its own rule alone."""
    near = {test: tokens for test, (tokens, _) in tests.items() if "::test_rule[" in test}

    assert near
    assert [] == [
        test for test, tokens in near.items() if len(tokens) != 1 or f"[{tokens[0]}" not in test
    ]


def test_a_token_selects_what_it_is_on(
    tests: dict[str, tuple[list[str], bool]], tmp_path: Path
) -> None:
    """With -k a rule's token selects the tests that have it, and no other."""
    chosen = {
        line
        for line in collect("-k", "inv_j1__", folder=tmp_path).splitlines()
        if line.startswith("conformance/")
    }

    assert {test for test, (tokens, _) in tests.items() if "inv_j1__" in tokens} == chosen


def test_every_rule_is_named_by_each_kind_of_search() -> None:
    """Machines and drawn races search for each rule that is about what somebody writes."""
    # Tables that are shipped, or that the schema keeps for itself, nobody writes.
    shipped = {rule.id for rule in RULES.values() if not set(COLUMNS).intersection(rule.tables)}
    shipped |= {rule.id for rule in RULES.values() if rule.tables == ("system_assets",)}
    machines = {rule for each in MACHINES for rule in proof.of_tables(tables_of(each.operations()))}
    races = {
        rule
        for theme in THEMES.values()
        for rule in proof.of_tables(tables_of(each for _, each in theme.operations))
    }
    assert set(RULES) - shipped == machines - shipped
    assert set() == {rule for rule in set(RULES) - shipped - races if RULES[rule].tables}


def test_operations_write_tables() -> None:
    """Each operation writes a table of the domain, save those that only call functions of time."""
    none = {each.name for each in OPERATIONS.values() if not tables_of([each])}

    assert {"clean up deliveries", "clean up events", "let time pass"} == none


def test_facts_of_columns_are_about_the_rules_that_read_them() -> None:
    """A fact is about the rule that its token names, and about those whose queries read it."""
    rules = {form.name: proof.of_form(form) for form in facts()}

    assert "INV-M2" in rules["membership_role labels"]
    assert {"INV-WD3"} <= rules["webhook_deliveries.max_attempts least"]
    assert "INV-T2" not in rules["jobs.progress null"]


def test_an_unmarked_test_is_about_no_rule(request: pytest.FixtureRequest) -> None:
    """A test without the marker is part of no rule's proof."""
    item: Any = request.node

    assert frozenset() == proof.rules_of(item)


@pytest.mark.rules("INV-T2", "no rule", wide=True)
def test_a_marked_test_is_about_rules(request: pytest.FixtureRequest) -> None:
    """A marker names rules of the catalogue; whatever else it names is none."""
    item: Any = request.node

    assert frozenset({"INV-T2"}) == proof.rules_of(item)
    assert proof.is_wide(item)
    assert "inv_t2__" in item.listextrakeywords()


def test_a_deadlock_is_near_all_that_locks(tests: dict[str, tuple[list[str], bool]]) -> None:
    """Meetings, and races of the order of locks, are in the run of each rule that locks there."""
    met = {test: tokens for test, (tokens, _) in tests.items() if "test_meetings.py" in test}
    ordered = {test: tokens for test, (tokens, _) in tests.items() if "[lock_order__" in test}

    assert met
    assert [] == [test for test, tokens in met.items() if "card_5__" not in tokens]
    assert [] == [test for test, tokens in met.items() if "inv_u5__" in tokens]
    teams = [test for test, tokens in ordered.items() if "inv_t2__" in tokens]
    assert {test for test, tokens in ordered.items() if "inv_m6__" in tokens} < {*teams}
    assert [] == [test for test, tokens in ordered.items() if "inv_u5__" in tokens]


def test_all_facts_of_a_table_are_near_its_rules(tests: dict[str, tuple[list[str], bool]]) -> None:
    """A rule's run tries every column of its tables, whichever column its query reads."""
    about = {test: tokens for test, (tokens, _) in tests.items() if "test_column[usage." in test}

    assert about
    assert [] == [test for test, tokens in about.items() if "inv_us2__" not in tokens]


@pytest.mark.rules("INV-T2", near=("INV-U5", "no rule"))
def test_what_is_near_a_rule_is_no_part_of_its_proof(request: pytest.FixtureRequest) -> None:
    """A near rule's token selects a test, and its proof does without."""
    item: Any = request.node

    assert frozenset({"INV-T2"}) == proof.rules_of(item)
    assert {"inv_t2__", "inv_u5__"} <= {*item.listextrakeywords()}


def test_all_tests_are_marked(tests: dict[str, tuple[list[str], bool]]) -> None:
    """No test of the suite leaves open which rules it is about."""
    assert [] == [test for test, (_, unmarked) in tests.items() if unmarked]
