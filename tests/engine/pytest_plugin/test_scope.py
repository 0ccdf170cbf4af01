"""Scope of a run: the whole suite, all rules, or some tests."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from conformance.engine.pytest_plugin.scope import (
    RULE_TESTS,
    SUITE,
    about_all,
    is_whole,
    selected,
)


def config(*args: str, folder: Path = SUITE.parent, **options: Any) -> pytest.Config:
    """Return what a run was asked for."""

    def getoption(name: str, default: Any = None) -> Any:
        return options.get(name, default)

    asked = SimpleNamespace(
        args=list(args),
        stash=pytest.Stash(),
        invocation_params=SimpleNamespace(dir=folder),
        getoption=getoption,
    )
    return cast("pytest.Config", asked)


@pytest.mark.parametrize(
    ("asked", "whole", "every"),
    [
        (config("conformance"), True, True),
        (config("."), True, True),
        (config("conformance", folder=Path("/nowhere"), pyargs=True), True, True),
        (config("conformance", folder=Path("/nowhere")), False, False),
        (config("conformance", keyword="inv_t2__"), False, False),
        (config("conformance", only_changed=True), False, False),
        (config("conformance/test_rules.py"), False, True),
        (config("conformance.test_rules", folder=Path("/nowhere"), pyargs=True), False, True),
        (config("conformance/test_rules.py::test_rule[inv_t6__insert]"), False, False),
        (config(f"{RULE_TESTS}::test_rule[inv_t6__insert]"), False, False),
        (config("conformance/test_races.py"), False, False),
        (config("tests"), False, False),
    ],
    ids=lambda each: "" if isinstance(each, bool) else " ".join(each.args),
)
def test_a_run_is_of_what_it_was_asked_for(asked: pytest.Config, whole: bool, every: bool) -> None:
    """A test of a file, a choice by name and a folder elsewhere are no whole run."""
    assert (whole, every) == (is_whole(asked), about_all(asked))
    assert whole != bool(selected(asked))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (config("conformance"), ""),
        (config("conformance", ignore=["a", "b"], lf=True), "--last-failed --ignore a --ignore b"),
        (
            config("conformance/test_races.py", rule=["INV-T6"]),
            "--rule INV-T6 conformance/test_races.py",
        ),
        (config(f"{RULE_TESTS}::test_rule[x]"), "conformance/test_rules.py::test_rule[x]"),
        (config("conformance", changed_since="main"), ""),
        (
            config("conformance", only_changed=True, changed_since="main"),
            "--only-changed --changed-since main",
        ),
    ],
    ids=["all", "failed", "a rule of a file", "one test", "changed", "only changed"],
)
def test_a_part_is_told_by_its_words(asked: pytest.Config, words: str) -> None:
    """Files and options that leave tests out are told; those that only order them are not."""
    assert words == " ".join(selected(asked))
