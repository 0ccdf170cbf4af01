"""Markdown, for the summary of a pipeline's step or a comment at a pull request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.engine.cases.verdicts import Verdict, shown_by
from conformance.engine.report.forms.summary import facts, failures, outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.report.document import Document

MOST = 240  # characters of a cell


def render(document: Document) -> str:
    """Return the outcome, the rules that are not held with their smallest scripts, then all."""
    return "\n".join(_lines(document)) + "\n"


def _lines(document: Document) -> Iterator[str]:
    yield f"### Rules of the schema: {outcome(document)}"
    yield ""
    found = list(failures(document))
    if found:
        yield "| rule | verdict | what was seen | enforced at |"
        yield "|---|---|---|---|"
        for each in found:
            where = f"`{each.file}:{each.line}`" if each.file else ""
            accepted = f", accepted {_cell(each.accepted)}" if each.accepted else ""
            again = f"<br>again: `{each.again}`" if each.again else ""
            told = f"{_cell(each.sentence)}{again}"
            cells = (each.rule, f"**{each.verdict}**{accepted}", told, where)
            yield f"| {' | '.join(cells)} |"
        yield ""
    for rule in document["rules"]:
        for failure in rule["failures"][:1]:
            if failure["script"]:
                yield from _folded(
                    f"{rule['id']}: {shown_by(failure['script'])}", failure["script"]
                )
    for test in document.get("failed", ())[:10]:
        yield f"- `{test['test']}`: {_cell(test['said'])}"
    rows = [
        f"| {rule['id']} | {rule['verdict']} | {rule['accepted']} | {rule['rejected']} |"
        for rule in document["rules"]
        if rule["verdict"] == Verdict.HELD and "accepted" in rule
    ]
    if rows:
        yield "<details><summary>Rules that are held</summary>"
        yield ""
        yield "| rule | verdict | accepted | rejected |"
        yield "|---|---|--:|--:|"
        yield from rows
        yield ""
        yield "</details>"
    yield ""
    some = [f"{name} {value}" for name, value in facts(document) if len(value) < MOST // 2]
    yield f"<sub>{_cell(' · '.join(some), most=10 * MOST)}</sub>"


def _folded(title: str, script: str) -> Iterator[str]:
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", script)), default=2))
    yield f"<details><summary>{title}</summary>"
    yield ""
    yield f"{fence}sql"
    yield script.rstrip()
    yield fence
    yield ""
    yield "</details>"
    yield ""


def _cell(text: str, most: int = MOST) -> str:
    """Return text that breaks no table and starts no markup."""
    flat = " ".join(text.split())
    cut = flat if len(flat) <= most else flat[: most - 1] + "…"
    return cut.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "\\`")
