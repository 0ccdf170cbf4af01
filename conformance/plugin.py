"""The pytest plugin: options, header and fixtures of a run against a PostgreSQL server."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance.engine.pytest_plugin.imports import unrewritten
from framecast_conformance import early, refused

# A worker is started by a line of Python; what it starts inherits its variable.
if "PYTEST_XDIST_WORKER" not in os.environ or sys.argv[0] != "-c":
    early.end_at_once(refused.remove)

with unrewritten():
    from hypothesis import settings
    from hypothesis.errors import InvalidArgument

from conformance.engine.arguments import HELP
from conformance.engine.deployment.migrations import MigrationError, below
from conformance.engine.domain import chosen
from conformance.engine.domain.chosen import UnknownDomainError, domain
from conformance.engine.postgres import ProvisionError, Request, Server
from conformance.engine.postgres.folders import is_writable
from conformance.engine.postgres.request import SETTINGS
from conformance.engine.pytest_plugin import profiles, terminated, workers
from conformance.engine.pytest_plugin.environment import Environment
from conformance.engine.pytest_plugin.keys import ENVIRONMENT, LOOKS_ONLY, SEED, SHOWN, runs_tests

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from conformance.engine.postgres.scratch import Database, Scratch, Template

NEEDS_TEMPLATE = {"template", "database"}
NEEDS_SERVER = {"server", "scratch"}
COMMAND = " test"  # ends what `framecast-conformance test` has pytest called by
OPTIMIZED = (
    "the suite's tests are assertions, which PYTHONOPTIMIZE and python -O leave out: run without"
)

# Further plugins of the suite, by the names of their modules.
pytest_plugins = (
    "conformance.engine.pytest_plugin.role",
    "conformance.engine.pytest_plugin.replay",
    "conformance.engine.pytest_plugin.proof",
    "conformance.engine.pytest_plugin.changed",
    "conformance.engine.pytest_plugin.keywords",
    "conformance.engine.pytest_plugin.limits",
    "conformance.engine.pytest_plugin.progress",
    "conformance.engine.pytest_plugin.live",
    "conformance.engine.pytest_plugin.examples",
    "conformance.engine.pytest_plugin.fixtures",
    "conformance.engine.pytest_plugin.findings",
    "conformance.engine.pytest_plugin.verdicts",
    "conformance.engine.pytest_plugin.derived_machines",
    "conformance.framecast.recorders.hostile",
    "conformance.framecast.recorders.machines",
    "conformance.framecast.recorders.races",
    "conformance.engine.pytest_plugin.sql_coverage",
    "conformance.engine.pytest_plugin.regressions",
)

profiles.register()


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """See to the reports of a run that pytest refuses."""
    refused.watch(pluginmanager)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the options that name a server and a schema."""
    if sys.argv[0].endswith(COMMAND):  # a mistyped option is one of that program
        parser.prog = sys.argv[0]
    group = parser.getgroup("conformance", "PostgreSQL and the schema under test")
    for attribute, flag, variable in SETTINGS:
        metavar, text = HELP[attribute]
        group.addoption(flag, dest=_dest(attribute), metavar=metavar, help=f"{text} ({variable})")
    group.addoption(
        "--migrations",
        metavar="DIR",
        help="put this schema under test: all its *.sql files in name order "
        "(CONFORMANCE_MIGRATIONS; default: migrations)",
    )
    group.addoption(
        chosen.OPTION,
        metavar="MODULE",
        help="try the rules of the domain that this module defines as DOMAIN "
        f"({chosen.VARIABLE}; default: {chosen.DEFAULT})",
    )
    group.addoption(
        "--rule",
        metavar="RULE",
        action="append",
        default=[],
        help="only what is about this rule, such as INV-T2; may be given several times",
    )


def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    """Spread a run of the whole suite over the cores, where pytest-xdist is there to do it.

    A server that such a run will surely need starts now, while pytest makes itself ready; a worker
    is told of it later, and brings none.
    """
    if not __debug__:
        raise pytest.UsageError(OPTIMIZED)
    early.restore()
    terminated.listen(early_config, worker=workers.is_one())
    options, directory = early_config.known_args_namespace, early_config.invocation_params.dir
    if options.domain:
        with _one_message():
            chosen.choose(options.domain, directory)
    _select(early_config, args)  # a worker, too, begins with what the user has given
    if early_config.pluginmanager.hasplugin("xdist"):
        args[:0] = workers.arguments(options, directory)
    pyargs = bool(getattr(options, "pyargs", False))
    named = workers.names_suite(options.file_or_dir, directory, pyargs=pyargs)
    if named and not workers.is_one():
        environment = _environment(early_config, options)
        if not any(getattr(options, name, False) for name in LOOKS_ONLY):
            environment.begin()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Refuse a profile or seed that there is not; register the marker of tests that draw.

    By now whoever registers further profiles has done so.
    """
    profile = config.getoption("hypothesis_profile", None)
    try:
        settings.get_profile(profile or "default")
    except InvalidArgument:
        known = ", ".join(profiles.EXAMPLES)
        message = f"--hypothesis-profile: there is no {profile!r}: name one of {known}"
        raise pytest.UsageError(message) from None
    seed = config.getoption("hypothesis_seed", None)
    try:
        _ = None if seed is None else profiles.seed_of(seed)
    except ValueError:
        message = f"--hypothesis-seed: {seed!r} is no whole number"
        raise pytest.UsageError(message) from None
    config.addinivalue_line("markers", "drawn: what the test tries depends on the run's seed")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Read what was asked for; where the server is surely needed, start it in the background.

    By now nobody adds a filter of warnings: that pytest can keep no cache here is none.
    """
    config = session.config
    caches = config.pluginmanager.hasplugin("cacheprovider")
    if caches and not is_writable(config.rootpath / config.getini("cache_dir")):
        config.addinivalue_line("filterwarnings", "ignore::pytest.PytestCacheWarning")
    environment = _environment(config, config.option)
    told: dict[str, Any] = getattr(config, "workerinput", {})
    given = told.get("seed", config.getoption("hypothesis_seed", None))
    config.stash[SEED] = profiles.new_seed() if given is None else profiles.seed_of(given)
    if told:
        environment.join(told["environment"], told["workerid"])
        pyargs = bool(config.getoption("pyargs", default=False))
        if workers.names_suite(config.args, config.invocation_params.dir, pyargs=pyargs):
            environment.prepare()
    elif runs_tests(config) and _distributes(config):
        environment.begin()
    _changed(config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where the server is."""
    environment = node.config.stash[ENVIRONMENT]
    with _one_message():
        node.workerinput.update(environment=environment.handover(), seed=node.config.stash[SEED])


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say what the run stands on."""
    environment = config.stash[ENVIRONMENT]
    profile = settings.get_current_profile_name()
    seed = config.stash[SEED]
    lines = [
        f"psycopg {version('psycopg')}, hypothesis {version('hypothesis')}",
        f"profile {profile}, {settings().max_examples} examples, --hypothesis-seed={seed}",
        f"migrations: {environment.migrations}",
        *below(environment.migrations),
    ]
    if chosen.is_chosen():
        lines.append(f"domain: {domain().name}, of {os.environ[chosen.VARIABLE]}")
    lines += _changed(config)
    config.stash[SHOWN] = environment.begun
    return [_server_line(environment), *lines] if environment.begun else lines


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out the files of the suite that have nothing to try of the domain, and its packages."""
    if collection_path.parent != workers.SUITE:
        return None
    other = collection_path.stem.startswith("test_") and collection_path.stem not in domain().suite
    return True if other or not collection_path.suffix else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests in order."""
    items.sort(key=lambda item: workers.place(item.path))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Give a Hypothesis test a seed of its own, made from the one that the header shows."""
    if not settings().derandomize:
        profiles.sow(item, item.config.stash[SEED])


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Wait for the server if a test that will run asks for it, and end here if there is none."""
    gc.freeze()  # all that was loaded stays: to look through it for garbage is a share of a run
    names = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    environment = session.config.stash[ENVIRONMENT]
    if runs_tests(session.config):
        with _one_message():
            if names & NEEDS_TEMPLATE:
                environment.template()
            elif names & NEEDS_SERVER:
                environment.server()


def pytest_report_collectionfinish(config: pytest.Config) -> str | None:
    """Say what the server is where the header was too early for that."""
    environment = config.stash[ENVIRONMENT]
    late = environment.begun and not config.stash.get(SHOWN, True)
    return _server_line(environment) if late else None


@pytest.fixture(scope="session")
def server(pytestconfig: pytest.Config) -> Server:
    """The server under test."""
    return pytestconfig.stash[ENVIRONMENT].server()


@pytest.fixture(scope="session")
def scratch(pytestconfig: pytest.Config) -> Scratch:
    """Makes templates and further databases on the server."""
    return pytestconfig.stash[ENVIRONMENT].scratch()


@pytest.fixture(scope="session")
def template(pytestconfig: pytest.Config) -> Template:
    """The sealed database with the migrations under test."""
    return pytestconfig.stash[ENVIRONMENT].template()


@pytest.fixture(scope="session")
def database(pytestconfig: pytest.Config) -> Database:
    """This worker's own database with the migrations under test."""
    return pytestconfig.stash[ENVIRONMENT].database()


@pytest.fixture
def own_seed(request: pytest.FixtureRequest) -> int:
    """The test's own seed, made from the one that the header shows."""
    return profiles.seed_of_test(request.config.stash[SEED], request.node)


def _changed(config: pytest.Config) -> list[str]:
    """Return what the header says of changes; by now pytest has imported the plugin."""
    from conformance.engine.pytest_plugin import changed  # noqa: PLC0415 - as said

    return changed.begin(config, config.stash[ENVIRONMENT])


@contextmanager
def _one_message() -> Iterator[None]:
    """End the run with the message of an error that is the user's to mend."""
    try:
        yield
    except (ProvisionError, MigrationError, UnknownDomainError) as error:
        raise pytest.UsageError(str(error)) from error


def _environment(config: pytest.Config, options: argparse.Namespace) -> Environment:
    """Return what the run stands on, as its options say; nothing of it is started yet."""
    if ENVIRONMENT not in config.stash:
        named = {each: getattr(options, _dest(each)) for each, _, _ in SETTINGS}
        with _one_message():
            request = Request.read(named, os.environ)
        config.stash[ENVIRONMENT] = Environment(request, _migrations(config, options))
        config.add_cleanup(config.stash[ENVIRONMENT].close)
    return config.stash[ENVIRONMENT]


def _select(config: pytest.Config, args: list[str]) -> None:
    """Let `-k` say what it was given and what `--rule` was."""
    # By now pytest has imported the plugin.
    from conformance.engine.pytest_plugin import keywords  # noqa: PLC0415 - as said

    options = config.known_args_namespace
    config.stash[keywords.GIVEN] = options.keyword
    keyword = keywords.expression(options.keyword, options.rule)
    if keyword != options.keyword:
        options.keyword = keyword
        args += ["-k", keyword]


def _dest(attribute: str) -> str:
    return f"conformance_{attribute}"


def _migrations(config: pytest.Config, options: argparse.Namespace) -> Path:
    named = options.migrations or os.environ.get("CONFORMANCE_MIGRATIONS")
    if named:
        return Path(config.invocation_params.dir, named)
    return domain().migrations or config.rootpath / "migrations"


def _distributes(config: pytest.Config) -> bool:
    return str(config.getoption("dist", default="no")) != "no"


def _server_line(environment: Environment) -> str:
    with _one_message():
        return f"server: {environment.server().origin}"
