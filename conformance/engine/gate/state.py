"""A state that a schema's data can be in, as rows that can be put elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class State:
    """Rows that are legal together.

    Attributes:
        name: how it was reached.
        rows: by table with its schema: its columns, and its rows as COPY has them.
        trouble: what went wrong on the way, or ''.
        unfilled: tables that the domain does not know, and for which no row was found.
    """

    name: str
    rows: Mapping[str, tuple[str, bytes]]
    trouble: str = ""
    unfilled: tuple[str, ...] = ()
