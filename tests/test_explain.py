"""`rules` lists the rules, `explain` shows all there is of one; names are typed in any way."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.__main__ import main
from conformance.domain.names import UnknownRuleError, find, rule
from conformance.explain import objects, page
from conformance.framecast.rules import RULES, Rule
from conformance.mutants import generate
from conformance.mutants.mutant import Mutant
from conformance.postgres.scratch import Scratch, Template

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("name", ["INV-T2", "inv-t2", "inv_t2", "inv_t2__", "INV_T2"])
def test_a_rule_is_found_by_each_way_to_write_it(name: str) -> None:
    """Its id or its token, in upper or lower case."""
    assert rule(name) is RULES["INV-T2"]


def test_a_mistyped_rule_is_told_what_is_near() -> None:
    """And how to see all of them."""
    assert find("INV-TT2") is None
    with pytest.raises(UnknownRuleError, match=r"INV-T2.*conformance rules"):
        rule("INV-TT2")


@pytest.fixture(scope="module")
def there(scratch: Scratch, template: Template) -> list[objects.Object]:
    """The objects of the schema."""
    with scratch.cloned(template, "explain") as database, database.connect() as connection:
        return objects.read(connection)


@pytest.mark.parametrize("explained", RULES.values(), ids=RULES)
def test_every_rule_is_explained(explained: Rule, there: list[objects.Object]) -> None:
    """Every kind of object that enforces a rule is shown with its SQL."""
    enforced = dict(objects.enforcing(explained.enforced_by, there))
    lines = [*page.lines(explained, enforced.items(), page.Tried.of(explained, ROOT))]

    assert enforced
    assert [] == [name for name, sql in enforced.items() if not sql]
    assert lines[0].startswith(f"{explained.id}: ")
    assert f"pytest conformance --rule {explained.id}" in lines


def test_the_list_is_filtered(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """By a table, and by the verdicts of a report."""
    report = tmp_path / "report.json"
    verdicts = [{"id": each, "verdict": "held"} for each in RULES]
    verdicts[0]["verdict"] = "broken"
    report.write_text(json.dumps({"version": 2, "rules": verdicts}))

    assert main(["rules", "--table", "usage"]) == 0
    assert "INV-US1" in capsys.readouterr().out
    assert main(["rules", "--report", str(report), "--verdict", "broken"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.split()[:2] == [next(iter(RULES)), "broken"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("rules", "--table", "nothing"), "the tables"),
        (("rules", "--verdict", "broken"), "--report FILE"),
        (("rules", "--report", "none.json"), "none.json: No such file or directory: run pytest"),
        (("explain", "INV-T99"), "there is no rule 'INV-T99'"),
    ],
)
def test_what_cannot_be_shown_is_said(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line, before any server is started."""
    assert main(arguments) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_mutants_are_chosen_by_a_rules_id() -> None:
    """As by its token."""
    mutant = Mutant("teams.inv_t2__x/dropped", "check dropped", "", (), ("INV-T2",))

    assert [mutant] == generate.chosen([mutant], ["inv-t2"], None, 0)


def test_one_rules_tests_are_chosen_by_its_id() -> None:
    """The same as by its token, and a name that is no rule's is refused at the start."""
    looked = (sys.executable, "-m", "pytest", "conformance", "--collect-only", "-q", "-n0")
    chosen, same, wrong = (
        subprocess.run([*looked, *more], capture_output=True, text=True, check=False, cwd=ROOT)
        for more in (("--rule", "inv-w4"), ("-k", "inv_w4__"), ("--rule", "INV-W44"))
    )

    assert chosen.returncode == 0
    assert "inv_w4__" in chosen.stdout
    assert chosen.stdout.splitlines()[:-1] == same.stdout.splitlines()[:-1]
    assert wrong.returncode == pytest.ExitCode.USAGE_ERROR
    assert "did you mean INV-W4" in wrong.stderr
