"""`rules` lists the rules, `explain` shows all there is of one; names are typed in any way."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.commands import main
from conformance.engine import progress
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.domain.names import UnknownRuleError, find, rule
from conformance.engine.explain import cases, command, objects, page
from conformance.engine.findings import last
from conformance.engine.findings.kept import Circumstances
from conformance.engine.mutants import generate
from conformance.engine.mutants.errors import ChoiceError
from conformance.engine.mutants.mutant import Mutant
from conformance.engine.postgres import Server
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.report.enforcing import Object, enforcing
from conformance.framecast.domain import DOMAIN
from conformance.framecast.rules import RULES, Rule

ROOT = Path(__file__).parents[3]


WAYS = ["INV-T2", "inv-t2", "inv_t2", "inv_t2__", "INV_T2"]
# As a message of the database names an object; a trigger has a number before it.
WAYS += ["inv_t2__teams_has_an_owner", "_700_inv_t2__memberships_owner_not_gone", "INV_T2__ANY"]


@pytest.mark.parametrize("name", WAYS)
def test_a_rule_is_found_by_each_way_to_write_it(name: str) -> None:
    """Its id, its token, or the name of what enforces it, in upper or lower case."""
    assert rule(name) is RULES["INV-T2"]


def test_a_mistyped_rule_is_told_what_is_near() -> None:
    """And how to see all of them."""
    assert find("INV-TT2") is None
    with pytest.raises(UnknownRuleError, match=r"INV-T2.*conformance rules"):
        rule("INV-TT2")


def test_a_table_or_an_object_leads_to_its_rules(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where a name is no rule's, the rules of the table, or those that the object serves."""
    with pytest.raises(UnknownRuleError, match=r"it is a table: .* rules --table teams` lists"):
        rule("teams")
    assert 0 == main(["explain", "Lock_Teams", "--database-url", server.conninfo])
    said = capsys.readouterr().out
    assert said.startswith("function framecast.lock_teams(uuid[]) serves ")
    assert {"INV-T1", "INV-T2"} <= {*said.rstrip().partition("serves ")[2].split(", ")}
    assert 1 == main(["explain", "lock_nothing", "--database-url", server.conninfo])
    assert "there is no rule 'lock_nothing'" in capsys.readouterr().err


@pytest.fixture(scope="module")
def there(scratch: Scratch, template: Template) -> list[Object]:
    """The objects of the schema."""
    with scratch.cloned(template, "explain") as database, database.connect() as connection:
        return objects.read(connection)


@pytest.mark.parametrize("explained", RULES.values(), ids=RULES)
def test_every_rule_is_explained(explained: Rule, there: list[Object]) -> None:
    """Every kind of object that enforces a rule is shown with its SQL."""
    enforced = dict(enforcing(explained.enforced_by, there))
    lines = [*page.lines(explained, enforced.items(), page.Tried.of(explained, ROOT))]

    assert enforced
    assert [] == [name for name, sql in enforced.items() if not sql]
    assert lines[0].startswith(f"{explained.id}: ")


def test_a_page_is_as_wide_as_the_terminal(
    there: list[Object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Triggers and outcomes of races are wrapped; bodies of functions are as they are."""
    monkeypatch.setenv("COLUMNS", "60")
    name = next(each for each, race in DOMAIN.races().items() if "INV-T2" in race.rules)
    outcome = "bob: rejected by inv_t2__memberships_owner_not_gone (23514: a team has at least one)"
    seen = page.Seen(timelines={name: f"  1  begin\n{outcome}"})
    tried = page.Tried.of(RULES["INV-T2"], ROOT)
    enforced = enforcing(RULES["INV-T2"].enforced_by, there)
    lines = [*page.lines(RULES["INV-T2"], enforced, tried, seen)]

    wide = [line for line in lines if len(line) > 60]
    assert [] == [line for line in wide if "CREATE CONSTRAINT TRIGGER" in line or "bob: " in line]
    assert [line for line in lines if line.lstrip().startswith("CREATE CONSTRAINT TRIGGER")]


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
    assert main(["rules", "--area", "keys", "key", "hash"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert listed
    assert all(each in DOMAIN.areas["keys"] and "hash" in str(RULES[each]) for each in listed)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("rules --table team", "no rule speaks of 'team': did you mean teams"),
        ("rules --area job", "there is no area 'job': did you mean jobs?"),
        ("rules --verdict borken", "there is no verdict 'borken': did you mean broken?"),
        ("explian INV-T2", "there is no command 'explian': did you mean explain"),
        ("rules INV-TT2", "no rule with INV-TT2: did you mean INV-T2 or"),
        ("mutants inv-tt2 --migrations nowhere", "did you mean INV-T2 or"),
        ("mutants --phases rule --migrations nowhere", "there is no phase 'rule'"),
        ("campaign --rule INV-TT2 --migrations nowhere", "did you mean INV-T2 or"),
        ("campaign --migrations nowhere", "migrations folder nowhere does not exist"),
        ("explain INV-T2 --mutants nowhere.json --migrations {}", "nowhere.json: No such file"),
        ("nonsense", "invalid choice: 'nonsense'"),
        ("", "show one rule: what it says"),
    ],
)
def test_a_mistyped_word_is_told_what_is_near(
    words: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Names have suggestions, before folders are looked at; no word at all lists commands."""
    monkeypatch.chdir(tmp_path)
    try:
        code = main(words.format(ROOT / "migrations").split())
    except SystemExit as end:
        code = int(end.code or 0)

    assert code
    assert said in capsys.readouterr().err
    assert [] == [*tmp_path.iterdir()]


def test_the_list_is_as_wide_as_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines of rules are cut where the terminal ends."""
    for columns in (60, 90):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert 0 == main(["rules"])
        lengths = [len(line) for line in capsys.readouterr().out.splitlines()]
        assert columns - 20 < max(lengths) <= columns


def test_the_list_knows_the_last_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each rule has the verdict of the last run that was about it, in the same circumstances."""
    run = Circumstances("", str(tmp_path / "migrations"), "", None, 18, "", (), (), "quick", 1)
    last.write(tmp_path / ".conformance", run, {"INV-T2": "held", "INV-T6": "broken"})
    last.write(tmp_path / ".conformance", replace(run, seed=2), {"INV-T2": "unproven"})
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")

    for verdict, rule_id in (("broken", "INV-T6"), ("unproven", "INV-T2")):
        assert main(["rules", "--verdict", verdict]) == 0
        (line,) = capsys.readouterr().out.splitlines()
        assert line.split()[:2] == [rule_id, verdict]
    last.write(tmp_path / ".conformance", replace(run, major=17), {"INV-T2": "held"})
    assert last.read(tmp_path) == last.Last({"INV-T2": "held"})
    assert main(["rules", "--verdict", "broken"]) == 1
    assert "no rule is broken in the last run" in capsys.readouterr().err


def test_a_verdict_is_of_the_schema_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run on files that were edited begins anew, and its verdicts are not shown of others."""
    (tmp_path / "db").mkdir()
    file = tmp_path / "db" / "001.sql"
    file.write_text("SELECT 1;")
    run = Circumstances("", str(tmp_path / "db"), "", None, 18, "", (), (), "quick", 1)
    last.write(tmp_path / ".conformance", run, {"INV-T2": "held"})
    monkeypatch.chdir(tmp_path)
    assert main(["rules", "--verdict", "HELD"]) == 0
    assert capsys.readouterr().out.split()[:2] == ["INV-T2", "held"]

    file.write_text("SELECT 2;")
    assert main(["rules", "--verdict", "held"]) == 1
    assert "db has changed since the last run: prove the rules again" in capsys.readouterr().err
    assert main(["rules", "--table", "TEAMS"]) == 0
    said = capsys.readouterr()
    assert " held " not in said.out
    assert "without verdicts: " in said.err
    last.write(tmp_path / ".conformance", run, {"INV-T6": "held"})
    assert last.read(tmp_path) == last.Last({"INV-T6": "held"})


def test_a_run_that_tried_nothing_leaves_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """After a run that could not begin, it is not said of any verdict that no rule has it."""
    run = Circumstances("", str(tmp_path / "db"), "", None, 18, "", (), (), "quick", 1)
    last.write(tmp_path / ".conformance", run, {"INV-T2": "not run", "INV-T6": "not run"})
    monkeypatch.chdir(tmp_path)

    assert main(["rules", "--verdict", "broken"]) == 1
    assert last.NONE in capsys.readouterr().err


def test_a_verdict_is_of_the_domain_that_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """After a run of another domain, its option is what is missing, and no rule is said to hold."""
    run = Circumstances("", "", "examples.ledger", None, 18, "", (), (), "quick", 1)
    last.write(tmp_path / ".conformance", run, {"ACC-1": "broken"})
    monkeypatch.chdir(tmp_path)

    assert main(["rules", "--verdict", "broken"]) == 1
    assert "of another domain, with --domain examples.ledger" in capsys.readouterr().err


def test_an_object_without_a_token_names_the_rule_it_enforces() -> None:
    """Where one rule alone is enforced by it; else nobody knows which is meant."""
    enforcing = Counter(
        each.rpartition(".")[2] for some in RULES.values() for each in some.enforced_by
    )
    alone = [
        (some.id, name)
        for some in RULES.values()
        for each in some.enforced_by
        if each.startswith("trigger ") and enforcing[name := each.rpartition(".")[2]] == 1
    ]

    assert alone
    assert [rule_id for rule_id, _ in alone] == [rule(name).id for _, name in alone]
    assert find("trigger job_events._500_number") is None


def test_a_rule_is_explained_by_what_happens(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Cases, timelines of races and mutants are those of the schema as it stands."""
    mutant = Mutant("jobs.state_job__x", "check dropped", "", (), ("STATE-JOB",))
    monkeypatch.setattr(generate, "mutants", lambda *_: [mutant])  # all of them take seconds
    monkeypatch.setenv("COLUMNS", "200")  # what waits is said in one line of a race
    assert main(["explain", "state-job", "--all", "--database-url", server.conninfo]) == 0

    one, two = "--rule STATE-JOB", "mutants state_job__"
    lines = capsys.readouterr().out.splitlines()
    legal, refused = lines.index("-- legal"), lines.index("-- to be refused, after that")
    assert "-- accepted" in lines[legal:refused]
    assert [line for line in lines[refused:] if line.startswith("-- rejected by state_job__")]
    assert len([line for line in lines if line.startswith("In psql, ")]) > len(cases.PLAIN)
    assert [line for line in lines if "… waits for " in line]
    at = lines.index("  mutants: 1")
    assert ["check dropped: 1", mutant.id] == [line.strip() for line in lines[at + 1 : at + 3]]
    assert [f"pytest conformance {one}", f"python -m conformance {two}"] == lines[-2:]


def test_a_short_page_says_what_else_there_is(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of several races one is drawn, and how to see the others is said; so is what takes long."""
    monkeypatch.setattr(progress, "FIRST", 0)
    assert main(["explain", "card-5", "--database-url", server.conninfo]) == 0

    said = capsys.readouterr()
    (races,) = (line for line in said.out.splitlines() if line.startswith("  known races: "))
    assert races.endswith(", 1 of them drawn: explain CARD-5 --all draws each")
    assert said.err.startswith("progress: ")


def test_a_short_page_carries_out_no_more_cases_than_it_needs(explained: Sandbox) -> None:
    """Where a plain case is good, no more than one of another write shape is carried out."""
    every = [*cases.cases(RULES["CARD-5"], explained)]
    left = iter(every)
    (shown,) = cases.simplest(RULES["CARD-5"], left)

    others = [each for each in every if each.path not in cases.PLAIN]
    assert len(others) - 1 == len([*left])
    assert [shown] == cases.simplest(RULES["CARD-5"], every)


def test_commands_do_not_wait_for_what_only_runs_need() -> None:
    """No library that takes long to import is there before a command is known to need it."""
    slow = "{'pytest', 'hypothesis', 'pglast'}"
    lines = f"import sys, conformance.commands; print({slow} & {{*sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", lines], capture_output=True, text=True, check=True, cwd=ROOT
    )

    assert done.stdout == "set()\n"


def test_further_commands_work_where_they_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outside of a checkout they are those of the installed package, on the same schema."""
    monkeypatch.chdir(tmp_path)

    assert [
        "framecast-conformance test --rule INV-T2 --migrations db/migrations",
        "framecast-conformance mutants inv_t2__ --migrations db/migrations",
    ] == command._further(RULES["INV-T2"], Path("db/migrations"))


@pytest.fixture(scope="module")
def explained(scratch: Scratch, template: Template) -> Iterator[Sandbox]:
    """A database to carry out cases on."""
    with scratch.cloned(template, "cases") as database, Sandbox(database.conninfo) as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    "rule_id", ["INV-U4", "CARD-4", "STATE-JOB", "INV-A4", "AUTO-SLUG", "INV-X1"]
)
def test_cases_are_what_they_are_said_to_be(rule_id: str, explained: Sandbox) -> None:
    """Cases shown as legal were accepted, and those shown as refused were refused by name."""
    some = [*cases.cases(RULES[rule_id], explained)]
    (shown,) = cases.simplest(RULES[rule_id], some)

    assert len(some) > 1
    assert [] == [each.path for each in some if "-- rejected" in each.legal]
    assert shown.path in cases.PLAIN
    refused = [line for line in shown.broken.splitlines() if line.startswith("-- rejected")]
    named = (*RULES[rule_id].tokens, "22P02")  # as a type refuses
    assert all(any(name in line for name in named) for line in refused)
    assert refused or "-- expected: " in shown.broken


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("rules", "--table", "nothing"), "the tables"),
        (("rules", "--area", "nothing"), "the areas are accounts, invitations"),
        (("rules", "team", "never-said"), "no rule with team never-said"),
        (
            ("rules", "--report", "none.json"),
            "none.json: No such file or directory: run framecast-conformance test",
        ),
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
    with pytest.raises(ChoiceError, match="did you mean INV-T2 "):
        generate.chosen([mutant], ["INV-TT2"], None, 0)


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
