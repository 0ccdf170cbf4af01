"""Runner of the machines that are derived, one of each table that a rule speaks of."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from hypothesis import Phase, seed, settings
from hypothesis.stateful import get_state_machine_test

from conformance.engine.cases.gaps import about
from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.derived.machine import machine_of, new_run
from conformance.engine.derived.machine_run import Log
from conformance.engine.derived.twin import Twin
from conformance.engine.machines.shortening import shortest
from conformance.engine.sql.writes import Insert

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.database.sandbox import Sandbox
    from conformance.engine.derived.machine_run import Record
    from conformance.engine.derived.world import Facts
    from conformance.engine.sql.writes import Write


class DerivedRunner:
    """Makes the runs of one test on one database, and notes what they saw in `log`."""

    def __init__(self, sandbox: Sandbox, number: int | str | None = None) -> None:
        """Make runs on a sandbox; with a number, the same as that number made before."""
        self.log = Log()
        self.name = ""  # of the table
        self.number = number
        self._sandbox = sandbox

    def run(self, table: str, facts: Facts, how: settings, *, short: bool = True) -> None:
        """Let Hypothesis make runs of a table's machine.

        Hypothesis does not shrink what they find. With `short` that is done here: see `shortening`.

        Raises:
            Finding: The shortest run that finds what one of them found; or none of its rows was
                ever accepted, so that nothing is proven.
        """
        self.name = table
        with Twin(self._sandbox) as twin:
            if table not in twin.tables:
                raise self._unproven(table, f"there is no table {table}")
            test = get_state_machine_test(
                machine_of(table, twin, facts, self.log),
                settings=settings(
                    how, phases=[each for each in how.phases if each is not Phase.shrink]
                ),
            )
            try:
                (test if self.number is None else seed(self.number)(test))()
            except Finding as finding:
                raise (self._shortest(finding, twin, facts) if short else finding) from None
        if not any(self.log.taken[f"{way} {table}"] for way in ("insert", "insert several")):
            reasons = ", ".join(self.log.unjudged) or "all were refused"
            raise self._unproven(table, f"no row of {table} was accepted: {reasons}")

    def _shortest(self, finding: Finding, twin: Twin, facts: Facts) -> Finding:
        """Return the same finding from a run of which nothing more can be left out."""

        def again(record: Record) -> tuple[Finding, Record] | None:
            run = new_run(twin, facts, Log())
            try:
                for writes in record:
                    run.commit(writes)
            except Finding as found:
                return found, run.record
            return None

        record = self.log.failed
        apart = again(tuple(tuple(chain(*map(_rows_apart, writes))) for writes in record))
        if apart is not None and apart[0] == finding:
            finding, record = apart
        return shortest(finding, record, again)

    def _unproven(self, table: str, observed: str) -> Finding:
        first, *also = about(table)
        expected = f"a schema on which rows of {table} can be written"
        return Finding(
            first,
            Verdict.UNPROVEN,
            expected=expected,
            observed=observed,
            script="",
            steps=(),
            also=tuple(also),
        )


def _rows_apart(write: Write) -> Iterator[Write]:
    """Yield a write as several, each of one row, so that rows can be left out one by one."""
    if isinstance(write, Insert):
        yield from (replace(write, rows=(row,)) for row in write.rows)
    else:
        yield write
