"""Names on the pages exist: files, links, tests, commands, options, variables, recipes."""

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import pytest

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = sorted(
    str(each.relative_to(ROOT))
    for each in (ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md"))
)
# Folders whose files a page names from the project's own folder.
OURS: Final = ("benchmarks", "clients", "conformance", "docs", "migrations", "strategies", "tests")
HEADING: Final = re.compile(r"^#+ (.*)$", re.MULTILINE)
LINK: Final = re.compile(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)")
PATH: Final = re.compile(rf"(?<![\w./-])(?:{'|'.join(OURS)})/[\w./*-]*")
MODULE: Final = re.compile(rf"python -m ((?:{'|'.join(OURS)})[\w.]*)")
TEST: Final = re.compile(r"([\w/]+\.py)(?:::(\w+))?")
VARIABLE: Final = re.compile(r"\bCONFORMANCE_[A-Z_]+\b")
OPTION: Final = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
# A command of ours up to its comment, or to the next one.
COMMAND: Final = re.compile(
    r"(?:python -m conformance (?P<command>[a-z]+)|pytest conformance\S*) ?(?P<rest>[^#;|]*)"
)
SHELL: Final = re.compile(r"^```(?:sh|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
QUOTED: Final = re.compile(r"`([^`\n]+)`")


class Mention(NamedTuple):
    """Something that a page names, and the line that it stands in."""

    page: str
    line: int
    name: str

    @property
    def said(self) -> str:
        """Return both, as an editor finds it."""
        return f"{self.page}:{self.line}: {self.name}"


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_names_is_there(page: str) -> None:
    """Every one, in text and in transcripts."""
    assert [] == [each.said for each in missing(page, (ROOT / page).read_text())]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[x](no.md)", "no.md"),
        ("[x](rules.md#nowhere)", "rules.md#nowhere"),
        ("`conformance/catalogue/`", "conformance/catalogue/"),
        ("`test_rules.py::test_nothing`", "test_rules.py::test_nothing"),
        ("`test_nothing.py`", "test_nothing.py"),
        ("`python -m conformance.catalogue`", "conformance.catalogue"),
        ("`python -m conformance prove`", "prove"),
        ("`python -m conformance rules --nothing x`", "rules --nothing"),
        ("`pytest conformance --nothing`", "pytest --nothing"),
        ("`CONFORMANCE_NOTHING`", "CONFORMANCE_NOTHING"),
        ("`just nothing`", "just nothing"),
        ("```sh\njust nothing 10\n```", "just nothing"),
    ],
)
def test_what_is_missing_is_found(text: str, names: str) -> None:
    """Each kind of mention, so that none passes because nobody looks."""
    assert names in [each.name for each in missing("docs/a.md", f"\n{text}\n")]


def missing(page: str, text: str) -> Iterator[Mention]:
    """Yield what a page names and is not there."""
    for look in (links, files, proofs, modules, commands, variables, recipes):
        for place, name in look(page, text):
            yield Mention(page, text.count("\n", 0, place) + 1, name)


def links(page: str, text: str) -> Iterator[tuple[int, str]]:
    """Yield links to what is not there, and to headings that are not."""
    for found in LINK.finditer(text):
        path, heading = found.groups()
        target = (ROOT / page).parent / path if path else ROOT / page
        if not target.exists() or (heading and heading not in anchors(target)):
            yield found.start(), f"{path}#{heading}".rstrip("#")


def files(_: str, text: str) -> Iterator[tuple[int, str]]:
    """Yield paths in the project's folders that are none."""
    for found in PATH.finditer(text):
        if not any(ROOT.glob(found[0].rstrip("./"))):
            yield found.start(), found[0]


def proofs(_: str, text: str) -> Iterator[tuple[int, str]]:
    """Yield files of tests, and tests in them, that are not there."""
    for found in TEST.finditer(text):
        path, name = found.groups()
        if not path.rpartition("/")[2].startswith("test_"):
            continue
        there = [*ROOT.glob(path), *ROOT.glob(f"conformance/{path}"), *(ROOT / "tests").rglob(path)]
        if not there or (name and not any(f"def {name}(" in each.read_text() for each in there)):
            yield found.start(), found[0]


def modules(_: str, text: str) -> Iterator[tuple[int, str]]:
    """Yield modules that cannot be run."""
    for found in MODULE.finditer(text):
        parent = found[1].rpartition(".")[0]
        if (parent and importlib.util.find_spec(parent) is None) or not importlib.util.find_spec(
            found[1]
        ):
            yield found.start(), found[1]


def commands(_: str, text: str) -> Iterator[tuple[int, str]]:
    """Yield commands, and options of commands, that there are none of."""
    for found in COMMAND.finditer(text):
        command = found["command"]
        if command and f"\n    {command} " not in helped():
            yield found.start(), command
            continue
        known = OPTION.findall(helped(command or "pytest"))
        if command == "seeds":
            known += OPTION.findall(helped("pytest"))
        rest = re.split(r"`|\n|&&|\bpython -m\b", found["rest"])[0]
        for option in OPTION.findall(rest):
            if option not in known:
                yield found.start(), f"{command or 'pytest'} {option}"


def variables(_: str, text: str) -> Iterator[tuple[int, str]]:
    """Yield variables that nothing reads."""
    for found in VARIABLE.finditer(text):
        if found[0] not in code():
            yield found.start(), found[0]


def recipes(_: str, text: str) -> Iterator[tuple[int, str]]:
    """Yield what `just` has no recipe for."""
    known = re.findall(r"^([a-z]+)\b[^:\n]*:(?!=)", (ROOT / "justfile").read_text(), re.MULTILINE)
    spans = [(each.start(1), each[1]) for each in (*QUOTED.finditer(text), *SHELL.finditer(text))]
    for start, span in spans:
        for found in re.finditer(r"(?:^|&& |\$ )just ([a-z]+)", span, re.MULTILINE):
            if found[1] not in known:
                yield start + found.start(), f"just {found[1]}"


@cache
def helped(command: str = "") -> str:
    """Return what a command says of itself, or pytest of its options."""
    parts = ("-p", "conformance.engine.campaign.part")  # its option is of parts alone
    suite = ("pytest", "conformance", *parts)
    program = suite if command == "pytest" else ("conformance", command)
    words = [sys.executable, "-m", *filter(None, program), "--help"]
    return subprocess.run(words, capture_output=True, text=True, check=True, cwd=ROOT).stdout


@cache
def code() -> str:
    """Return the text of all modules of the suite."""
    return "\n".join(each.read_text() for each in (ROOT / "conformance").rglob("*.py"))


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return the names by which links point at a page's headings, as GitHub makes them."""
    return frozenset(
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in HEADING.findall(page.read_text())
    )
