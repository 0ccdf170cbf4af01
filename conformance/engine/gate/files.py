"""The migrations, as the target's record divides them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.engine.deployment import stand_ins

if TYPE_CHECKING:
    from conformance.engine.audit.target import Target
    from conformance.engine.deployment.migrations import Migration
    from conformance.engine.deployment.waivers import Waiver
    from conformance.engine.postgres.scratch import Scratch


@dataclass(frozen=True, slots=True)
class Files:
    """Applied files, pending files, and the waivers of each.

    Attributes:
        applied: the files of the schema as it is.
        pending: those to try.
        given_up: the waivers of applied files.
        waived: the waivers of pending files.
        refused: whether a pending file is none that may be run, so that none is.
    """

    applied: tuple[Migration, ...]
    pending: tuple[Migration, ...]
    given_up: tuple[Waiver, ...] = ()
    waived: tuple[Waiver, ...] = ()
    refused: bool = False

    def on(self, scratch: Scratch, target: Target) -> tuple[Files, list[str]]:
        """Return the files as a scratch server can run them, and what else there is to know."""
        applied, pending, notes = stand_ins.on(
            scratch.extensions(), (self.applied, self.pending), target.roles, target.extensions
        )
        return replace(self, applied=applied, pending=pending), notes

    @property
    def text(self) -> str:
        """All SQL of the pending files."""
        return "\n".join(file.sql for file in self.pending)
