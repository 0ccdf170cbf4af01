"""JUnit's XML: a case for each rule, as a pipeline's page of tests shows it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from conformance.engine.cases.verdicts import NOT_RUN, Verdict
from conformance.engine.report.forms.summary import accepted, facts, sentence

if TYPE_CHECKING:
    from conformance.engine.report.document import Document

# What XML 1.0 cannot hold, which SQL may.
FORBIDDEN = re.compile(r"[^\t\n\r -\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")


def render(document: Document) -> str:
    """Return a suite of the rules, and of what failed beside them."""
    rules, beside = document["rules"], document.get("beside", [])
    unheld = [rule for rule in rules if rule["verdict"] not in (Verdict.HELD, NOT_RUN)]
    bad = [rule for rule in unheld if not accepted(rule["failures"])]
    worse = [failure for failure in beside if not accepted([failure])]
    suite = ET.Element(
        "testsuite",
        name="conformance",
        tests=str(len(rules) + len(beside)),
        failures=str(len(bad) + len(worse)),
        errors="0",
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
    for name, value in facts(document):
        ET.SubElement(properties, "property", name=name, value=_plain(value))
    for rule in rules:
        case = ET.SubElement(suite, "testcase", classname="rules", name=rule["id"])
        own = ET.SubElement(case, "properties")
        for name in ("statement", "accepted", "rejected", "named"):
            ET.SubElement(own, "property", name=name, value=_plain(str(rule.get(name, ""))))
        if rule["verdict"] == NOT_RUN:
            ET.SubElement(case, "skipped", message="the run ended before it came to this rule")
        elif rule in unheld and rule not in bad:
            until = _of(f"{rule['verdict']}, accepted {accepted(rule['failures'])}")
            ET.SubElement(case, "skipped", message=until)
        elif rule in bad:
            said = ET.SubElement(case, "failure", type=rule["verdict"], message=_of(sentence(rule)))
            said.text = _plain("\n\n".join(each["script"] for each in rule["failures"]))
    for failure in beside:
        case = ET.SubElement(suite, "testcase", classname="beside", name=failure["rule"])
        if failure not in worse:
            until = _of(f"{failure['verdict']}, accepted {accepted([failure])}")
            ET.SubElement(case, "skipped", message=until)
            continue
        said = ET.SubElement(case, "failure", type=failure["verdict"])
        said.set("message", _of(f"{failure['observed']} ({failure['test']})"))
        said.text = _plain(failure["script"])
    suites = ET.Element("testsuites")
    suites.append(suite)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _of(text: str) -> str:
    return _plain(" ".join(text.split()))


def _plain(text: str) -> str:
    return FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
