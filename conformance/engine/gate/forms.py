"""Forms of the gate's answer for machines: annotations of GitHub Actions, and SARIF 2.1.0.

Both show a finding at the file and line of the pending migration that it is about, where it is
about one.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from conformance.engine.report.forms.github import IN_MESSAGE, IN_PROPERTY
from conformance.engine.report.forms.sarif import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from conformance.engine.audit.findings import Fault, Section

# How a finding or a note begins that is about a file.
PLACE = re.compile(r"(?P<file>[^\s:]+\.sql)(?::(?P<line>\d+))?(?=[\s:]|$)")


def as_annotations(sections: Sequence[Section], last: str, folder: Path) -> str:
    """Return a workflow command for each finding and each note, and one for the answer.

    Args:
        sections: what was asked.
        last: the answer, in a line.
        folder: of the migrations.
    """
    lines = []
    for section in sections:
        title = f"{section.number} {section.title}"
        lines += [
            _command("error", title, _sentence(fault), _place(fault.about, folder))
            for fault in section.faults
        ]
        lines += [  # others are about no file, and are in the log
            _command("notice", title, note, _place(note, folder))
            for note in section.notes
            if PLACE.match(note)
        ]
    right = all(section.right for section in sections)
    lines.append(_command("notice" if right else "error", "gate", last, {}))
    return "\n".join(lines) + "\n"


def as_sarif(sections: Sequence[Section], last: str, folder: Path, code: int) -> str:
    """Return a run with a result for each finding, and one of level `note` for each note.

    Args:
        sections: what was asked.
        last: the answer, in a line.
        folder: of the migrations.
        code: the exit code.
    """
    results = [
        result for each in sections for result in (*_faults(each, folder), *_notes(each, folder))
    ]
    run = {
        "tool": {
            "driver": {
                "name": "framecast-gate",
                "rules": [
                    {"id": _rule(each), "shortDescription": {"text": each.title}}
                    for each in sections
                ],
            }
        },
        "invocations": [
            {"executionSuccessful": all(each.asked for each in sections), "exitCode": code}
        ],
        "results": results,
        "properties": {"answer": last},
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _faults(section: Section, folder: Path) -> Iterator[dict[str, Any]]:
    for fault in section.faults:
        yield _result(section, "error", _sentence(fault), _place(fault.about, folder))


def _notes(section: Section, folder: Path) -> Iterator[dict[str, Any]]:
    for note in section.notes:
        yield _result(section, "note", note, _place(note, folder))


def _result(section: Section, level: str, text: str, place: dict[str, str]) -> dict[str, Any]:
    result: dict[str, Any] = {"ruleId": _rule(section), "level": level, "message": {"text": text}}
    if place:
        region = {"startLine": int(place.get("line", 1))}
        where = {"artifactLocation": {"uri": place["file"]}, "region": region}
        result["locations"] = [{"physicalLocation": where}]
    return result


def _rule(section: Section) -> str:
    return f"gate/{section.title}"


def _sentence(fault: Fault) -> str:
    keys = f" ({', '.join(fault.keys)})" if fault.keys else ""
    return f"{fault.about}: {fault.what}{keys} -> {fault.remedy}"


def _place(text: str, folder: Path) -> dict[str, str]:
    """Return the file, and the line if there is one, that a text begins with."""
    found = PLACE.match(text)
    if found is None:
        return {}
    place = {"file": (folder / found["file"].rpartition("/")[2]).as_posix()}
    return {**place, "line": found["line"]} if found["line"] else place


def _command(level: str, title: str, text: str, place: dict[str, str]) -> str:
    properties = {**place, "title": title}
    given = ",".join(f"{name}={_escaped(value, IN_PROPERTY)}" for name, value in properties.items())
    return f"::{level} {given}::{_escaped(text, IN_MESSAGE)}"


def _escaped(text: str, pairs: tuple[tuple[str, str], ...]) -> str:
    for plain, coded in pairs:
        text = text.replace(plain, coded)
    return text
