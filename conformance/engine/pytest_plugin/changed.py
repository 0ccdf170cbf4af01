"""Runs that begin with the rules which a change of the schema may have touched."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from conformance.engine.deployment.migrations import MigrationError
from conformance.engine.postgres import ProvisionError
from conformance.engine.pytest_plugin.proof import near_to, rules_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.changed.compare import Affected
    from conformance.engine.pytest_plugin.environment import Environment

MOST_SHOWN = 8  # objects in the header


class Order(NamedTuple):
    """The rules that come first, and those that come next."""

    first: list[str]
    next: list[str]


ORDER = pytest.StashKey[Order]()
# The objects that differ, such as `trigger a of t`, each with the rules that it serves.
CHANGED = pytest.StashKey[dict[str, tuple[str, ...]]]()
SHOWN = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the options that name the schema to compare with."""
    group = parser.getgroup("conformance", "PostgreSQL and the schema under test")
    group.addoption(
        "--changed-since",
        metavar="REF",
        help="begin with the rules that the changes of the migrations since a commit touch",
    )
    group.addoption(
        "--changed", metavar="DIR", help="the same against the migrations of another folder"
    )
    group.addoption("--only-changed", action="store_true", help="try no other rules")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse options that do not go together."""
    named = [config.option.changed_since, config.option.changed]
    if all(named):
        message = "--changed-since and --changed: name one schema to compare with"
        raise pytest.UsageError(message)
    if config.option.only_changed and not any(named):
        message = "--only-changed: say since when by --changed-since REF or --changed DIR"
        raise pytest.UsageError(message)


def begin(config: pytest.Config, environment: Environment) -> list[str]:
    """Compare the schemas, once, and return what the header says of it.

    Raises:
        UsageError: There is no such schema, or no server.
    """
    told: dict[str, Any] = getattr(config, "workerinput", {})
    if "order" in told:
        config.stash[ORDER] = Order(*told["order"])
    since, folder = config.option.changed_since, config.option.changed
    if ORDER in config.stash or not (since or folder):
        return config.stash.get(SHOWN, [])
    from conformance.engine.changed.sources import SourceError, of_commit

    source = (
        of_commit(since, environment.migrations)
        if since
        else nullcontext(Path(config.invocation_params.dir, folder))
    )
    try:
        with source as before:
            found = _compared(environment, before)
    except (SourceError, ProvisionError, MigrationError) as error:
        message = f"--changed{'-since' if since else ''}: {error}"
        raise pytest.UsageError(message) from error
    config.stash[CHANGED] = {
        each.what.partition(": ")[2]: (*each.rules, *each.served) for each in found.differences
    }
    config.stash[ORDER] = Order([*found.rules], [*found.near])
    config.stash[SHOWN] = [*_told(found, since or folder)]
    if config.option.only_changed and not found.rules:
        config.stash[SHOWN].append("  no rule rests on that: there is nothing to try")
    return config.stash[SHOWN]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist the order."""
    if ORDER in node.config.stash:
        node.workerinput["order"] = [*node.config.stash[ORDER]]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the tests of these rules first, for each worker; or leave all others out."""
    if ORDER not in config.stash:
        return
    order = config.stash[ORDER]
    if config.option.only_changed:
        left = [item for item in items if not _is_affected(item, order)]
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if _is_affected(item, order)]
    items.sort(key=lambda item: _place(item, order))
    # Each worker begins with a run of tests, one after another in this list.
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    items[:] = [item for first in range(workers) for item in items[first::workers]]


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """End well where no rule rests on what changed, and no other was to be tried."""
    order = session.config.stash.get(ORDER, None)
    is_none = session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED
    if session.config.option.only_changed and order is not None and not order.first and is_none:
        session.exitstatus = pytest.ExitCode.OK


def _is_affected(item: pytest.Item, order: Order) -> bool:
    return not (rules_of(item) | near_to(item)).isdisjoint(order.first)


def _place(item: pytest.Item, order: Order) -> tuple[int, int]:
    """Return when a test runs: those that are about few rules say soonest what became of them."""
    rules = rules_of(item)
    if rules.intersection(order.first):
        return 0, len(rules)
    if near_to(item).intersection(order.first):
        return 1, len(rules)
    return (2, len(rules)) if rules.intersection(order.next) else (3, 0)


def _compared(environment: Environment, before: Path) -> Affected:
    from conformance.engine.catalogue import schema
    from conformance.engine.changed.compare import affected

    databases = environment.scratch()
    read = []
    for template in (databases.template(before), environment.template()):
        with databases.cloned(template, "compared") as database, database.connect() as connection:
            read.append(schema.read(connection))
    return affected(*read)


def _told(found: Affected, since: str) -> Iterator[str]:
    if not found.differences:
        yield f"changed since {since}: nothing"
        return
    rules = ", ".join(found.rules) or "none"
    count = len(found.differences)
    yield f"changed since {since}: {count} object{'s'[: count != 1]}; tried first: {rules}"
    for each in found.differences[:MOST_SHOWN]:
        yield f"  {each.what}"
    more = len(found.differences) - MOST_SHOWN
    if more > 0:
        yield f"  and {more} more"
