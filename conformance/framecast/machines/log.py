"""Log of the runs of one test: what they did and saw, and how long it took."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.framecast.operations.left_out import LeftOut

if TYPE_CHECKING:
    from conformance.engine.cases.gaps import Gaps
    from conformance.engine.catalogue.inventory import Inventory
    from conformance.framecast.machines.exploration import Archive
    from conformance.framecast.machines.visible_rows import Rows
    from conformance.framecast.operations.run_record import RunRecord


@dataclass(slots=True)
class Log:
    """Log of all runs together: edges, steps, and the seconds that they took.

    `gaps` are for runs that may go on without what the schema cannot take; None for those that
    end there. `rows` and `inventory` are what they have learned of the schema. `archive` is where
    they have been, if anybody asks.
    """

    edges: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    steps: int = 0
    accepted: int = 0
    seconds: float = 0.0
    failed: RunRecord = ()  # the run that found the last fault
    gaps: Gaps | None = None
    rows: Rows | None = None
    inventory: Inventory | None = None
    left_out: LeftOut = field(default_factory=LeftOut)
    archive: Archive | None = None


def clock() -> float:
    """Return seconds, for the log."""
    return time.perf_counter()
