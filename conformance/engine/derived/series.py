"""Values that look alike and are all different, for columns of which a check says how they look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DIGITS: Final = "0123456789"
LOWER: Final = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Series:
    """Texts that count on from one, each letter and digit within its own kind.

    `Series("AB-09")` is AB-09, AB-10, AB-11, and later AC-00.

    Attributes:
        first: the first of them.
        steady: how many characters at its end stay as they are.
    """

    first: str
    steady: int = 0

    @property
    def size(self) -> int:
        """Number of values before the first comes again."""
        size = 1
        for each in self.first[: len(self.first) - self.steady]:
            size *= len(_wheel(each))
        return size

    def at(self, number: int) -> str:
        """Return one of them, of which the first has number 0."""
        end = len(self.first) - self.steady
        turned, rest = [*self.first], number
        for place in reversed(range(end)):
            wheel = _wheel(turned[place])
            rest, here = divmod(wheel.index(turned[place]) + rest, len(wheel))
            turned[place] = wheel[here]
        return "".join(turned)


def _wheel(letter: str) -> str:
    wheels = (DIGITS, LOWER, LOWER.upper())
    return next((wheel for wheel in wheels if letter in wheel), letter)
