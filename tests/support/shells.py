"""Commands on our pages, as a shell would take them apart."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = sorted(
    str(page.relative_to(ROOT))
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md"))
)
BLOCK: Final = re.compile(r"^ *```(sh|console)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
PROMPT: Final = "$ "
BETWEEN: Final = frozenset({"&&", "||", ";", "|", "&"})


class Command(NamedTuple):
    """Command of a page, and what the page shows that it prints."""

    page: str
    text: str
    printed: tuple[str, ...] = ()

    def simple(self) -> Iterator[list[str]]:
        """Return the words of each command in it, without variables that are set for it."""
        lexer = shlex.shlex(self.text, posix=True, punctuation_chars="&|;")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in (*lexer, ";"):
            if word in BETWEEN:
                if words:
                    yield words
                words = []
            elif words or not re.match(r"[A-Z_]+=", word):
                words.append(word)


def commands() -> Iterator[Command]:
    """Return the commands of all blocks of all pages."""
    for page in PAGES:
        for kind, text in BLOCK.findall((ROOT / page).read_text(encoding="utf-8")):
            if kind == "console":
                yield from _transcript(page, text)
            else:
                lines = text.replace("\\\n", "").splitlines()
                plain = (" ".join(shlex.split(line, comments=True)) and line for line in lines)
                yield from (Command(page, _uncommented(line)) for line in plain if line)


def _uncommented(line: str) -> str:
    return re.sub(r"\s+# .*$", "", line).strip()


def _transcript(page: str, text: str) -> Iterator[Command]:
    for part in f"\n{text}".split(f"\n{PROMPT}")[1:]:
        first, *printed = part.splitlines()
        yield Command(page, first, tuple(printed))
