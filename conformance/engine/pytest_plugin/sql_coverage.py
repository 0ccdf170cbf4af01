"""Coverage of the schema's own code: `--sql-coverage` says which statements a run has reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from conformance.engine.report import sections

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from conformance.engine.database.probes import Probes
    from conformance.engine.postgres.scratch import Database, Scratch

OPTION: Final = "--sql-coverage"
FIXTURE = "database"


class Covered:
    """Statements of a schema's functions, and those that any worker has reached."""

    title = "sql coverage"

    def __init__(self) -> None:
        """Know of none yet."""
        self._placed: dict[str, tuple[str, int, str]] = {}
        self._without: dict[str, str] = {}
        self._reached: set[str] = set()

    def add(self, told: dict[str, Any]) -> None:
        """Add what one process has reached; all have probes in the same places."""
        self._placed |= told["placed"]
        self._without |= told["without"]
        self._reached |= set(told["reached"])

    def note(self, report: pytest.TestReport) -> None:
        """Learn nothing from a test: it is all known at the end."""

    def brief(self) -> Iterator[str]:
        """Say how much was reached."""
        if self._placed or self._without:
            functions = {function for function, _, _ in self._placed.values()}
            more = f"; {len(self._without)} functions without probes" if self._without else ""
            yield (
                f"{len(self._reached)} of {len(self._placed)} statements of {len(functions)}"
                f" PL/pgSQL functions reached{more}"
            )

    def as_dict(self) -> dict[str, Any]:
        """Return it as the report has it."""
        missing = sorted(each for name, each in self._placed.items() if name not in self._reached)
        return {
            "statements": len(self._placed),
            "reached": len(self._reached),
            "missing": [f"{function}, line {line}: {text}" for function, line, text in missing],
            "without": dict(sorted(self._without.items())),
        }

    def lines(self) -> Iterator[str]:
        """Return the statements that were not reached, and the functions that have no probes."""
        for missing in self.as_dict()["missing"]:
            yield f"not reached: {missing}"
        for function, reason in sorted(self._without.items()):
            yield f"without probes: {function}: {reason}"

    def missed(self) -> list[str]:
        """Demand nothing."""
        return []


PROBED = pytest.StashKey[tuple["Database", "Probes"]]()
SECTION = pytest.StashKey[Covered]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the option."""
    parser.getgroup("conformance").addoption(
        OPTION,
        action="store_true",
        help="say how many statements of the schema's PL/pgSQL functions the run has reached, and "
        "with -v which it has not; the functions are run with probes in them",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Add up what was reached, here or by all workers."""
    if config.getoption(OPTION) and not hasattr(config, "workerinput"):
        config.stash[SECTION] = Covered()
        config.stash[sections.COVERAGE] = config.stash[SECTION].as_dict
        sections.add(config, config.stash[SECTION])


@pytest.fixture(scope="session")
def as_written(
    pytestconfig: pytest.Config, database: Database, request: pytest.FixtureRequest
) -> Iterator[Database]:
    """A database whose functions are as the migrations wrote them."""
    if not pytestconfig.getoption(OPTION):
        yield database
        return
    scratch: Scratch = request.getfixturevalue("scratch")
    with scratch.cloned(request.getfixturevalue("template"), "as_written") as made:
        yield made


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Put probes into this process's own database, before anybody else sees it."""
    made: Any = yield
    config = request.config
    if fixturedef.argname == FIXTURE and config.getoption(OPTION) and PROBED not in config.stash:
        from conformance.engine.database import probes
        from conformance.engine.database.session import Session

        with Session(made.conninfo) as session:
            config.stash[PROBED] = made, probes.place(session)
    return made


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Read what was reached, while the database is still there, and tell who sums it up."""
    config = session.config
    if PROBED not in config.stash:
        return
    from conformance.engine.database import probes
    from conformance.engine.database.session import Session

    database, placed = config.stash[PROBED]
    with Session(database.conninfo) as owner:
        reached = probes.reached(owner)
    told = {
        "placed": {name: tuple(probe) for name, probe in placed.placed.items()},
        "without": placed.without,
        "reached": reached,
    }
    if SECTION in config.stash:
        config.stash[SECTION].add(told)
    else:
        config.workeroutput["sql_coverage"] = told  # type: ignore[attr-defined] # of pytest-xdist


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add what a worker has reached."""
    told = getattr(node, "workeroutput", {}).get("sql_coverage")
    if told and SECTION in node.config.stash:
        node.config.stash[SECTION].add(told)
