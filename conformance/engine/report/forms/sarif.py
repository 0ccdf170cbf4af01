"""SARIF 2.1.0, which code scanning shows beside the line of the migration.

Source: OASIS, Static Analysis Results Interchange Format, version 2.1.0.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from conformance.engine.cases.verdicts import Verdict
from conformance.engine.report.forms.summary import (
    IMPOSSIBLE,
    RUN,
    Told,
    end,
    facts,
    failures,
    outcome,
)

if TYPE_CHECKING:
    from conformance.engine.report.document import Document

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
NAME = "framecast-conformance"
DONE = (0, 1)  # exit codes of runs that came to their end


def render(document: Document) -> str:
    """Return a run with a result for each rule that is not held."""
    found = list(failures(document))
    known = {rule["id"]: rule["statement"] for rule in document["rules"] if "statement" in rule}
    rules = {*known}
    if any(each.rule == RUN for each in found):
        known[RUN] = "An error that ended the run, or another reason for which it failed."
    known |= {each.rule: "A failure that is no rule's." for each in found if each.rule not in known}
    run = {
        "tool": {
            "driver": {
                "name": NAME,
                **_version(document),
                "rules": [
                    {
                        "id": name,
                        "shortDescription": {"text": statement},
                        "help": {
                            "text": f"framecast-conformance explain {name}"
                            if name in rules
                            else statement
                        },
                    }
                    for name, statement in known.items()
                ],
            }
        },
        "invocations": [
            {
                "executionSuccessful": _came_to_its_end(document),
                "exitCode": document.get("exit_status", 0),
                "toolExecutionNotifications": [
                    {"level": "error", "message": {"text": each.sentence}, **_located(each)}
                    for each in found
                    if each.verdict == IMPOSSIBLE
                ],
            }
        ],
        "results": [_result(each, list(known), end(document)) for each in found],
        "properties": {"outcome": outcome(document), **dict(facts(document))},
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _version(document: Document) -> dict[str, str]:
    version = document.get("versions", {}).get(NAME)
    return {"version": version} if version else {}


def _result(each: Told, known: list[str], last: str) -> dict[str, Any]:
    """Return a result; code scanning takes none without a place, such as that of a right."""
    result: dict[str, Any] = {
        "ruleId": each.rule,
        "ruleIndex": known.index(each.rule),
        "level": "warning" if each.verdict == Verdict.UNPROVEN else "error",
        "message": {"text": f"{each.title}: {each.whole}"},
        "partialFingerprints": {"verdict/v1": f"{each.rule}:{each.verdict}"},
    }
    if each.accepted:
        justification = f"accepted {each.accepted}"
        result["suppressions"] = [{"kind": "external", "justification": justification}]
    return {**result, **_located(each if each.file else each._replace(file=last, line=1))}


def _located(each: Told) -> dict[str, Any]:
    if not each.file:
        return {}
    place = {"artifactLocation": {"uri": _uri(each.file)}, "region": {"startLine": each.line}}
    return {"locations": [{"physicalLocation": place}]}


def _uri(file: str) -> str:
    """Return the URI of a file; one that is not below the top of a checkout is whole."""
    return f"file://{quote(file)}" if file.startswith("/") else quote(file)


def _came_to_its_end(document: Document) -> bool:
    """Return whether all that a run was asked for was tried, whatever it found."""
    unreached = document.get("counts", {}).get("not_run", 0)
    status = document.get("exit_status", 0)
    return status in DONE and not unreached and not document.get("errors")
