"""`python -m framecast_conformance.pins`: the file that pins all that the package needs.

It is for pip, which has installed this package and nothing else yet:

    pip install --no-deps PACKAGE
    pip install --constraint "$(python -m framecast_conformance.pins)" framecast-conformance
"""

from __future__ import annotations

import sys
from pathlib import Path

NAME = "constraints.txt"
HERE = Path(__file__).resolve().parent


def pins() -> Path:
    """Return the file: beside this module in a wheel, and above it in a checkout."""
    return next(each for each in (HERE / NAME, HERE.parent / NAME) if each.is_file())


if __name__ == "__main__":
    sys.stdout.write(f"{pins()}\n")
