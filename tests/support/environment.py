"""The environment of this process, and where Python looks for modules, as tests found them."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

CURRENT: Final = "PYTEST_CURRENT_TEST"  # pytest's own, which it changes and takes away itself


@contextmanager
def unchanged() -> Iterator[None]:
    """Take back what is done meanwhile to variables and to the search path of modules."""
    before, path = dict(os.environ), [*sys.path]
    try:
        yield
    finally:
        sys.path[:] = path
        for name in {*before, *os.environ} - {CURRENT}:
            if name not in before:
                del os.environ[name]
            elif os.environ.get(name) != before[name]:
                os.environ[name] = before[name]
