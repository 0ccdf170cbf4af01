"""Fixtures of the suite's own tests: a database to try rules on, and case runners."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis.errors import Flaky

from conformance.engine.cases.verdicts import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from conformance.engine.cases.case_runner import CaseRunner
    from conformance.engine.cases.impersonation import Impersonated
    from conformance.engine.cases.reduction import Reducer
    from conformance.engine.database.sandbox import Sandbox
    from conformance.engine.kinds.rule import Rule
    from conformance.engine.postgres.scratch import Database
    from conformance.engine.sql.writes import Path

CASE_RUNNER = pytest.StashKey["CaseRunner"]()
REDUCER = pytest.StashKey["Reducer"]()


@pytest.fixture(scope="session")
def sandbox(database: Database, role: str | None) -> Iterator[Sandbox]:
    """This worker's database, with its violation queries and its reset."""
    from conformance.engine.database.hanging import Stuck
    from conformance.engine.database.sandbox import Sandbox

    with Sandbox(database.conninfo, role, Stuck()) as sandbox:
        yield sandbox


@pytest.fixture
def case_runner(
    request: pytest.FixtureRequest, sandbox: Sandbox, role: str | None, application: str | None
) -> Callable[[Rule, Path], CaseRunner | Impersonated]:
    """Return the case runner of a test's rule and path: one for all examples."""
    from conformance.engine.cases.case_runner import CaseRunner
    from conformance.engine.cases.impersonation import Impersonated

    found: list[CaseRunner | Impersonated] = []

    def find(rule: Rule, path: Path) -> CaseRunner | Impersonated:
        if not found:
            case_runner = CaseRunner(sandbox, rule, path)
            case_runner.findings.wait()
            request.node.stash[CASE_RUNNER] = case_runner
            if application is None or role is not None:
                found.append(case_runner)
            else:
                found.append(Impersonated(case_runner, sandbox, application))
        return found[0]

    return find


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Let a test of a rule end with the worst that it met in all its examples, made small."""
    done = yield
    case_runner = pyfuncitem.stash.get(CASE_RUNNER, None)
    if case_runner is None or not case_runner.findings.kept:
        return done
    findings, worst = case_runner.findings, case_runner.findings.worst()
    findings.seek_worst()
    counts = replace(case_runner.tally)
    try:
        # With the same seed it draws the same examples.
        pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in argnames(pyfuncitem)})
    except Finding as found:
        worst = found
    except Flaky as error:
        raise worst from error
    finally:
        case_runner.tally = counts
    # Where it was met once and not again, its steps may still show it.
    sandbox: Any = pyfuncitem.funcargs["sandbox"]
    raise _reducer(pyfuncitem.config).smallest(worst, sandbox) from None


def _reducer(config: pytest.Config) -> Reducer:
    """Return what makes the steps of findings fewer, one for the whole run."""
    from conformance.engine.cases import reduction

    return config.stash.setdefault(REDUCER, reduction.Reducer())


def argnames(item: pytest.Function) -> tuple[str, ...]:
    """Return the names of the arguments that a test is called with."""
    return tuple(item._fixtureinfo.argnames)  # noqa: SLF001 - as pytest calls it
