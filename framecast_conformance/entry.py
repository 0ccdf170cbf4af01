"""Entry point for pytest: loads the suite's plugin for runs of the suite, and for no others.

Every run of pytest where the package is installed imports this module: it imports nothing of the
suite, and registers no option, before a run names the suite or an option of its own.

The packages `conformance` and `strategies` may have namesakes, in the folder where pytest is called
or installed. In a run of the suite, ours are meant.
"""

from __future__ import annotations

import sys
from copy import copy
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from framecast_conformance import early, refused
from framecast_conformance.installed import HOME, PACKAGES, SUITE, has_namesake

if TYPE_CHECKING:
    import argparse
    from collections.abc import Generator, Iterable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

PLUGIN = "conformance.plugin"
# Other options of the suite have names that other plugins may have, too.
OWN_OPTIONS = ("--migrations", "--conformance-")

if any(SUITE.name in word for word in sys.argv):  # what is imported from here on takes seconds
    early.end_at_once(refused.remove)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """See to the reports of a run that pytest refuses."""
    refused.watch(pluginmanager)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, object, object]:
    """Load the plugin, if the run needs it and has not named it.

    Raises:
        UsageError: Namesakes of the suite's packages, or of its options, are loaded already, or a
            conftest has such options; or an option of the suite's is given for other tests, beside
            such packages.
    """
    try:
        _load(early_config, parser, args)
    finally:
        early.restore()
    try:
        return (yield)
    except ValueError as error:  # as pytest says of an option that there is
        if not (early_config.pluginmanager.hasplugin(PLUGIN) and "already" in str(error)):
            raise
        message = f"a conftest of yours adds options that the suite has: {error}: "
        message += "run framecast-conformance test, which reads no conftest"
        raise pytest.UsageError(message) from None


def _load(early_config: pytest.Config, parser: pytest.Parser, args: list[str]) -> None:
    manager, known = early_config.pluginmanager, early_config.known_args_namespace
    if manager.hasplugin(PLUGIN):
        return
    if PLUGIN in known.plugins:  # a worker of pytest-xdist, which pytest loads it for later
        _prefer_installed()
        return
    asked = known.file_or_dir or early_config.getini("testpaths")
    _, unknown = parser.parse_known_and_unknown_args(args, namespace=copy(early_config.option))
    named = _names_suite(asked, early_config.invocation_params.dir, pyargs=known.pyargs)
    own = [each for each in unknown if each.startswith(OWN_OPTIONS)]
    if not named and not own:
        return
    mentioned = known.pyargs and any(map(_is_name, asked))
    if not named and not mentioned and has_namesake(early_config.invocation_params.dir):
        _expect_none([each for each in own if each.startswith(OWN_OPTIONS[1])])
        return
    _prefer_installed()
    try:
        manager.import_plugin(PLUGIN)
    except ValueError as error:  # as pytest says of an option that there is
        message = f"{PLUGIN}: {error}: leave the other plugin out by -p no:NAME"
        raise pytest.UsageError(message) from None
    args[:0] = ["-p", PLUGIN]  # which workers are told
    early_config.known_args_namespace = _again(early_config, parser, args, known)
    import_module(PLUGIN).pytest_load_initial_conftests(early_config, args)


def _expect_none(options: Sequence[str]) -> None:
    """Refuse options that are the suite's and nobody else's."""
    if options:
        option = options[0].partition("=")[0]
        message = f"{option} is of the suite, and this run of other tests: framecast-conformance "
        message += "test proves the schema, and pytest --pyargs conformance does"
        raise pytest.UsageError(message)


def _again(
    config: pytest.Config, parser: pytest.Parser, args: list[str], before: argparse.Namespace
) -> argparse.Namespace:
    """Return what is known of the arguments, now that there are more options."""
    known = parser.parse_known_args(args, namespace=copy(config.option))
    known.confcutdir = before.confcutdir
    return known


def _names_suite(asked: Iterable[str], directory: Path, *, pyargs: bool) -> bool:
    """Return whether a run asks for the suite, or for tests of it, by a path or by its name."""
    for each in asked:
        name = each.split("::", maxsplit=1)[0]
        if pyargs and _is_name(each) and _is_found():
            return True
        if Path(directory, name).resolve().is_relative_to(SUITE):
            return True
    return False


def _is_name(asked: str) -> bool:
    """Return whether a test is asked for by the suite's name, or by a module's of that name."""
    return asked.split("::", maxsplit=1)[0].split(".", maxsplit=1)[0] == SUITE.name


def _is_found() -> bool:
    """Return whether Python finds nothing else than the suite under its name."""
    spec = find_spec(SUITE.name)
    return spec is None or spec.origin == str(SUITE / "__init__.py")


class _Installed:
    """Finder of the installed packages; their modules are imported without pytest's rewriting.

    Pytest rewrites the assertions of all modules of a package that brings a plugin, which takes
    seconds where bytecode is not kept. Those of the suite's tests have to be.
    """

    @classmethod
    def find_spec(
        cls, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a module of ours is; None for others, and for modules of tests."""
        first, _, rest = name.partition(".")
        if first not in PACKAGES or rest.startswith("test_"):
            return None
        return PathFinder.find_spec(name, path if rest else [str(HOME)], target)


def _prefer_installed() -> None:
    for name in PACKAGES:
        there = sys.modules.get(name)
        if there is not None and not Path(there.__file__ or "").is_relative_to(HOME / name):
            message = f"another package {name} is imported already: run framecast-conformance test"
            raise pytest.UsageError(message)
    if _Installed not in sys.meta_path:
        sys.meta_path.insert(0, _Installed)
