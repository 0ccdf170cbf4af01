"""Pages name files that are there: links, and paths of this project in code font."""

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = sorted((*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("migrations/*.md")))
LINK: Final = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)(#[^)\s]+)?\)")
HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)
NAMED: Final = re.compile(
    r"`((?:conformance|strategies|tests|benchmarks|migrations|docs)/[\w/]+(?:\.\w+|/)?)`"
)


def missing(page: Path) -> list[str]:
    """Return what a page names and the tree does not have."""
    text = page.read_text()
    return [
        *(name for name, anchor in LINK.findall(text) if not is_there(page.parent / name, anchor)),
        *(name for name in NAMED.findall(text) if not (ROOT / name).exists()),
    ]


def is_there(target: Path, anchor: str) -> bool:
    """Return whether a file exists, and has a heading for an anchor."""
    if not target.exists() or not anchor:
        return target.exists()
    headings = HEADING.findall(target.read_text())
    plain = (re.sub(r"[^\w\- ]", "", each).lower().replace(" ", "-") for each in headings)
    return anchor.removeprefix("#") in plain


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_what_is_there(page: Path) -> None:
    """Every file that a page links or names exists, and every anchor has its heading."""
    assert [] == missing(page)


def test_a_stale_name_is_found(tmp_path: Path) -> None:
    """A file, an anchor and a path that are not there are each found."""
    page = tmp_path / "page.md"
    page.write_text("# A b\n[x](gone.md), [y](page.md#a-b), [z](page.md#c), `tests/no_such.py`\n")

    assert ["gone.md", "page.md", "tests/no_such.py"] == missing(page)


def test_decisions_are_numbered_in_the_order_of_their_dates() -> None:
    """Each has the next number, none is older than the one before, and the table has each once."""
    text = (ROOT / "docs" / "decisions.md").read_text()
    numbers = [int(each) for each in re.findall(r"^\*\*(\d+) · ", text, re.MULTILINE)]
    dates = re.findall(r"^## (\d{4}-\d\d-\d\d)$", text, re.MULTILINE)
    table = text[: text.index("\n## ")]
    listed = [
        number
        for first, last in re.findall(r"[|,] (\d+)(?: to (\d+))?(?=,| \|)", table)
        for number in range(int(first), int(last or first) + 1)
    ]

    assert [*range(1, len(numbers) + 1)] == numbers == sorted(listed)
    assert sorted({*dates}) == dates
