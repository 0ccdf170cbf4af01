"""Texts that are nearly another one: what a comparison by pattern, case or collation confuses.

`WILD` holds all that has a meaning in a pattern. A text with it does not match itself where LIKE
or a regular expression stands in the place of equality; its neighbours match it, or begin like it,
or look like it, and are others.
"""

from __future__ import annotations

import re
from typing import Final

WILD: Final = "a_b%c\\d.e+1"
# As long as the shortest text may be that is compared as a whole.
LONG: Final = 255
# What look alike, or are one under some collation or normal form.
_LOOKALIKES: Final = (
    ("a", "\u0430"),  # Cyrillic
    ("e", "e\u0301"),
    ("e", "\u00e9"),
    ("d", "\uff44"),  # of full width
    ("b", "b\u200b"),  # with a space of no width
)
_EMAIL: Final = re.compile("[!-?A-~]+@[!-?A-~]+[.][!-?A-~]+")


def neighbours(text: str) -> tuple[str, ...]:
    """Return texts of all kinds that are nearly a text with letters and wildcards, and differ."""
    middle = len(text) // 2
    found = (
        *(text.upper(), text.lower(), text.swapcase()),
        *(text[:-1], text[1:], f"{text}x", f"x{text}", text + text),
        *(f"{text} ", f" {text}", f"{text}\n", text.replace(".", "")),
        *(
            f"{text[:middle]}_{text[middle + 1 :]}",
            f"{text[:-1]}_",
            f"{text[:-1]}%",
            f"%{text[1:]}",
        ),
        *(text.replace("_", "x"), text.replace("%", "xx"), text.replace("%", "")),
        *(text.replace("\\", ""), text.replace("\\", "\\\\"), text.replace(".", "x")),
        *(text.replace("+1", ""), text.replace("+1", "1")),
        *(text.replace(*pair, 1) for pair in _LOOKALIKES),
    )
    return tuple(dict.fromkeys(each for each in found if each != text))


def matched(text: str) -> tuple[str, str]:
    """Return what LIKE and what a regular expression takes a text for, and what differs from it.

    Args:
        text: with `WILD` in it, which says what is wild.
    """
    like, regex = "aXbYYcd.e+1", "a_b%c7Xee1"
    return text.replace(WILD, like), text.replace(WILD, regex)


def long_twins() -> tuple[str, ...]:
    """Return long texts that differ from each other in what they begin or end with alone."""
    middle = "x" * (LONG - 1)
    return (f"{middle}a", f"{middle}b", f"a{middle}", f"b{middle}")


def nearby_emails(email: str) -> tuple[str, ...]:
    """Return emails that are nearly an email, and are another's, whatever their case."""
    local, domain = email.split("@")
    names = (f"{name}@{domain}" for name in neighbours(local))
    name, _, last = domain.rpartition(".")
    others = (f"x.{domain}", f"{name}.org", f"{name}.net.{last}")
    domains = (f"{local}@{other}" for other in (*neighbours(domain), *others))
    return tuple(
        dict.fromkeys(
            each
            for each in (*names, *domains)
            if each.lower() != email.lower() and each.isascii() and _EMAIL.fullmatch(each)
        )
    )
