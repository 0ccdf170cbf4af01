"""Reading a mutated schema, which shows without a write what no behaviour shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.mutants.parts import Part, connected
from conformance.engine.reading.functions import mismatches
from conformance.engine.reading.switches import switches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import psycopg

    from conformance.engine.mutants.mutant import Mutant
    from conformance.engine.reading.functions import Mismatch
    from conformance.engine.reading.switches import Switch

# The classes of what engineers write that nothing shows but reading.
READ = frozenset(
    {
        "the same call again",
        "time and zones",
        "rows of one kind only",
        "waiting",
        "a hang is no failure",
        "switches",
        "assignment of a watched column",
        "rights",
    }
)


def parts(mutant: Mutant) -> Iterator[Part]:
    """All that reads a schema, on mutants of the classes that nothing else shows."""
    if mutant.habit in READ:
        yield from _all()


def rest(mutant: Mutant) -> Iterator[Part]:
    """The same on all other mutants: a write that shows them is worth more, and comes before."""
    if mutant.habit not in READ:
        yield from _all()


def _all() -> Iterator[Part]:
    yield Part("guards ask nothing but rows", _guards, connected)
    yield Part("functions are what they declare", _functions, connected)


def _guards(connection: psycopg.Connection[Any]) -> None:
    _expect_none(switches(connection), "guards that ask nothing but rows")


def _functions(connection: psycopg.Connection[Any]) -> None:
    _expect_none(mismatches(connection), "functions that do what they declare, and no more")


def _expect_none(found: Sequence[Switch] | Sequence[Mismatch], expected: str) -> None:
    if found:
        rule, *also = found[0].rules or ("",)
        observed = "; ".join(map(str, found))
        raise Finding(
            rule,
            Verdict.BROKEN,
            expected=expected,
            observed=observed,
            script="",
            steps=(),
            also=tuple(also),
        )
