"""A domain of which nothing is known but its rules and its migrations: cases follow from these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from conformance.engine.derived import caps, floors, keys, rows
from conformance.engine.derived.meetings import of_any_schema, of_kind
from conformance.engine.derived.shapes import Derived
from conformance.engine.derived.world import Facts
from conformance.engine.domain.conventions import Conventions
from conformance.engine.domain.domain import Domain
from conformance.engine.kinds.at_least import AtLeast
from conformance.engine.kinds.at_most import AtMost
from conformance.engine.kinds.check import Check, Required
from conformance.engine.kinds.fixed import Fixed
from conformance.engine.kinds.keys import Excludes, References, Unique
from conformance.engine.kinds.same_as import SameAs
from conformance.engine.kinds.transitions import Transitions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from conformance.engine.cases.scenario import WaysOnSchema
    from conformance.engine.derived.meetings import Meet, Meeting
    from conformance.engine.derived.shapes import Makes
    from conformance.engine.kinds.kind import Kind
    from conformance.engine.kinds.rule import Rule

# The files of the suite that try a domain by its rules alone.
SUITE: Final = frozenset(
    {"test_derived_machines", "test_enforcement", "test_rules", "test_meeting_rules"}
)


DERIVED: Final[Mapping[type, Callable[[Any, Facts], Makes]]] = {
    AtLeast: floors.of_at_least,
    AtMost: caps.of_at_most,
    Check: rows.of_check,
    Excludes: keys.of_unique,
    Fixed: rows.of_fixed,
    References: keys.of_references,
    Required: rows.of_required,
    SameAs: keys.of_same_as,
    Transitions: rows.of_transitions,
    Unique: keys.of_unique,
}


def of(  # noqa: PLR0913 - all data, most of it in keywords
    name: str,
    rules: Sequence[Rule],
    migrations: Path | None = None,
    *,
    values: Mapping[str, Any] | None = None,
    varies: bool = False,
    cases: Mapping[str, Makes] | None = None,
    races: Mapping[str, Meet] | None = None,
    records: Path | None = None,
    conventions: Conventions | None = None,
) -> Domain:
    """Return the domain of some rules.

    Args:
        name: what to call it.
        rules: each of a kind, or with cases below.
        migrations: the folder of the schema; None where each run names one.
        values: legal values of columns, by `table.column`, where one of the type will not do, or
            where several should be tried; a `Series` where no two rows may have the same.
        varies: whether columns that nothing asks for are written too, null or not.
        cases: what is tried of a rule by hand, by its id: for each path what makes a scenario, or
            why the path cannot break it. They take the place of those that its kind derives.
        races: what two sessions do at once, by hand, by the id of the rule that it might break.
        records: the folder of `equivalent.toml`, on mutants that change nothing.
        conventions: how the schema is written, where not all of it lies in `public`.
    """
    facts = Facts.of(rules, values or {}, varies=varies)
    by_hand = cases or {}

    def ways() -> dict[str, WaysOnSchema]:
        found: dict[str, WaysOnSchema] = {}
        for rule in rules:
            makes = {**_derived(rule.kind, facts), **by_hand.get(rule.id, {})}
            found[rule.id] = {
                path: make if isinstance(make, str) else Derived(facts, make)
                for path, make in makes.items()
            }
        return found

    def meetings() -> dict[str, Derived[Meeting]]:
        by_kind = {rule.id: of_kind(rule.kind, facts) for rule in rules}
        makes = {**by_kind, **(races or {})}
        return {
            rule: of_any_schema(facts, make) for rule, make in makes.items() if make is not None
        }

    return Domain(
        name,
        {rule.id: rule for rule in rules},
        ways,
        suite=SUITE,
        commands=frozenset({"gate", "mutants"}),
        records=records,
        conventions=conventions or Conventions(),
        meetings=meetings,
        facts=facts,
        migrations=migrations,
    )


def _derived(kind: Kind | None, facts: Facts) -> Makes:
    derive = DERIVED.get(type(kind))
    return derive(kind, facts) if derive is not None else {}
