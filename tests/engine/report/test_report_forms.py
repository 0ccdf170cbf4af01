"""Forms of a report: for a pipeline, for code scanning and for people."""

import copy
import html
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest

from conformance.commands import main
from conformance.engine.cases.verdicts import Finding, Standing, Tally, Verdict
from conformance.engine.deployment import migrations
from conformance.engine.report import form, forms, rules
from conformance.engine.report.places import Places
from conformance.engine.sql.writes import Path as WritePath
from tests.support.recording import HEAD, run_in
from tests.support.reports import OF_RUN, SCRIPT

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / "docs" / "report.schema.json"
FAILURE = {
    **Finding(
        "INV-T6", Verdict.BROKEN, expected="refused", observed="a, b: 100%\nrow", script=SCRIPT
    ).as_dict(),
    "path": "update",
    "test": "conformance/test_rules.py::test_rule[inv_t6__update]",
}
BESIDE = {**FAILURE, "rule": "LOCK ORDER", "path": "race"}
OF_TESTS = {
    "beside": [BESIDE],
    "failed": [
        {
            "test": FAILURE["test"],
            "when": "call",
            "kind": "finding",
            "said": "INV-T6 is broken",
            "rules": ["INV-T6"],
        }
    ],
    "missed": [],
}
SEEN = Tally(2, 2, 2)


@pytest.fixture
def document() -> dict[str, Any]:
    """Return a report of a run in which one rule was broken, one unproven, and another held."""
    judged = {
        "INV-T6": Standing({WritePath.UPDATE: Tally(2, 1, 0)}, [FAILURE]),
        "INV-T2": Standing({WritePath.INSERT: Tally(1, 0, 0)}),
        "INV-U5": Standing({WritePath.INSERT: SEEN}),
    }
    places = Places("migrations", migrations.load(ROOT / "migrations"))
    of_run = {**OF_RUN, "folder": places.folder}
    return rules.document(judged, of_run, OF_TESTS, places)


def test_a_report_is_of_the_published_form(document: dict[str, Any]) -> None:
    """A report is what its types say, and the JSON Schema in docs/ is made from them."""
    assert document == msgspec.convert(document, form.Report)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**document, "whole": "yes"}, form.Report)

    made = json.dumps(msgspec.json.schema(form.Report), indent=2) + "\n"
    assert SCHEMA.read_text() == made


def test_junit_has_a_case_a_rule(document: dict[str, Any]) -> None:
    """A rule that is not held is a failure of its case, with a script that XML can hold."""
    (suite,) = ET.fromstring(forms.render(document, "junit"))  # noqa: S314 - it is our own

    assert ("4", "3") == (suite.get("tests"), suite.get("failures"))
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    assert ["INV-T6", "INV-T2", "INV-U5", "LOCK ORDER"] == list(cases)
    failures = {name: case.find("failure") for name, case in cases.items()}
    assert failures["INV-U5"] is None
    broken = failures["INV-T6"]
    assert broken is not None
    assert "broken" == broken.get("type")
    place = document["rules"][0]["place"]
    assert (place["file"], str(place["line"])) == tuple(map(cases["INV-T6"].get, ("file", "line")))
    told = {each.get("name"): each.get("value") for each in cases["INV-T6"].iter("property")}
    assert ", ".join(document["rules"][0]["enforced_by"]) == told["enforced_by"]
    assert SCRIPT.replace("\x01", "\ufffd") == broken.text


def test_what_a_baseline_accepts_is_no_failure_in_a_pipeline(document: dict[str, Any]) -> None:
    """It is skipped in JUnit, suppressed in SARIF and a warning on GitHub, and says until when."""
    until, document = "until 2027-01-31, <no> time", copy.deepcopy(document)
    for failure in (*document["rules"][0]["failures"], *document["beside"]):
        failure["accepted"] = until

    (suite,) = ET.fromstring(forms.render(document, "junit"))  # noqa: S314 - it is our own
    assert ("1", "2") == (suite.get("failures"), suite.get("skipped"))
    skipped = [each.get("message") for each in suite.iter("skipped")]
    assert [f"broken, accepted {until}"] * 2 == skipped
    (run,) = json.loads(forms.render(document, "sarif"))["runs"]
    assert [True, False, True] == ["suppressions" in each for each in run["results"]]
    levels = [line.split()[0] for line in forms.render(document, "github").splitlines()]
    assert ["::error", "::warning", "::error", "::warning"] == levels
    assert "Accepted until 2027-01-31, &lt;no&gt; time" in forms.render(document, "html")


def test_sarif_points_at_the_line_of_the_migration(document: dict[str, Any]) -> None:
    """Each rule that is not held is a result at the place of what enforces it."""
    (run,) = json.loads(forms.render(document, "sarif"))["runs"]

    levels = {each["ruleId"]: each["level"] for each in run["results"]}
    assert {"INV-T6": "error", "INV-T2": "warning", "LOCK ORDER": "error"} == levels
    known = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    helps = {rule["id"]: rule["help"]["text"] for rule in run["tool"]["driver"]["rules"]}
    assert "framecast-conformance explain INV-T6" == helps["INV-T6"]
    assert all(helps.values())
    assert [known.index(each["ruleId"]) for each in run["results"]] == [
        each["ruleIndex"] for each in run["results"]
    ]
    *places, last = [each["locations"][0]["physicalLocation"] for each in run["results"]]
    (place, _) = places
    # What is no rule's has no line of its own, and code scanning takes no result without one.
    assert "migrations/001_initial_schema.sql" == last["artifactLocation"]["uri"]
    assert {"startLine": 1} == last["region"]
    text = (ROOT / place["artifactLocation"]["uri"]).read_text().splitlines()
    assert "inv_t6__teams_credits_not_negative" in text[place["region"]["startLine"] - 1]


def test_sarif_names_files_by_their_uris(document: dict[str, Any]) -> None:
    """Spaces and other alphabets are coded, and a file outside a checkout is whole."""
    for file, uri in (
        ("db é/#1 a.sql", "db%20%C3%A9/%231%20a.sql"),
        ("/srv/db #/1.sql", "file:///srv/db%20%23/1.sql"),
    ):
        document["rules"][0]["place"] = {"file": file, "line": 3}
        (run,) = json.loads(forms.render(document, "sarif"))["runs"]
        (place,) = run["results"][0]["locations"]
        assert uri == place["physicalLocation"]["artifactLocation"]["uri"]


def test_a_part_that_came_to_its_end_is_no_failed_execution(document: dict[str, Any]) -> None:
    """SARIF says whether the tool ran to its end, and of which version it is, not what it found."""
    document |= {"whole": False, "versions": {"framecast-conformance": "0.1.0"}}

    def successful() -> bool:
        (run,) = json.loads(forms.render(document, "sarif"))["runs"]
        assert "0.1.0" == run["tool"]["driver"]["version"]
        return bool(run["invocations"][0]["executionSuccessful"])

    assert successful()
    document["counts"] = {**document["counts"], "not_run": 1}
    assert not successful()
    document["counts"]["not_run"], document["exit_status"] = 0, 2
    assert not successful()


def test_each_form_says_how_much_was_tried(document: dict[str, Any]) -> None:
    """Whole or partial is told where the run is: by properties, on the page, in Markdown."""
    for whole, missing, words in (
        (True, 0, "the whole suite"),
        (False, 0, "a part of the suite"),
        (False, 3, "it ended before 3 of its tests"),
    ):
        document["whole"] = whole
        document["counts"] = {**document["counts"], "not_run": missing}
        (suite,) = ET.fromstring(forms.render(document, "junit"))  # noqa: S314 - it is our own
        told = {each.get("name"): each.get("value", "") for each in suite.iter("property")}
        (run,) = json.loads(forms.render(document, "sarif"))["runs"]
        assert told["tried"].startswith(words)
        assert run["properties"]["tried"].startswith(words)
        assert f"<dt>tried</dt><dd>{words}" in forms.render(document, "html")
        assert f"tried {words}" in forms.render(document, "markdown")


def test_each_form_says_what_was_selected(
    document: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A report of a part says by which words it was chosen, and so does a comparison with it."""
    part = {**document, "whole": False, "selected": ["--rule", "INV-T6", "-k", "a or b"]}
    words = "a part of the suite: --rule INV-T6 -k 'a or b'"

    for each in ("junit", "sarif", "html", "markdown"):
        assert words in html.unescape(forms.render(part, each)), each
    assert f"; {words}" in forms.render(part, "markdown").splitlines()[0]
    path = tmp_path / "part.json"
    forms.write(part, path)
    assert 0 == main(["compare", str(path), str(path)])
    out = capsys.readouterr().out
    assert all(f"the {which} report is of {words}\n" in out for which in ("old", "new"))
    assert 1 == main(["versions", str(path), str(path)])
    assert "--rule INV-T6 -k 'a or b'" in capsys.readouterr().err


def test_each_form_leads_to_the_finding_that_is_kept(document: dict[str, Any]) -> None:
    """A pipeline's page has the command that tries the finding again."""
    command = "framecast-conformance replay inv_t6__0123abcd"
    assert [] == [each for each in forms.FORMATS if command in forms.render(document, each)]
    failure = {**FAILURE, "finding": "inv_t6__0123abcd"}
    document["rules"][0]["failures"] = [failure]
    for form_of in set(forms.FORMATS) - {"json"}:
        assert command in forms.render(document, form_of), form_of
    document["rules"][0].update(failures=[], verdict="held")
    document["beside"] = [{**failure, "rule": "LOCK ORDER"}]
    for form_of in set(forms.FORMATS) - {"json"}:
        assert command in forms.render(document, form_of), form_of


def test_no_message_is_endless(document: dict[str, Any]) -> None:
    """A failure with much to say is cut in messages, and whole in JSON."""
    long, document = "a right, " * 300, copy.deepcopy(document)
    document["beside"][0]["observed"] = document["rules"][0]["failures"][0]["observed"] = long

    assert all(len(line) < 800 for line in forms.render(document, "github").splitlines())
    (run,) = json.loads(forms.render(document, "sarif"))["runs"]
    assert all(len(each["message"]["text"]) < 700 for each in run["results"])
    assert long in forms.render(document, "json")


def test_annotations_are_one_line_each(document: dict[str, Any]) -> None:
    """Characters that GitHub reads as the end of a command or of a property are escaped."""
    lines = forms.render(document, "github").splitlines()

    assert 4 == len(lines)
    assert lines[1].startswith("::error file=migrations/001_initial_schema.sql,line=")
    assert lines[1].endswith("::expected: refused; observed: a, b: 100%25%0Arow")
    assert lines[3].startswith("::error file=migrations/001_initial_schema.sql,line=1,")
    told = "2 rules are not held; 1 finding beside the rules (LOCK ORDER)"
    counts = "1 broken, 1 unproven, 1 held"
    assert lines[0] == f"::error title=Rules of the schema::failed: {told}. {counts}"


def test_markdown_shows_failures_first(document: dict[str, Any]) -> None:
    """Rules that are not held stand in a table that no text of theirs can break."""
    text = forms.render(document, "markdown")

    (row,) = [line for line in text.splitlines() if line.startswith("| INV-T6")]
    assert "**broken**" in row
    assert 5 == row.count("|") - row.count("\\|")
    assert "````sql\n" + SCRIPT in text


class Page(HTMLParser):
    """Reads what a page asks for, and what has an id."""

    def __init__(self, text: str) -> None:
        """Read a page."""
        super().__init__()
        self.asked: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.scripts = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one element."""
        given = dict(attrs)
        self.scripts += tag == "script"
        self.ids += [given["id"] or ""] if "id" in given else []
        target = given.get("href") or given.get("src") or ""
        (self.links if target.startswith("#") else self.asked).append(target)


def test_the_page_asks_nobody_and_links_every_rule(document: dict[str, Any]) -> None:
    """Each rule has its place on the page, text is shown as text, and nothing is fetched."""
    text = forms.render(document, "html")
    page = Page(text)

    assert {"", "data:,"} == set(page.asked)
    assert {"INV-T6", "INV-T2", "INV-U5"} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert 1 == page.scripts
    assert "&lt;script&gt;alert(1)" in text
    assert "http://" not in text
    assert "https://" not in text


def test_a_report_is_shown_in_each_form(
    document: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command writes what the ending asks for, or prints what the format names."""
    report = tmp_path / "report.json"
    forms.write(document, report)
    assert document == json.loads(report.read_text())
    for ending, begins in (
        ("xml", "<?xml"),
        ("html", "<!DOCTYPE html>"),
        ("md", "### Rules"),
        ("sarif", "{"),
    ):
        target = tmp_path / f"report.{ending}"
        assert 0 == main(["report", str(report), "--to", str(target)])
        assert target.read_text().startswith(begins)
    assert 0 == main(["report", str(report), "--format", "github"])
    assert capsys.readouterr().out.startswith("::error title=Rules")
    assert 1 == main(["report", str(report), "--to", str(tmp_path / "no" / "page.html")])
    assert "No such file" in capsys.readouterr().err
    assert 1 == main(["report", str(report), "--to", str(tmp_path / "report.yaml")])
    assert ".json (json), .xml (junit)," in capsys.readouterr().err
    assert not (tmp_path / "report.yaml").exists()
    assert 1 == main(["report", str(report), "--to", "github"])
    assert "--format github is the form" in capsys.readouterr().err


def test_a_run_writes_several_reports(tmp_path: Path) -> None:
    """The option may be given several times, each with the form of its ending."""
    run_in(tmp_path, HEAD, "--conformance-report=two.xml", "--conformance-report=three.html", "-n0")

    assert '<testcase classname="rules" name="INV-U5">' in (tmp_path / "two.xml").read_text()
    assert 'id="INV-U5"' in (tmp_path / "three.html").read_text()
