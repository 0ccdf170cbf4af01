"""Examples of a strategy, always the same ones, drawn once for all mutants of a process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from hypothesis import HealthCheck, Phase, given, seed, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from hypothesis.strategies import SearchStrategy

    from conformance.engine.database.sandbox import Sandbox

T = TypeVar("T")
# Nothing that was found before, nothing by chance, and nothing after the first failure.
GENERATE = settings(
    database=None,
    deadline=None,
    derandomize=False,
    phases=(Phase.generate,),
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
_known: dict[Hashable, list[Any]] = {}
_of_sandboxes: WeakKeyDictionary[Sandbox, dict[Hashable, list[Any]]] = WeakKeyDictionary()


def drawn(key: Hashable, strategy: Callable[[], SearchStrategy[T]], count: int) -> list[T]:
    """Return at most so many examples; fewer where the strategy has no more."""
    if key not in _known:
        _known[key] = _draw(strategy(), count, repr(key))
    return _known[key]


def of_sandbox(
    sandbox: Sandbox, key: Hashable, strategy: Callable[[], SearchStrategy[T]], count: int
) -> list[T]:
    """Return the same of a strategy that is made of what a sandbox has, for that one alone."""
    known = _of_sandboxes.setdefault(sandbox, {})
    if key not in known:
        known[key] = _draw(strategy(), count, repr(key))
    return known[key]


def _draw(strategy: SearchStrategy[T], count: int, name: str) -> list[T]:
    examples: list[T] = []

    # Otherwise all paths that share a strategy would draw the same.
    @seed(name)
    @settings(GENERATE, max_examples=count)
    @given(strategy)
    def note(example: T) -> None:
        examples.append(example)

    note()
    return examples
