"""The report: what a run has seen of each rule, for people and as JSON."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path as Folder
from typing import Any, Final

import pytest

from conformance.engine.cases.verdicts import Finding, Standing, Tally, Verdict
from conformance.engine.report import causes, rules
from conformance.engine.report.parts import Part, Parts
from conformance.engine.report.record import PROPERTY, Record
from conformance.engine.sql.writes import Path
from conformance.framecast.rules import RULES
from strategies.near_misses import WAYS

FINDING: Final = Finding(
    "INV-U6", Verdict.BROKEN, expected="no", observed="yes", script="SELECT 1;"
)
FAILURE: Final = {**FINDING.as_dict(), "path": "update", "test": "test_rules.py::test_rule[x]"}
RULE: Final = "conformance/test_rules.py::test_rule[inv_u5__update]"
HOSTILE_RUN: Final = "conformance/test_hostile.py::test_hostile[webhooks]"
ROOT: Final = Folder(__file__).parents[3]
DOCS: Final = (ROOT / "docs" / "report.md").read_text()
# What no rule speaks of: an email is changed on its way in, a refusal gives no reason.
FAULTS: Final = {
    "MODEL of users": """
CREATE FUNCTION framecast.tg_users__shout() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.email := upper(NEW.email);
    RETURN NEW;
END;
$$;
CREATE TRIGGER _100_shout BEFORE INSERT ON public.users
FOR EACH ROW EXECUTE FUNCTION framecast.tg_users__shout();
""",
    "HOSTILE": """
CREATE FUNCTION framecast.tg_speaks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'please do not';
END;
$$;
CREATE TRIGGER _300_speaks BEFORE UPDATE OF url ON public.webhooks
FOR EACH ROW EXECUTE FUNCTION framecast.tg_speaks();
""",
}
JUDGED: Final = {
    "INV-U5": Standing({"insert": Tally(2, 1, 1), "update": Tally(1, 1, 0)}),
    "INV-U6": Standing({"update": Tally(1, 0, 0)}, [FAILURE]),
    "INV-T2": Standing({"insert": Tally(1, 0, 0)}),
}


@pytest.fixture
def document() -> dict[str, Any]:
    """Return what a program reads of three rules."""
    return dict(rules.document(JUDGED))


def test_the_json_says_how_many_rules_have_each_verdict(document: dict[str, Any]) -> None:
    """The document has its version, all five verdicts with their counts, rules, and the rest."""
    assert {"version", "verdicts", "rules", "races"} == document.keys()
    assert 2 == document["version"]
    counts = {"not run": 0, "broken": 1, "overblocked": 0, "unnamed": 0, "unproven": 1, "held": 1}
    assert counts == document["verdicts"]
    assert list(JUDGED) == [rule["id"] for rule in document["rules"]]


def test_the_json_says_what_a_rule_is(document: dict[str, Any]) -> None:
    """A rule has what the catalogue says of it, its verdict, and the counts of all paths."""
    rule = document["rules"][0]
    assert {
        *("id", "statement", "holds", "kind", "tables", "area", "enforced_by", "places", "verdict"),
        *("accepted", "rejected", "named", "paths", "races", "failures"),
    } == rule.keys()
    ours = RULES["INV-U5"]
    assert (ours.statement, "always", ["users"]) == (
        rule["statement"],
        rule["holds"],
        rule["tables"],
    )
    assert list(ours.enforced_by) == rule["enforced_by"]
    assert ("held", 3, 2, 1) == tuple(
        rule[name] for name in ("verdict", "accepted", "rejected", "named")
    )


def test_the_json_says_what_became_of_every_path(document: dict[str, Any]) -> None:
    """Each path has its counts, or the reason why it cannot break the rule or was not tried."""
    paths = document["rules"][0]["paths"]
    assert [str(path) for path in Path] == list(paths)
    assert {"accepted": 2, "rejected": 1, "named": 1} == paths["insert"]
    assert {"accepted": 1, "rejected": 1, "named": 0} == paths["update"]
    assert {"reason": "not tried in this run"} == paths["copy"]
    assert {"reason": WAYS["INV-U5"][Path.TRUNCATE]} == paths["truncate"]


def test_the_json_shows_failures(document: dict[str, Any]) -> None:
    """A failure has all that it takes to see it again."""
    assert [[], [FAILURE], []] == [rule["failures"] for rule in document["rules"]]
    assert set() == {name for name in FAILURE if f"`{name}`" not in DOCS}


def test_what_is_held_by_a_part_of_its_tests_is_said() -> None:
    """Where all write paths were tried, and not all tests of the rule, the line counts those."""
    paths = {str(path): Tally(1, 1, 1) for path in Path}
    seen = {"INV-U5": Standing(paths, tests=7, left=52), "INV-U6": Standing(paths, tests=59)}
    said = "held in what was selected, and not tried whole: INV-U5 by 7 of 59 tests"

    assert [said, "2 held"] == [*rules.lines(seen)][-2:]


def test_the_terminal_has_a_line_a_rule() -> None:
    """A line has id, verdict, counts and what enforces the rule; the last one sums up."""
    *lines, in_part, summary = rules.lines(JUDGED)
    expected = ["INV-U5 held 3 accepted 2 rejected inv_u5__users_credits_not_negative"]
    expected += ["INV-U6 broken 1 accepted 0 rejected inv_u6__users_ephemeral_storage_not_negative"]
    expected += ["INV-T2 unproven 1 accepted 0 rejected inv_t2__teams_has_an_owner and 3 more"]
    assert expected == [" ".join(line.split()) for line in lines]
    said = "held in what was selected, and not tried whole: INV-U5 along 2 of 7 write paths"
    assert said == in_part
    assert "1 held, 1 unproven, 1 broken" == summary
    assert max(map(len, RULES)) <= rules.WIDTH


@pytest.mark.parametrize("width", [45, 60, 80, 120])
def test_a_narrow_terminal_has_all_counts(width: int) -> None:
    """A line is no wider than the terminal, and what is cut is the name of what enforces a rule."""
    *lines, _, _ = rules.lines(JUDGED, width=width)

    assert max(map(len, lines)) <= width
    for line, whole in zip(lines, rules.lines(JUDGED), strict=False):
        counted = " ".join(whole.split()).partition(" rejected ")[0]
        assert " ".join(line.split()).startswith(f"{counted} rejec")


def test_what_is_no_rules_is_shown_as_well() -> None:
    """A failure beside the rules has a line, is summed up, and stands in the JSON as it is."""
    ours = {**FAILURE, "rule": "MODEL of jobs", "test": "test_machines.py::test_run[JobMachine]"}
    *_, line, _, summary = rules.lines(JUDGED, [ours])
    document = rules.document({}, None, {"beside": [ours]})

    assert "MODEL of jobs broken no rule's: " + ours["test"] == " ".join(line.split())
    assert "1 held, 1 unproven, 1 broken, 1 beside the rules" == summary
    assert [ours] == document["beside"]


@pytest.mark.parametrize(
    ("rule", "tests"),
    [
        ("MODEL of users", "conformance/test_machines.py::test_pairs[user]"),
        ("HOSTILE", HOSTILE_RUN),
    ],
)
def test_a_run_reports_what_is_no_rules(rule: str, tests: str, tmp_path: Folder) -> None:
    """A run that finds nothing but what no rule names writes it to the report and the corpus."""
    document, shown, entries = run(tmp_path, FAULTS[rule], tests)

    assert [rule] == [failure["rule"] for failure in document["beside"]]
    assert "1 beside the rules" in shown
    assert [rule] == [entry["rule"] for entry in entries]


def test_a_failure_says_how_to_draw_it_again(tmp_path: Folder) -> None:
    """A failing test of a rule, and a hostile run, show the run's seed, and no riddle of bytes."""
    hole = "ALTER TABLE public.users DROP CONSTRAINT inv_u5__users_credits_not_negative;"
    _, rule, _ = run(tmp_path / "rule", hole, RULE)
    _, hostile_run, _ = run(tmp_path / "hostile", FAULTS["HOSTILE"], HOSTILE_RUN)

    for nodeid, shown in ((RULE, rule), (HOSTILE_RUN, hostile_run)):
        assert f"{nodeid}' --hypothesis-seed=0" in shown
        assert "reproduce_failure" not in shown


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere/report.json", "cannot write {}: No such file"),
        ("report.yaml", "{}: a report has one of these endings: .json (json), .xml (junit), "),
    ],
)
def test_a_report_that_cannot_be_written_ends_the_run_at_once(
    name: str, message: str, tmp_path: Folder
) -> None:
    """A report in no folder, or of no form, is one message before all, and the code of misuse."""
    target = tmp_path / name
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-n0", "conformance/test_machines.py"),
            *("-k", "CARD-5", f"--conformance-report={target}"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    output = done.stdout + done.stderr
    assert pytest.ExitCode.USAGE_ERROR == done.returncode, output
    assert f"--conformance-report: {message.format(target)}" in output
    assert (1, 0) == (output.count("ERROR: "), output.count("Traceback"))
    assert "passed" not in output
    assert not target.exists()


def test_a_report_is_written_of_a_run_without_rules(tmp_path: Folder) -> None:
    """Where no rule was tried the report says so, and that there was no server."""
    document, _, _ = run(tmp_path, "", "tests/engine/report/test_versions.py")

    assert ([], [], None) == (document["rules"], document["beside"], document["server"])


def run(folder: Folder, fault: str, tests: str) -> tuple[dict[str, Any], str, list[dict[str, Any]]]:
    """Run the suite on a schema with a fault; return its report, output, and new failures."""
    schema = Folder(shutil.copytree(ROOT / "migrations", folder / "migrations"))
    (schema / "999_fault.sql").write_text(fault or "-- none\n")
    (folder / "corpus").mkdir(parents=True)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-n0", "-p", "no:cacheprovider"),
            *(tests, "--migrations", str(schema)),
            *("--hypothesis-seed=0", "--conformance-corpus", str(folder / "corpus")),
            *("--conformance-report", str(folder / "report.json")),
        ],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "CI"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (folder / "report.json").exists(), done.stdout + done.stderr
    found = [json.loads(file.read_text()) for file in (folder / "corpus").glob("*.json")]
    return json.loads((folder / "report.json").read_text()), done.stdout, found


def gathered(
    *seen: dict[str, Any],
    rule: str = "INV-U5",
    own: bool = True,
    wide: bool = False,
    ends: bool = False,
) -> dict[str, Standing]:
    """Return what a run makes of the reports of its tests, all of them about one rule."""
    record, tests = Record(), {}
    for number, each in enumerate(seen):
        test, failed = f"test_{number}", "failure" in each
        tests[test] = Part((rule,), wide, own, ends=ends)
        properties: list[tuple[str, Any]] = [("other", 1), (PROPERTY, each)]
        if failed:
            each["failure"]["test"] = test
            cause = causes.Cause(causes.FINDING, "key", "it is broken")
            properties.append(causes.as_property(cause, "call"))
        for when in ("call", "teardown"):
            outcome = "failed" if failed and when == "call" else "passed"
            seen_then = properties if when == "call" else []
            told: Any = (test, ("", None, ""), {}, outcome, None, when, (), 0, 0, 0, seen_then)
            record.note(pytest.TestReport(*told))
    return record.judge(Parts(tests), whole=False)


def test_counts_of_all_tests_add_up() -> None:
    """Counts of several tests or workers add up by rule and path."""
    one = {"rule": "INV-U5", "path": "insert", "tally": [1, 2, 2]}
    other = {"rule": "INV-U5", "path": "copy", "tally": [1, 1, 0]}
    standings = gathered(one, other, one)
    assert {"insert": Tally(2, 4, 4), "copy": Tally(1, 1, 0)} == standings["INV-U5"].paths
    assert Verdict.HELD == standings["INV-U5"].verdict


def test_a_break_of_another_rule_is_that_rules() -> None:
    """Where a test of one rule sees another broken, the other is broken, the first unproven."""
    seen = {"rule": "INV-U6", "path": "update", "tally": [0, 0, 0], "failure": {**FAILURE}}
    well = {"rule": "INV-U5", "path": "update", "tally": [9, 9, 9]}
    standings = gathered(seen, well)
    assert Verdict.BROKEN == standings["INV-U6"].verdict
    assert Verdict.UNPROVEN == standings["INV-U5"].verdict
    assert "call of test_0: it is broken" == standings["INV-U5"].failures[0]["observed"]


def test_a_race_that_hangs_leaves_its_rule_unproven() -> None:
    """Where a run has no near misses, a rule is shown that a test of its own left unproven."""
    hung = {**FAILURE, "rule": "INV-U6", "verdict": "unproven"}

    def seen() -> dict[str, Any]:
        return {"rule": "INV-U6", "path": "race", "tally": [0, 0, 0], "failure": {**hung}}

    assert Verdict.UNPROVEN == gathered(seen(), rule="INV-U6", own=False)["INV-U6"].verdict
    assert {} == gathered(seen(), rule="INV-U6", own=False, wide=True)


@pytest.mark.parametrize(
    ("observed", "verdict"),
    [
        ("there is no column users.credits", Verdict.UNPROVEN),
        ("a session waits for its timeout", Verdict.HELD),
    ],
)
def test_a_run_that_ends_at_what_is_lacking_proves_nothing(observed: str, verdict: Verdict) -> None:
    """Whatever it was about to find of its rules is not known; a test that goes on has found it."""
    well = {"rule": "INV-U5", "path": "insert", "tally": [9, 9, 9]}

    def ended() -> dict[str, Any]:
        failure = {**FAILURE, "rule": "RIGHT", "verdict": "unproven", "observed": observed}
        return {"rule": "RIGHT", "path": "run", "tally": [0, 0, 0], "failure": failure}

    assert verdict == gathered(well, ended(), wide=True, ends=True)["INV-U5"].verdict
    assert Verdict.HELD == gathered(well, ended(), wide=True)["INV-U5"].verdict


def test_a_failure_of_the_own_rule_decides() -> None:
    """A failure outweighs everything that went well."""
    well = {"rule": "INV-U6", "path": "insert", "tally": [9, 9, 9]}
    badly = {"rule": "INV-U6", "path": "update", "tally": [0, 0, 0], "failure": {**FAILURE}}
    assert Verdict.BROKEN == gathered(well, badly, well, rule="INV-U6")["INV-U6"].verdict
