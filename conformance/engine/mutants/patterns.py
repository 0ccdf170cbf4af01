"""Regular expressions, changed in one place: anchors, repetitions, alternatives, classes."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# A class in brackets, an escaped character, a bound, or one character that means something.
ATOM = re.compile(r"\[\^?\]?(?:\[:\w+:\]|[^\]])*\]|\\.|\{\d+\}|.", re.DOTALL)


def weakened(pattern: str) -> Iterator[str]:
    """Return the patterns that differ from one in a single place."""
    atoms = ATOM.findall(pattern)
    for number, atom in enumerate(atoms):
        if number and atom.isalpha() and atoms[number - 1].isalpha():
            continue  # one letter of a word stands for all of it
        for new in _instead(atom):
            yield "".join((*atoms[:number], new, *atoms[number + 1 :]))
    yield from _without_alternatives(atoms)


def _instead(atom: str) -> Iterator[str]:
    if atom in ("^", "$", "?"):
        yield ""
    elif atom == "+":
        yield "*"
        yield ""
    elif atom == "*":
        yield "+"
    elif re.fullmatch(r"\{\d+\}", atom):
        for moved in (int(atom[1:-1]) - 1, int(atom[1:-1]) + 1):
            yield f"{{{moved}}}"
    elif atom.startswith("["):
        yield "."
        yield from _smaller(atom)
    elif atom.startswith("\\") or atom.isalnum() or atom in ("-", ":", "/", "@", "_"):
        yield "."


def _smaller(atom: str) -> Iterator[str]:
    """Take the members of a class out of it, one at a time."""
    head = "[^" if atom.startswith("[^") else "["
    members = re.findall(r"\[:\w+:\]|.-[^\]]|.", atom[len(head) : -1], re.DOTALL)
    if len(members) > 1:
        for number in range(len(members)):
            yield head + "".join((*members[:number], *members[number + 1 :])) + "]"


def _without_alternatives(atoms: list[str]) -> Iterator[str]:
    """Take each alternative out of each group that has several."""
    for start, atom in enumerate(atoms):
        if atom != "(":
            continue
        bars, depth, end = [start], 0, start
        for end in range(start + 1, len(atoms)):
            if atoms[end] == "(":
                depth += 1
            elif atoms[end] == ")" and depth == 0:
                break
            elif atoms[end] == ")":
                depth -= 1
            elif atoms[end] == "|" and depth == 0:
                bars.append(end)
        bars.append(end)
        if len(bars) == 2:  # noqa: PLR2004 - from the one parenthesis to the other
            continue
        parts = ["".join(atoms[a + 1 : b]) for a, b in itertools.pairwise(bars)]
        for number in range(len(parts)):
            rest = "|".join((*parts[:number], *parts[number + 1 :]))
            yield "".join((*atoms[: start + 1], rest, *atoms[end:]))
