"""A pytest plugin that keeps one of several equal parts of the tests; loaded by campaigns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.engine.arguments import part

if TYPE_CHECKING:
    import pytest

OPTION = "--conformance-part"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the part."""
    parser.getgroup("conformance").addoption(
        OPTION, metavar="K/N", type=part, help="run the k-th of n parts of the tests"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep every n-th test, from the k-th."""
    chosen = config.getoption(OPTION)
    if chosen is None:
        return
    which, parts = chosen
    kept = items[which - 1 :: parts]
    out = set(items) - set(kept)
    config.hook.pytest_deselected(items=[item for item in items if item in out])
    items[:] = kept
