"""Imports that pytest leaves alone."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from _pytest.assertion.rewrite import AssertionRewritingHook

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def unrewritten() -> Iterator[None]:
    """Import as Python does, in a ``with`` block, where pytest would rewrite assertions first.

    Pytest rewrites all of Hypothesis because it comes with a plugin: seconds at each start where
    bytecode is not kept (PYTHONDONTWRITEBYTECODE, a read-only or a fresh installation).
    """
    finders = sys.meta_path[:]
    sys.meta_path[:] = [each for each in finders if not isinstance(each, AssertionRewritingHook)]
    try:
        yield
    finally:
        sys.meta_path[:] = finders
