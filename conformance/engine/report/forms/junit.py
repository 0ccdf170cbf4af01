"""JUnit's XML: a case for each rule, as a pipeline's page of tests shows it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from conformance.engine.cases.verdicts import NOT_RUN, Verdict
from conformance.engine.report.forms.summary import (
    FAILED,
    IMPOSSIBLE,
    RUN,
    facts,
    others,
    outcome,
    replayed,
    sentence,
    shortened,
)
from conformance.engine.report.reasons import accepted

if TYPE_CHECKING:
    from conformance.engine.report.document import Document

# What XML 1.0 cannot hold, which SQL may.
FORBIDDEN = re.compile(r"[^\t\n\r -\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")


def render(document: Document) -> str:
    """Return a suite of the rules, and of what failed beside them."""
    rules, beside = document["rules"], document.get("beside", [])
    errors, failed = document.get("errors", []), others(document)
    unheld = [rule for rule in rules if rule["verdict"] not in (Verdict.HELD, NOT_RUN)]
    bad = [rule for rule in unheld if not accepted(rule["failures"])]
    worse = [failure for failure in beside if not accepted([failure])]
    suite = ET.Element(
        "testsuite",
        name="conformance",
        tests=str(len(errors) + len(rules) + len(beside) + len(failed)),
        failures=str(len(bad) + len(worse) + len(failed)),
        errors=str(len(errors)),
        skipped=str(
            sum(rule["verdict"] == NOT_RUN for rule in rules)
            + len(unheld)
            - len(bad)
            + len(beside)
            - len(worse)
        ),
        time=str(document.get("seconds", 0)),
        timestamp=str(document.get("begun", "")),
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in (("outcome", outcome(document)), *facts(document)):
        ET.SubElement(properties, "property", name=name, value=_plain(value))
    for error in errors:
        _at(_end(suite, "error", IMPOSSIBLE, error["said"]), error)
    for rule in rules:
        case = ET.SubElement(suite, "testcase", classname="rules", name=rule["id"])
        own = ET.SubElement(case, "properties")
        for name in ("statement", "accepted", "rejected", "named"):
            ET.SubElement(own, "property", name=name, value=_plain(str(rule.get(name, ""))))
        enforced = ", ".join(rule.get("enforced_by", ()))
        ET.SubElement(own, "property", name="enforced_by", value=_plain(enforced))
        _at(case, rule)
        if rule["verdict"] == NOT_RUN:
            ET.SubElement(case, "skipped", message="the run ended before it came to this rule")
        elif rule in unheld and rule not in bad:
            until = _of(f"{rule['verdict']}, accepted {accepted(rule['failures'])}")
            ET.SubElement(case, "skipped", message=until)
        elif rule in bad:
            said = ET.SubElement(case, "failure", type=rule["verdict"], message=_of(sentence(rule)))
            said.text = _plain("\n\n".join(map(_script, rule["failures"])))
    for failure in beside:
        _beside(suite, failure, accepted([failure]))
    for each in failed:
        _end(suite, "failure", FAILED, each)
    suites = ET.Element("testsuites")
    suites.append(suite)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _end(suite: ET.Element, kind: str, verdict: str, text: str) -> ET.Element:
    """Add the case of an error that ended the run, or of what else failed it; return the case."""
    case = ET.SubElement(suite, "testcase", classname="run", name=RUN)
    said = ET.SubElement(case, kind, type=verdict, message=_of(text))
    said.text = _plain(text)
    return case


def _at(case: ET.Element, of: dict[str, Any]) -> None:
    """Set the place in the migrations of what a case is about, where it is known."""
    if "place" in of:
        case.set("file", of["place"]["file"])
        case.set("line", str(of["place"]["line"]))


def _beside(suite: ET.Element, failure: dict[str, Any], until: str) -> None:
    """Add the case of a failure that is no rule's; until when it is accepted, if it is."""
    case = ET.SubElement(suite, "testcase", classname="beside", name=failure["rule"])
    if until:
        ET.SubElement(case, "skipped", message=_of(f"{failure['verdict']}, accepted {until}"))
        return
    said = ET.SubElement(case, "failure", type=failure["verdict"])
    said.set("message", _of(f"{shortened(failure['observed'])} ({failure['test']})"))
    said.text = _plain(_script(failure))


def _script(failure: dict[str, Any]) -> str:
    """Return the SQL that shows a failure, below the command that tries it again."""
    again = replayed(failure)
    return f"-- again: {again}\n{failure['script']}" if again else str(failure["script"])


def _of(text: str) -> str:
    return _plain(" ".join(text.split()))


def _plain(text: str) -> str:
    return FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
