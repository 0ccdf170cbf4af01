"""Printed report of an audit or of the gate, and the same as JSON."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.engine.audit.findings import Section

VERSION = 1


def verdict(name: str, sections: Iterable[Section], good: str, bad: str) -> str:
    """Return the last line."""
    wrong = [section for section in sections if not section.right]
    if not wrong:
        return f"{name}: {good}"
    faults = sum(len(section.faults) for section in wrong)
    unasked = sum(not section.asked for section in wrong)
    parts = [f"{faults} finding{'' if faults == 1 else 's'}"] if faults else []
    parts += [f"{unasked} section{'' if unasked == 1 else 's'} not asked to the end"] * (
        unasked > 0
    )
    return f"{name}: {bad}: {', '.join(parts)}"


def as_json(sections: Sequence[Section], **facts: Any) -> str:
    """Return the sections as JSON text: `version`, `holds`, what else is known, `sections`."""
    document = {
        "version": VERSION,
        "holds": all(section.right for section in sections),
        **facts,
        "sections": [section.as_dict() for section in sections],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def as_markdown(sections: Sequence[Section], last: str) -> str:
    """Return the sections as Markdown, for the description of a pull request."""
    lines = [f"**{_escaped(last)}**", "", "| | section | outcome | |", "|---|---|---|---|"]
    lines += [
        f"| {each.number} | {each.title} | {each.outcome} | {_escaped(each.summary)} |"
        for each in sections
    ]
    for section in sections:
        lines += [""] * bool(section.faults)
        for fault in section.faults:
            keys = f" ({', '.join(map(_escaped, fault.keys))})" if fault.keys else ""
            lines.append(
                f"- **{_escaped(fault.about)}**: {_escaped(fault.what)}{keys}"
                f" → {_escaped(fault.remedy)}"
            )
    notes = [f"- {_escaped(note)}" for section in sections for note in section.notes]
    if notes:
        lines += ["", "<details><summary>notes</summary>", "", *notes, "", "</details>"]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    """Return a text that Markdown and HTML show as it is, in one line."""
    plain = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*_\[\]|#])", r"\\\1", plain)
