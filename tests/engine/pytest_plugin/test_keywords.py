"""Rules by their ids in `-k`, and hints where that selects nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conformance.engine.pytest_plugin.keywords import expression, hints

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("given", "means"),
    [
        ("INV-T6", "(INV-T6 or inv_t6__)"),
        ("inv-t6__ and not test_rule", "(inv-t6__ or inv_t6__) and not test_rule"),
        ("not (inv-t or x)", "not (inv-t or x)"),
        ("State-Job or ret_1", "(State-Job or state_job__) or ret_1"),
        ("inv_t6__teams-update", "inv_t6__teams-update"),
        ("inv_t6", "inv_t6"),
        ("", ""),
    ],
)
def test_an_id_stands_for_its_rule(given: str, means: str) -> None:
    """An id with its dash finds the rule, too; all else is left as it was written."""
    assert means == expression(given)


def test_a_rule_narrows_an_expression() -> None:
    """`--rule` and `-k` together mean both; a name of no rule is a usage error."""
    assert "((INV-U5 or inv_u5__) or x) and (inv_t6__)" == expression("INV-U5 or x", ["inv-t6"])
    assert "inv_t6__ or inv_u5__" == expression("", ["INV-T6", "inv_u5"])
    with pytest.raises(pytest.UsageError, match="did you mean INV-T6"):
        expression("", ["INV-T66"])


def test_words_of_no_test_are_named() -> None:
    """A near name is a question; where every word is known, that is said."""
    known = {"test_rules.py", "test_rule[inv_t6__teams-update]", "INV-T6", "test_races.py"}

    (line,) = hints("inv_t66__ and not test_rule", known)
    assert "called inv_t66__," in line
    assert "did you mean inv_t6__" in line
    (line,) = hints("test_rulse", known)
    assert "did you mean test_rule" in line
    (line,) = hints("zzz", known)
    assert line.endswith("of that name.")
    (line,) = hints("(INV-T6 or inv_t6__) and test_races", known)
    assert "together" in line
    assert [] == [*hints("test_races", known)]
    (line,) = hints("inv_t66__ and inv_t6__ and x", set())
    assert "called inv_t66__," in line


def test_a_run_takes_ids_and_asks_back() -> None:
    """A run selects the same tests by an id as by its token, and asks about what is mistyped."""
    same = [collected(name).splitlines()[:-1] for name in ("INV-T6", "inv_t6__")]
    asked = collected("INV-T66")

    assert same[0] == same[1] != []
    assert "did you mean inv_t6__" in asked
    assert "warnings" not in asked


@pytest.mark.parametrize(
    "chosen", [("--rule", "INV-U5", "-k", "test_rule and merge"), ("-k", "INV-U5 and merge")]
)
def test_workers_select_what_was_asked_for(chosen: tuple[str, ...]) -> None:
    """Where workers run the tests, as they do of themselves, a rule's selection is its own."""
    command = [sys.executable, "-m", "pytest", "conformance/test_rules.py", "-n1", *chosen]
    ended = "--hypothesis-profile=quick", "-p", "no:cacheprovider"
    done = subprocess.run([*command, *ended], cwd=ROOT, capture_output=True, text=True, check=False)

    assert "\n1 held\n" in done.stdout
    assert " 1 passed in " in done.stdout


def collected(keyword: str) -> str:
    """Return what pytest prints of the suite's tests that an expression selects."""
    command = [sys.executable, "-m", "pytest", "conformance/test_rules.py", "--collect-only", "-q"]
    done = subprocess.run(
        [*command, "-k", keyword], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout
