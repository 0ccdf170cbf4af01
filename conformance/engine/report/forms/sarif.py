"""SARIF 2.1.0, which code scanning shows beside the line of the migration.

Source: OASIS, Static Analysis Results Interchange Format, version 2.1.0.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from conformance.engine.cases.verdicts import Verdict
from conformance.engine.report.forms.summary import Told, facts, failures

if TYPE_CHECKING:
    from conformance.engine.report.document import Document

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def render(document: Document) -> str:
    """Return a run with a result for each rule that is not held."""
    found = list(failures(document))
    known = {rule["id"]: rule["statement"] for rule in document["rules"] if "statement" in rule}
    known |= {each.rule: "A failure that is no rule's." for each in found if each.rule not in known}
    run = {
        "tool": {
            "driver": {
                "name": "framecast-conformance",
                "rules": [
                    {"id": name, "shortDescription": {"text": statement}}
                    for name, statement in known.items()
                ],
            }
        },
        "invocations": [
            {
                "executionSuccessful": bool(document.get("whole", True)),
                "exitCode": document.get("exit_status", 0),
            }
        ],
        "results": [_result(each, list(known)) for each in found],
        "properties": dict(facts(document)),
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _result(each: Told, known: list[str]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": each.rule,
        "ruleIndex": known.index(each.rule),
        "level": "warning" if each.verdict == Verdict.UNPROVEN else "error",
        "message": {"text": f"{each.rule} is {each.verdict}: {each.sentence}"},
        "partialFingerprints": {"verdict/v1": f"{each.rule}:{each.verdict}"},
    }
    if each.accepted:
        justification = f"accepted {each.accepted}"
        result["suppressions"] = [{"kind": "external", "justification": justification}]
    if each.file:
        place = {
            "artifactLocation": {"uri": each.file.lstrip("/")},
            "region": {"startLine": each.line},
        }
        result["locations"] = [{"physicalLocation": place}]
    return result
