"""Markdown, for the summary of a pipeline's step or a comment at a pull request."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.engine.cases.verdicts import Verdict, shown_by
from conformance.engine.report.forms.summary import Told, facts, failures, outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.report.document import Document

MOST = 240  # characters of a cell
MOST_BYTES = 65_536  # of a comment on GitHub
LEFT_OUT = 400  # bytes for what says that something is left out
MOST_TESTS = 10


@dataclass(frozen=True, slots=True)
class Part:
    """Part of the text: what its items are, the lines around them, and the lines of each."""

    title: str
    items: Sequence[str]
    head: Sequence[str] = ()
    tail: Sequence[str] = ()
    most: int | None = None

    def within(self, room: int) -> tuple[list[str], int]:
        """Return the lines that fit into so many bytes, and how many items are left out."""
        room -= sum(map(_bytes, (*self.head, *self.tail)))
        taken = []
        for item in self.items[: self.most]:
            room -= _bytes(item)
            if room < 0:
                break
            taken.append(item)
        lines = [*self.head, *taken, *self.tail] if taken else []
        return lines, len(self.items) - len(taken)


def render(document: Document) -> str:
    """Return the outcome, the rules that are not held with their smallest scripts, then all.

    What a comment on GitHub has no room for is left out, and counted.
    """
    lines, last = [f"### Rules of the schema: {outcome(document)}", ""], _last(document)
    room = MOST_BYTES - sum(map(_bytes, (*lines, last))) - LEFT_OUT
    left = []
    for part in _parts(document):
        some, more = part.within(room)
        lines += some
        room -= sum(map(_bytes, some))
        left += [f"{more} {part.title}"] if more else []
    lines.append("")
    if left:
        lines += [f"Left out here, where the JSON has them: {', '.join(left)}.", ""]
    return "\n".join((*lines, last)) + "\n"


def _parts(document: Document) -> Iterator[Part]:
    """Yield the parts, what matters most first."""
    yield Part(
        "of what is wrong",
        [*map(_row, failures(document))],
        ["| rule | verdict | what was seen | enforced at |", "|---|---|---|---|"],
        [""],
    )
    scripts = [
        (rule["id"], each["script"]) for rule in document["rules"] for each in rule["failures"][:1]
    ]
    folded = [
        "\n".join(_folded(f"{name}: {shown_by(text)}", text)) for name, text in scripts if text
    ]
    yield Part("scripts", folded)
    failed = [f"- `{each['test']}`: {_cell(each['said'])}" for each in document.get("failed", ())]
    yield Part("tests that failed", failed, most=MOST_TESTS)
    rows = [
        f"| {rule['id']} | {rule['verdict']} | {rule['accepted']} | {rule['rejected']} |"
        for rule in document["rules"]
        if rule["verdict"] == Verdict.HELD and "accepted" in rule
    ]
    yield Part(
        "rules that are held",
        rows,
        [
            "<details><summary>Rules that are held</summary>",
            "",
            "| rule | verdict | accepted | rejected |",
            "|---|---|--:|--:|",
        ],
        ["", "</details>"],
    )


def _row(each: Told) -> str:
    where = f"`{each.file}:{each.line}`" if each.file else ""
    accepted = f", accepted {_cell(each.accepted)}" if each.accepted else ""
    again = f"<br>again: `{each.again}`" if each.again else ""
    told = f"{_cell(each.sentence)}{again}"
    return f"| {' | '.join((each.rule, f'**{each.verdict}**{accepted}', told, where))} |"


def _last(document: Document) -> str:
    some = [f"{name} {value}" for name, value in facts(document) if len(value) < MOST // 2]
    return f"<sub>{_cell(' · '.join(some), most=10 * MOST)}</sub>"


def _bytes(line: str) -> int:
    return len(line.encode()) + 1


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
