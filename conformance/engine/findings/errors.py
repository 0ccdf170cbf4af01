"""Errors of commands about findings; the text of each is one message, ready for a user."""

from __future__ import annotations


class FindingError(Exception):
    """A finding that cannot be shown or replayed."""


class UnreadableFindingError(FindingError):
    """A file that holds no finding."""


class UnknownFindingError(FindingError):
    """An id that no finding has."""


class ReplayError(FindingError):
    """A finding that cannot be replayed."""
