"""The suite's packages for every Python of an environment, where nobody else has these names.

A wheel has a `.pth` file that imports this module whenever Python starts: it is small, and imports
nothing. It lets `python -m conformance` be the suite. Packages of somebody else's, however they are
installed, are found before.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # of `typing`, which is slow
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

HOME = os.path.join(os.path.dirname(os.path.realpath(__file__)), "packages")  # noqa: PTH118, PTH120 - pathlib is slow
NAMES = frozenset({"conformance", "strategies"})


class Last:
    """Finder of the packages that no other finder has."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where one of our packages is."""
        if path is not None or name not in NAMES:
            return None
        from importlib.machinery import PathFinder  # noqa: PLC0415 - for those who ask alone

        return PathFinder.find_spec(name, [HOME], target)


sys.meta_path.append(Last)
