"""Cases of a rule as psql scripts: what is legal at its edge, and the step over it, as tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.errors import NoSuchExample

from conformance.engine.cases.attempt import Attempt
from conformance.engine.cases.scenario import (
    Fact,
    OnSchema,
    Plain,
    Scenario,
    Transaction,
    ViolatesSeveral,
)
from conformance.engine.domain.chosen import domain
from conformance.engine.sql.arbiters import NotExpressibleError
from conformance.engine.sql.writes import Path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hypothesis.strategies import SearchStrategy

    from conformance.engine.database.sandbox import Sandbox
    from conformance.engine.kinds.rule import Rule

# The first example that Hypothesis tries is the simplest: nothing is made smaller.
SETTINGS = settings(
    max_examples=50,
    database=None,
    derandomize=True,
    deadline=None,
    phases=(Phase.generate,),
    suppress_health_check=tuple(HealthCheck),
)
PLAIN = (Path.INSERT, Path.UPDATE, Path.DELETE)


class Case(NamedTuple):
    """A case of a rule, along one path: two scripts, each with its outcomes as comments."""

    path: Path
    legal: str
    broken: str


def cases(rule: Rule, sandbox: Sandbox) -> Iterator[Case]:
    """Yield a case for each path that can break a rule, the simplest, carried out on a sandbox.

    Those of plain statements come first.
    """
    ways = domain().ways().get(rule.id, {})
    for path in sorted(ways, key=lambda each: each not in PLAIN):
        way = ways[path]
        if isinstance(way, str):
            continue
        drawn = way.on(sandbox.owner) if isinstance(way, OnSchema) else way
        scenario = _simplest(drawn)
        try:
            yield Case(path, *_carried_out(rule, scenario, path, sandbox))
        except NotExpressibleError:  # a schema that has no index for it
            continue


def simplest(rule: Rule, some: Iterable[Case]) -> list[Case]:
    """Return the case to show alone: refused by the rule, with both sides, plain, in few words.

    Cases are carried out as they are looked at, so none is where a plain one was good.
    """
    named = [f"-- rejected by {token}" for token in rule.tokens]
    seen: list[tuple[bool, bool, bool, int, Case]] = []
    for case in some:
        is_plain = case.path in PLAIN
        if not is_plain and any(not (anothers or one_sided) for anothers, one_sided, *_ in seen):
            break
        is_anothers = "-- rejected by " in case.broken and not any(
            each in case.broken for each in named
        )
        length = len(case.legal) + len(case.broken)
        one_sided = not (case.legal and case.broken)
        seen.append((is_anothers, one_sided, not is_plain, length, case))
    return [case for *_, case in sorted(seen, key=lambda each: each[:-1])[:1]]


def _simplest(drawn: SearchStrategy[Scenario]) -> Scenario:
    """Return a scenario with both sides, or else any."""
    hidden = drawn.map(Plain)  # which Hypothesis does not print
    try:
        found = find(hidden, lambda each: _has_both(each.scenario), settings=SETTINGS)
    except NoSuchExample:
        found = find(hidden, lambda _: True, settings=SETTINGS)
    scenario = found.scenario
    return scenario.plain.scenario if scenario.plain else scenario


def _has_both(scenario: Scenario) -> bool:
    return bool(scenario.legal and scenario.broken)


def _carried_out(rule: Rule, scenario: Scenario, path: Path, sandbox: Sandbox) -> tuple[str, str]:
    """Return the scripts of both sides; '' for a side that the scenario does not have."""
    sandbox.reset()
    attempt = Attempt(sandbox, rule, scenario.settings)
    for transaction in filter(None, (*scenario.given, scenario.past)):
        attempt.carry_out(transaction, Path.UPDATE)
    for transaction in scenario.legal:
        attempt.carry_out(transaction, path)
    legal = "".join(attempt.script) if scenario.legal else ""
    begun = len(attempt.script)
    for writes in _clearest(scenario):
        attempt.carry_out(writes, path)
    before = "" if scenario.legal else "".join(attempt.script[:begun])
    broken = "".join([before, *attempt.script[begun:]]) if scenario.broken else ""
    return (
        legal + "".join(_asked(fact) for fact in scenario.facts if fact.side),
        broken + "".join(_asked(fact) for fact in scenario.facts if not fact.side),
    )


def _asked(fact: Fact) -> str:
    return f"{fact.query};  -- expected: {fact.expected!r}\n"


def _clearest(scenario: Scenario) -> list[Transaction]:
    """Return the first violation, of those that break this rule alone where there are any."""
    several = {
        place: bool(each.also) if isinstance(each, ViolatesSeveral) else False
        for place, each in enumerate(scenario.broken)
    }
    for place in sorted(several, key=lambda each: (several[each], each))[:1]:
        each = scenario.broken[place]
        return [each.writes if isinstance(each, ViolatesSeveral) else each]
    return []
