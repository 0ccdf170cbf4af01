"""Folders of findings: that of a project, and those of this user, so that an id is found anywhere.

A project's is `.conformance/findings` in the folder where its runs are started, or in one above. A
list of all folders that this user's runs have written to is kept in the user's own state.
"""

from __future__ import annotations

import os
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Final

from platformdirs import user_state_path

from conformance.engine.arguments import FINDINGS, NOWHERE, OURS
from conformance.engine.findings.errors import (
    FindingError,
    UnknownFindingError,
    UnreadableFindingError,
)
from conformance.engine.findings.kept import Kept, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FOLDER: Final = Path(OURS, "findings")
LISTED: Final = "findings.txt"


class SeveralFindingsError(FindingError):
    """A name that several findings share: `found`."""

    def __init__(self, name: str, found: list[Kept]) -> None:
        """Say how many they are."""
        super().__init__(f"{len(found)} findings are called {name!r}: name more of the id of one")
        self.found = found


def write(folder: Path, kept: Iterable[Kept]) -> None:
    """Write findings into a folder, and remember that; what was found before keeps its first day.

    Raises:
        OSError: The folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if folder.parent.name == OURS:
        (folder.parent / ".gitignore").write_text("*\n", encoding="utf-8")
    for each in kept:
        first = each.first
        with suppress(UnreadableFindingError):
            first = read(folder / f"{each.seen.id}.json").first
        Kept(each.seen, each.run, first, each.last).write(folder)
    with suppress(OSError):  # without it, ids are found in their own project alone
        _remember(folder.resolve())


def inside(folder: Path) -> list[Kept]:
    """Return the findings in a folder, by their ids; what cannot be read is none."""
    found = []
    for path in sorted(folder.glob("*.json")):
        with suppress(UnreadableFindingError):
            found.append(read(path))
    return found


def drop(kept: Kept) -> None:
    """Remove a finding's files.

    Raises:
        OSError: They cannot be removed.
    """
    if kept.place is not None:
        for ending in (".json", ".sql"):
            kept.place.with_suffix(ending).unlink(missing_ok=True)


def near(directory: Path) -> Path:
    """Return the folder of findings: what a variable names, or the nearest from a directory up."""
    named = os.environ.get(FINDINGS)
    if named and named != NOWHERE:
        return directory / named
    for each in (directory, *directory.parents):
        if (each / FOLDER).is_dir():
            return each / FOLDER
    return directory / FOLDER


def others(folder: Path) -> dict[Path, int]:
    """Return how many findings of this user are kept in other folders than one."""
    counts = {each: len(inside(each)) for each in dict.fromkeys(_remembered()) if each != folder}
    return {each: count for each, count in counts.items() if count}


def find(name: str, directory: Path) -> Kept:
    """Return a finding by its id in any case, the beginning of it or its file, from a directory.

    Raises:
        UnknownFindingError: None is called so.
        SeveralFindingsError: Several are; their files hold them.
        UnreadableFindingError: Its file holds none.
    """
    if Path(directory, name).is_file():
        return read(Path(directory, name).with_suffix(".json"))
    known: dict[str, Path] = {}
    for folder in (near(directory), *_remembered()):
        there = {path.stem: path for path in sorted(folder.glob("*.json"))}
        wanted = [each for each in there if _folded(each).startswith(_folded(name))]
        exact = [each for each in wanted if _folded(each) == _folded(name)] or wanted
        if len(exact) == 1:
            return read(there[exact[0]])
        if exact:
            raise SeveralFindingsError(name, [read(there[each]) for each in exact])
        known |= there
    close = get_close_matches(_folded(name), known, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    message = f"there is no finding {name!r}: {hint}`framecast-conformance findings` lists them"
    raise UnknownFindingError(message)


def _folded(name: str) -> str:
    """Return an id as it is compared, whichever case and dashes somebody typed."""
    return name.lower().replace("-", "_")


def _remember(folder: Path) -> None:
    """Add a folder to those of this user; forget those that are gone."""
    known = [*_remembered()]
    left = [each for each in known if each.is_dir()]
    if left == known and known[:1] == [folder]:
        return
    path = user_state_path("framecast-conformance", ensure_exists=True) / LISTED
    others = [each for each in reversed(left) if each != folder]
    new = path.with_name(f"{LISTED}.{os.getpid()}")  # at once, for runs end at the same time
    new.write_text("".join(f"{each}\n" for each in (*others, folder)), encoding="utf-8")
    new.replace(path)


def _remembered() -> Iterator[Path]:
    """Yield the folders that runs of this user have written to, the last first."""
    with suppress(OSError):
        text = (user_state_path("framecast-conformance") / LISTED).read_text(encoding="utf-8")
        yield from (Path(line) for line in reversed(text.splitlines()) if line)
