"""The domain of this process: which one it is, and views of it.

A process tries one domain. It is loaded when something first asks for it, by the name of its
module, so that nothing of the engine imports a domain. Processes that this one starts have it too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from conformance.engine.domain.domain import Domain

if TYPE_CHECKING:
    from collections.abc import Callable, ItemsView, KeysView, ValuesView

    from conformance.engine.domain.conventions import Conventions
    from conformance.engine.kinds.rule import Rule

OPTION: Final = "--domain"
VARIABLE: Final = "CONFORMANCE_DOMAIN"
DEFAULT: Final = "conformance.framecast.domain"
ATTRIBUTE: Final = "DOMAIN"

V = TypeVar("V")


class UnknownDomainError(ValueError):
    """A name that is no domain's; its text is one message, ready for a user."""


def choose(name: str, folder: Path | None = None) -> None:
    """Let this process try the domain of a module; look for that in a folder, too.

    Raises:
        UnknownDomainError: There is no such module, or it holds no domain.
    """
    os.environ[VARIABLE] = name
    if folder is not None:
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
        # Workers and processes that a command starts have to find it as well.
        before = [each for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each]
        if str(folder) not in before:
            os.environ["PYTHONPATH"] = os.pathsep.join((*before, str(folder)))
    _load.cache_clear()
    domain()


def is_chosen() -> bool:
    """Return whether a domain was named; else nothing needs to load one to learn its folder."""
    return bool(os.environ.get(VARIABLE))


def domain() -> Domain:
    """Return the domain of this process; raises as `choose`."""
    return _load(os.environ.get(VARIABLE) or DEFAULT)


def conventions() -> Conventions:
    """Return how the schema of this process's domain is written."""
    return domain().conventions


def domain_folders() -> tuple[Path, ...]:
    """Return the folders of the packages that hold the domain's own code and data."""
    packages = map(import_module, domain().packages)
    return tuple(Path(str(package.__file__)).parent for package in packages)


@cache
def _load(name: str) -> Domain:
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        message = (
            f"{OPTION} {name}: there is no module {error.name} in the folder of the command"
            " or in Python's path"
        )
        raise UnknownDomainError(message) from None
    found = getattr(module, ATTRIBUTE, None)
    if not isinstance(found, Domain):
        message = f"{OPTION} {name}: {module.__file__} defines no {ATTRIBUTE} of class Domain"
        raise UnknownDomainError(message)
    return found


class _View(Mapping[str, V]):
    """A part of the domain of this process, whichever that is by the time of a question."""

    def __init__(self, part: Callable[[Domain], Mapping[str, V]]) -> None:
        self._part = part

    def __getitem__(self, key: str) -> V:
        return self._part(domain())[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._part(domain()))

    def __len__(self) -> int:
        return len(self._part(domain()))

    # The domain is looked up once for all of them, where a Mapping would do so for each.
    def keys(self) -> KeysView[str]:
        return self._part(domain()).keys()

    def values(self) -> ValuesView[V]:
        return self._part(domain()).values()

    def items(self) -> ItemsView[str, V]:
        return self._part(domain()).items()


RULES: Final[Mapping[str, Rule]] = _View(lambda each: each.rules)
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = _View(lambda each: each.columns)
DERIVED: Final[Mapping[str, tuple[str, ...]]] = _View(lambda each: each.derived)
