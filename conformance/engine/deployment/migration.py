"""One migration file, and what is wrong with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self


class MigrationError(Exception):
    """Migrations that cannot be read or run; its text is one message, ready for a user.

    Attributes:
        path: the file that is to blame; None where that is none.
        line: the line of it, counted from 1.
    """

    def __init__(self, message: str, path: Path | None = None, line: int = 1) -> None:
        """Say what is wrong, and where."""
        super().__init__(message)
        self.path, self.line = path, line

    @classmethod
    def at(cls, path: Path, line: int, what: str) -> Self:
        """Return the error of a line, whose message begins with it."""
        return cls(f"{path}:{line}: {what}", path, line)


class Wrong(NamedTuple):
    """One thing that is wrong with a file: which, what, and what to do."""

    about: str
    what: str
    remedy: str

    def __str__(self) -> str:
        """Return it in one line."""
        return f"{self.about}: {self.what}: {self.remedy}"


class HistoryError(MigrationError):
    """Files that are not what a record says was applied."""

    def __init__(self, faults: Sequence[Wrong]) -> None:
        """Say all that is wrong, in a line each."""
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration file.

    Attributes:
        path: where it was read.
        name: the file's name, which orders it and under which it is recorded.
        sql: its text, without a byte order mark, its lines ended by a line feed alone.
        sha256: of its bytes with such lines, in hexadecimal.
        further: what its bytes may have been recorded as: an earlier version of this program took
            them as they were, and a checkout may end lines in either way.
    """

    path: Path
    name: str
    sql: str
    sha256: str
    further: frozenset[str] = frozenset()

    def is_recorded_as(self, digest: str) -> bool:
        """Return whether a record is of this file; how its lines end is no difference."""
        return digest == self.sha256 or digest in self.further
