"""Forms of a report for people and programs, each made from the document that a run writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from conformance.engine.report.document import ReportError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conformance.engine.report.document import Document
    from conformance.engine.report.forms.extras import Extras

ENDINGS = {
    ".json": "json",
    ".xml": "junit",
    ".html": "html",
    ".md": "markdown",
    ".sarif": "sarif",
}
PAGE = "html"
FORMATS = (*ENDINGS.values(), "github")


def format_of(target: Path) -> str:
    """Return the format that a file's ending asks for; JSON where the file has no ending.

    Raises:
        ReportError: No form of a report has this ending.
    """
    ending = target.suffix.lower()
    if not ending:
        return "json"
    if ending not in ENDINGS:
        known = ", ".join(f"{each} ({form})" for each, form in ENDINGS.items())
        message = f"{target}: a report has one of these endings: {known}"
        raise ReportError(message)
    return ENDINGS[ending]


def write(document: Document, target: Path, form: str = "", extras: Extras | None = None) -> None:
    """Write a report to a file.

    Args:
        document: the report.
        target: the file.
        form: one of `FORMATS`; '' for what the file's ending asks for.
        extras: what the page shows beside it.

    Raises:
        ReportError: The file cannot be written, or its ending asks for no form.
    """
    text = render(document, form or format_of(target), extras)
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"cannot write {target}: {error.strerror}"
        raise ReportError(message) from None


def render(document: Document, form: str, extras: Extras | None = None) -> str:
    """Return a report in one of `FORMATS`; of these the page alone shows extras."""
    if form == PAGE:
        from conformance.engine.report.forms import html  # noqa: PLC0415 - as below

        return html.render(document) if extras is None else html.render(document, extras)
    return _renderers()[form](document)


def _renderers() -> dict[str, Callable[[Document], str]]:
    from conformance.engine.report.forms import (  # noqa: PLC0415 - Jinja is only there for who needs it
        github,
        junit,
        markdown,
        sarif,
    )

    return {
        "json": lambda document: json.dumps(document, indent=2, ensure_ascii=False) + "\n",
        "junit": junit.render,
        "markdown": markdown.render,
        "sarif": sarif.render,
        "github": github.render,
    }
