"""The versions that CI installs: all that is needed is pinned, as pyproject.toml admits it."""

import re
import tomllib
from importlib.metadata import distribution, requires
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[2]
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ASKED: Final = [
    Requirement(each)
    for each in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"])
]
PINNED: Final = {
    canonicalize_name(name): version
    for name, version in re.findall(
        r"^([\w.\-]+)==(\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE
    )
}


def needed(requirement: Requirement) -> set[str]:
    """Return the names of all that a requirement brings along in this environment, and its own."""
    found: set[str] = set()
    left = [requirement]
    while left:
        each = left.pop()
        name = canonicalize_name(each.name)
        if name in found:
            continue
        found.add(name)
        for text in requires(distribution(name).name) or ():
            more = Requirement(text)
            extras = each.extras or {""}
            if more.marker is None or any(more.marker.evaluate({"extra": it}) for it in extras):
                left.append(more)
    return found


@pytest.mark.parametrize("requirement", ASKED, ids=str)
def test_all_that_is_needed_is_pinned(requirement: Requirement) -> None:
    """Each requirement has a pinned version that it admits, and so has all that it brings along."""
    assert requirement.specifier.contains(PINNED[canonicalize_name(requirement.name)])
    assert needed(requirement) <= PINNED.keys()
