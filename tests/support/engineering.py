"""Changes of the schema as an engineer writes them, and what the default profile sees of them."""

from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from conformance.engine.cases import case_runner as running
from conformance.engine.cases.case_runner import CaseRunner
from conformance.engine.cases.verdicts import Finding
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.pytest_plugin.profiles import EXAMPLES
from conformance.engine.sql.writes import Path
from conformance.framecast.rules import RULES
from strategies.near_misses import WAYS
from strategies.session_settings import session_settings

SEEDS = (1, 2, 3)
# Who waits at all is found: how long is the suite's choice, for machines that are busy.
AT_ONCE = "SET lock_timeout = '50ms'"


class Change(NamedTuple):
    """A change, the rule that it breaks, and the path that finds it first; all paths are run."""

    sql: str
    rule: str
    path: Path
    verdict: str = "broken"


class Refused(NamedTuple):
    """A change that refuses what is legal, the rule and the path that find it, and who is named."""

    sql: str
    rule: str
    path: Path
    named: str
    verdict: str = "overblocked"


def findings(
    change: Change, scratch: Scratch, template: Template, *, is_alone: bool = False
) -> list[Finding | None]:
    """Return what the examples of the default profile find of a change, for each of some seeds.

    Along all paths, or along the change's own alone.
    """
    with scratch.cloned(template, "change") as database, pytest.MonkeyPatch.context() as patched:
        patched.setattr(running, "AT_ONCE", AT_ONCE)
        with database.connect() as connection:
            connection.execute(change.sql.encode())
        with Sandbox(database.conninfo) as sandbox:
            return [_found(sandbox, change, number, is_alone) for number in SEEDS]


def expect_found(change: Change, scratch: Scratch, template: Template) -> None:
    """Expect that near misses find, under each seed, what a change lets pass."""
    _expect(change.rule, change.verdict, findings(change, scratch, template))


def expect_refused(refused: Refused, scratch: Scratch, template: Template) -> None:
    """Expect that near misses find, under each seed, that something legal is refused.

    Where the schema itself has derived what is refused, the rule that says what it derives is
    named, and the one that refuses is right.
    """
    change = Change(refused.sql, refused.rule, refused.path, refused.verdict)
    _expect(refused.named, refused.verdict, findings(change, scratch, template))


def _expect(rule: str, verdict: str, found: list[Finding | None]) -> None:
    assert [(rule, verdict)] * len(found) == [
        each and (each.rule, str(each.verdict)) for each in found
    ], found


def _found(
    sandbox: Sandbox,
    change: Change,
    number: int,
    is_alone: bool,
) -> Finding | None:
    others = [] if is_alone else [path for path in Path if path is not change.path]
    paths = [change.path, *others]
    first = None
    for path in paths:
        finding = _along(sandbox, change, path, number)
        if finding is not None and finding.verdict == change.verdict:
            return finding
        first = first or finding
    return first


def _along(sandbox: Sandbox, change: Change, path: Path, number: int) -> Finding | None:
    """Return the worst that is found along a path; at once, where that is what is expected."""
    ways: Any = WAYS[change.rule][path]
    if isinstance(ways, str):
        return None
    case_runner = CaseRunner(sandbox, RULES[change.rule], path)

    @seed(f"{number} {path}")
    @settings(
        max_examples=EXAMPLES["default"],
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=tuple(HealthCheck),
    )
    @given(data=st.data())
    def run(data: st.DataObject) -> None:
        scenario = data.draw(ways)
        under = scenario.settings or data.draw(session_settings())
        case_runner.run(replace(scenario, settings=under))

    try:
        run()
    except Finding as finding:
        if finding.verdict == change.verdict:
            return finding
    else:
        return None
    case_runner.findings.wait()
    run()
    return case_runner.findings.worst()
