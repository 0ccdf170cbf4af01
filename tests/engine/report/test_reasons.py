"""Reasons for which a run fails: every form of its report begins with them."""

import json
import re
from typing import Any, Final
from xml.etree import ElementTree as ET

import pytest

from conformance.engine.cases.verdicts import Verdict
from conformance.engine.report import form, forms, reasons
from conformance.engine.report.forms.markdown import MOST_BYTES
from tests.support.recording import HEAD, run_in
from tests.support.reports import failure, whole

FAILED: Final = {"test": "test_other.py::test_other", "when": "call", "kind": "failure"}
# By keys of a report: what fails a run there, and what each form must say of it.
WRONG: Final[dict[str, tuple[Any, str]]] = {
    "errors": ([{"said": "no server"}], "an error ended the run"),
    "rules": (None, "1 rule is not held"),
    "beside": ([failure("RIGHT", Verdict.BROKEN)], "1 finding beside the rules (RIGHT)"),
    "missed": (["draft>active was never tried", "b"], "missed: draft>active was never tried"),
    "failed": ([{**FAILED, "said": "1 is not 2", "rules": []}], "test_other: 1 is not 2"),
    "exit_status": (2, "it ended with exit status 2"),
}

RIGHT: Final = f"""
def test_other(record_property):
    failure = {failure("RIGHT", Verdict.BROKEN)!r}
    record_property("conformance", {{"rule": "RIGHT", "tally": [0, 0, 0], "failure": failure}})
"""


def held() -> dict[str, Any]:
    """Return a report of a run in which all rules are held."""
    found = whole()
    found["exit_status"] = 0
    for rule in found["rules"]:
        rule.update(verdict="held", failures=[])
    found["verdicts"] = {**dict.fromkeys(found["verdicts"], 0), "held": len(found["rules"])}
    return found


def failing(key: str) -> dict[str, Any]:
    """Return a report of a run that failed for what stands under one key alone."""
    found = {**held(), "exit_status": 1}
    if key == "rules":
        found["rules"][0].update(verdict="broken", failures=[failure("INV-U1", Verdict.BROKEN)])
    else:
        found[key] = WRONG[key][0]
    return found


def first(document: dict[str, Any], name: str) -> str:
    """Return what a reader of a form sees first."""
    text = forms.render(document, name)
    if name == "junit":
        (suite,) = ET.fromstring(text)  # noqa: S314 - it is our own
        return str(next(suite.iter("property")).get("value"))
    if name == "sarif":
        return str(next(iter(json.loads(text)["runs"][0]["properties"].values())))
    if name == "html":
        title = re.findall("<title>(.*)</title>", text)
        assert title == [
            f"Rules of the schema: {each}" for each in re.findall("<strong>(.*?)</strong>", text)
        ]
        text = title[0].replace("&gt;", ">")
    return text.splitlines()[0]


def counted(document: dict[str, Any], name: str) -> int:
    """Return how many failures a form has."""
    text = forms.render(document, name)
    if name == "junit":
        (suite,) = ET.fromstring(text)  # noqa: S314 - it is our own
        each = len([*suite.iter("failure"), *suite.iter("error")])
        assert int(suite.get("failures", 0)) + int(suite.get("errors", 0)) == each
        return each
    if name == "sarif":
        return len(json.loads(text)["runs"][0]["results"])
    return text.count("\n::error" if name == "github" else "\n| ") - (name == "markdown")


def test_each_reason_is_known_here() -> None:
    """A reason that is new in one place is asked of every form, and keys are of the report."""
    assert {*reasons.READ, "failed", "exit_status"} == WRONG.keys()
    assert WRONG.keys() <= form.Report.__annotations__.keys()


@pytest.mark.parametrize("name", [each for each in forms.FORMATS if each != "json"])
@pytest.mark.parametrize("key", WRONG)
def test_every_form_begins_with_why_the_run_failed(key: str, name: str) -> None:
    """In its first line, and as a failure of the form's own kind; one that passed says nothing."""
    said = first(failing(key), name)
    assert "failed: " in said
    assert WRONG[key][1] in said
    assert "failed" not in first(held(), name)
    if name in {"junit", "sarif", "github"}:
        assert counted(failing(key), name) - counted(held(), name) == (2 if key == "missed" else 1)


def test_what_is_accepted_is_no_reason() -> None:
    """Failures that a baseline accepts explain no failed run, and others do."""
    document = failing("beside")
    document["beside"] = [{**failure("RIGHT", Verdict.BROKEN), "accepted": "until 2027"}]
    assert ["it ended with exit status 1"] == reasons.reasons(document)
    document["missed"] = ["x"]
    assert ["missed: x"] == reasons.reasons(document)


def test_the_page_leads_to_what_is_wrong_beside_the_rules() -> None:
    """A finding that is no rule's is named at the top, found by words, and stands before rules."""
    document = failing("beside")
    document["missed"] = WRONG["missed"][0]
    page = forms.render(document, "html")
    head, _, rest = page.partition("</header>")

    assert '<a href="#beside-1">RIGHT</a> broken' in head
    assert '<a href="#beside">' in head
    assert '<a href="#missed">' in head
    assert "Why the run failed: draft&gt;active was never tried" in head
    assert rest.index('id="beside-1"') < rest.index('id="rules"')
    assert re.search('<details class="rule" id="beside-1" [^>]*data-text="right broken', rest)
    assert f"all {len(document['rules']) + 1}</button>" in rest
    assert ">broken 1</button>" in rest


def test_a_run_that_failed_beside_the_rules_says_so(tmp_path: Any) -> None:
    """The last line of the rules says why, where all rules that were asked for are held."""
    done = run_in(tmp_path, HEAD + "\ndef test_other():\n    assert 1 == 2\n", "-n0")
    why = "failed: test_fake.py::test_other: AssertionError: assert 1 == 2. 1 held"
    assert why in done.rows
    assert "RIGHT" not in done.output
    done = run_in(tmp_path, HEAD + RIGHT, "-n0")
    assert "failed: 1 finding beside the rules (RIGHT). 1 held, 1 beside the rules" in done.rows


def test_markdown_fits_into_a_comment() -> None:
    """The worst stays where all rules are broken, and what is left out is counted."""
    document = failing("rules")
    for rule in document["rules"]:
        found = {**failure(rule["id"], Verdict.BROKEN), "observed": "é" * 300}
        found["script"] = "SELECT 'é';\n" * 90
        rule.update(verdict="broken", failures=[found])
    text = forms.render(document, "markdown")

    assert MOST_BYTES >= len(text.encode()) > MOST_BYTES * 0.9
    rows = text.count("\n| INV-") + text.count("\n| CARD-")
    scripts = text.count("</details>")
    assert (
        f"Left out here, where the JSON has them: {len(document['rules']) - scripts} scripts.\n"
        in text
    )
    assert 90 < rows
    assert 0 < scripts < len(document["rules"])
    assert "Left out" not in forms.render(held(), "markdown")
