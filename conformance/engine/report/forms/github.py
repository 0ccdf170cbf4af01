"""Annotations of GitHub Actions: a workflow command for each rule that is not held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.engine.report.forms.summary import Told, failures, outcome

if TYPE_CHECKING:
    from conformance.engine.report.document import Document

# As GitHub's own toolkit writes them.
IN_MESSAGE = (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"))
IN_PROPERTY = (*IN_MESSAGE, (":", "%3A"), (",", "%2C"))


def render(document: Document) -> str:
    """Return a line that says how the run ended, and one a failure; GitHub shows ten at most."""
    level = "notice" if not document.get("exit_status", 0) else "error"
    first = f"::{level} title=Rules of the schema::{_escaped(outcome(document), IN_MESSAGE)}"
    return "\n".join((first, *map(_line, failures(document)))) + "\n"


def _line(each: Told) -> str:
    properties = {"title": each.title}
    if each.file:
        properties = {"file": each.file, "line": str(each.line), **properties}
    given = ",".join(f"{name}={_escaped(value, IN_PROPERTY)}" for name, value in properties.items())
    level = "warning" if each.accepted else "error"
    until = f" (accepted {each.accepted})" if each.accepted else ""
    return f"::{level} {given}::{_escaped(each.whole + until, IN_MESSAGE)}"


def _escaped(text: str, pairs: tuple[tuple[str, str], ...]) -> str:
    for plain, coded in pairs:
        text = text.replace(plain, coded)
    return text
