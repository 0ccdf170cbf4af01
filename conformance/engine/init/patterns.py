"""Texts that a regular expression may match: proposals, of which the server says which do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

PIECE: Final = re.compile(
    r"\[\^?\]?(?:\[:\w+:\]|\\.|[^\]])*\]|\\.|\{\d+(?:,\d*)?\}|\(\?[:=!]|.", re.DOTALL
)
BOUND: Final = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
ESCAPES: Final = {"d": "0", "w": "a", "s": " ", "S": "a", "D": "a", "W": "-"}
NAMED: Final = {"digit": "0", "upper": "A", "space": " ", "punct": "-", "xdigit": "a"}
MOST: Final = 8  # texts of one pattern, so that alternatives do not multiply


def samples(pattern: str) -> list[str]:
    """Return texts that a pattern is likely to match: the shortest, then ones with more in them."""
    pieces = PIECE.findall(pattern)
    found: dict[str, None] = {}
    for more in (0, 1, 3):
        texts, _ = _alternatives(pieces, 0, more)
        found |= dict.fromkeys(texts)
    return [*found][: 2 * MOST]


def _alternatives(pieces: Sequence[str], place: int, more: int) -> tuple[list[str], int]:
    """Return the texts of all alternatives up to a closing parenthesis, and where that is."""
    texts: list[str] = []
    branch = [""]
    while place < len(pieces) and pieces[place] != ")":
        piece = pieces[place]
        place += 1
        if piece == "|":
            texts += branch
            branch = [""]
            continue
        if piece in ("^", "$"):
            continue
        parts = [_atom(piece)]
        if piece in ("(", "(?:", "(?=", "(?!"):
            parts, place = _alternatives(pieces, place, more)
            place += 1
            if piece not in {"(", "(?:"}:
                parts = [""]  # what only looks ahead
        least, most, place = _times(pieces, place)
        times = min(least + more, most)
        branch = [one + part * times for one in branch for part in parts][:MOST]
    return [*texts, *branch][:MOST], place


def _times(pieces: Sequence[str], place: int) -> tuple[int, int, int]:
    """Return how often what stands before may come, and where the pattern goes on."""
    if place == len(pieces):
        return 1, 1, place
    piece, many = pieces[place], 10**6
    bound = BOUND.fullmatch(piece)
    if bound:
        least = int(bound[1])
        most = least if not bound[2] else int(bound[3] or many)
        return least, most, place + 1
    plain = {"*": (0, many), "+": (1, many), "?": (0, 1)}
    if piece in plain:
        return (*plain[piece], place + 1)
    return 1, 1, place


def _atom(piece: str) -> str:
    """Return one character that a piece stands for."""
    if piece == ".":
        return "a"
    if piece.startswith("\\"):
        return ESCAPES.get(piece[1], "" if piece[1] in "mMyYAZbB" else piece[1])
    if not piece.startswith("[") or piece == "[":
        return piece
    named = re.search(r"\[:(\w+):\]", piece)
    members = piece[1:-1]
    if members.startswith("^"):
        return next((each for each in "a0-A_" if each not in members), "~")
    if named:
        return NAMED.get(named[1], "a")
    plain = re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[1]), members)
    return next((each for each in plain if each.isalnum()), plain[:1])
