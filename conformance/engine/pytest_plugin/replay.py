"""The command that runs a test again as this run did: printed beside what it found.

It names all that decides what the test sees: the schema, the server, the role, the profile and the
seed. What stays in the reader's shell, such as the address of a server in a variable, is left
there, and so is a password, wherever it was given.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from conformance.engine.domain import chosen
from conformance.engine.postgres.request import SETTINGS
from conformance.engine.postgres.surroundings import without_password
from conformance.engine.pytest_plugin import role
from conformance.engine.pytest_plugin.keys import ENVIRONMENT, PLUGIN, SEED

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = pytest.StashKey[tuple[str, ...]]()
TOLD = "replay"  # what a worker is told the program by
# Its module is imported after this one, which reports use.
REGRESSIONS = "--conformance-corpus"
ENTRY = "framecast-conformance"  # of pyproject.toml
SCRIPTS = ("pytest", "py.test")
SURROUNDINGS = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")


def pytest_configure(config: pytest.Config) -> None:
    """Note how pytest was called; a worker is told, as it was called by another."""
    told: dict[str, Any] = getattr(config, "workerinput", {})
    config.stash[PROGRAM] = tuple(told[TOLD]) if TOLD in told else _program()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist how pytest was called."""
    node.workerinput[TOLD] = list(node.config.stash[PROGRAM])


def command(item: pytest.Item) -> str:
    """Return the command, for a shell in the folder where this run was started."""
    config = item.config
    environment = config.stash[ENVIRONMENT]
    test = item.nodeid.partition("::")[2]
    words = [*config.stash[PROGRAM], f"{_shown(item.path, config)}::{test}"]
    words.append(f"--hypothesis-seed={config.stash[SEED]}")
    profile = settings.get_current_profile_name()
    if profile != "default":
        words.append(f"--hypothesis-profile={profile}")
    words += [f"--migrations={_shown(environment.migrations, config)}", *server(config)]
    words += [f"{option}={value}" for option, value in others(config)]
    if config.pluginmanager.hasplugin("xdist"):
        words += ["-n", "0"]
    if not _is_configured(config):
        words += ["-p", PLUGIN]
    return shlex.join(words)


def _program() -> tuple[str, ...]:
    """Return what pytest was called by: its script, or else this Python."""
    script = Path(sys.argv[0])
    if script.name not in SCRIPTS:
        return (sys.executable, "-m", "pytest")
    found = shutil.which(script.name)
    return (script.name if found and Path(found).resolve() == script.resolve() else str(script),)


def _shown(path: Path, config: pytest.Config) -> str:
    """Return a path as seen from where pytest was called, or whole where it is not below."""
    here, whole = config.invocation_params.dir.resolve(), path.resolve()
    return str(whole.relative_to(here)) if whole.is_relative_to(here) else str(whole)


def server(config: pytest.Config) -> Iterator[str]:
    """Return the options that name the server; an address in a variable is in it the next time."""
    request = config.stash[ENVIRONMENT].request
    for attribute, option, variable in SETTINGS:
        value = getattr(request, attribute)
        if value is None:
            continue
        if attribute != "database_url":
            yield f"{option}={value}"
        elif not os.environ.get(variable) or config.getoption(f"conformance_{attribute}"):
            yield f"{option}={without_password(str(value))}"


def others(config: pytest.Config) -> Iterator[tuple[str, str]]:
    """Return further options that decide what a test sees, with their values."""
    if config.getoption(chosen.OPTION):
        yield chosen.OPTION, config.getoption(chosen.OPTION)
    named = config.getoption(role.OPTION) or os.environ.get(role.VARIABLE)
    if named:
        yield role.OPTION, named
    if config.getoption(REGRESSIONS):
        yield REGRESSIONS, config.getoption(REGRESSIONS)
    if config.getoption("inifilename", default=None):
        yield "--config-file", str(config.getoption("inifilename"))
    if config.getoption("rootdir", default=None):
        yield "--rootdir", str(config.getoption("rootdir"))
    if config.getoption("confcutdir", default=None):
        yield "--confcutdir", str(config.getoption("confcutdir"))


def _is_configured(config: pytest.Config) -> bool:
    """Return whether the plugin is loaded without being named."""
    if config.pluginmanager.hasplugin(ENTRY):  # which loads it for a run of the suite
        return True
    given = [*config.getini("addopts"), *map(os.environ.get, SURROUNDINGS)]
    return any(each and PLUGIN in each for each in given)
