"""The packages of this installation, where others with their names stand before them.

A repository may have packages called `conformance` or `strategies`, and Python may look there
first: by PYTHONPATH, because a module is run by its name from that folder, or because they are
installed. A wheel therefore has ours in a folder of its own, which no other package writes into.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKED = HERE / "packages"
HOME = PACKED if PACKED.is_dir() else HERE.parent
PACKAGES = ("conformance", "strategies")
SUITE = HOME / PACKAGES[0]
VARIABLE = "PYTHONPATH"
# For pytest: what a project says to it is of its own tests, also where the environment lies in it.
ALONE = ("-c", os.devnull, "--confcutdir", str(SUITE), "--rootdir", str(HOME))


def has_namesake(folder: str | Path) -> bool:
    """Return whether a folder has a package or a module that only the name makes one of ours."""
    place = Path(folder).resolve()
    return place != HOME and any(
        (place / each).is_file()
        for name in PACKAGES
        for each in (f"{name}/__init__.py", f"{name}.py")
    )


def prefer() -> None:
    """Let this process, and those that it starts, find our packages before their namesakes."""
    needed = _put_before_namesakes(sys.path)
    given = os.environ.get(VARIABLE)
    folders = given.split(os.pathsep) if given else []
    if needed or any(map(has_namesake, folders)):
        _put_before_namesakes(folders)
        os.environ[VARIABLE] = os.pathsep.join(folders)


def python(folder: str | Path = "") -> tuple[str, ...]:
    """Return the command of Python that finds our packages first, for a module in a folder."""
    return (sys.executable, *(("-P",) if has_namesake(folder) else ()))


def _put_before_namesakes(folders: list[str]) -> bool:
    """Put our folder before those with namesakes, or last; return whether it was not there."""
    for place, each in enumerate(folders):
        if Path(each).resolve() == HOME:
            return False
        if has_namesake(each):
            folders.insert(place, str(HOME))
            return True
    folders.append(str(HOME))
    return True
