"""Reading of reports that runs have written.

`docs/report.md` says what a report has, key by key, and `docs/report.schema.json` says it to
programs; `conformance.engine.report.form` holds the types that both stand for.
"""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

FORMS = (1, 2)  # of the reports that can be read; the first does not say whether it is whole
Document: TypeAlias = "dict[str, Any]"  # as `conformance.engine.report.form.Report` has it


class ReportError(Exception):
    """A report that cannot be read or written; its text is one message, ready for a user."""


def load(path: Path) -> Document:
    """Return a report.

    Raises:
        ReportError: It is not there, or is no report of a form that we know.
    """
    try:
        document: Document = json.loads(path.read_text(encoding="utf-8"))
        version = document["version"]
        for rule in document["rules"] if version in FORMS else ():
            _ = str(rule["id"]), str(rule["verdict"])
    except OSError as error:
        message = (
            f"{path}: {error.strerror}: run framecast-conformance test --conformance-report {path}"
        )
        raise ReportError(message) from None
    except (KeyError, TypeError, ValueError) as error:
        message = f"{path}: {no_report(error)}"
        raise ReportError(message) from None
    if version not in FORMS:
        message = f"{path}: has form {version}, not {' or '.join(map(str, FORMS))}"
        raise ReportError(message)
    return document


def schema_changes(one: Document, other: Document) -> list[str]:
    """Return how the schema of one run differs from that of another; nothing if it is the same."""
    these, those = one.get("migrations") or {}, other.get("migrations") or {}
    words = {(True, True): "another", (True, False): "with", (False, True): "without"}
    return [
        f"{words[name in these, name in those]} {name}"
        for name in sorted({*these, *those})
        if these.get(name) != those.get(name)
    ]


def covered(document: Document) -> str:
    """Return how many statements of functions a run has reached; '' if none were counted."""
    seen = document.get("coverage")
    return f"{seen['reached']} of {seen['statements']} statements" if seen else ""


def selected(document: Document) -> str:
    """Return what of a command line asked for a part of the suite; '' where nothing did."""
    return shlex.join(document.get("selected", ()))


def no_report(error: Exception) -> str:
    """Return why a file is no report of a run, in words."""
    said = {KeyError: f"it has no {error}", json.JSONDecodeError: f"it is no JSON: {error}"}
    reason = said.get(type(error), "its parts are not those of a report")
    return f"is no report of a run: {reason}"
