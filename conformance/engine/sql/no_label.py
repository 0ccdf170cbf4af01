"""Texts in the place of a label of an enum type, which has no such label."""

from typing import Self


class NoLabel(str):
    """A text in the place of a label of an enum type, which has no such label.

    Where a schema's type has labels that it should not have, each of them can stand in its place.

    Attributes:
        enum: the type.
        before, after: what surrounds the label, where the text is made of one.
    """

    __slots__ = ("after", "before", "enum")
    enum: str
    before: str
    after: str

    def __new__(cls, text: str, enum: str, before: str = "", after: str = "") -> Self:
        """Make the text."""
        made = super().__new__(cls, f"{before}{text}{after}")
        made.enum, made.before, made.after = enum, before, after
        return made

    def replaced(self, label: str) -> str:
        """Return the same text with a label in the place of what is none."""
        return f"{self.before}{label}{self.after}"
