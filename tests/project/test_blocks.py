"""Blocks and figures of the pages: each is run, read or compared by a test, or has its date."""

import ast
import re
import textwrap
import tomllib
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

import pglast
import pytest
import yaml

from conformance.engine.audit.accepted import Accepted
from conformance.framecast.rules import RULES
from tests.support.shells import PAGES, ROOT

BLOCK: Final = re.compile(r"^ *```(?P<kind>\S*)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)
HEADING: Final = re.compile(r"^(?=#+ )", re.MULTILINE)
VARIABLE: Final = re.compile(r":'\w+'")  # of psql
# Tests that carry a page's blocks out, or compare them with the files that they are from.
COMPARED: Final = {
    ("README.md", "console"): "tests/project/test_transcripts.py",
    ("docs/clients.md", "python"): "clients/test_clients.py",
    ("docs/clients.md", "ts"): "clients/test_clients.py",
    ("docs/first-ten-minutes.md", "console"): "tests/project/test_first_minutes.py",
    ("docs/gate.md", "console"): "tests/project/test_gate_page.py",
    ("docs/mutants.md", "console"): "tests/project/test_transcripts.py",
    ("docs/pipeline.md", "console"): "tests/engine/pytest_plugin/test_hook.py",
    ("docs/your-own-schema.md", "console"): "tests/examples/test_your_own_schema.py",
    ("migrations/README.md", ""): "tests/schema/test_pages.py",
}
# Sections with transcripts that take minutes: the text says when and by what they were made.
MADE: Final = {("docs/gate.md", "### A deployment")}
# Blocks that any test may read: commands are for test_commands.py.
READ: Final = ("sh", "sql", "toml", "yaml", "python")
MEASURED: Final = re.compile(
    r"(?<![\w.-])\d[\d,.]* ?(?:s|ms|µs|seconds?|minutes?|hours?|GB|GiB|MB|%"
    r"|schedules|operations|transactions)\b"
)
DATE: Final = re.compile(r"2026-\d\d-\d\d|(?:September|October|November) 2026")
RUN: Final = re.compile(
    r"`(?:\.venv/bin/)?(?:just|pytest|python|tox|framecast-conformance|docker|gate|soak)\b[^`]*`"
    r"|^```(?:sh|console)$",
    re.MULTILINE,
)
# Sections whose figures were not measured.
STATED: Final = {
    ("docs/gate.md", "## Migrating"): "what an option waits",
    ("docs/gate.md", "## What the gate asks"): "what the gate takes for long",
    ("docs/mutants.md", "## How they are tried"): "limits of statements and locks",
}
# Its headings are the dates.
DATED: Final = "docs/decisions.md"


class Section(NamedTuple):
    """Part of a page, from a heading to the next one."""

    page: str
    title: str
    text: str


class Block(NamedTuple):
    """Fenced block of a page, and the section that it stands in."""

    page: str
    kind: str
    text: str
    section: str


def sections() -> Iterator[Section]:
    """Yield the parts of all pages."""
    for page in PAGES:
        text = BLOCK.sub(lambda block: block[0].replace("\n#", "\n #"), (ROOT / page).read_text())
        for part in HEADING.split(text):
            yield Section(page, part.partition("\n")[0], part)


def blocks() -> Iterator[Block]:
    """Yield the blocks of all pages."""
    for page, _, text in sections():
        for found in BLOCK.finditer(text):
            yield Block(page, found["kind"], textwrap.dedent(found["text"]), text)


def title(block: Block) -> str:
    """Return the heading that a block stands below."""
    return block.section.partition("\n")[0]


def is_made(block: Block) -> bool:
    """Return whether a transcript is not made again by the tests."""
    return (block.page, title(block)) in MADE


def prose(block: Block) -> str:
    """Return what the section of a block says beside its blocks."""
    return BLOCK.sub("", block.section)


def test_every_block_is_read_or_compared_or_dated() -> None:
    """What a page shows that something printed is compared by a test, or says when it was."""
    shown = [each for each in blocks() if each.kind not in READ]

    assert [] == [
        (each.page, each.text.partition("\n")[0])
        for each in shown
        if not ((each.page, each.kind) in COMPARED and not is_made(each))
        and not (DATE.search(prose(each)) and (RUN.search(prose(each)) or not is_made(each)))
    ]
    assert {*MADE} == {(each.page, title(each)) for each in shown if is_made(each)}
    assert COMPARED.keys() <= {(each.page, each.kind) for each in blocks()}
    for (page, _), test in COMPARED.items():
        code = "".join(each.read_text() for each in (ROOT / test).parent.glob("*.py"))
        assert (ROOT / test).is_file()
        assert Path(page).name in code


def _sql(text: str) -> None:
    pglast.parse_sql(VARIABLE.sub("'x'", text))


def _python(text: str) -> None:
    ast.parse(text)


def _accepted(text: str) -> None:
    for each in tomllib.loads(text)["accepted"]:
        assert {"about", "what", "reason", "until"} == each.keys()
        assert each["until"] > date(2026, 11, 29)
        Accepted(**each)


def _hooks(text: str) -> None:
    known = {each["id"] for each in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    document = yaml.safe_load(text)
    for each in document.get("repos", ()):
        assert {hook["id"] for hook in each["hooks"]} <= known


@pytest.mark.parametrize(
    ("kind", "read"),
    [("sql", _sql), ("python", _python), ("toml", _accepted), ("yaml", _hooks)],
)
def test_a_block_is_what_it_says(kind: str, read: Callable[[str], None]) -> None:
    """PostgreSQL, Python and the readers of TOML and YAML understand what a page shows them."""
    found = [each for each in blocks() if each.kind == kind and each.page != "docs/clients.md"]

    assert found
    for each in found:
        read(each.text)


def test_figures_have_their_date_and_their_command() -> None:
    """A section in which something was measured says when, and by which command."""
    measured = [
        each
        for each in sections()
        if MEASURED.search(BLOCK.sub("", each.text)) and each.page != DATED
    ]
    wanting = {
        (each.page, each.title)
        for each in measured
        if not (DATE.search(each.text) and RUN.search(each.text))
    }

    assert STATED.keys() == wanting


def test_a_sample_of_a_run_does_not_age() -> None:
    """README's ends with all the rules that there are held, and with no number of tests."""
    sample = next(each.text for each in blocks() if each[:2] == ("README.md", "console"))
    assert f"\n{len(RULES)} held\n" in sample
    assert not re.search(r"\d (passed|schedules|operations)", sample)
    assert {*re.findall(r"^([A-Z]+-\S+) +held ", sample, re.MULTILINE)} <= {*map(str, RULES)}
