"""Output of the commands: lines of text, on a terminal with their verdicts in colours."""

from __future__ import annotations

import os
import re
import shutil
import sys
from functools import cache
from textwrap import wrap
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Console

WIDTH: Final = 100
Colour: TypeAlias = Literal["red", "yellow", "green"]
# Red is what is wrong, yellow what nobody knows, green what holds.
WORDS: Final[dict[Colour, str]] = {
    "red": "broken|overblocked|unnamed|failed|error|survived|closed|not (?:sound|held)"
    "|[0-9]+ findings?",
    "yellow": "unproven|not run|not asked|untried",
    "green": "held|killed|open|ok",
}
# A word of which there is none, as in "0 failed", says nothing.
COLOURED: Final = re.compile(
    r"(?<!\b0 )(?<!\b0 of them )(?:"
    + "|".join(rf"(?P<{colour}>\b(?:{words})\b)" for colour, words in WORDS.items())
    + ")"
)


def sentence(text: str) -> str:
    """Return text with a capital and a full stop; names in it stay as they are."""
    return f"{text[:1].upper()}{text[1:]}."


def say(*lines: str, plain: bool = False) -> None:
    """Print lines at once.

    Args:
        lines: without their ends.
        plain: whether their words are somebody else's, such as SQL, which no colour is for.
    """
    for line in lines:
        if sys.stdout.isatty() and not plain and COLOURED.search(line):
            _on_terminal().print(line)
        else:
            sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def width() -> int:
    """Return how wide tables and prose may be: as the terminal is, and where there is none, 100."""
    asked = sys.stdout.isatty() or "COLUMNS" in os.environ
    return shutil.get_terminal_size((WIDTH, 0)).columns if asked else WIDTH


def fitted(lines: Iterable[str]) -> Iterator[str]:
    """Return lines that are no wider than the terminal; whole, where there is none."""
    most = shutil.get_terminal_size().columns
    for line in lines:
        if not sys.stdout.isatty() or len(line) <= most:
            yield line
        else:
            indent = " " * (len(line) - len(line.lstrip()))
            yield from wrap(line, most, subsequent_indent=f"{indent}  ", break_on_hyphens=False)


@cache
def _on_terminal() -> Console:
    """Return what prints in colours, where NO_COLOR and TERM allow for it."""
    from rich.console import Console  # noqa: PLC0415 - only where somebody looks
    from rich.highlighter import RegexHighlighter  # noqa: PLC0415 - as above
    from rich.theme import Theme  # noqa: PLC0415 - as above

    class Verdicts(RegexHighlighter):
        base_style = "verdict."
        highlights = (COLOURED.pattern,)

    styles = {f"verdict.{colour}": colour for colour in WORDS}
    return Console(
        markup=False, emoji=False, soft_wrap=True, highlighter=Verdicts(), theme=Theme(styles)
    )
